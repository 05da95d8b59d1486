//! Directories of shards, merged: the bytes of the one run over the same records. And what does not
//! belong together is refused.

mod refusals;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use ce_record::{
    CheckCount, End, Gauge, Held, Mark, Outcome, Receipt, Record, Sample, Start, run_dir,
};
use ce_testkit::Run;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::{
    Folder, end, json as read, kept_its_schedule, lat_collect, receipt, sample, start, stream,
};

const SECOND_NS: u64 = 1_000_000_000;

/// What becomes of an event.
#[derive(Debug, Clone)]
struct Fate {
    scenario: &'static str,
    outcome: Outcome,
    service_ns: u64,
    /// When it arrived after it was due, in milliseconds; earlier where clocks disagree.
    arrival_ms: Option<i64>,
    copies: u64,
    dead: bool,
    /// The sink that it came to, whatever shard had sent it.
    sink: usize,
    /// An attempt that came to nothing had gone before.
    retried: bool,
}

fn fate() -> impl Strategy<Value = Fate> {
    let outcome = prop_oneof![8 => Just(Outcome::Ok), 4 => prop::sample::select(&Outcome::ALL[..])];
    let arrival = prop::option::weighted(0.8, -3_i64..4000);
    let scenario = prop::sample::select(&["a", "b"][..]);
    (
        scenario,
        outcome,
        0_u64..3_000_000_000,
        arrival,
        1_u64..4,
        prop::bool::weighted(0.1),
        0_usize..8,
    )
        .prop_map(|(scenario, outcome, service_ns, arrival_ms, copies, dead, sink)| Fate {
            scenario,
            outcome,
            service_ns,
            arrival_ms,
            copies,
            dead,
            sink,
            retried: service_ns % 5 == 0,
        })
}

/// A stream that started `at_ms` after the run's zero, on a machine of its own.
fn opening(tool: &str, machine: usize, at_ms: i64, plan: Value) -> Start {
    let Record::Start(first) = start(tool, 0, plan) else { unreachable!() };
    let up_ns = 1_000 * SECOND_NS * (machine as u64 + 1) + 77;
    Start {
        run: "r".into(),
        wall_start_ns: first.wall_start_ns.strict_add_signed(at_ms * 1_000_000),
        monotonic_start_ns: Some(up_ns.strict_add_signed(at_ms * 1_000_000)),
        boot_id: Some(format!("boot-{machine}")),
        seed: Some(1),
        ..*first
    }
}

fn plan() -> Value {
    json!({ "scenarios": {
        "a": {
            "tags": { "team": "blue" }, "warm_up_until_ns": 200_000_000,
            "phase_bounds_ns": [0, SECOND_NS, 5 * SECOND_NS],
        },
        "b": { "tags": { "team": "blue", "kind": "build" } },
        "quiet": {},
    } })
}

impl Fate {
    /// Some events are answered by one with an id of its own.
    fn key(&self, id: &str) -> Option<String> {
        self.service_ns.is_multiple_of(7).then(|| format!("key of {id}"))
    }

    /// The samples of its event, which is the one of this number.
    fn samples(&self, number: usize, id: &str) -> Vec<Record<'static>> {
        let due_ns = due_ns(number);
        let made = sample(number as u64, due_ns, self.service_ns, self.outcome);
        let Record::Sample(made) = made else { unreachable!() };
        let slow = self.outcome == Outcome::Timeout;
        // Some open a connection.
        let opened =
            |share: u64| self.service_ns.is_multiple_of(4).then_some(self.service_ns / share);
        let last = Sample {
            id: id.to_owned().into(),
            key: self.key(id).map(Into::into),
            connect_ns: opened(3),
            tls_ns: opened(9),
            scenario: self.scenario.into(),
            event_type: format!("type-{}", number % 2).into(),
            error: slow.then(|| format!("slow {}", number % 3).into()),
            attempt: 1 + u32::from(self.retried),
            ..made
        };
        let in_doubt = Sample {
            superseded: true,
            attempt: 1,
            outcome: Outcome::InDoubt,
            service_ns: 5_000_000,
            code: None,
            ..last.clone()
        };
        let first = self.retried.then_some(in_doubt);
        first.into_iter().chain([last]).map(Record::Sample).collect()
    }

    /// The receipts of its event. The sink has started 5 ms before the sender.
    fn receipts(&self, number: usize, id: &str) -> Vec<Record<'static>> {
        let Some(arrival_ms) = self.arrival_ms else { return Vec::new() };
        let recv_ns = (due_ns(number) + 5_000_000).saturating_add_signed(arrival_ms * 1_000_000);
        let key = self.key(id);
        let copy = |copy| {
            let made = receipt(number as u64, recv_ns + copy * 900_000_000);
            let Record::Receipt(made) = made else { unreachable!() };
            let id = if key.is_some() { format!("answer to {id}") } else { id.to_owned() };
            Record::Receipt(Receipt {
                id: id.into(),
                key: key.clone().map(Into::into),
                dead_lettered: self.dead.then(|| format!("reason {}", number % 2).into()),
                redelivered: copy == 2,
                ..made
            })
        };
        (0..if self.dead { 1 } else { self.copies }).map(copy).collect()
    }
}

