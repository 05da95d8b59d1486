//! lat-collect: streams of records in, a run directory out.
//!
//! In the order of reading: `input` reads each stream in a thread and packs records into a `batch`;
//! `inbox` hands them on in the order of the run's time; `collect` is the one thread that counts;
//! `streams` puts all clocks on one and knows each `plan`; `group` holds the figures of a scenario or
//! type, `series` those of a second, `errors` the failures; `ledger` joins what was sent with what arrived by its
//! `fingerprint`; `verdict` judges the senders; `out_dir` writes, `report` says it in words. `live`
//! shows the run while it goes on, in a terminal and through `serve` over HTTP. `hgrm` prints a
//! distribution of a run directory.

pub mod cli;

mod batch;
mod collect;
mod errors;
mod fingerprint;
mod group;
mod hgrm;
mod inbox;
mod input;
mod ledger;
mod live;
mod names;
mod out_dir;
mod plan;
mod report;
mod series;
mod serve;
mod span;
mod streams;
mod verdict;

use std::time::Duration;

use anyhow::Context;
use ce_cli::{DataOut, Exit, Interrupt, say};

use crate::cli::{Cli, Collect, Command};
use crate::collect::Collector;
use crate::inbox::Next;
use crate::live::Live;
use crate::out_dir::OutDir;

const TOOL: &str = "lat-collect";

/// Does what the command line says.
pub fn run(cli: &Cli, out: &mut DataOut) -> anyhow::Result<Exit> {
    match &cli.command {
        None => collect(&cli.collect),
        Some(Command::Hgrm(args)) => hgrm::run(args, out),
    }
}

/// Collects the streams into a run directory.
///
/// The first Ctrl-C does not end it: it reaches the senders too, and their last records are still to
/// come. The second does.
fn collect(cli: &Collect) -> anyhow::Result<Exit> {
    let out = cli.out.as_deref().context("no --out")?;
    let interrupt = Interrupt::install()?;
    let inbox = input::start(&cli.records, cli.skip_bad_lines)?;
    let mut live = Live::start(cli)?;
    let mut collector = Collector::new(&cli.records, OutDir::create(out)?)?;
    while !collector.is_over() {
        match inbox.next(Duration::from_millis(100)) {
            Next::News(stream, news) => collector.take(stream, news)?,
            Next::Nothing => {}
            Next::Over => break,
        }
        live.look(&collector);
    }
    live.look_last(&collector);
    let collector = match collector.discard_if_empty()? {
        Ok(collector) => collector,
        Err(reasons) => {
            say(TOOL, &format!("nothing to collect: {}", reasons.join("; ")));
            return Ok(Exit::NoVerdict);
        }
    };
    let collected = collector.finish(env!("CARGO_PKG_VERSION"))?;
    live.finish(&collected);
    say(TOOL, &report::text(&collected));
    live.linger(&interrupt);
    match collected.failure {
        Some(failure) => Err(failure),
        None if collected.run.complete => Ok(Exit::Yes),
        None => Ok(Exit::NoVerdict),
    }
}
