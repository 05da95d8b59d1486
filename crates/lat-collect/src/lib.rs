//! lat-collect: streams of records in, a run directory out.
//!
//! In the order of reading: `input` reads each stream in a thread and packs records into a `batch`;
//! `inbox` hands them on in the order of the run's time; `collect` is the one thread that counts;
//! `streams` puts all clocks on one and knows each `plan`; `group` holds the figures of a scenario or
//! type, `series` those of a second, `errors` the failures; `ledger` joins what was sent with what arrived by its
//! `fingerprint`; `verdict` judges the senders; `out_dir` writes, `report` says it in words. `live`
//! shows the run while it goes on, in a terminal and through `serve` over HTTP. `windows` tells it
//! to programs. `hgrm` prints a distribution of a run directory, and `merge` makes one of several.

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
mod lists;
mod live;
mod merge;
mod names;
mod out_dir;
mod plan;
mod report;
mod series;
mod serve;
mod smallest;
mod span;
mod streams;
mod timeline;
mod verdict;
mod windows;

use std::time::{Duration, Instant};

use anyhow::Context;
use ce_cli::{DataOut, Exit, Interrupt, say};

use crate::cli::{Cli, Collect, Command};
use crate::collect::Collector;
use crate::inbox::Next;
use crate::live::Live;
use crate::out_dir::OutDir;
use crate::windows::{Outlet, Windows};

const TOOL: &str = "lat-collect";
/// How long a stream with a plan waits for those that nothing was heard of: one of them may have begun
/// earlier, and would be zero of the run's clock.
const WAIT_FOR_OTHERS: Duration = Duration::from_secs(1);

/// Does what the command line says.
pub fn run(cli: &Cli, out: &mut DataOut) -> anyhow::Result<Exit> {
    match &cli.command {
        None => collect(&cli.collect),
        Some(Command::Hgrm(args)) => hgrm::run(args, out),
        Some(Command::Merge(args)) => merge::run(args),
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
    let windows = cli.windows.then(Outlet::to_stdout).transpose()?.map(Windows::new);
    let mut collector = Collector::new(&cli.records, OutDir::create(out)?, windows)?;
    let mut waiting_since = None;
    while !collector.is_over() {
        match inbox.next(Duration::from_millis(100)) {
            Next::News(stream, news) => collector.take(stream, news)?,
            Next::Nothing => {}
            Next::Over => break,
        }
        if collector.waits_for_others()
            && waiting_since.get_or_insert_with(Instant::now).elapsed() >= WAIT_FOR_OTHERS
        {
            collector.wait_no_longer()?;
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
