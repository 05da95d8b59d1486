//! Wrong flags: one line, code 2, and not a single event.

use crate::ce_gen;

#[track_caller]
fn check_refused(args: &[&str], says: &str) {
    let run = ce_gen().args(args).args(["--count", "1"]).run();
    run.expect_code(2);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains(says), "{}", run.stderr);
}

/// Values that only the tool itself can judge.
#[track_caller]
fn check_one_line(args: &[&str], says: &str) {
    check_refused(args, &format!("ce-gen: {says}"));
    assert_eq!(ce_gen().args(args).run().stderr.lines().count(), 1);
}

#[test]
fn a_mixture_of_nothing() {
    check_one_line(&["--kind", "build=0"], "--kind: all weights are 0, so there is nothing");
    check_one_line(&["--kind", "build=0,parser=0"], "--kind: all weights are 0");
}

#[test]
fn a_kind_given_twice() {
    check_one_line(&["--kind", "build,build=2"], "--kind: build is given 2 times; give it once");
}

#[test]
fn unknown_kinds_and_odd_weights() {
    check_refused(&["--kind", "builds"], "`builds` is not a kind of event; use build, parser or");
    check_refused(&["--kind", "build=x"], "`x` is not a weight; use a whole number");
}

#[test]
fn lines_that_are_too_long() {
    check_one_line(&["--size", "1048577"], "--size: lines have at most 1MiB; ask for less");
    check_refused(&["--size", "many"], "`many` is not a size");
}

#[test]
fn what_a_cloudevent_cannot_hold() {
    check_one_line(&["--source", "a b"], "--source: attribute `source` is `a b`, not a URI");
    check_one_line(&["--source", ""], "--source: attribute `source` is empty");
    check_one_line(&["--run", "a\nb"], "--run: attribute `id` holds a control character");
    check_one_line(&["--delete-type", ""], "--delete-type: attribute `type` is empty");
}

#[test]
fn numbers_out_of_range() {
    check_refused(&["--seed=-1"], "invalid value '-1'");
    check_refused(&["--seed", "18446744073709551616"], "too large");
    let run = ce_gen().args(["--count", "1000000000001"]).run();
    assert!(run.expect_code(2).stderr.contains("1000000000001 is not in 0..=1000000000000"));
}

#[test]
fn times_that_are_none() {
    check_refused(&["--time", "noon"], "`noon` is not a time; use now, none, or RFC 3339");
}
