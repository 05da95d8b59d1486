//! `ce-gen check`: findings on stdout, totals on stderr, and the answer in the exit code.

use ce_testkit::Run;

use crate::vectors::{INVALID, VALID};
use crate::{ce_gen, lines};

const REQUIRED: &str = r#""specversion":"1.0","id":"7","source":"/s","type":"t""#;

fn with(members: &str) -> String {
    format!("{{{REQUIRED},{members}}}")
}

fn check(input: impl Into<Vec<u8>>, args: &[&str]) -> Run {
    ce_gen().arg("check").args(args).stdin(input).run()
}

#[track_caller]
fn check_clean(run: &Run, totals: &str) {
    assert_eq!(run.stdout, "");
    assert_eq!(run.expect_code(0).stderr, format!("ce-gen: stdin: {totals}\n"));
}

#[test]
fn valid_events_are_not_mentioned() {
    let events: Vec<_> = VALID.iter().map(|members| with(members)).collect();
    let count = VALID.len();
    check_clean(
        &check(events.join("\n"), &[]),
        &format!("{count} events, {count} valid, 0 invalid"),
    );
}

#[test]
fn each_bad_event_is_one_line_with_its_place() {
    let events: String = INVALID.iter().map(|(members, _)| with(members) + "\n\n").collect();
    let run = check(events, &[]);
    let count = INVALID.len();
    assert_eq!(run.expect_code(1).stdout.lines().count(), count, "{}", run.stdout);
    for (at, (found, (members, says))) in run.stdout.lines().zip(INVALID).enumerate() {
        assert!(found.starts_with(&format!("stdin:{}: ", 2 * at + 1)), "{found}");
        assert!(found.contains(says), "{members}: {found}");
    }
    assert_eq!(run.stderr, format!("ce-gen: stdin: {count} events, 0 valid, {count} invalid\n"));
}

