//! The one thread that turns finished attempts into records on stdout.

use std::borrow::Cow;
use std::thread;
use std::time::{Duration, Instant};

use ce_cli::{DataOut, StdoutError};
use ce_record::{Record, Sample, append};

use super::Entry;
use crate::job::Finished;
use crate::queue::Outlet;

/// A reader such as `jq` should not look dead at a low rate.
const IDLE_FLUSH: Duration = Duration::from_millis(100);
/// Records that are written before others get their turn, as the thread that sends may share our core.
const TURN: u64 = 16;
/// Between two looks for records. What comes in between has room in the queue at any rate.
const LOOK: Duration = Duration::from_millis(5);

/// Writes until the last recorder has closed its end; returns how many records it wrote.
///
/// It looks for records now and then and is not woken by each: to wake a thread costs several times
/// what it costs to write a record, and senders would pay for it in the middle of their load.
pub(crate) fn write(
    queue: &Outlet<Entry>,
    scenarios: &[String],
    out: &mut DataOut,
) -> Result<u64, StdoutError> {
    let mut written = 0;
    let mut flushed = Instant::now();
    let mut entries = Vec::new();
    while queue.take(&mut entries) {
        if entries.is_empty() {
            if flushed.elapsed() >= IDLE_FLUSH {
                out.flush()?;
                flushed = Instant::now();
            }
            thread::sleep(LOOK);
        }
        for entry in entries.drain(..) {
            match entry {
                Entry::Attempt(finished) => {
                    append(out.buffer(), &Record::Sample(sample(&finished, scenarios)));
                }
                Entry::Mark(mark) => append(out.buffer(), &Record::Mark(*mark)),
            }
            out.settle()?;
            written += 1;
            if written % TURN == 0 {
                thread::yield_now();
            }
        }
    }
    Ok(written)
}

pub(super) fn sample<'a>(finished: &'a Finished, scenarios: &'a [String]) -> Sample<'a> {
    let Finished { job, attempt, superseded, lag_ns, service_ns, answer } = finished;
    Sample {
        seq: job.seq,
        source: Cow::Borrowed(job.event.source()),
        id: Cow::Borrowed(job.event.id()),
        event_type: Cow::Borrowed(job.event.event_type()),
        scenario: Cow::Borrowed(&scenarios[usize::from(job.scenario)]),
        due_ns: job.due_ns,
        lag_ns: *lag_ns,
        service_ns: *service_ns,
        connect_ns: answer.opened.as_ref().map(|opened| opened.connect_ns),
        tls_ns: answer.opened.as_ref().and_then(|opened| opened.tls_ns),
        outcome: answer.outcome,
        code: answer.code,
        error: answer.error.as_deref().map(Cow::Borrowed),
        bytes: job.event.body().len() as u64,
        attempt: *attempt,
        superseded: *superseded,
        key: job.event.key().map(Cow::Borrowed),
        connection: job.event.is_connection(),
    }
}
