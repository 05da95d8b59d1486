//! Where every event passes on its way from a transport to the writer, and is counted.

use std::collections::{BTreeMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::Thread;
use std::time::Duration;

use ce_cli::{Clock, say};
use ce_event::{Event, EventError, Pointer, Value};
use ce_record::{Gauge, Mark, Receipt};
use tokio::sync::{Notify, Semaphore, oneshot};

use crate::cli::CommonArgs;
use crate::complaint::Complaints;
use crate::session::TOOL;
use crate::stop::{Stop, Why};
use crate::writer::{self, Item};

/// The writer has ended, so no receipt will be written any more.
#[derive(Debug)]
pub(crate) struct NoOutput;

/// Stands for the last arrival while nothing can arrive: later than any time.
const NEVER_IDLE: u64 = u64::MAX;

/// The way to the writer.
pub(crate) struct Outlet {
    pub(crate) queue: Sender<Item>,
    pub(crate) room: Arc<Semaphore>,
    pub(crate) writer: Thread,
}

/// Takes events in, and knows how many.
pub(crate) struct Intake {
    pub(crate) clock: Clock,
    pub(crate) stop: Stop,
    outlet: Outlet,
    wanted: Option<Wanted>,
    /// What an event has in common with the one that it answers.
    pub(crate) correlate: Option<Pointer>,
    /// Zero until something arrives, [`NEVER_IDLE`] while nothing can.
    last_arrival_ns: AtomicU64,
    first_arrival: Notify,
    counts: Counts,
    complaints: Complaints,
}

/// What the last line on stderr tells.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Events with a receipt.
    pub(crate) received: AtomicU64,
    /// Requests or messages that were no CloudEvent, and what was wrong with the first.
    not_events: AtomicU64,
    first_reason: OnceLock<String>,
    /// Events that were refused by `--reject-every`.
    pub(crate) rejected: AtomicU64,
    /// Requests that were no whole POST: head, token or body were not as they must be.
    pub(crate) refused: AtomicU64,
    /// Gauges that found no room before the writer.
    gauges_left_out: AtomicU64,
}

impl Counts {
    pub(crate) fn add(counter: &AtomicU64, count: usize) {
        counter.fetch_add(count as u64, Ordering::Relaxed);
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [received, not_events, rejected, refused, left_out] = [
            &self.received,
            &self.not_events,
            &self.rejected,
            &self.refused,
            &self.gauges_left_out,
        ]
        .map(|count| count.load(Ordering::Relaxed));
        write!(f, "{received} received, {not_events} not CloudEvents")?;
        if let Some(reason) = self.first_reason.get() {
            write!(f, " (the first: {reason})")?;
        }
        write!(f, ", {rejected} rejected on purpose")?;
        if refused > 0 {
            write!(f, ", {refused} requests refused for head, token or body")?;
        }
        if left_out > 0 {
            write!(f, ", {left_out} gauges left out: stdout was read too slowly")?;
        }
        Ok(())
    }
}

