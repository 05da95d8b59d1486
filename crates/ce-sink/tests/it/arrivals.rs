//! The report on how evenly requests arrived.

use std::path::Path;

use serde_json::Value;

use crate::{STRUCTURED, Sink, ce_sink, event};

fn report(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn every_request_is_an_arrival() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("arrivals.json");
    let mut sink = Sink::http(&["--arrivals", path.to_str().unwrap()]);
    let mut client = sink.client();
    for id in 0..20 {
        assert_eq!(client.event(&id.to_string()), 202);
    }
    client.send("GET", "/", &[STRUCTURED], &event("x"));
    assert_eq!(client.answer().status, 405);
    sink.running.interrupt();
    let stderr = sink.ends(0, "interrupted");
    let report = report(&path);
    assert_eq!(report["arrivals"], 21);
    let number = |value: &Value| value.as_f64().unwrap();
    let (duration_s, rate) = (number(&report["duration_s"]), number(&report["rate_per_s"]));
    assert!((rate * duration_s - 20.0).abs() < 1e-6, "{report}");
    let gap = &report["gap_us"];
    assert!((number(&gap["mean"]) * rate - 1e6).abs() < 1e-3, "{report}");
    let sorted = ["min", "p1", "p10", "p50", "p90", "p99", "p99_9", "max"];
    assert!(sorted.map(|name| number(&gap[name])).is_sorted(), "{report}");
    assert!(number(&gap["min"]) > 0.0 && number(&report["gap_cv"]) > 0.0, "{report}");
    assert!((0.0..1.0).contains(&number(&report["burst_share"])), "{report}");
    assert!(stderr.contains("ce-sink: 21 arrivals in "), "{stderr}");
    // The stream is as it would be without.
    let span_ns = |at: usize| sink.receipts()[at]["recv_ns"].as_u64().unwrap();
    assert!(span_ns(19) - span_ns(0) > 0);
}

#[test]
fn arrivals_are_not_put_off_by_late_answers_or_bodies() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("arrivals.json");
    let mut sink = Sink::http(&["--arrivals", path.to_str().unwrap(), "--delay", "500ms"]);
    let (mut first, mut second) = (sink.client(), sink.client());
    let body = event("1");
    let head = format!(
        "POST / HTTP/1.1\r\nhost: sink\r\ncontent-type: {}\r\ncontent-length: {}\r\n\r\n",
        STRUCTURED.1,
        body.len()
    );
    first.raw(head.as_bytes());
    second.send("POST", "/", &[STRUCTURED], &event("2"));
    assert_eq!(second.answer().status, 202);
    first.raw(body.as_bytes());
    assert_eq!(first.answer().status, 202);
    sink.running.interrupt();
    sink.ends(0, "interrupted");
    let report = report(&path);
    assert_eq!(report["arrivals"], 2);
    assert!(report["duration_s"].as_f64().unwrap() < 0.5, "{report}");
}

#[test]
fn without_arrivals_the_report_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("arrivals.json");
    let mut sink = Sink::http(&["--arrivals", path.to_str().unwrap()]);
    sink.address();
    sink.running.interrupt();
    let stderr = sink.ends(0, "interrupted");
    assert!(stderr.contains("ce-sink: 0 arrivals in 0.000 s\n"), "{stderr}");
    let report = report(&path);
    assert_eq!((&report["arrivals"], &report["gap_us"]), (&0.into(), &Value::Null));
}

#[test]
fn a_report_that_cannot_be_written_is_an_error_of_one_line() {
    let run = ce_sink().args(["http", "--arrivals", "/nowhere/arrivals.json"]).run();
    run.expect_code(2);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.starts_with("ce-sink: /nowhere/arrivals.json: cannot write: "));
    assert_eq!(run.stderr.lines().count(), 1);

    let mut sink = Sink::http(&["--arrivals", "/dev/full"]);
    assert_eq!(sink.client().event("1"), 202);
    sink.running.interrupt();
    assert_eq!(sink.running.wait(), 2);
    let stderr = sink.running.stderr();
    assert!(stderr.contains("ce-sink: /dev/full: cannot write: "), "{stderr}");
    let records = sink.records();
    assert_eq!((&records[1]["id"], &records[2]["stopped"]), (&"1".into(), &"failed".into()));
}