#[test]
fn what_is_required_has_to_be_there() {
    for (missing, event) in [
        ("specversion", r#"{"id":"7","source":"/s","type":"t"}"#),
        ("id", r#"{"specversion":"1.0","source":"/s","type":"t"}"#),
        ("source", r#"{"specversion":"1.0","id":"7","source":null,"type":"t"}"#),
        ("type", r#"{"specversion":"1.0","id":"7","source":"/s"}"#),
    ] {
        let says = format!(
            "stdin:1: attribute `{missing}` is missing; every event needs id, source, specversion \
             and type\n"
        );
        assert_eq!(check(event, &[]).expect_code(1).stdout, says);
    }
}

#[test]
fn what_is_no_object_is_no_event() {
    for (line, says) in [
        ("null", "expected a JSON object"),
        ("\"{}\"", "expected a JSON object"),
        ("hello", "expected value at column 1"),
        ("{}{}", "trailing characters at column 3"),
    ] {
        let run = check(format!("{line}\n"), &[]);
        assert!(run.expect_code(1).stdout.contains(says), "{}", run.stdout);
    }
    let run = check(b"{\"specversion\":\"1.0\",\"id\":\"\xff\"}\n", &[]);
    assert!(run.expect_code(1).stdout.starts_with("stdin:1: not a CloudEvent in JSON: "));
}

#[test]
fn what_we_make_is_valid() {
    let kinds = ["--kind=build,parser,delete", "--sequence", "--time=now", "--count=2000"];
    let events = lines(&kinds).join("\n");
    check_clean(&check(events, &[]), "2000 events, 2000 valid, 0 invalid");
}

#[test]
fn no_events_are_no_answer() {
    for input in ["", "\n\n  \n"] {
        let run = check(input, &[]);
        assert_eq!(run.expect_code(3).stderr, "ce-gen: stdin: no events; nothing was checked\n");
        assert_eq!(run.stdout, "");
    }
}

#[test]
fn a_truncated_last_line_is_told_from_a_whole_one() {
    let event = format!("{{{REQUIRED}}}");
    check_clean(&check(format!("{event}\r\n{event}"), &[]), "2 events, 2 valid, 0 invalid");
    let run = check(format!("{event}\n{}", &event[..20]), &[]);
    assert!(run.expect_code(1).stdout.starts_with("stdin:2: not a CloudEvent in JSON: EOF while"));
    assert!(run.stdout.ends_with("so its writer was probably stopped\n"), "{}", run.stdout);
}

#[test]
fn events_above_64_kib_are_warned_of_and_wrong_when_strict() {
    let sized = |bytes: usize| {
        let empty = with(r#""data":"""#);
        with(&format!(r#""data":"{}""#, "x".repeat(bytes - empty.len())))
    };
    let input = [65_535, 65_536, 65_537].map(sized).join("\n");
    let run = check(input.clone(), &[]);
    let says = "event of 65537 bytes, and platforms need not forward more than 65536; send large \
                data by reference\n";
    assert_eq!(run.expect_code(0).stdout, format!("stdin:3: warning: {says}"));
    let totals = "ce-gen: stdin: 3 events, 3 valid, 0 invalid, 1 larger than 64 KiB\n";
    assert_eq!(run.stderr, totals);
    let run = check(input, &["--strict"]);
    assert_eq!(run.expect_code(1).stdout, format!("stdin:3: {says}"));
    assert_eq!(run.stderr, "ce-gen: stdin: 3 events, 2 valid, 1 invalid\n");
}

#[test]
fn an_endless_line_is_one_finding_and_costs_no_memory() {
    let event = format!("{{{REQUIRED}}}");
    let input = format!("{event}\n{}\n{event}\n", "x".repeat(40 << 20));
    let run = check(input, &[]);
    let says = "stdin:2: the line is longer than 16 MiB; send large data by reference\n";
    assert_eq!(run.expect_code(1).stdout, says);
    assert_eq!(run.stderr, "ce-gen: stdin: 3 events, 2 valid, 1 invalid\n");
}

#[test]
fn depth_does_not_matter() {
    let deep = "[".repeat(500_000) + &"]".repeat(500_000);
    let run = check(with(&format!(r#""data":{deep}"#)), &[]);
    assert!(run.expect_code(0).stdout.starts_with("stdin:1: warning: event of 1000"));
    let run = check(with(&format!(r#""ext":{deep}"#)), &[]);
    assert!(run.expect_code(1).stdout.starts_with("stdin:1: attribute `ext` is not a string"));
}

#[test]
fn a_finding_stays_in_one_line_of_bounded_length() {
    let run = check(with(&format!(r#""{}\n":1"#, "é\\r".repeat(50_000))), &[]);
    assert_eq!(run.expect_code(1).stdout.lines().count(), 1);
    assert!(run.stdout.len() < 1000, "{}", run.stdout);
}

#[test]
fn files_are_named_in_findings() {
    let dir = tempfile::tempdir().unwrap();
    let valid = format!("{{{REQUIRED}}}\n");
    std::fs::write(dir.path().join("events.ndjson"), valid.repeat(4) + "{}\n").unwrap();
    let run = ce_gen().current_dir(dir.path()).args(["check", "events.ndjson"]).run();
    assert!(run.expect_code(1).stdout.starts_with("events.ndjson:5: attribute `specversion`"));
    assert_eq!(run.stderr, "ce-gen: events.ndjson: 5 events, 4 valid, 1 invalid\n");
    let by_variable = ce_gen().current_dir(dir.path()).arg("check").env("CE_FILE", "events.ndjson");
    assert_eq!(by_variable.run(), run);
}

#[test]
fn what_cannot_be_read_is_one_line() {
    let run = ce_gen().args(["check", "no/such/file"]).run();
    assert!(run.expect_code(2).stderr.starts_with("ce-gen: no/such/file: cannot open: No such"));
    let run = ce_gen().args(["check", "/"]).run();
    assert_eq!(run.expect_code(2).stderr.lines().count(), 1, "{}", run.stderr);
}

#[test]
fn a_reader_that_leaves_early_and_a_full_disk() {
    let bad = "{}\n".repeat(100_000);
    let run = ce_gen().arg("check").stdin(bad.clone()).close_stdout().run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    let run = ce_gen().arg("check").stdin(bad).stdout_file("/dev/full").run();
    assert!(run.expect_code(2).stderr.starts_with("ce-gen: cannot write to stdout: No space"));
    assert_eq!(run.stderr.lines().count(), 1);
}

#[test]
fn help_has_examples() {
    let run = ce_gen().args(["check", "--help"]).run();
    for part in ["Examples:", "ce-gen check events.ndjson", "CE_STRICT", "there are no events"] {
        assert!(run.expect_code(0).stdout.contains(part), "{}", run.stdout);
    }
}
