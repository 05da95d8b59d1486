//! The ledger against a naive join, and each fate by name.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::fingerprint::Fingerprints;

fn sent(outcome: Outcome) -> Sent {
    Sent { due_ns: 1_000, outcome, scenario: 0, event_type: 0, warm_up: false }
}

fn receipt(recv_ns: i64) -> Received<'static> {
    Received { recv_ns, redelivered: false, dead_lettered: None, place: None }
}

/// The event of this source and id.
fn of<'a>(source: &'a str, id: &'a str) -> Identity<'a> {
    Identity { fingerprint: Fingerprints::default().of(source, id), source, id }
}

/// A ledger that keeps `generation` events in memory.
fn ledger(folder: &tempfile::TempDir, generation: usize) -> Ledger {
    Ledger::with_generation(folder.path().join("spill"), generation)
}

/// The report, how many pairs met late, and the lost events by name.
fn close(ledger: Ledger) -> (Report, Vec<Joined>, Vec<String>) {
    let (mut late, mut missing) = (Vec::new(), Vec::new());
    let mut open = |_, event: &Event, _: &[String]| {
        missing.extend(event.lost().map(|lost| format!("{} {}", lost.source, lost.id)));
    };
    let report = ledger.report(&Report::default(), |joined| late.push(joined), &mut open).unwrap();
    missing.sort();
    (report, late, missing)
}

#[test]
fn each_fate_has_a_row_of_its_own() {
    for generation in [1, 2, 1000] {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = ledger(&folder, generation);
        for (id, outcome) in [
            ("delivered", Outcome::Ok),
            ("lost", Outcome::Ok),
            ("doubt-in", Outcome::InDoubt),
            ("doubt-out", Outcome::InDoubt),
            ("refused-but-there", Outcome::Rejected),
            ("returned", Outcome::Returned),
            ("returned-but-there", Outcome::Returned),
            ("dead", Outcome::Ok),
        ] {
            ledger.sent(of("s", id), sent(outcome)).unwrap();
        }
        for id in ["delivered", "doubt-in", "refused-but-there", "returned-but-there", "stranger"] {
            ledger.received(of("s", id), receipt(5_000)).unwrap();
        }
        let dead = Received { dead_lettered: Some("expired"), ..receipt(5_000) };
        ledger.received(of("s", "dead"), dead).unwrap();
        ledger.received(of("s", "delivered"), receipt(6_000)).unwrap();
        let again = Received { redelivered: true, ..receipt(7_000) };
        ledger.received(of("s", "delivered"), again).unwrap();

        let (report, _, missing) = close(ledger);
        assert_eq!((report.received, report.delivered, report.lost), (4, 1, 1));
        assert_eq!((report.in_doubt_arrived, report.in_doubt_missing), (1, 1));
        assert_eq!((report.unacked_arrived, report.returned), (2, 2));
        assert_eq!(report.arrived[Outcome::Rejected], 1, "refused and delivered all the same");
        assert_eq!(report.arrived[Outcome::Returned], 1);
        assert_eq!((report.duplicates, report.redelivered), (1, 1));
        assert_eq!((report.dead_lettered, report.unexpected), (1, 1));
        assert_eq!(report.dead_letter_reasons, [("expired".to_owned(), 1)].into());
        assert_eq!(missing, ["s lost"]);
        assert!(!folder.path().join("spill").exists(), "the spill is removed");
    }
}

#[test]
fn a_receipt_may_come_before_its_sample_and_a_pair_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = ledger(&folder, 1000);
    assert!(ledger.received(of("s", "1"), receipt(3_500)).unwrap().is_none());
    let joined = ledger.sent(of("s", "1"), sent(Outcome::Ok)).unwrap().unwrap();
    assert_eq!(joined.e2e_ns, 2_500);
    assert!(ledger.received(of("s", "1"), receipt(9_000)).unwrap().is_none());
}

