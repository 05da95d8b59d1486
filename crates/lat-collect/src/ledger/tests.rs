//! The ledger against a naive join, and each fate by name.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::fingerprint::Fingerprints;

fn sent(outcome: Outcome) -> Sent {
    Sent { due_ns: 1_000, outcome, scenario: 0, event_type: 0, warm_up: false }
}

fn receipt(recv_ns: i64) -> Received {
    Received { recv_ns, redelivered: false, dead_lettered: false }
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
    let report = ledger
        .report(&Report::default(), |joined| late.push(joined), &mut |texts: &Texts, _| {
            missing.push(format!("{} {}", texts.source(), texts.id()));
        })
        .unwrap();
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
            ("dead", Outcome::Ok),
        ] {
            ledger.sent(of("s", id), sent(outcome)).unwrap();
        }
        for id in ["delivered", "doubt-in", "refused-but-there", "stranger"] {
            ledger.received(of("s", id), receipt(5_000)).unwrap();
        }
        let dead = Received { dead_lettered: true, ..receipt(5_000) };
        ledger.received(of("s", "dead"), dead).unwrap();
        ledger.received(of("s", "delivered"), receipt(6_000)).unwrap();
        let again = Received { redelivered: true, ..receipt(7_000) };
        ledger.received(of("s", "delivered"), again).unwrap();

        let (report, _, missing) = close(ledger);
        assert_eq!((report.received, report.delivered, report.lost), (3, 1, 1));
        assert_eq!((report.in_doubt_arrived, report.in_doubt_missing), (1, 1));
        assert_eq!((report.unacked_arrived, report.returned), (1, 1));
        assert_eq!((report.duplicates, report.redelivered), (1, 1));
        assert_eq!((report.dead_lettered, report.unexpected), (1, 1));
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
    assert_eq!(close(ledger).0.negative_e2e, 1);
}

#[test]
fn without_receipts_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut ledger = ledger(&folder, 1000);
    ledger.sent(of("s", "1"), sent(Outcome::Ok)).unwrap();
    let (report, _, missing) = close(ledger);
    assert_eq!((report.lost, report.has_receipts, missing.len()), (0, false, 0));
}

/// One record: which event, and what happened to it.
#[derive(Debug, Clone, Copy)]
enum Step {
    Sent(u8, bool),
    Received(u8, bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_u8..40, any::<bool>()).prop_map(|(id, ok)| Step::Sent(id, ok)),
        (0_u8..40, any::<bool>()).prop_map(|(id, again)| Step::Received(id, again)),
    ]
}

proptest! {
    /// Losses, duplicates, redeliveries and any order: the same figures as a table of all events.
    #[test]
    fn the_ledger_equals_a_naive_join(
        steps in prop::collection::vec(step(), 0..300),
        generation in 1_usize..50,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = ledger(&folder, generation);
        // Per event: samples, whether one was acknowledged, receipts, redelivered.
        let mut naive: BTreeMap<u8, (u64, bool, u64, u64)> = BTreeMap::new();
        let mut pairs = 0;
        for step in &steps {
            let joined = match *step {
                Step::Sent(id, ok) => {
                    let event = naive.entry(id).or_default();
                    event.0 += 1;
                    event.1 |= ok;
                    let outcome = if ok { Outcome::Ok } else { Outcome::Timeout };
                    ledger.sent(of("s", &id.to_string()), sent(outcome)).unwrap()
                }
                Step::Received(id, redelivered) => {
                    let event = naive.entry(id).or_default();
                    event.2 += 1;
                    event.3 += u64::from(redelivered);
                    let received = Received { redelivered, ..receipt(2_000) };
                    ledger.received(of("s", &id.to_string()), received).unwrap()
                }
            };
            pairs += usize::from(joined.is_some());
        }
        let (found, late, missing) = close(ledger);

        let mut wanted = Report { has_receipts: found.has_receipts, ..Report::default() };
        let mut lost = Vec::new();
        for (id, (samples, acked, receipts, redelivered)) in &naive {
            if *samples == 0 {
                wanted.unexpected += receipts;
                continue;
            }
            let arrived = *receipts.min(samples);
            wanted.received += arrived;
            if *acked {
                wanted.delivered += arrived;
                wanted.lost += if found.has_receipts { samples - arrived } else { 0 };
            } else {
                wanted.unacked_arrived += arrived;
            }
            let further = receipts - arrived;
            wanted.redelivered += further.min(*redelivered);
            wanted.duplicates += further - further.min(*redelivered);
            if *acked && *receipts == 0 && found.has_receipts {
                lost.push(format!("s {id}"));
            }
        }
        lost.sort();
        prop_assert_eq!(found, wanted);
        prop_assert_eq!(missing, lost);
        let met = naive.values().filter(|(samples, _, receipts, _)| *samples > 0 && *receipts > 0);
        // A pair whose parts were on disk may have met once in memory and once more there.
        prop_assert!(pairs + late.len() >= met.count());
    }
}
