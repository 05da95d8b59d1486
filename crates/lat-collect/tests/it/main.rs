//! Runs the real `lat-collect`: what a shell user would see is what is asserted.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has to fail")]

mod attempts;
mod bad_input;
mod browser;
mod documented;
mod external;
mod figures;
mod histograms;
mod http;
mod large;
mod live;
mod merge;
mod prometheus;
mod windows;

use std::fs;
use std::path::{Path, PathBuf};

use ce_record::{
    End, GeneratorReport, Outcome, OutcomeCounts, Receipt, Record, Sample, Start, Stop, append,
};
use ce_testkit::Tool;

fn lat_collect() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_lat-collect"))
}

/// A folder of its own for each test.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }
}

fn json(dir: &Path, file: &str) -> serde_json::Value {
    serde_json::from_slice(&fs::read(dir.join(file)).unwrap()).unwrap()
}

fn start(tool: &str, monotonic_start_ns: u64, plan: serde_json::Value) -> Record<'static> {
    Record::Start(Box::new(Start {
        monotonic_start_ns: Some(monotonic_start_ns),
        boot_id: Some("boot".into()),
        plan,
        ..Start::new(tool, "0", 1_700_000_000_000_000_000 + monotonic_start_ns)
    }))
}

fn end(records: u64, generator: Option<GeneratorReport>) -> Record<'static> {
    Record::End(Box::new(End {
        outcomes: Some(OutcomeCounts::default()),
        generator,
        ..End::new(1, Stop::Done, records)
    }))
}

fn kept_its_schedule() -> GeneratorReport {
    GeneratorReport { peak_in_flight: 1, open_loop: true, ..GeneratorReport::default() }
}

fn sample(seq: u64, due_ns: u64, service_ns: u64, outcome: Outcome) -> Record<'static> {
    Record::Sample(Sample {
        seq,
        source: "s".into(),
        id: seq.to_string().into(),
        event_type: "t".into(),
        scenario: "default".into(),
        due_ns,
        lag_ns: 10_000,
        service_ns,
        outcome,
        code: (outcome == Outcome::Rejected).then_some(503),
        error: None,
        bytes: 1,
        attempt: 1,
        superseded: false,
        key: None,
        connection: false,
        connect_ns: None,
        tls_ns: None,
    })
}

fn receipt(seq: u64, recv_ns: u64) -> Record<'static> {
    Record::Receipt(Receipt {
        source: "s".into(),
        id: seq.to_string().into(),
        event_type: "t".into(),
        recv_ns,
        door: "/".into(),
        ..Receipt::default()
    })
}

fn stream(records: impl IntoIterator<Item = Record<'static>>) -> String {
    let mut text = Vec::new();
    records.into_iter().for_each(|record| append(&mut text, &record));
    String::from_utf8(text).unwrap()
}

/// A sender's whole stream: `events` events, 10 ms apart, each answered after 1 ms.
fn sent(events: u64) -> String {
    let samples = (0..events).map(|seq| sample(seq, seq * 10_000_000, 1_000_000, Outcome::Ok));
    let plan = serde_json::json!({ "scenarios": {} });
    let first = [start("ce-blast", 1_000, plan)];
    stream(first.into_iter().chain(samples).chain([end(events, Some(kept_its_schedule()))]))
}

/// A sink's whole stream: it has started 5 ms before the sender.
fn received(events: u64) -> String {
    let receipts = (0..events).map(|seq| receipt(seq, seq * 10_000_000 + 7_000_000));
    let first = [start("ce-sink", 0, serde_json::Value::Null)];
    stream(first.into_iter().chain(receipts).chain([end(events, None)]))
}