#[test]
fn a_receipt_before_the_due_time_is_kept_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = ledger(&folder, 1000);
    ledger.sent(of("s", "1"), sent(Outcome::Ok)).unwrap();
    assert_eq!(ledger.received(of("s", "1"), receipt(400)).unwrap().unwrap().e2e_ns, -600);
    let report = close(ledger).0;
    assert_eq!((report.negative_e2e, report.negative_e2e_lowest_ns), (1, Some(-600)));
}

#[test]
fn without_receipts_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = ledger(&folder, 1000);
    ledger.sent(of("s", "1"), sent(Outcome::Ok)).unwrap();
    let (report, _, missing) = close(ledger);
    assert_eq!((report.lost, report.has_receipts, missing.len()), (0, false, 0));
}

#[test]
fn what_never_matches_stays_within_the_limit_and_is_spilled_and_never_dropped() {
    let folder = tempfile::tempdir().unwrap();
    let (limit, events) = (10, 2_000);
    let mut ledger = ledger(&folder, limit);
    for number in 0..events {
        let (lost, stranger) = (format!("lost {number}"), format!("stranger {number}"));
        ledger.sent(of("s", &lost), sent(Outcome::Ok)).unwrap();
        ledger.received(of("s", &stranger), receipt(5_000)).unwrap();
        assert!(ledger.young.len() < limit && ledger.old.len() <= limit);
    }
    assert!(folder.path().join("spill").exists());
    let (report, _, missing) = close(ledger);
    assert_eq!((report.lost, report.unexpected), (events, events));
    assert_eq!(missing.len() as u64, events);
}

/// One record: which event, and what happened to it.
#[derive(Debug, Clone, Copy)]
enum Step {
    Sent(u8, Outcome),
    Received(u8, bool, i64),
    DeadLettered(u8, &'static str),
}

fn step() -> impl Strategy<Value = Step> {
    let id = || 0_u8..40;
    let recv_ns = prop_oneof![4 => 0_i64..100_000, 1 => -100_000_i64..0];
    prop_oneof![
        4 => id().prop_map(|id| Step::Sent(id, Outcome::Ok)),
        2 => (id(), prop::sample::select(&Outcome::ALL[..])).prop_map(|(id, it)| Step::Sent(id, it)),
        5 => (id(), any::<bool>(), recv_ns).prop_map(|(id, again, ns)| Step::Received(id, again, ns)),
        1 => (id(), prop::sample::select(&["expired", "rejected", "maxlen"][..]))
            .prop_map(|(id, reason)| Step::DeadLettered(id, reason)),
    ]
}

/// Everything that happened to one event.
#[derive(Debug, Default)]
struct Naive {
    samples: Vec<(i64, Outcome)>,
    receipts: Vec<(i64, bool)>,
    reasons: Vec<&'static str>,
}

impl Naive {
    fn outcome(&self) -> Option<Outcome> {
        let acked = self.samples.iter().find(|(_, outcome)| *outcome == Outcome::Ok);
        acked.or(self.samples.iter().min_by_key(|(due_ns, _)| *due_ns)).map(|(_, outcome)| *outcome)
    }

    /// Whether this is the time from a sample to a receipt of the event.
    fn has_e2e(&self, e2e_ns: i64) -> bool {
        let mut receipts = self.receipts.iter();
        receipts.any(|(recv, _)| self.samples.iter().any(|(due, _)| recv - due == e2e_ns))
    }