fn due_ns(number: usize) -> u64 {
    number as u64 * 37_000_000
}

/// The streams of a run: for each shard that of its sender and that of a sink beside it.
fn streams(
    folder: &Folder,
    fates: &[Fate],
    shards: usize,
    at_s: i64,
    name: &str,
) -> Vec<[PathBuf; 2]> {
    let mut sent: Vec<Vec<Record<'static>>> = vec![Vec::new(); shards];
    let mut received = sent.clone();
    for (number, fate) in fates.iter().enumerate() {
        let id = format!("{name}-{number}");
        sent[number % shards].extend(fate.samples(number, &id));
        received[fate.sink % shards].extend(fate.receipts(number, &id));
    }
    let folder = folder.path(name);
    fs::create_dir(&folder).unwrap();
    let streams = sent.into_iter().zip(received).enumerate().map(|(shard, (sent, received))| {
        let label = (shards > 1).then(|| format!("{shard}/{shards}"));
        let first = Start { shard: label, ..opening("ce-blast", shard, at_s * 1000, plan()) };
        let sent = senders(first, sent, shard as u64);
        let received = sinks(opening("ce-sink", shard, at_s * 1000 - 5, Value::Null), received);
        let paths = ["sent", "received"].map(|kind| folder.join(format!("{kind}-{shard}.ndjson")));
        fs::write(&paths[0], sent).unwrap();
        fs::write(&paths[1], received).unwrap();
        paths
    });
    streams.collect()
}

/// The whole stream of a sender. Not all are given the same checks, nor hold the same connections.
fn senders(first: Start, samples: Vec<Record<'static>>, shard: u64) -> String {
    let records = samples.len() as u64;
    let Record::End(last) = end(records, Some(kept_its_schedule())) else { unreachable!() };
    let name = if shard % 3 == 2 { "body" } else { "status 202" }.to_owned();
    let checks = vec![CheckCount { name, passes: records, fails: shard }];
    let held = |scenario: &str, lost: u64| Held {
        scenario: scenario.to_owned(),
        opened: records + lost,
        peak: records,
        closed: records,
        lost,
        cut: 0,
    };
    let connections = vec![held("many", shard), held(&format!("many-{}", shard % 2), 1)];
    let last = Record::End(Box::new(End { checks, connections, ..*last }));
    stream([Record::Start(Box::new(first))].into_iter().chain(samples).chain([last]))
}

/// The whole stream of a sink, with gauges and a mark.
fn sinks(first: Start, receipts: Vec<Record<'static>>) -> String {
    let watched = (0..5).map(|second| {
        let labels = BTreeMap::from([("shard".to_owned(), (second % 2).to_string())]);
        let at_ns = second * SECOND_NS;
        Record::Gauge(Gauge { at_ns, name: "x_bytes".into(), labels, value: 0.5 })
    });
    let (what, name) = ("pod_ready".into(), "p".into());
    let mark = Record::Mark(Mark { at_ns: 7, what, name, labels: BTreeMap::new() });
    let last = [mark, end(receipts.len() as u64 + 6, None)];
    let records = [Record::Start(Box::new(first))].into_iter().chain(receipts);
    stream(records.chain(watched).chain(last))
}

fn collect<'a>(streams: impl IntoIterator<Item = &'a PathBuf>, out: &Path) {
    lat_collect().args(streams).arg("--out").arg(out).run().expect_code(0);
}

fn merge(dirs: &[PathBuf], out: &Path, more: &[&str]) -> Run {
    lat_collect().arg("merge").args(dirs).arg("--out").arg(out).args(more).run()
}

/// Every file by name. What it took to write the directory is left out: it never is the same.
fn files(dir: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let mut text = fs::read_to_string(dir.join(&name)).unwrap();
        if name == run_dir::RUN {
            let mut run: Value = serde_json::from_str(&text).unwrap();
            run["collector"] = Value::Null;
            text = serde_json::to_string_pretty(&run).unwrap();
        }
        files.insert(name, text);
    }
    files
}

#[track_caller]
fn same(merged: &Path, single: &Path) {
    let (merged, single) = (files(merged), files(single));
    assert_eq!(merged.keys().collect::<Vec<_>>(), single.keys().collect::<Vec<_>>());
    for (name, text) in &single {
        if &merged[name] != text {
            let lines = merged[name].lines().zip(text.lines()).enumerate();
            let first = lines.filter(|(_, (a, b))| a != b).take(5).collect::<Vec<_>>();
            panic!("{name} differs (merged, single): {first:#?}");
        }
    }
}

