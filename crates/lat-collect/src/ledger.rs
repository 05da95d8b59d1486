//! Sent × received: what became of every event.
//!
//! Events are joined by a 128-bit fingerprint of (source, id). Samples and receipts may come in any
//! order; an event's texts are forgotten when both are there.

use std::collections::HashMap;
use std::collections::hash_map::Entry as MapEntry;
use std::hash::{DefaultHasher, Hasher};

use ce_record::run_dir::{LAYOUT, Ledger as Report};
use ce_record::{Outcome, OutcomeCounts};

/// All events of a run.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    events: HashMap<u128, Event>,
    negative_e2e: u64,
    has_receipts: bool,
}

/// An event that was sent, received, or both.
#[derive(Debug, Default)]
struct Event {
    sent: Option<Sent>,
    /// How often it was handed to the target; more than once when the input repeats an id.
    samples: u32,
    receipts: u32,
    /// Receipts that the broker marked as delivered before.
    redelivered: u32,
    dead_lettered: bool,
    /// The earliest, on the run's clock.
    first_receipt_ns: Option<i128>,
    texts: Option<Box<Texts>>,
}

/// What is kept of a sample until its receipt comes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) due_ns: i128,
    pub(crate) outcome: Outcome,
    /// The groups of the event, as the caller numbers them.
    pub(crate) scenario: u16,
    pub(crate) event_type: u16,
}

/// Names an event to people.
#[derive(Debug, Clone)]
pub(crate) struct Texts {
    pub(crate) source: Box<str>,
    pub(crate) id: Box<str>,
}

/// An event whose sample and first receipt are both known now.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Joined {
    pub(crate) sent: Sent,
    /// From due until received; negative when the clocks of the two ends disagree.
    pub(crate) e2e_ns: i128,
}

impl Ledger {
    /// Enters a sample.
    pub(crate) fn sent(&mut self, source: &str, id: &str, sent: Sent) -> Option<Joined> {
        let event = self.event(source, id);
        event.samples += 1;
        // Of several attempts the best counts: what is acknowledged once is acknowledged.
        let first = match &mut event.sent {
            None => {
                event.sent = Some(sent);
                true
            }
            Some(known) => {
                if sent.outcome == Outcome::Ok {
                    known.outcome = Outcome::Ok;
                }
                false
            }
        };
        self.join(source, id, first)
    }

    /// Enters a receipt.
    pub(crate) fn received(
        &mut self,
        (source, id): (&str, &str),
        recv_ns: i128,
        redelivered: bool,
        dead_lettered: bool,
    ) -> Option<Joined> {
        self.has_receipts = true;
        let event = self.event(source, id);
        if dead_lettered {
            event.dead_lettered = true;
            return None;
        }
        event.receipts += 1;
        event.redelivered += u32::from(redelivered);
        let first = event.first_receipt_ns.is_none();
        if first {
            event.first_receipt_ns = Some(recv_ns);
        }
        self.join(source, id, first)
    }

    fn event(&mut self, source: &str, id: &str) -> &mut Event {
        match self.events.entry(fingerprint(source, id)) {
            MapEntry::Occupied(entry) => entry.into_mut(),
            MapEntry::Vacant(entry) => {
                let texts = Texts { source: source.into(), id: id.into() };
                entry.insert(Event { texts: Some(Box::new(texts)), ..Event::default() })
            }
        }
    }

    /// Completes the event if `first` was what it lacked.
    fn join(&mut self, source: &str, id: &str, first: bool) -> Option<Joined> {
        let event = self.event(source, id);
        let (sent, received) = event.sent.zip(event.first_receipt_ns).filter(|_| first)?;
        event.texts = None;
        let e2e_ns = received - sent.due_ns;
        self.negative_e2e += u64::from(e2e_ns < 0);
        Some(Joined { sent, e2e_ns })
    }

    fn is_lost(&self, event: &Event, sent: Sent) -> bool {
        self.has_receipts
            && sent.outcome == Outcome::Ok
            && event.receipts == 0
            && !event.dead_lettered
    }

    /// Adds everything up. `missing` is told each event that was acknowledged and never arrived.
    pub(crate) fn report(
        &self,
        outcomes: OutcomeCounts,
        dropped_records: u64,
        mut missing: impl FnMut(&Texts, Sent),
    ) -> Report {
        let mut report = Report {
            format: LAYOUT,
            has_receipts: self.has_receipts,
            planned: outcomes.planned(),
            sent: outcomes.sent(),
            acked: outcomes[Outcome::Ok],
            outcomes,
            negative_e2e: self.negative_e2e,
            dropped_records,
            ..Report::default()
        };
        for event in self.events.values() {
            if let Some(sent) = event.sent {
                enter(&mut report, event, sent.outcome);
                if let Some(texts) = event.texts.as_deref().filter(|_| self.is_lost(event, sent)) {
                    missing(texts, sent);
                }
            } else {
                report.unexpected += u64::from(event.receipts.max(1));
            }
        }
        report
    }
}