    /// Adds the fate of the event to a report, in the words of its documentation.
    fn enter(&self, report: &mut Report) {
        let (samples, receipts) = (self.samples.len() as u64, self.receipts.len() as u64);
        if let Some(reason) = self.reasons.first() {
            report.dead_lettered += 1;
            *report.dead_letter_reasons.entry((*reason).to_owned()).or_default() += 1;
        }
        let Some(outcome) = self.outcome() else {
            report.unexpected += receipts.max(1);
            return;
        };
        let arrived = receipts.min(samples);
        let missing = if report.has_receipts { samples - arrived } else { 0 };
        report.received += arrived;
        report.arrived[outcome] += arrived;
        match outcome {
            Outcome::Ok => {
                report.delivered += arrived;
                report.lost += if self.reasons.is_empty() { missing } else { 0 };
            }
            Outcome::InDoubt => {
                report.in_doubt_arrived += arrived;
                report.in_doubt_missing += missing;
            }
            Outcome::Returned => {
                report.returned += samples;
                report.unacked_arrived += arrived;
            }
            _ => report.unacked_arrived += arrived,
        }
        let marked = self.receipts.iter().filter(|(_, redelivered)| *redelivered).count() as u64;
        report.redelivered += marked.min(receipts - arrived);
        report.duplicates += receipts - arrived - marked.min(receipts - arrived);
    }

    fn is_lost(&self) -> bool {
        self.outcome() == Some(Outcome::Ok) && self.receipts.is_empty() && self.reasons.is_empty()
    }
}

proptest! {
    /// Losses, duplicates, redeliveries, dead letters and any order: the same figures as a table of
    /// all events.
    #[test]
    fn the_ledger_equals_a_naive_join(
        steps in prop::collection::vec(step(), 0..300),
        generation in 1_usize..50,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = ledger(&folder, generation);
        let mut naive: BTreeMap<u8, Naive> = BTreeMap::new();
        let mut told = Vec::new();
        for (step, now_ns) in steps.iter().zip(0_i64..) {
            let joined = match *step {
                Step::Sent(id, outcome) => {
                    // No two samples of an event are due at one time.
                    let due_ns = now_ns * 7_919 % 50_000;
                    naive.entry(id).or_default().samples.push((due_ns, outcome));
                    let sent = Sent { due_ns, ..sent(outcome) };
                    ledger.sent(of("s", &id.to_string()), sent).unwrap()
                }
                Step::Received(id, redelivered, recv_ns) => {
                    naive.entry(id).or_default().receipts.push((recv_ns, redelivered));
                    let received = Received { redelivered, ..receipt(recv_ns) };
                    ledger.received(of("s", &id.to_string()), received).unwrap()
                }
                Step::DeadLettered(id, reason) => {
                    naive.entry(id).or_default().reasons.push(reason);
                    let received = Received { dead_lettered: Some(reason), ..receipt(0) };
                    ledger.received(of("s", &id.to_string()), received).unwrap()
                }
            };
            told.extend(joined);
        }
        let (found, late, missing) = close(ledger);
        told.extend(late);

        let has_receipts = steps.iter().any(|step| !matches!(step, Step::Sent(..)));
        let mut wanted = Report { has_receipts, ..Report::default() };
        for event in naive.values() {
            event.enter(&mut wanted);
        }
        let negative = || told.iter().map(|joined| joined.e2e_ns).filter(|ns| *ns < 0);
        wanted.negative_e2e = negative().count() as u64;
        wanted.negative_e2e_lowest_ns = negative().min();
        prop_assert_eq!(&found, &wanted);
        prop_assert_eq!(
            found.received,
            found.delivered + found.in_doubt_arrived + found.unacked_arrived
        );
        prop_assert_eq!(found.received, found.arrived.planned());
        let lost = naive.iter().filter(|(_, event)| has_receipts && event.is_lost());
        let mut lost: Vec<_> = lost.map(|(id, _)| format!("s {id}")).collect();
        lost.sort();
        prop_assert_eq!(missing, lost);
        // A pair whose parts were on disk may have met once in memory and once more there.
        let pairs = naive.values().filter(|it| !it.samples.is_empty() && !it.receipts.is_empty());
        prop_assert!(told.len() >= pairs.count());
        for joined in told {
            prop_assert!(naive.values().any(|event| event.has_e2e(joined.e2e_ns)));
        }
    }
}
