//! What is printed, in words and as JSON.

use serde_json::json;

use crate::fixture::good;

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/slo.toml");

#[test]
fn the_text_gives_the_verdict_first_and_fits_eighty_columns() {
    let mut fixture = good();
    fixture.summary.overall.sent_per_s = Some(83.17);
    let threshold = "http_req_duration{scenario:baseline}: p(99)<2000";
    let run = fixture.check(&["--slo", TABLE, "--threshold", threshold]);
    run.expect_code(0);
    let expected = "\
WARN  nightly: 1 of 5 objectives short of target
run complete, generator valid, 99.8 % of the plan sent, lag p99 1.2 ms

verdict  objective                            measured    target  critical     n
PASS     no event lost                               0      == 0         -   995
PASS     event processing latency p95            1.9 s     < 3 s    < 10 s  1000
PASS     event publishing success rate          99.5 %    > 99 %    > 95 %  1000
WARN     requests per second                  83.17 /s  > 100 /s   > 50 /s  1000
PASS     http_req_duration{scenario:baseline}: p(99)<2000
                                                990 ms     < 2 s         -  1000
";
    assert_eq!(run.stdout, expected);
}

#[test]
fn the_json_is_one_object_in_one_line() {
    let run = good().check(&["--slo", TABLE, "--format", "json"]);
    run.expect_code(0);
    assert_eq!(run.stdout.lines().count(), 1);
    let mut found: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let rows = found["objectives"].take();
    let envelope = json!({
        "format": 1,
        "run": "nightly",
        "verdict": "warn",
        "exit": 0,
        "reasons": ["requests per second: 99.8 /s is not > 100 /s"],
        "notes": [],
        "objectives": null,
    });
    assert_eq!(found, envelope);
    assert_eq!(rows.as_array().unwrap().len(), 4);
    let e2e = json!({
        "name": "event processing latency p95",
        "metric": "e2e",
        "aggregate": "p95",
        "scenario": null,
        "type": null,
        "op": "<",
        "target": 3000.0,
        "critical": 10_000.0,
        "value": 1900.0,
        "unit": "ms",
        "count": 1000,
        "verdict": "pass",
        "note": null,
    });
    assert_eq!(rows[1], e2e);
}

#[test]
fn what_to_keep_in_mind_is_said() {
    let mut fixture = good();
    fixture.ledger.has_receipts = false;
    fixture.run.generator.notes = vec!["the clock of one sender was stepped".into()];
    let run = fixture.check(&[]);
    let expected = "\
notes
  - no objective was given; judged by the default `failed: rate<0.01`
  - no receipts were collected, so nobody knows whether events were lost
  - the clock of one sender was stepped
";
    assert!(run.expect_code(0).stdout.ends_with(expected), "{}", run.stdout);
}

#[test]
fn long_notes_are_broken_between_words() {
    let mut fixture = good();
    fixture.run.generator.notes = vec!["word ".repeat(40)];
    let run = fixture.check(&["--threshold", "latency{scenario:spike}: p(95)<5000"]);
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 80), "{}", run.stdout);
    let second = run.stdout.lines().filter(|line| line.starts_with("    word")).count();
    assert_eq!(second, 2, "{}", run.stdout);
}
