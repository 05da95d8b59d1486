//! lat-collect: streams of records in, a run directory out.
//!
//! In the order of reading: `input` reads each stream in a thread and packs records into a `batch`;
//! `collect` is the one thread that counts; `streams` puts all clocks on one; `group` holds the
//! figures of a scenario or type, `series` those of a second, `errors` the failures; `ledger` joins
//! what was sent with what arrived; `verdict` judges the senders; `out_dir` writes, `report` says it
//! in words.

pub mod cli;

mod batch;
mod collect;
mod errors;
mod group;
mod input;
mod ledger;
mod names;
mod out_dir;
mod report;
mod series;
mod streams;
mod verdict;

use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use ce_cli::{Exit, Interrupt, Progress, say};

use crate::cli::Cli;
use crate::collect::Collector;
use crate::out_dir::OutDir;

const TOOL: &str = "lat-collect";

/// Collects the streams into a run directory.
///
/// The first Ctrl-C does not end it: it reaches the senders too, and their last records are still to
/// come. The second does.
pub fn run(cli: &Cli) -> anyhow::Result<Exit> {
    let _first_is_for_the_senders = Interrupt::install()?;
    let news = input::start(&cli.records, cli.skip_bad_lines)?;
    let mut collector = Collector::new(&cli.records, OutDir::create(&cli.out)?)?;
    let mut progress = Progress::new(TOOL);
    while !collector.is_over() {
        match news.recv_timeout(Duration::from_millis(100)) {
            Ok((stream, news)) => collector.take(stream, news)?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if progress.is_due() {
            progress.show(&collector.progress());
        }
    }
    progress.clear();
    let collector = match collector.discard_if_empty()? {
        Ok(collector) => collector,
        Err(reasons) => {
            say(TOOL, &format!("nothing to collect: {}", reasons.join("; ")));
            return Ok(Exit::NoVerdict);
        }
    };
    let collected = collector.finish(env!("CARGO_PKG_VERSION"))?;
    say(TOOL, &report::text(&collected));
    match collected.failure {
        Some(failure) => Err(failure),
        None if collected.run.complete => Ok(Exit::Yes),
        None => Ok(Exit::NoVerdict),
    }
}
