//! `ce-gen check`: which events are valid.
//!
//! A finding is data, so it goes to stdout, one line for each bad event. Only the first mistake of
//! an event is told: with it mended, the next one shows.

mod input;

use std::fmt;

use anyhow::Context;
use ce_cli::{DataOut, Exit, Interrupt, open_input, say};
use ce_event::{Event, EventError};
use ce_record::{Place, json_error};
use serde_json::value::RawValue;

use self::input::{Document, Input, Line, Lines};
use crate::cli::Check;

/// Intermediaries have to forward events up to this size; larger ones may get lost on the way.
const PORTABLE_BYTES: usize = 64 * 1024;

/// How many events were seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Totals {
    events: u64,
    invalid: u64,
    /// Valid, and larger than every platform has to take.
    large: u64,
    batches: u64,
}

/// A check under way.
struct Checker<'a> {
    /// Where the event stands that is looked at.
    place: Place,
    is_strict: bool,
    totals: Totals,
    out: &'a mut DataOut,
}

/// Checks all events of the input.
pub fn run(cli: &Check, out: &mut DataOut) -> anyhow::Result<Exit> {
    // Ctrl-C reaches the whole pipe: the writer ends, and we read what it has written.
    let _interrupt = Interrupt::install().context("cannot watch for signals")?;
    let input = open_input(&cli.file)?;
    let bytes = input::open(input.bytes).with_context(|| input.name.clone())?;
    let place = Place { input: input.name, line: 0 };
    let mut checker =
        Checker { place, is_strict: cli.strict, totals: Totals::default(), out: &mut *out };
    match bytes {
        Input::Lines(lines) => checker.lines(lines)?,
        Input::Document(document) => checker.document(&document)?,
    }
    let Checker { place, totals, .. } = checker;
    // Whatever becomes of the findings, the totals come after them.
    out.flush()?;
    say("ce-gen", &format!("{}: {totals}", place.input));
    Ok(totals.exit())
}

impl Checker<'_> {
    /// An event, or a batch of events, in each line.
    fn lines(&mut self, mut lines: Lines) -> anyhow::Result<()> {
        loop {
            self.place.line += 1;
            let line = lines.next().with_context(|| format!("{}: cannot read", self.place))?;
            let (line, is_whole) = match line {
                None => return Ok(()),
                Some(Line::TooLong) => {
                    self.invalid("the line is longer than 16 MiB; send large data by reference")?;
                    continue;
                }
                Some(Line::Whole(line)) => (line, true),
                Some(Line::CutShort(line)) => (line, false),
            };
            match line.first() {
                None => {}
                Some(b'[') => match serde_json::from_slice::<Vec<&RawValue>>(line) {
                    Ok(members) => {
                        let line = self.place.line;
                        self.batch(members, |_| line)?;
                    }
                    Err(err) => self.no_json(&err, is_whole)?,
                },
                Some(_) => self.event(line, None, is_whole)?,
            }
        }
    }

    /// Events and batches that are laid out over several lines, one after the other.
    fn document(&mut self, document: &Document) -> anyhow::Result<()> {
        let mut line_of = document.line_of();
        for value in document.values() {
            let value = match value {
                Ok(value) => value,
                Err(err) => {
                    self.place.line = err.line() as u64;
                    if !document.has_lines_after(err.line()) {
                        return self.no_json(&err, !err.is_eof());
                    }
                    let err = EventError::Json(json_error(&err));
                    return self.invalid(&format!("{err}; what follows it was not checked"));
                }
            };
            self.place.line = line_of(value);
            if value.get().starts_with('[') {
                let members = serde_json::from_str(value.get()).context("it was read before")?;
                self.batch(members, &mut line_of)?;
            } else {
                self.event(value.get().as_bytes(), None, true)?;
            }
        }
        Ok(())
    }

    /// All members of a batch; an empty one is valid, too.
    fn batch(
        &mut self,
        members: Vec<&RawValue>,
        mut line_of: impl FnMut(&RawValue) -> u64,
    ) -> anyhow::Result<()> {
        self.totals.batches += 1;
        for (index, member) in members.into_iter().enumerate() {
            self.place.line = line_of(member);
            self.event(member.get().as_bytes(), Some(index), true)?;
        }
        Ok(())
    }

    /// One event; `index` is its position in a batch.
    fn event(&mut self, event: &[u8], index: Option<usize>, is_whole: bool) -> anyhow::Result<()> {
        let in_batch =
            index.map_or_else(String::new, |index| format!("event {index} of the batch: "));
        match Event::from_json(event) {
            Ok(_) if event.len() > PORTABLE_BYTES => self.large(&in_batch, event.len()),
            Ok(_) => {
                self.totals.events += 1;
                Ok(())
            }
            Err(err @ EventError::Json(_)) if !is_whole => self.cut_short(&err),
            Err(err) => self.invalid(&format!("{in_batch}{err}")),
        }
    }

    fn no_json(&mut self, err: &serde_json::Error, is_whole: bool) -> anyhow::Result<()> {
        let err = EventError::Json(json_error(err));
        if is_whole { self.invalid(&err.to_string()) } else { self.cut_short(&err) }
    }

    fn cut_short(&mut self, err: &EventError) -> anyhow::Result<()> {
        let why = "the input ends in the middle of an event, so its writer was probably stopped";
        self.invalid(&format!("{err}; {why}"))
    }

    fn large(&mut self, in_batch: &str, bytes: usize) -> anyhow::Result<()> {
        let text = format!(
            "{in_batch}event of {bytes} bytes, and platforms need not forward more than \
             {PORTABLE_BYTES}; send large data by reference"
        );
        if self.is_strict {
            return self.invalid(&text);
        }
        self.totals.events += 1;
        self.totals.large += 1;
        self.tell(&format!("warning: {text}"))
    }

    fn invalid(&mut self, text: &str) -> anyhow::Result<()> {
        self.totals.events += 1;
        self.totals.invalid += 1;
        self.tell(text)
    }

    fn tell(&mut self, text: &str) -> anyhow::Result<()> {
        Ok(self.out.write(format!("{}: {text}\n", self.place).as_bytes())?)
    }
}

impl Totals {
    fn exit(self) -> Exit {
        match self {
            Self { events: 0, batches: 0, .. } => Exit::NoVerdict,
            Self { invalid: 0, .. } => Exit::Yes,
            _ => Exit::No,
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, invalid, large, batches } = self;
        if *events == 0 && *batches == 0 {
            return f.write_str("no events; nothing was checked");
        }
        write!(f, "{events} events, {} valid, {invalid} invalid", events - invalid)?;
        if *large > 0 {
            write!(f, ", {large} larger than 64 KiB")?;
        }
        match batches {
            0 => Ok(()),
            1 => f.write_str(", in 1 batch"),
            _ => write!(f, ", in {batches} batches"),
        }
    }
}
