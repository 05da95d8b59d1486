//! What goes wrong around a verdict: arguments, files, and a stdout that takes nothing.

use std::fs;

use ce_record::run_dir::{HISTOGRAMS, LEDGER, RUN, SUMMARY};

use crate::fixture::{good, slo_check};

/// Runs on a directory and returns the one line of its refusal.
fn refusal(dir: &std::path::Path, args: &[&str]) -> String {
    let run = slo_check().arg(dir).args(args).run();
    run.expect_code(2);
    assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{}", run.stderr);
    run.stderr.replace(dir.to_str().unwrap(), "DIR").trim_end().to_owned()
}

#[test]
fn a_directory_that_is_no_run_directory_is_refused_with_a_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let remedy = "is `DIR` a run directory? `lat-collect --out` makes one";
    let missing = "No such file or directory (os error 2)";
    let expected = format!("slo-check: DIR/run.json: cannot read: {missing}; {remedy}");
    assert_eq!(refusal(dir.path(), &[]), expected);
    assert_eq!(refusal(&dir.path().join("none"), &[]), expected);
    for file in [SUMMARY, LEDGER] {
        let dir = good().write();
        fs::remove_file(dir.path().join(file)).unwrap();
        assert!(
            refusal(dir.path(), &[]).starts_with(&format!("slo-check: DIR/{file}: cannot read"))
        );
    }
}

#[test]
fn a_malformed_file_is_named() {
    for (file, text) in [(RUN, ""), (SUMMARY, "{\"format\":1"), (LEDGER, "[]"), (SUMMARY, "{}")] {
        let dir = good().write();
        fs::write(dir.path().join(file), text).unwrap();
        let line = refusal(dir.path(), &[]);
        let start = format!("slo-check: DIR/{file}: not what this version of lat-collect writes");
        assert!(line.starts_with(&start), "{line}");
    }
}

#[test]
fn another_layout_is_refused() {
    let mut fixture = good();
    fixture.run.format = 2;
    let line = refusal(fixture.write().path(), &[]);
    assert_eq!(line, "slo-check: DIR/run.json: layout 2, and this version reads 1");
}

#[test]
fn a_threshold_that_cannot_be_evaluated_is_refused_before_the_run_is_read() {
    let nowhere = std::path::Path::new("/nonexistent");
    let line = refusal(nowhere, &["--threshold", "htp_req_duration: p(95)<5000"]);
    let expected = "slo-check: threshold `htp_req_duration: p(95)<5000`: unknown metric \
                    `htp_req_duration`; did you mean `http_req_duration`?";
    assert_eq!(line, expected);
    let line = refusal(nowhere, &["--threshold", "latency: count<5"]);
    assert!(
        line.ends_with("`count` is no method of `latency`; valid are avg, min, max, med, p(N)")
    );
}

#[test]
fn a_file_of_objectives_is_refused_with_its_place() {
    let dir = good().write();
    let file = dir.path().join("slo.toml");
    fs::write(&file, "[[slo]]\nname = \"x\"\nmetrics = \"latency\"\n").unwrap();
    let line = refusal(dir.path(), &["--slo", file.to_str().unwrap()]);
    let expected = "slo-check: DIR/slo.toml:3:1: unknown key `metrics`; did you mean `metric`?";
    assert_eq!(line, expected);
    let line = refusal(dir.path(), &["--slo", "/nonexistent.toml"]);
    assert!(line.starts_with("slo-check: /nonexistent.toml: cannot open"), "{line}");
    fs::write(&file, " ".repeat(2 << 20)).unwrap();
    let line = refusal(dir.path(), &["--slo", file.to_str().unwrap()]);
    assert!(line.contains("larger than 1 MiB"), "{line}");
}

#[test]
fn objectives_may_come_from_stdin_as_toml_or_json() {
    let toml = "[[slo]]\nname='x'\nmetric='ok'\naggregate='count'\nop='>'\ntarget=1\n";
    let json = r#"{"slo":[{"name":"x","metric":"ok","aggregate":"count","op":">","target":1}]}"#;
    for text in [toml, json] {
        let dir = good().write();
        let run = slo_check().arg(dir.path()).args(["--slo", "-"]).stdin(text).run();
        assert!(run.expect_code(0).stdout.starts_with("PASS  nightly: all 2"), "{}", run.stdout);
    }
    let dir = good().write();
    let run = slo_check().arg(dir.path()).args(["--slo", "-"]).stdin("").run();
    run.expect_code(2);
    assert_eq!(run.stderr, "slo-check: stdin:1:1: no objective in it; add a [[slo]]\n");
}

#[test]
fn a_damaged_log_is_named_with_its_line_and_only_where_it_is_needed() {
    let dir = good().write();
    let path = dir.path().join(HISTOGRAMS);
    let log = fs::read_to_string(&path).unwrap();
    let needs_log = ["--threshold", "latency: p(97.5)<5000"];
    fs::write(&path, format!("{log}what is this\n")).unwrap();
    let line = refusal(dir.path(), &needs_log);
    assert!(line.starts_with("slo-check: DIR/latency.hlog:9: not an interval"), "{line}");
    slo_check().arg(dir.path()).args(["--threshold", "latency: p(95)<5000"]).run().expect_code(0);
    fs::remove_file(&path).unwrap();
    let line = refusal(dir.path(), &needs_log);
    assert!(line.starts_with("slo-check: DIR/latency.hlog: cannot open"), "{line}");
}

#[test]
fn a_log_with_a_torn_last_line_counts_as_far_as_it_goes() {
    let dir = good().write();
    let path = dir.path().join(HISTOGRAMS);
    let log = fs::read_to_string(&path).unwrap();
    let needs_log = ["--threshold", "latency: p(97.5)<5000"];
    // The last line is of another metric; the one before it is of this one.
    fs::write(&path, &log[..log.len() - 20]).unwrap();
    slo_check().arg(dir.path()).args(needs_log).run().expect_code(0);
    let second = log.match_indices("Tag=baseline.latency").nth(1).unwrap().0;
    fs::write(&path, &log[..second + 60]).unwrap();
    let run = slo_check().arg(dir.path()).args(needs_log).run();
    assert!(run.expect_code(3).stdout.contains("latency.hlog holds 500 values"), "{}", run.stdout);
    let line = log[..second].lines().count() + 1;
    assert!(run.stdout.contains(&format!("line {line} of the log is torn")), "{}", run.stdout);
}

#[test]
fn a_reader_that_leaves_early_is_not_an_error() {
    let dir = good().write();
    let run = slo_check().arg(dir.path()).close_stdout().run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn a_full_disk_is_an_error_in_one_line() {
    let dir = good().write();
    let run = slo_check().arg(dir.path()).stdout_file("/dev/full").run();
    run.expect_code(2);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(run.stderr.starts_with("slo-check: cannot write to stdout"), "{}", run.stderr);
}

#[test]
fn help_shows_examples_and_usage_errors_are_code_2() {
    let run = slo_check().arg("--help").run();
    assert!(run.expect_code(0).stdout.contains("EXAMPLES"), "{}", run.stdout);
    slo_check().run().expect_code(2);
    slo_check().args(["DIR", "--format", "xml"]).run().expect_code(2);
}

#[test]
fn flags_can_be_set_in_the_environment() {
    let dir = good().write();
    let run = slo_check()
        .arg(dir.path())
        .env("CE_SLO", concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/slo.toml"))
        .env("CE_FORMAT", "json")
        .env("CE_STRICT", "1")
        .run();
    assert!(run.expect_code(1).stdout.contains("\"verdict\":\"warn\""), "{}", run.stdout);
}
