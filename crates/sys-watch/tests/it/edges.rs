//! Where the tool meets the shell: streams, signals, the environment, refusals.

use crate::stream::{Stream, wait_for_output, written};
use crate::sys_watch;

#[track_caller]
fn refused(args: &[&str], says: &str) {
    let run = sys_watch().args(args).run();
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {}", run.stderr);
    assert!(run.stderr.starts_with("sys-watch: ") && run.stderr.contains(says), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}

#[test]
fn help_shows_examples_and_variables() {
    let run = sys_watch().arg("--help").run();
    run.expect_code(0);
    for part in
        ["Examples:", "sys-watch --proc ce-sink --host |", "CE_INTERVAL", "CE_RABBITMQ_USER"]
    {
        assert!(run.stdout.contains(part), "{part} is not in\n{}", run.stdout);
    }
}

#[test]
fn something_has_to_be_watched() {
    refused(&[], "nothing to watch: name --proc, --rabbitmq or --host");
}

#[test]
fn what_cannot_be_meant_is_refused() {
    refused(&["--host", "--interval", "1ms"], "choose from 100ms to 1h");
    refused(&["--proc", "/usr/bin/sleep"], "the last part of the path only");
    refused(&["--proc", "99999999999"], "no pid is that large");
    refused(&["--rabbitmq", "amqp://127.0.0.1/"], "write http(s)://host:port");
}

#[test]
fn a_password_on_the_command_line_is_refused_and_not_repeated() {
    let args = ["--rabbitmq", "http://guest:s3cret@127.0.0.1:1"];
    refused(
        &args,
        "`http://guest:***@127.0.0.1:1`: others can read a password on the command line",
    );
    refused(&args, "set CE_RABBITMQ_USER and CE_RABBITMQ_PASSWORD, or use --credentials-file FILE");
    let run = sys_watch().env("CE_RABBITMQ", args[1]).run();
    run.expect_code(2);
    for stderr in [run.stderr, sys_watch().args(args).run().stderr] {
        assert!(!stderr.contains("s3cret"), "{stderr}");
    }
}

#[test]
fn a_reader_that_leaves_early_is_not_an_error() {
    let run = sys_watch().args(["--host", "--interval", "100ms"]).close_stdout().run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn a_full_disk_is_one_line() {
    let run = sys_watch().arg("--host").stdout_file("/dev/full").run();
    run.expect_code(2);
    assert!(run.stderr.starts_with("sys-watch: cannot write to stdout: No space left"));
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}

#[test]
fn ctrl_c_closes_the_stream() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("records.ndjson");
    // The next look is an hour away, so it is the signal that ends the wait.
    let args = ["--host", "--interval", "1h"];
    let mut running = sys_watch().args(args).stdout_file(&path).spawn();
    wait_for_output(&running, &path, "host_memory_available_bytes");
    assert_eq!((running.stop(), running.stderr().as_str()), (0, ""));
    let stream = Stream::read(&written(&path));
    assert_eq!(stream.end["stopped"], "interrupted");
}

#[test]
fn the_start_record_names_tool_and_run() {
    let run = sys_watch().args(["--host", "--duration", "0s", "--run", "nightly"]).run();
    let start = Stream::read(&run.expect_code(0).stdout).start;
    assert_eq!((&start["tool"], &start["run"]), (&"sys-watch".into(), &"nightly".into()));
    assert_eq!((&start["format"], start.get("plan")), (&1.into(), None));
    assert!(start["monotonic_start_ns"].is_u64());
}

#[test]
fn every_flag_has_a_variable() {
    let run = sys_watch()
        .env("CE_HOST", "1")
        .env("CE_PROC", format!("{},{}", std::process::id(), std::process::id()))
        .env("CE_INTERVAL", "100ms")
        .env("CE_DURATION", "0s")
        .env("CE_RUN", "r")
        .run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    assert_eq!(stream.start["run"], "r");
    assert_eq!(stream.gauges("host_memory_available_bytes").len(), 1);
    assert_eq!(stream.gauges("process_threads").len(), 1);
    let run = sys_watch().env("CE_RABBITMQ", "nonsense").run();
    assert!(run.expect_code(2).stderr.contains("--rabbitmq: "), "{}", run.stderr);
}

#[test]
fn what_is_no_utf8_is_named_and_no_panic() {
    use std::os::unix::ffi::OsStrExt;
    let odd = std::ffi::OsStr::from_bytes(b"log\xffin");
    let watch = || sys_watch().args(["--rabbitmq", "http://127.0.0.1:1", "--duration", "0s"]);
    let run = watch().arg("--credentials-file").arg(odd).run();
    run.expect_code(2);
    assert!(run.stderr.starts_with("sys-watch: log\u{fffd}in: cannot read: "), "{}", run.stderr);
    let run = watch().env("CE_RABBITMQ_USER", odd).env("CE_RABBITMQ_PASSWORD", "x").run();
    let says = "sys-watch: CE_RABBITMQ_USER is not UTF-8: use --credentials-file FILE\n";
    assert_eq!(run.expect_code(2).stderr, says);
}
