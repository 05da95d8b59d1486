//! Which verdict and exit code a run gets.

use ce_record::Outcome;
use ce_record::run_dir::Block;

use crate::fixture::{Fixture, good};

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/slo.toml");

fn first_line(fixture: &Fixture, args: &[&str], code: i32) -> String {
    let run = fixture.check(args);
    run.expect_code(code);
    assert_eq!(run.stderr, "");
    run.stdout.lines().next().unwrap_or_default().to_owned()
}

fn table(rows: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), rows).unwrap();
    file
}

/// An objective for the mean latency of the fixture, 500.5 ms.
fn mean(target: &str, critical: &str, more: &str) -> String {
    format!(
        "[[slo]]\nname = \"mean\"\nmetric = \"latency\"\naggregate = \"mean\"\nop = \"<\"\n\
         target = \"{target}\"\ncritical = \"{critical}\"\n{more}\n"
    )
}

#[test]
fn a_good_run_passes_without_any_objective() {
    let run = good().check(&[]);
    run.expect_code(0);
    assert!(run.stdout.starts_with("PASS  nightly: all 2 objectives are met\n"), "{}", run.stdout);
    assert!(run.stdout.contains("judged by the default `failed: rate<0.01`"), "{}", run.stdout);
}

#[test]
fn too_many_failed_events_fail_a_run_without_any_objective() {
    let mut fixture = good();
    fixture.summary.overall.outcomes[Outcome::Timeout] = 6;
    let line = first_line(&fixture, &[], 1);
    assert_eq!(line, "FAIL  nightly: 1 of 2 objectives failed");
}

#[test]
fn one_lost_event_fails_the_run_whatever_the_objectives() {
    let mut fixture = good();
    fixture.ledger.lost = 1;
    let args = ["--threshold", "latency: p(95)<5000"];
    assert_eq!(first_line(&fixture, &args, 1), "FAIL  nightly: 1 of 2 objectives failed");
    fixture.ledger.has_receipts = false;
    assert_eq!(first_line(&fixture, &args, 0), "PASS  nightly: the objective is met");
}

#[test]
fn the_thresholds_of_the_k6_script_are_judged_as_they_are() {
    let check =
        |threshold, code| good().check(&["--threshold", threshold]).expect_code(code).clone();
    check("http_req_duration: p(95)<5000", 0);
    check("http_req_duration{scenario:baseline}: p(95)<2000", 0);
    check("http_req_failed: rate<0.01", 0);
    check("builder_error_rate: rate<0.01", 0);
    check("builder_publish_duration: p(95)<3000", 0);
    let run = check("builder_events_total: count>10000", 1);
    assert!(run.stdout.contains("FAIL     builder_events_total: count>10000"), "{}", run.stdout);
}

#[test]
fn several_thresholds_are_judged_together() {
    let run = good().check(&[
        "--threshold",
        "latency: p(95)<951, p(95)<950",
        "--threshold",
        "ok:count>1",
    ]);
    run.expect_code(1);
    assert!(run.stdout.starts_with("FAIL  nightly: 1 of 4 objectives failed\n"), "{}", run.stdout);
    let dir = good().write();
    let variable = "latency: p(95)<951;failed: rate<0.001";
    let run = crate::fixture::slo_check().arg(dir.path()).env("CE_THRESHOLD", variable).run();
    assert!(run.expect_code(1).stdout.starts_with("FAIL  nightly: 1 of 3 objectives failed\n"));
}

#[test]
fn the_example_objectives_pass_warn_and_fail() {
    let mut fixture = good();
    fixture.summary.overall.sent_per_s = Some(100.1);
    assert_eq!(
        first_line(&fixture, &["--slo", TABLE], 0),
        "PASS  nightly: all 4 objectives are met"
    );
    fixture.summary.overall.sent_per_s = Some(83.17);
    let line = "WARN  nightly: 1 of 4 objectives short of target";
    assert_eq!(first_line(&fixture, &["--slo", TABLE], 0), line);
    assert_eq!(first_line(&fixture, &["--slo", TABLE, "--strict"], 1), line);
    fixture.summary.overall.sent_per_s = Some(49.9);
    assert_eq!(
        first_line(&fixture, &["--slo", TABLE], 1),
        "FAIL  nightly: 1 of 4 objectives failed"
    );
}

