//! An event with several attempts is one event: it counts by its last one.

use std::fs;
use std::path::Path;

use ce_record::Outcome::{self, ConnectError, InDoubt, Ok, Rejected, Timeout};
use ce_record::{Record, Sample};
use proptest::prelude::*;
use serde_json::Value;

use crate::{Folder, end, json, kept_its_schedule, lat_collect, receipt, sample, start, stream};

/// The attempts of an event: when each began after the one before, how long it took, how it ended;
/// and how often the event was received.
#[derive(Debug, Clone)]
struct Story {
    attempts: Vec<(u64, u64, Outcome)>,
    receipts: u8,
}

fn story() -> impl Strategy<Value = Story> {
    let ms = 0_u64..3_000;
    let again = (ms.clone(), ms.clone(), prop::sample::select(vec![InDoubt, Rejected, Timeout]));
    let once = (ms.clone(), ms.clone(), prop::sample::select(Outcome::ALL.to_vec()));
    let last =
        (ms.clone(), ms, prop::sample::select(vec![Ok, Ok, InDoubt, Rejected, ConnectError]));
    let several = (prop::collection::vec(again, 1..4), last).prop_map(|(mut attempts, last)| {
        attempts.push(last);
        attempts
    });
    let attempts = prop_oneof![once.prop_map(|only| vec![only]), several];
    (attempts, 0_u8..3).prop_map(|(attempts, receipts)| Story { attempts, receipts })
}

/// The samples of an event, as a sender writes them.
fn samples(seq: u64, story: &Story) -> Vec<Sample<'static>> {
    let mut lag_ns = 0;
    let of = |number: usize| {
        let (wait_ms, service_ms, outcome) = story.attempts[number];
        let Record::Sample(mut it) = sample(seq, seq * 10_000_000, 0, outcome) else {
            panic!("it makes samples")
        };
        lag_ns += wait_ms * 1_000_000;
        (it.lag_ns, it.service_ns) = (lag_ns, service_ms * 1_000_000);
        lag_ns += it.service_ns;
        it.attempt = u32::try_from(number + 1).unwrap();
        it.superseded = number + 1 < story.attempts.len();
        it
    };
    (0..story.attempts.len()).map(of).collect()
}

/// Collects these samples and the receipts.
fn collect(folder: &Folder, name: &str, samples: &[Sample<'static>], receipts: &str) -> Run {
    let records = samples.iter().cloned().map(Record::Sample);
    let first = [start("ce-blast", 1_000, serde_json::json!({ "scenarios": {} }))];
    let last = [end(samples.len() as u64, Some(kept_its_schedule()))];
    let sent =
        folder.write(&format!("{name}.sent"), stream(first.into_iter().chain(records).chain(last)));
    let received = folder.write("received", receipts);
    let out = folder.path(name);
    lat_collect().args([&sent, &received]).arg("--out").arg(&out).run().expect_code(0);
    Run {
        summary: json(&out, "summary.json"),
        ledger: json(&out, "ledger.json"),
        errors: errors(&out),
    }
}

struct Run {
    summary: Value,
    ledger: Value,
    /// Failures in errors.csv.
    errors: u64,
}

fn errors(dir: &Path) -> u64 {
    let text = fs::read_to_string(dir.join("errors.csv")).unwrap();
    let mut rows = csv::Reader::from_reader(text.as_bytes());
    rows.records().map(|row| row.unwrap()[3].parse::<u64>().unwrap()).sum()
}

/// Takes a figure out of the summary's block of all events; the other blocks are left out, as all
/// events here are of one scenario and one type.
fn take(summary: &mut Value, path: &[&str]) -> Option<Value> {
    let (name, folders) = path.split_last().unwrap();
    let mut block = &mut summary["overall"];
    for folder in folders {
        block = &mut block[folder];
    }
    block.as_object_mut().unwrap().remove(*name)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// The figures are those of a run in which only the last attempts are told of. What those do
    /// not know, when events left, is that of the first attempts.
    #[test]
    fn superseded_attempts_change_nothing_but_their_own_count(
        stories in prop::collection::vec(story(), 1..60),
    ) {
        let folder = Folder::new();
        let all: Vec<_> = (0..).zip(&stories).flat_map(|(seq, story)| samples(seq, story)).collect();
        let last: Vec<_> = all.iter().filter(|it| !it.superseded).cloned().collect();
        let first = all.iter().filter(|it| it.attempt == 1).cloned();
        let first: Vec<_> = first.map(|it| Sample { superseded: false, ..it }).collect();
        let arrived = (0..).zip(&stories).flat_map(|(seq, story)| {
            (0..story.receipts).map(move |_| receipt(seq, seq * 10_000_000 + 7_000_000))
        });
        let arrived: Vec<_> = arrived.collect();
        let count = arrived.len() as u64;
        let opened = [start("ce-sink", 0, Value::Null)];
        let receipts = stream(opened.into_iter().chain(arrived).chain([end(count, None)]));

        let mut run = collect(&folder, "all", &all, &receipts);
        let mut by_last = collect(&folder, "last", &last, &receipts);
        let mut by_first = collect(&folder, "first", &first, &receipts);
        let retried = all.len() - last.len();
        prop_assert_eq!(take(&mut run.summary, &["retried"]), Some(retried.into()));
        prop_assert_eq!(take(&mut by_last.summary, &["retried"]), Some(0.into()));
        for figure in [&["metrics", "lag_us"][..], &["sent_per_s"]] {
            let value = take(&mut run.summary, figure);
            prop_assert_eq!(value, take(&mut by_first.summary, figure), "{:?}", figure);
            take(&mut by_last.summary, figure);
        }
        prop_assert_eq!(&run.summary["overall"], &by_last.summary["overall"]);
        prop_assert_eq!(&run.ledger, &by_last.ledger);
        let failed = all.iter().filter(|it| it.outcome != Ok).count() as u64;
        prop_assert_eq!(run.errors, failed);
    }
}

#[test]
fn what_was_tried_again_is_said_at_the_end() {
    let folder = Folder::new();
    let story = Story { attempts: vec![(0, 1, Rejected), (5, 1, Ok)], receipts: 0 };
    let records = samples(0, &story).into_iter().map(Record::Sample);
    let first = [start("ce-blast", 1_000, serde_json::json!({ "scenarios": {} }))];
    let last = [end(2, Some(kept_its_schedule()))];
    let sent = folder.write("sent", stream(first.into_iter().chain(records).chain(last)));
    let run = lat_collect().arg(&sent).arg("--out").arg(folder.path("run")).run();
    run.expect_code(0);
    assert!(run.stderr.contains("1 planned, 1 sent: 1 ok"), "{}", run.stderr);
    assert!(run.stderr.contains("1 attempts, each followed by another"), "{}", run.stderr);
    assert_eq!(json(&folder.path("run"), "run.json")["complete"], true);
}