/// Collects each shard for itself, and all together.
fn collected(folder: &Folder, streams: &[[PathBuf; 2]], name: &str) -> (Vec<PathBuf>, PathBuf) {
    let dirs = streams.iter().enumerate().map(|(shard, streams)| {
        let dir = folder.path(&format!("{name}-shard-{shard}"));
        collect(streams, &dir);
        dir
    });
    let dirs = dirs.collect();
    let single = folder.path(&format!("{name}-single"));
    collect(streams.iter().flatten(), &single);
    (dirs, single)
}

fn few(fates: &[(&'static str, Outcome, Option<i64>, usize)]) -> Vec<Fate> {
    let fate = |&(scenario, outcome, arrival_ms, sink): &(_, _, _, _)| Fate {
        scenario,
        outcome,
        service_ns: 1_000_000,
        arrival_ms,
        copies: 1,
        dead: false,
        sink,
        retried: false,
    };
    fates.iter().map(fate).collect()
}

/// Each case runs as many processes as it has shards, and two more.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 12,
        max_shrink_iters: 40,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    /// However the events are spread, whichever sink they came to, in whichever order the directories
    /// are named; nor does the order matter in which streams are named.
    #[test]
    fn merged_shards_are_the_single_run(
        fates in prop::collection::vec(fate(), 1..150),
        shards in 1_usize..5,
        order in any::<prop::sample::Index>(),
    ) {
        let folder = Folder::new();
        let streams = streams(&folder, &fates, shards, 0, "s");
        let (mut dirs, single) = collected(&folder, &streams, "s");
        dirs.rotate_left(order.index(shards));
        if order.index(2) == 1 {
            dirs.reverse();
        }
        let merged = folder.path("merged");
        merge(&dirs, &merged, &[]).expect_code(0);
        same(&merged, &single);
        let backwards = folder.path("backwards");
        collect(streams.iter().flatten().rev(), &backwards);
        same(&backwards, &single);
    }
}

proptest! {
    #![proptest_config(config())]

    /// The same for runs one after the other, each of them whole.
    #[test]
    fn runs_in_sequence_are_the_single_run(
        runs in prop::collection::vec(prop::collection::vec(fate(), 1..60), 2..4),
        order in any::<prop::sample::Index>(),
    ) {
        let folder = Folder::new();
        let runs: Vec<[PathBuf; 2]> = (0_i64..)
            .zip(&runs)
            .flat_map(|(number, fates)| {
                streams(&folder, fates, 1, number * 100, &format!("run-{number}"))
            })
            .collect();
        let (mut dirs, single) = collected(&folder, &runs, "s");
        let count = dirs.len();
        dirs.rotate_left(order.index(count));
        let merged = folder.path("merged");
        merge(&dirs, &merged, &["--sequence"]).expect_code(0);
        same(&merged, &single);
    }
}

#[test]
fn runs_one_after_the_other_are_merged_when_they_are_said_to_be_that() {
    let folder = Folder::new();
    let fates = few(&[
        ("a", Outcome::Ok, Some(3), 0),
        ("b", Outcome::Rejected, None, 0),
        ("b", Outcome::Ok, None, 0),
    ]);
    let first = streams(&folder, &fates, 1, 0, "first");
    let second = streams(&folder, &fates, 1, 100, "second");
    let dirs = [("one", &first), ("two", &second)].map(|(name, streams)| {
        let dir = folder.path(name);
        collect(&streams[0], &dir);
        dir
    });
    let single = folder.path("single");
    collect(first.iter().chain(&second).flatten(), &single);
    let merged = folder.path("merged");
    let run = merge(&dirs, &merged, &[]);
    run.expect_code(3);
    let says = "are whole runs: runs one after the other are --sequence";
    assert!(run.stderr.contains(says), "{}", run.stderr);
    let swapped = [dirs[1].clone(), dirs[0].clone()];
    merge(&swapped, &merged, &["--sequence"]).expect_code(0);
    same(&merged, &single);
    assert_eq!(read(&merged, "ledger.json")["lost"], 2);
    let run = merge(&dirs[..1], &folder.path("alone"), &["--sequence"]);
    run.expect_code(0);
    same(&folder.path("alone"), &dirs[0]);
}

#[test]
fn a_machine_that_had_no_events_does_not_matter_to_the_clocks() {
    let folder = Folder::new();
    let streams = streams(&folder, &few(&[("a", Outcome::Ok, Some(2), 0)]), 3, 0, "s");
    let (dirs, single) = collected(&folder, &streams, "s");
    let merged = folder.path("merged");
    merge(&dirs, &merged, &[]).expect_code(0);
    same(&merged, &single);
    assert!(
        fs::read_to_string(merged.join("ledger.json")).unwrap().contains(r#""clocks": "same""#)
    );
}