#[test]
fn both_levels_are_exact() {
    let check = |target: &str, critical: &str, verdict: &str, code| {
        let file = table(&mean(target, critical, ""));
        let line = first_line(&good(), &["--slo", file.path().to_str().unwrap()], code);
        assert!(line.starts_with(verdict), "{target} {critical}: {line}");
    };
    check("501ms", "600ms", "PASS", 0);
    check("500.5ms", "600ms", "WARN", 0);
    check("500ms", "500.501ms", "WARN", 0);
    check("500ms", "500.5ms", "FAIL", 1);
    check("400ms", "500ms", "FAIL", 1);
}

#[test]
fn an_invalid_run_says_why_and_still_shows_its_figures() {
    let mut fixture = good();
    fixture.run.generator.valid = false;
    fixture.run.generator.notes = vec!["12 % of the events were sent too late".into()];
    fixture.ledger.lost = 1;
    let run = fixture.check(&["--threshold", "latency: p(95)<1"]);
    run.expect_code(3);
    let expected = "\
INVALID  nightly: the load was not the one that was asked for
run complete, generator not valid, 99.8 % of the plan sent, lag p99 1.2 ms
  - 12 % of the events were sent too late

verdict  objective         measured  target  critical     n
INVALID  no event lost            1    == 0         -   995
INVALID  latency: p(95)<1    950 ms  < 1 ms         -  1000
";
    assert_eq!(run.stdout, expected);
}

#[test]
fn an_incomplete_run_has_no_verdict() {
    let mut fixture = good();
    fixture.run.complete = false;
    fixture.run.incomplete_because = vec!["blast.ndjson: no end record".into()];
    let run = fixture.check(&["--format", "json"]);
    run.expect_code(3);
    let json: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((json["verdict"].as_str(), json["exit"].as_u64()), (Some("invalid"), Some(3)));
    assert_eq!(json["reasons"], serde_json::json!(["blast.ndjson: no end record"]));
}

#[test]
fn no_data_is_never_a_pass_and_a_clear_failure_outweighs_it() {
    let unknown = ["--threshold", "latency{scenario:spike}: p(95)<5000"];
    let run = good().check(&unknown);
    run.expect_code(3);
    assert!(run.stdout.starts_with("NO DATA  nightly: 1 of 2 objectives has no data\n"));
    let flat = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flat.contains("no scenario `spike` in this run; it has baseline"), "{}", run.stdout);
    let unknown_type = ["--threshold", "ok{type:x}: count>1"];
    assert!(good().check(&unknown_type).expect_code(3).stdout.contains("no type `x` in this run"));
    good().check(&[&unknown[..], &["--threshold", "ok: count>10000"]].concat()).expect_code(1);
}

#[test]
fn a_run_without_events_is_no_data_in_every_metric() {
    let mut fixture = good();
    fixture.summary.overall = Block::default();
    for threshold in [
        "failed: rate<0.01",
        "success: rate>=0",
        "latency: p(95)<5000",
        "latency: p(97.5)<5000",
        "dropped: count<1",
        "sent: rate>=0",
        "received: count>=0",
    ] {
        let run = fixture.check(&["--threshold", threshold]);
        assert!(run.expect_code(3).stdout.starts_with("NO DATA"), "{threshold}: {}", run.stdout);
    }
}

#[test]
fn what_only_receipts_can_tell_is_no_data_without_them() {
    let mut fixture = good();
    fixture.ledger.has_receipts = false;
    for metric in ["lost", "duplicates", "received"] {
        let run = fixture.check(&["--threshold", &format!("{metric}: count<1")]);
        assert!(run.expect_code(3).stdout.contains("no receipts were collected"), "{metric}");
    }
    let run = fixture.check(&["--threshold", "e2e: p(95)<3000"]);
    assert!(run.expect_code(3).stdout.contains("no receipts were collected"));
}

#[test]
fn an_objective_says_itself_what_missing_data_means() {
    let check = |on_no_data: &str, verdict: &str, code| {
        let more = format!("min_samples = 1001\non_no_data = \"{on_no_data}\"");
        let file = table(&mean("1s", "2s", &more));
        let line = first_line(&good(), &["--slo", file.path().to_str().unwrap()], code);
        assert!(line.starts_with(verdict), "{on_no_data}: {line}");
    };
    check("fail", "FAIL  nightly: 1 of 2", 1);
    check("warn", "WARN  nightly: 1 of 2", 0);
    check("skip", "NO DATA  nightly: every objective was skipped", 3);
}
