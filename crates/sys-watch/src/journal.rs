//! The stream on stdout, from its `start` to its `end` record.

use ce_cli::{Anchor, Clock, DataOut, StdoutError, Usage, masked_args, process_usage};
use ce_record::{End, Record, Start, Stop, append};

/// Writes the stream and counts what is in it.
#[derive(Debug)]
pub(crate) struct Journal<'a> {
    out: &'a mut DataOut,
    clock: Clock,
    records: u64,
}

impl<'a> Journal<'a> {
    /// Starts the clock and the stream. Written out at once, so that a closed stdout shows.
    pub(crate) fn start(out: &'a mut DataOut, run: &str) -> Result<Self, StdoutError> {
        let (clock, Anchor { wall_ns, monotonic_ns, boot_id }) = Clock::start();
        let start = Start {
            run: run.into(),
            monotonic_start_ns: Some(monotonic_ns),
            boot_id,
            args: masked_args(),
            ..Start::new(crate::TOOL, env!("CARGO_PKG_VERSION"), wall_ns)
        };
        append(out.buffer(), &Record::Start(Box::new(start)));
        out.flush()?;
        Ok(Self { out, clock, records: 0 })
    }

    /// The clock of the stream.
    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    /// Writes what one look has seen, and hands it on at once.
    pub(crate) fn write(&mut self, records: &[Record<'_>]) -> Result<(), StdoutError> {
        for record in records {
            append(self.out.buffer(), record);
            self.out.settle()?;
            self.records += 1;
        }
        self.out.flush()
    }

    /// Closes the stream.
    pub(crate) fn end(self, stopped: Stop) -> Result<(), StdoutError> {
        let Usage { cpu_ns, peak_rss_bytes } = process_usage();
        let end = End::new(self.clock.now_ns(), stopped, self.records);
        let end = End { cpu_ns, peak_rss_bytes, ..end };
        append(self.out.buffer(), &Record::End(Box::new(end)));
        self.out.flush()
    }
}