fn enter(report: &mut Report, event: &Event, outcome: Outcome) {
    let (samples, receipts) = (u64::from(event.samples), u64::from(event.receipts));
    let arrived = receipts.min(samples);
    let missing = if report.has_receipts { samples - arrived } else { 0 };
    report.received += arrived;
    match outcome {
        Outcome::Ok => {
            report.delivered += arrived;
            report.lost += if event.dead_lettered { 0 } else { missing };
        }
        Outcome::InDoubt => {
            report.in_doubt_arrived += arrived;
            report.in_doubt_missing += missing;
        }
        Outcome::Returned => report.returned += samples,
        _ => report.unacked_arrived += arrived,
    }
    report.dead_lettered += u64::from(event.dead_lettered);
    let further = receipts - arrived;
    let redelivered = further.min(u64::from(event.redelivered));
    report.redelivered += redelivered;
    report.duplicates += further - redelivered;
}

/// Tells events apart without keeping their texts. Two independent 64-bit hashes: with a billion
/// events the chance of one collision is below 10⁻²⁰.
fn fingerprint(source: &str, id: &str) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(salt);
        hasher.write(source.as_bytes());
        // No UTF-8 text holds this byte, so (`a`, `bc`) is not (`ab`, `c`).
        hasher.write_u8(0xff);
        hasher.write(id.as_bytes());
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(outcome: Outcome) -> Sent {
        Sent { due_ns: 1_000, outcome, scenario: 0, event_type: 0 }
    }

    fn report(ledger: &Ledger) -> (Report, Vec<String>) {
        let mut missing = Vec::new();
        let report = ledger
            .report(OutcomeCounts::default(), 0, |texts, _| missing.push(texts.id.to_string()));
        (report, missing)
    }

    #[test]
    fn each_fate_has_a_row_of_its_own() {
        let mut ledger = Ledger::default();
        for (id, outcome) in [
            ("delivered", Outcome::Ok),
            ("lost", Outcome::Ok),
            ("doubt-in", Outcome::InDoubt),
            ("doubt-out", Outcome::InDoubt),
            ("refused-but-there", Outcome::Rejected),
            ("returned", Outcome::Returned),
            ("dead", Outcome::Ok),
        ] {
            ledger.sent("s", id, sent(outcome));
        }
        for id in ["delivered", "doubt-in", "refused-but-there", "stranger"] {
            ledger.received(("s", id), 5_000, false, false);
        }
        ledger.received(("s", "dead"), 5_000, false, true);
        ledger.received(("s", "delivered"), 6_000, false, false);
        ledger.received(("s", "delivered"), 7_000, true, false);
        let (report, missing) = report(&ledger);
        assert_eq!((report.received, report.delivered, report.lost), (3, 1, 1));
        assert_eq!((report.in_doubt_arrived, report.in_doubt_missing), (1, 1));
        assert_eq!((report.unacked_arrived, report.returned), (1, 1));
        assert_eq!((report.duplicates, report.redelivered), (1, 1));
        assert_eq!((report.dead_lettered, report.unexpected), (1, 1));
        assert_eq!(missing, ["lost"]);
    }

    #[test]
    fn a_receipt_may_come_before_its_sample() {
        let mut ledger = Ledger::default();
        assert!(ledger.received(("s", "1"), 3_500, false, false).is_none());
        let joined = ledger.sent("s", "1", sent(Outcome::Ok)).unwrap();
        assert_eq!(joined.e2e_ns, 2_500);
        assert!(ledger.received(("s", "1"), 9_000, false, false).is_none(), "joined once");
    }

    #[test]
    fn a_receipt_before_the_due_time_is_kept_and_counted() {
        let mut ledger = Ledger::default();
        ledger.sent("s", "1", sent(Outcome::Ok));
        assert_eq!(ledger.received(("s", "1"), 400, false, false).unwrap().e2e_ns, -600);
        assert_eq!(report(&ledger).0.negative_e2e, 1);
    }

    #[test]
    fn without_receipts_nothing_is_lost() {
        let mut ledger = Ledger::default();
        ledger.sent("s", "1", sent(Outcome::Ok));
        let (report, missing) = report(&ledger);
        assert_eq!((report.lost, report.has_receipts, missing.len()), (0, false, 0));
    }

    #[test]
    fn an_id_that_was_sent_twice_is_expected_twice() {
        let mut ledger = Ledger::default();
        for _ in 0..2 {
            ledger.sent("s", "1", sent(Outcome::Ok));
            ledger.received(("s", "1"), 5_000, false, false);
        }
        let (report, _) = report(&ledger);
        assert_eq!((report.delivered, report.duplicates, report.lost), (2, 0, 0));
    }

    #[test]
    fn source_and_id_are_not_run_together() {
        assert_ne!(fingerprint("a", "bc"), fingerprint("ab", "c"));
    }
}
