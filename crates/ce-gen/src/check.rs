//! `ce-gen check`: which lines are valid events.
//!
//! A finding is data, so it goes to stdout, one line for each bad event. Only the first mistake of
//! an event is told: with it mended, the next one shows.

use std::fmt;
use std::io::{BufRead, BufReader, Read};

use anyhow::Context;
use ce_cli::{DataOut, Exit, Interrupt, open_input, say};
use ce_event::{Event, EventError};
use ce_record::Place;

use crate::cli::Check;

/// Intermediaries have to forward events up to this size; larger ones may get lost on the way.
const PORTABLE_BYTES: usize = 64 * 1024;
/// A longer line is a finding, and is skipped without being held in memory.
const LINE_LIMIT: usize = 16 << 20;
/// Bytes read at a time.
const BLOCK: usize = 256 * 1024;

/// How many events were seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Totals {
    events: u64,
    invalid: u64,
    /// Valid, and larger than every platform has to take.
    large: u64,
}

/// What a line turned out to be.
enum Found {
    Valid,
    Large(usize),
    Invalid(String),
}

/// Checks all lines of the input.
pub fn run(cli: &Check, out: &mut DataOut) -> anyhow::Result<Exit> {
    // Ctrl-C reaches the whole pipe: the writer ends, and we read what it has written.
    let _interrupt = Interrupt::install().context("cannot watch for signals")?;
    let input = open_input(&cli.file)?;
    let mut bytes = BufReader::with_capacity(BLOCK, input.bytes);
    let mut place = Place { input: input.name, line: 0 };
    let mut line = Vec::new();
    let mut totals = Totals::default();
    loop {
        place.line += 1;
        line.clear();
        let read = Read::take(&mut bytes, LINE_LIMIT as u64 + 1).read_until(b'\n', &mut line);
        if read.with_context(|| format!("{place}: cannot read"))? == 0 {
            break;
        }
        let is_whole = line.ends_with(b"\n");
        let found = if line.len() > LINE_LIMIT {
            bytes.skip_until(b'\n').with_context(|| format!("{place}: cannot read"))?;
            Found::Invalid("the line is longer than 16 MiB; send large data by reference".into())
        } else {
            match line.trim_ascii() {
                [] => continue,
                event => judge(event, is_whole),
            }
        };
        report(&place, found, cli.strict, &mut totals, out)?;
    }
    // Whatever becomes of the findings, the totals come after them.
    out.flush()?;
    say("ce-gen", &format!("{}: {totals}", place.input));
    Ok(totals.exit())
}

fn judge(event: &[u8], is_whole: bool) -> Found {
    match Event::from_json(event) {
        Ok(_) if event.len() > PORTABLE_BYTES => Found::Large(event.len()),
        Ok(_) => Found::Valid,
        Err(err @ EventError::Json(_)) if !is_whole => Found::Invalid(format!(
            "{err}; the input ends in the middle of a line, so its writer was probably stopped"
        )),
        Err(err) => Found::Invalid(err.to_string()),
    }
}

fn report(
    place: &Place,
    found: Found,
    is_strict: bool,
    totals: &mut Totals,
    out: &mut DataOut,
) -> anyhow::Result<()> {
    totals.events += 1;
    let text = match found {
        Found::Valid => return Ok(()),
        Found::Invalid(text) => {
            totals.invalid += 1;
            text
        }
        Found::Large(bytes) => {
            let text = format!(
                "event of {bytes} bytes, and platforms need not forward more than \
                 {PORTABLE_BYTES}; send large data by reference"
            );
            *(if is_strict { &mut totals.invalid } else { &mut totals.large }) += 1;
            if is_strict { text } else { format!("warning: {text}") }
        }
    };
    out.write(format!("{place}: {text}\n").as_bytes())?;
    Ok(())
}

impl Totals {
    fn exit(self) -> Exit {
        match self {
            Self { events: 0, .. } => Exit::NoVerdict,
            Self { invalid: 0, .. } => Exit::Yes,
            _ => Exit::No,
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, invalid, large } = self;
        if *events == 0 {
            return f.write_str("no events; nothing was checked");
        }
        write!(f, "{events} events, {} valid, {invalid} invalid", events - invalid)?;
        if *large > 0 { write!(f, ", {large} larger than 64 KiB") } else { Ok(()) }
    }
}
