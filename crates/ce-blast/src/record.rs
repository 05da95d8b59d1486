//! Turns finished attempts into records: counted where they end, written by one thread.
//!
//! The queue to the writer has a limit and nobody waits for it, so a slow reader of stdout never
//! changes the load. What finds the queue full is dropped, counted, and makes the run incomplete.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use ce_cli::{Clock, DataOut, StdoutError};
use ce_record::{Outcome, OutcomeCounts, Record, Sample, append};
use lat_hist::Histogram;

use crate::gate::Gate;
use crate::job::{Answer, Finished, Job};

/// Finished attempts that may wait to be written.
const QUEUE: usize = 65_536;
/// A reader such as `jq` should not look dead at a low rate.
const IDLE_FLUSH: Duration = Duration::from_millis(100);

/// Where senders and the schedule hand in what has ended. Each has its own.
#[derive(Debug)]
pub(crate) struct Recorder {
    clock: Clock,
    gate: Arc<Gate>,
    live: Arc<Live>,
    to_writer: SyncSender<Finished>,
    tally: Tally,
}

/// What a recorder has counted; tallies add up.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) outcomes: OutcomeCounts,
    pub(crate) lag: Histogram,
    pub(crate) dropped_records: u64,
}

/// Figures that may be read while the run goes on.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) ended: AtomicU64,
    pub(crate) ok: AtomicU64,
}

impl Recorder {
    /// A recorder and the queue that it fills; clone the recorder for each further thread.
    pub(crate) fn new(clock: Clock, gate: Arc<Gate>) -> (Self, Receiver<Finished>) {
        let (to_writer, queue) = sync_channel(QUEUE);
        let live = Arc::default();
        (Self { clock, gate, live, to_writer, tally: Tally::default() }, queue)
    }

    /// Another one, with counts of its own.
    pub(crate) fn fork(&self) -> Self {
        Self {
            clock: self.clock,
            gate: Arc::clone(&self.gate),
            live: Arc::clone(&self.live),
            to_writer: self.to_writer.clone(),
            tally: Tally::default(),
        }
    }

    pub(crate) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live)
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    /// An attempt that began at `sent_ns` ended at `ended_ns`.
    pub(crate) fn answered(&mut self, job: Job, sent_ns: u64, ended_ns: u64, answer: Answer) {
        self.gate.leave();
        let lag_ns = sent_ns.saturating_sub(job.due_ns);
        self.tally.lag.record(lag_ns);
        let service_ns = ended_ns.saturating_sub(sent_ns);
        self.record(Finished { job, lag_ns, service_ns, answer });
    }

    /// An event that was due and did not leave. Its wait so far is a lower bound of its latency.
    pub(crate) fn not_sent(&mut self, job: Job, outcome: Outcome) {
        let lag_ns = self.now_ns().saturating_sub(job.due_ns);
        self.record(Finished { job, lag_ns, service_ns: 0, answer: Answer::new(outcome) });
    }

    fn record(&mut self, mut finished: Finished) {
        let outcome = finished.answer.outcome;
        self.tally.outcomes[outcome] += 1;
        self.live.ended.fetch_add(1, Relaxed);
        if outcome == Outcome::Ok {
            self.live.ok.fetch_add(1, Relaxed);
        }
        if let Some(done) = finished.job.done.take() {
            // A virtual user that has left does not wait.
            let _ = done.send(());
        }
        match self.to_writer.try_send(finished) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.tally.dropped_records += 1;
            }
        }
    }

    /// Hands over what it has counted.
    pub(crate) fn finish(&mut self) -> Tally {
        std::mem::take(&mut self.tally)
    }
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.outcomes.add(&other.outcomes);
        self.lag.add(&other.lag);
        self.dropped_records += other.dropped_records;
    }
}

/// Writes until the last recorder has closed its end; returns how many records it wrote.
pub(crate) fn write(
    queue: &Receiver<Finished>,
    scenario: &str,
    out: &mut DataOut,
) -> Result<u64, StdoutError> {
    let mut written = 0;
    let mut idle = false;
    loop {
        match queue.recv_timeout(IDLE_FLUSH) {
            Ok(finished) => {
                append(out.buffer(), &Record::Sample(sample(&finished, scenario)));
                out.settle()?;
                written += 1;
                idle = false;
            }
            Err(RecvTimeoutError::Timeout) if idle => {}
            Err(RecvTimeoutError::Timeout) => {
                out.flush()?;
                idle = true;
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(written),
        }
    }
}

fn sample<'a>(finished: &'a Finished, scenario: &'a str) -> Sample<'a> {
    let Finished { job, lag_ns, service_ns, answer } = finished;
    Sample {
        seq: job.seq,
        source: Cow::Borrowed(job.event.source()),
        id: Cow::Borrowed(job.event.id()),
        event_type: Cow::Borrowed(job.event.event_type()),
        scenario: Cow::Borrowed(scenario),
        due_ns: job.due_ns,
        lag_ns: *lag_ns,
        service_ns: *service_ns,
        outcome: answer.outcome,
        code: answer.code,
        error: answer.error.as_deref().map(Cow::Borrowed),
        bytes: job.event.body().len() as u64,
        attempt: 1,
    }
}
