//! From the `start` record to the `end` record: what receiving over any transport has in common.

use std::future::Future;
use std::sync::{Arc, mpsc};
use std::thread;

use anyhow::Context;
use ce_cli::{
    Anchor, Clock, DataOut, Exit, Interrupt, StdoutError, Usage, masked_args, process_usage, say,
};
use ce_record::{End, Record, Start, append};
use tokio::runtime::{Builder, LocalOptions, LocalRuntime};

use crate::cli::CommonArgs;
use crate::intake::{Intake, Outlet};
use crate::stop::{Stop, Why};
use crate::writer;

/// The name on stderr.
pub(crate) const TOOL: &str = "ce-sink";

/// One thread does all of the receiving: a sink has to be cheap, so that the load can be high.
pub(crate) fn runtime() -> anyhow::Result<LocalRuntime> {
    Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build_local(LocalOptions::default())
        .context("cannot start the runtime; is the limit of open files reached?")
}

/// Runs `serve` between the `start` and the `end` record, with a writer for its receipts.
///
/// What `serve` needs from outside, such as its port, is acquired before: a tool that cannot start
/// writes no record.
pub(crate) fn receive<F>(
    args: &CommonArgs,
    out: &mut DataOut,
    runtime: LocalRuntime,
    serve: impl FnOnce(Arc<Intake>) -> F,
) -> anyhow::Result<Exit>
where
    F: Future<Output = anyhow::Result<()>>,
{
    let stop = Stop::new();
    let on_signal = stop.clone();
    let interrupt = Interrupt::install().context("cannot listen for signals")?;
    interrupt.on_first(move || on_signal.ask(Why::Interrupted));

    let clock = write_start(args, out)?;
    let (sender, queue) = mpsc::channel();
    let room = Arc::new(writer::room());
    let (served, written) = thread::scope(|scope| {
        let writer = {
            let (out, room, stop) = (&mut *out, &room, &stop);
            scope.spawn(move || writer::write(out, &queue, room, stop))
        };
        let writer_thread = writer.thread().clone();
        let outlet = Outlet { queue: sender, room: Arc::clone(&room), writer: writer_thread };
        let intake = Arc::new(Intake::new(clock, stop.clone(), outlet, args));
        if let Some(limit) = args.idle_exit {
            let intake = Arc::clone(&intake);
            runtime.spawn_local(async move { intake.end_when_idle(limit).await });
        }
        let served = runtime.block_on(serve(Arc::clone(&intake)));
        // The writer ends when the last sender of its queue is gone, and tasks have one.
        drop(runtime);
        let summary = intake.counts().to_string();
        drop(intake);
        (served.map(|()| summary), writer.join().expect("the writer does not panic"))
    });

    let records = written?;
    write_end(out, &clock, records, stopped(&stop, served.is_err()))?;
    say(TOOL, &served?);
    Ok(Exit::Yes)
}

fn stopped(stop: &Stop, failed: bool) -> ce_record::Stop {
    match stop.why() {
        _ if failed => ce_record::Stop::Failed,
        Some(Why::Interrupted) => ce_record::Stop::Interrupted,
        _ => ce_record::Stop::Done,
    }
}

/// Written out at once: a reader sees that the sink is there, and a closed stdout shows.
fn write_start(args: &CommonArgs, out: &mut DataOut) -> Result<Clock, StdoutError> {
    let (clock, Anchor { wall_ns, monotonic_ns, boot_id }) = Clock::start();
    let start = Start {
        run: args.run.clone(),
        monotonic_start_ns: Some(monotonic_ns),
        boot_id,
        args: masked_args(),
        ..Start::new(TOOL, env!("CARGO_PKG_VERSION"), wall_ns)
    };
    append(out.buffer(), &Record::Start(Box::new(start)));
    out.flush()?;
    Ok(clock)
}

fn write_end(
    out: &mut DataOut,
    clock: &Clock,
    records: u64,
    stopped: ce_record::Stop,
) -> Result<(), StdoutError> {
    let Usage { cpu_ns, peak_rss_bytes } = process_usage();
    let end = End { cpu_ns, peak_rss_bytes, ..End::new(clock.now_ns(), stopped, records) };
    append(out.buffer(), &Record::End(Box::new(end)));
    out.flush()
}
