//! How events may be laid out for `ce-gen check`: lines, batches, or over several lines.

use ce_testkit::Run;

use crate::ce_gen;

const EVENT: &str = r#"{"specversion":"1.0","id":"7","source":"/s","type":"t"}"#;
const BAD: &str = r#"{"specversion":"1.0","id":"7","source":"/s","type":"t","time":"noon"}"#;
const NOON: &str = "attribute `time` is `noon`; write it as RFC 3339 does";

fn check(input: impl Into<Vec<u8>>) -> Run {
    ce_gen().arg("check").stdin(input).run()
}

/// Exit code and findings, each up to its first semicolon, and the totals.
#[track_caller]
fn expect(input: &str, code: i32, findings: &[&str], totals: &str) {
    let run = check(input);
    let found: Vec<&str> =
        run.stdout.lines().map(|line| line.split("; ").next().unwrap_or("")).collect();
    assert_eq!(found, findings, "{input}");
    assert_eq!(run.stderr, format!("ce-gen: stdin: {totals}\n"), "{input}");
    run.expect_code(code);
}

fn pretty(event: &str) -> String {
    event.replace(',', ",\n  ").replace('{', "{\n  ").replace('}', "\n}")
}

#[test]
fn a_batch_is_an_array_and_may_be_empty() {
    expect("[]", 0, &[], "0 events, 0 valid, 0 invalid, in 1 batch");
    expect(" [ ]\n\n", 0, &[], "0 events, 0 valid, 0 invalid, in 1 batch");
    let two = format!("[{EVENT}, {EVENT}]");
    expect(&two, 0, &[], "2 events, 2 valid, 0 invalid, in 1 batch");
}

#[test]
fn each_bad_member_of_a_batch_is_told_with_its_index() {
    expect(
        &format!("{EVENT}\n[{EVENT},{BAD},7,[]]\n{BAD}\n"),
        1,
        &[
            "stdin:2: event 1 of the batch: attribute `time` is `noon`",
            "stdin:2: event 2 of the batch: not a CloudEvent in JSON: \
             invalid type: integer `7`, expected a JSON object at column 1",
            "stdin:2: event 3 of the batch: not a CloudEvent in JSON: \
             invalid type: sequence, expected a JSON object",
            "stdin:3: attribute `time` is `noon`",
        ],
        "6 events, 2 valid, 4 invalid, in 1 batch",
    );
    let mixed = EVENT.replace("1.0", "0.3");
    expect(
        &format!("[{EVENT},{mixed}]"),
        1,
        &["stdin:1: event 1 of the batch: attribute `specversion` is `0.3`"],
        "2 events, 1 valid, 1 invalid, in 1 batch",
    );
}

#[test]
fn a_batch_may_be_laid_out_over_several_lines() {
    let text = format!("[\n  {EVENT},\n\n{}\n,{BAD},\n 7]\n", pretty(BAD));
    expect(
        &text,
        1,
        &[
            "stdin:4: event 1 of the batch: attribute `time` is `noon`",
            "stdin:11: event 2 of the batch: attribute `time` is `noon`",
            "stdin:12: event 3 of the batch: not a CloudEvent in JSON: \
             invalid type: integer `7`, expected a JSON object at column 1",
        ],
        "4 events, 1 valid, 3 invalid, in 1 batch",
    );
    // With the comma first, a line looks like an event of its own.
    let text = format!("[\n{EVENT}\n,{EVENT}\n]");
    expect(&text, 0, &[], "2 events, 2 valid, 0 invalid, in 1 batch");
}

#[test]
fn events_may_be_laid_out_to_be_read() {
    expect(&pretty(EVENT), 0, &[], "1 events, 1 valid, 0 invalid");
    let text = format!("\n{}\n{}\n[{EVENT}]", pretty(EVENT), pretty(BAD));
    expect(
        &text,
        1,
        &["stdin:8: attribute `time` is `noon`"],
        "3 events, 2 valid, 1 invalid, in 1 batch",
    );
    let examples = ce_gen().args(["--kind=build,parser,delete", "--describe"]).run().stdout;
    assert!(examples.lines().count() > 20);
    expect(&examples, 0, &[], "3 events, 3 valid, 0 invalid");
}

#[test]
fn a_mistake_in_such_a_layout_has_its_line() {
    let text = pretty(EVENT).replace("\"type\":\"t\"", "\"type\":");
    let says = "stdin:6: not a CloudEvent in JSON: expected value at column 1";
    expect(&text, 1, &[says], "1 events, 0 valid, 1 invalid");
    let run = check(format!("{text}\n{}", pretty(EVENT)));
    assert_eq!(run.stdout, format!("{says}; what follows it was not checked\n"));
    let run = check(&pretty(EVENT)[..40]);
    assert!(run.expect_code(1).stdout.contains("EOF while parsing"), "{}", run.stdout);
    assert!(run.stdout.ends_with("so its writer was probably stopped\n"), "{}", run.stdout);
}

#[test]
fn a_broken_first_line_does_not_hide_the_others() {
    for broken in [&EVENT[..20], "[", "{", "[{"] {
        let run = check(format!("{broken}\n{EVENT}\n{BAD}\n{EVENT}\n"));
        let found: Vec<&str> = run.expect_code(1).stdout.lines().collect();
        assert!(found[0].starts_with("stdin:1: not a CloudEvent in JSON: EOF while"), "{found:?}");
        assert!(found[1].starts_with(&format!("stdin:3: {NOON}")), "{found:?}");
        assert_eq!(run.stderr, "ce-gen: stdin: 4 events, 2 valid, 2 invalid\n");
        let run = check(format!("{broken}\n[{EVENT},{EVENT}]\n[{BAD}]\n"));
        run.expect_code(1);
        let totals = "ce-gen: stdin: 4 events, 2 valid, 2 invalid, in 2 batches\n";
        assert_eq!(run.stderr, totals, "{broken}");
    }
}

#[test]
fn what_is_laid_out_over_several_lines_has_a_limit() {
    let run = check(format!("[\n{}]", format!("{EVENT},\n").repeat(400_000)));
    assert_eq!(
        run.expect_code(2).stderr,
        "ce-gen: stdin: more than 16 MiB laid out over several lines; write an event in each \
         line, e.g., with jq -c\n"
    );
    let lines = check(format!("{EVENT}\n").repeat(400_000));
    let totals = "ce-gen: stdin: 400000 events, 400000 valid, 0 invalid\n";
    assert_eq!(lines.expect_code(0).stderr, totals);
}

#[test]
fn a_large_member_of_a_batch_is_warned_of() {
    let large = EVENT.replace("\"t\"", &format!("\"{}\"", "t".repeat(70_000)));
    let run = check(format!("[{EVENT},{large}]"));
    let says = "stdin:1: warning: event 1 of the batch: event of 70054 bytes, and platforms";
    assert!(run.expect_code(0).stdout.starts_with(says), "{}", run.stdout);
}
