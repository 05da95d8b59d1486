//! Where the tool meets the shell: streams, signals, the environment.

use std::fs;

use crate::{ce_gen, lines};

#[test]
fn help_shows_examples_and_what_can_be_relied_on() {
    let run = ce_gen().arg("--help").run();
    run.expect_code(0);
    for part in ["Examples:", "ce-gen --count 3 | jq .", "Repeatable:", "[default: 0]", "CE_SEED"] {
        assert!(run.stdout.contains(part), "{part} is not in\n{}", run.stdout);
    }
}

#[test]
fn no_events_are_an_empty_output() {
    assert_eq!(lines(&["--count", "0"]), [""; 0]);
}

#[test]
fn a_reader_that_leaves_early_is_not_an_error() {
    let run = ce_gen().close_stdout().run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn a_full_disk_is_one_line() {
    let full = |args: &[&str]| ce_gen().args(args).stdout_file("/dev/full").run();
    for run in [full(&["--count", "1"]), full(&[])] {
        run.expect_code(2);
        assert!(run.stderr.starts_with("ce-gen: cannot write to stdout: No space left"));
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
}

#[test]
fn stdin_is_left_alone() {
    let run = ce_gen().args(["--count", "1"]).stdin("not for us\n").run();
    assert_eq!(run.expect_code(0).stdout.lines().count(), 1);
}

#[test]
fn ctrl_c_ends_the_output_with_a_whole_line() {
    // Bounded, in case that the signal does not work.
    const COUNT: usize = 3_000_000;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.ndjson");
    let args = ["--count", &COUNT.to_string()];
    let mut running = ce_gen().args(args).stdout_file(&path).spawn();
    running.wait_until("the first events", || fs::metadata(&path).unwrap().len() > 0);
    assert_eq!(running.stop(), 0);
    assert_eq!(running.stderr(), "");
    let events = fs::read(&path).unwrap();
    assert!(events.ends_with(b"}}\n"));
    assert!(events.split(|&byte| byte == b'\n').count() < COUNT);
}

#[test]
fn every_flag_has_a_variable_and_wins_over_it() {
    let by_flags = lines(&[
        "--kind=parser,delete=2",
        "--count=50",
        "--seed=9",
        "--run=r",
        "--id=seq",
        "--sequence",
        "--source=/s",
        "--delete-type=d",
        "--size=500",
        "--time=2026-01-31T09:15:00Z",
    ]);
    let run = ce_gen()
        .env("CE_KIND", "parser,delete=2")
        .env("CE_COUNT", "50")
        .env("CE_SEED", "10")
        .env("CE_RUN", "r")
        .env("CE_ID", "seq")
        .env("CE_SEQUENCE", "1")
        .env("CE_SOURCE", "/s")
        .env("CE_DELETE_TYPE", "d")
        .env("CE_SIZE", "500")
        .env("CE_TIME", "2026-01-31T09:15:00Z")
        .args(["--seed", "9"])
        .run();
    assert_eq!(run.expect_code(0).stdout.lines().collect::<Vec<_>>(), by_flags);
}

/// What is written is more than the process may ever have in memory.
#[test]
fn memory_does_not_grow_with_the_number_of_events() {
    let script = r#"ulimit -v 100000 && exec "$0" --count 500000 | wc -c"#;
    let run = ce_testkit::Tool::new("bash")
        .args(["-o", "pipefail", "-c", script, env!("CARGO_BIN_EXE_ce-gen")])
        .run();
    let bytes: u64 = run.expect_code(0).stdout.trim().parse().unwrap();
    assert!(bytes > 130_000_000, "{bytes}");
}
