//! Where windows leave: a thread writes them to stdout, because whoever reads there must not hold up
//! the collector, and through it the senders.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;
use ce_cli::{DataOut, StdoutError, Usage, masked_args, process_usage};
use ce_record::totals::Zero;
use ce_record::{End, Record, Start, Stop, append};

use crate::TOOL;

/// Windows that may wait for a reader; beyond them they are dropped, and counted.
const QUEUE: usize = 4096;
/// How long a reader that takes nothing is waited for at the end.
const PATIENCE: Duration = Duration::from_secs(10);

/// The way to stdout.
#[derive(Debug)]
pub(crate) struct Outlet {
    queue: SyncSender<Vec<u8>>,
    /// What the writing thread says when it is through.
    done: Receiver<Result<(), StdoutError>>,
    written: u64,
    dropped: u64,
    #[cfg(test)]
    memory: Option<Receiver<Vec<u8>>>,
}

impl Outlet {
    /// Starts the thread that writes.
    pub(crate) fn to_stdout() -> std::io::Result<Self> {
        let (queue, lines) = mpsc::sync_channel::<Vec<u8>>(QUEUE);
        let (tell, done) = mpsc::channel();
        thread::Builder::new().name("windows".into()).spawn(move || {
            let mut out = DataOut::stdout();
            let result = lines.iter().try_for_each(|line| {
                out.write(&line)?;
                out.flush()
            });
            // Nobody may be waiting for it.
            let _ = tell.send(result);
        })?;
        Ok(Self {
            queue,
            done,
            written: 0,
            dropped: 0,
            #[cfg(test)]
            memory: None,
        })
    }

    /// Opens the stream.
    pub(crate) fn open(&mut self, start: Start) {
        self.leave(&Record::Start(Box::new(start)));
    }

    /// Writes a window, sooner or later.
    pub(crate) fn write(&mut self, window: &Record<'_>) {
        if self.leave(window) {
            self.written += 1;
        } else {
            self.dropped += 1;
        }
    }

    /// Whether there was room for it. A reader that has left takes everything.
    fn leave(&self, record: &Record<'_>) -> bool {
        !matches!(self.queue.try_send(line(record)), Err(TrySendError::Full(_)))
    }

    /// Closes the stream and waits until it is out.
    pub(crate) fn finish(self, elapsed_ns: u64) -> anyhow::Result<()> {
        let Usage { cpu_ns, peak_rss_bytes } = process_usage();
        let end = Record::End(Box::new(End {
            dropped_records: self.dropped,
            cpu_ns,
            peak_rss_bytes,
            ..End::new(elapsed_ns, Stop::Done, self.written)
        }));
        let deadline = Instant::now() + PATIENCE;
        while !self.leave(&end) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(10));
        }
        drop(self.queue);
        match self.done.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            // Its reader has left, as `head` does.
            Ok(Ok(()) | Err(StdoutError::Closed)) => Ok(()),
            Ok(Err(err)) => Err(err.into()),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                bail!("stdout: its reader took no window for 10 s; the run directory is whole")
            }
        }
    }
}

fn line(record: &Record<'_>) -> Vec<u8> {
    let mut line = Vec::new();
    append(&mut line, record);
    line
}

/// The record that opens the stream, on the run's clock.
pub(crate) fn start_record(zero: &Zero) -> Start {
    Start {
        monotonic_start_ns: zero.monotonic_ns,
        boot_id: zero.boot_id.clone(),
        args: masked_args(),
        ..Start::new(TOOL, env!("CARGO_PKG_VERSION"), zero.wall_ns)
    }
}

#[cfg(test)]
impl Outlet {
    /// One that keeps what is written.
    pub(crate) fn to_memory() -> Self {
        let (queue, lines) = mpsc::sync_channel(QUEUE);
        let (_, done) = mpsc::channel();
        Self { queue, done, written: 0, dropped: 0, memory: Some(lines) }
    }

    pub(crate) fn text(self) -> Vec<u8> {
        drop(self.queue);
        self.memory.into_iter().flatten().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_takes_is_dropped_and_counted() {
        let mut outlet = Outlet::to_memory();
        for _ in 0..QUEUE + 7 {
            outlet.write(&Record::Mark(ce_record::Mark {
                at_ns: 0,
                what: "w".into(),
                name: "n".into(),
                labels: std::collections::BTreeMap::new(),
            }));
        }
        assert_eq!((outlet.written, outlet.dropped), (QUEUE as u64, 7));
    }
}