impl Intake {
    pub(crate) fn new(clock: Clock, stop: Stop, outlet: Outlet, args: &CommonArgs) -> Self {
        Self {
            clock,
            stop,
            outlet,
            wanted: args.count.map(Wanted::new),
            correlate: args.correlate.clone(),
            last_arrival_ns: AtomicU64::new(0),
            first_arrival: Notify::new(),
            counts: Counts::default(),
            complaints: Complaints::default(),
        }
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Counts what was no CloudEvent, and tells of it from time to time.
    pub(crate) fn not_an_event(&self, error: &EventError, now_ns: u64) {
        Counts::add(&self.counts.not_events, 1);
        self.counts.first_reason.get_or_init(|| error.to_string());
        if let Some(line) = self.complaints.line(error, now_ns) {
            say(TOOL, &line);
        }
    }

    /// Notes that something arrived just now, and returns when that was.
    pub(crate) fn arrived(&self) -> u64 {
        let now_ns = self.clock.now_ns();
        if self.last_arrival_ns.swap(now_ns, Ordering::Relaxed) == 0 {
            self.first_arrival.notify_one();
        }
        now_ns
    }

    /// Hands a receipt to the writer, waiting for room in its queue.
    pub(crate) async fn keep(&self, receipt: Receipt<'static>) -> Result<(), NoOutput> {
        let size = writer::size(&receipt);
        let room = self.outlet.room.acquire_many(size).await.map_err(|_| NoOutput)?;
        // The writer gives the room back.
        room.forget();
        let enough = self.wanted.as_ref().is_some_and(|wanted| wanted.is_met_by(&receipt));
        self.outlet.queue.send(Item::Receipt(receipt, size)).map_err(|_| NoOutput)?;
        Counts::add(&self.counts.received, 1);
        if enough {
            self.stop.ask(Why::Enough);
        }
        Ok(())
    }

    /// Waits until all receipts so far are written.
    pub(crate) async fn flushed(&self) -> Result<(), NoOutput> {
        let (done, flushed) = oneshot::channel();
        self.outlet.queue.send(Item::Flush(done)).map_err(|_| NoOutput)?;
        self.outlet.writer.unpark();
        flushed.await.map_err(|_| NoOutput)
    }

    /// Writes a mark: something happened just now to `name`.
    pub(crate) fn mark(&self, what: &'static str, name: &str, labels: BTreeMap<String, String>) {
        let at_ns = self.clock.now_ns();
        let mark = Mark { at_ns, what: what.into(), name: name.to_owned().into(), labels };
        // Without a writer there is no stream that the mark could be missing from.
        let _ = self.outlet.queue.send(Item::Mark(Box::new(mark)));
    }

    /// Writes a gauge, if there is room for it: what was measured just now.
    pub(crate) fn gauge(&self, name: &'static str, labels: BTreeMap<String, String>, value: f64) {
        // Where there is no room the reader is slow, and the next look tells as much.
        let Ok(room) = self.outlet.room.try_acquire_many(writer::GAUGE_BYTES) else {
            return Counts::add(&self.counts.gauges_left_out, 1);
        };
        // As for a receipt.
        room.forget();
        let gauge = Gauge { at_ns: self.clock.now_ns(), name: name.into(), labels, value };
        // As for a mark.
        let _ = self.outlet.queue.send(Item::Gauge(Box::new(gauge)));
    }

    /// Bytes of receipts that wait for the writer.
    pub(crate) fn waiting_bytes(&self) -> u64 {
        writer::taken(&self.outlet.room)
    }

    /// Nothing can arrive from now on, so that it means nothing if nothing does.
    pub(crate) fn suspend_idle(&self) {
        if self.last_arrival_ns.load(Ordering::Relaxed) > 0 {
            self.last_arrival_ns.store(NEVER_IDLE, Ordering::Relaxed);
        }
    }

    /// Events can arrive again.
    pub(crate) fn resume_idle(&self) {
        if self.last_arrival_ns.load(Ordering::Relaxed) == NEVER_IDLE {
            self.last_arrival_ns.store(self.clock.now_ns(), Ordering::Relaxed);
        }
    }

    /// Waits for the first arrival. One task may.
    pub(crate) async fn first_arrival(&self) {
        self.first_arrival.notified().await;
    }

    /// Asks for the end once nothing has arrived for `limit` since the last arrival.
    pub(crate) async fn end_when_idle(&self, limit: Duration) {
        loop {
            let idle = match self.last_arrival_ns.load(Ordering::Relaxed) {
                0 => Duration::ZERO,
                last => Duration::from_nanos(self.clock.now_ns().saturating_sub(last)),
            };
            match limit.checked_sub(idle) {
                Some(left) if !left.is_zero() => tokio::time::sleep(left).await,
                _ => return self.stop.ask(Why::Idle),
            }
        }
    }
}

/// The receipt of an event that came by `door` at `recv_ns`.
pub(crate) fn receipt(
    event: Event<'_>,
    recv_ns: u64,
    door: &str,
    correlate: Option<&Pointer>,
) -> Receipt<'static> {
    let key = correlate.zip(event.data.as_ref()).and_then(|(by, data)| by.in_data(data));
    let key = key.map(|key| key.into_owned().into());
    Receipt {
        seq: sequence(&event),
        source: event.source.into_owned().into(),
        id: event.id.into_owned().into(),
        event_type: event.event_type.into_owned().into(),
        recv_ns,
        door: door.to_owned().into(),
        redelivered: false,
        dead_lettered: None,
        key,
    }
}

/// The extension `sequence` is text by its definition; ours is a decimal number.
fn sequence(event: &Event<'_>) -> Option<u64> {
    match event.extension("sequence")? {
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        Value::Integer(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

/// Tells when receipts of enough distinct events were taken. Remembers a hash of each event, so the
/// answer is late by one event when two of a billion share theirs, once in some forty runs.
struct Wanted {
    count: u64,
    hasher: RandomState,
    seen: Mutex<HashSet<u64>>,
}

impl Wanted {
    fn new(count: u64) -> Self {
        Self { count, hasher: RandomState::new(), seen: Mutex::default() }
    }

    fn is_met_by(&self, receipt: &Receipt<'_>) -> bool {
        let hash = self.hasher.hash_one((&receipt.source, &receipt.id));
        let mut seen = self.seen.lock().expect("nobody panics while counting");
        seen.insert(hash) && seen.len() as u64 >= self.count
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decimal_sequence_becomes_the_position() {
        let check = |value: &str, seq: Option<u64>| {
            let event = format!(
                r#"{{"specversion":"1.0","id":"1","source":"s","type":"t","sequence":{value}}}"#
            );
            let event = Event::from_json(event.as_bytes()).unwrap();
            assert_eq!(receipt(event, 5, "/door", None).seq, seq, "{value}");
        };
        check("\"0042\"", Some(42));
        check("7", Some(7));
        check("\"18446744073709551615\"", Some(u64::MAX));
        for other in ["-1", "\"-1\"", "\"+1\"", "\"\"", "\"a1\"", "true", "null"] {
            check(other, None);
        }
    }

    #[test]
    fn only_distinct_events_count() {
        let wanted = Wanted::new(2);
        let event = |id: &str, source: &str| Receipt {
            source: source.to_owned().into(),
            id: id.to_owned().into(),
            ..Receipt::default()
        };
        assert!(!wanted.is_met_by(&event("1", "a")));
        assert!(!wanted.is_met_by(&event("1", "a")));
        assert!(wanted.is_met_by(&event("1", "b")));
    }
}
