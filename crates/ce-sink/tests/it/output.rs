//! Stdout: closed, full, slow; help and usage.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::thread;

use crate::client::Client;
use crate::{STRUCTURED, Sink, ce_sink, event};

#[test]
fn a_reader_that_left_is_not_an_error() {
    let run = ce_sink().args(["http", "--listen", "127.0.0.1:0"]).close_stdout().run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn a_full_disk_is_an_error_of_one_line() {
    let tool = ce_sink().args(["http", "--listen", "127.0.0.1:0"]);
    let run = tool.stdout_file("/dev/full").run();
    run.expect_code(2);
    assert!(run.stderr.starts_with("ce-sink: cannot write to stdout: "), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1);
}

#[test]
fn a_slow_reader_makes_senders_wait_and_loses_nothing() {
    const EVENTS: usize = 200;
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = thread::spawn({
        let pipe = pipe.clone();
        move || BufReader::new(File::open(pipe).unwrap())
    });
    let sink = ce_sink().args(["http", "--listen", "127.0.0.1:0"]).stdout_file(&pipe).spawn();
    let lines = reader.join().unwrap().lines();
    let line = sink.wait_for("listening on http://");
    let address = line.rsplit_once("http://").unwrap().1.parse().unwrap();
    let sender = thread::spawn(move || {
        let mut client = Client::connect(address);
        // Together twice as much as the queue and the pipe can hold.
        let id = "x".repeat(100_000);
        (0..EVENTS).for_each(|at| {
            let status = client.post("/", &[STRUCTURED], &event(&format!("{at}-{id}"))).status;
            assert_eq!(status, 202);
        });
        sink.interrupt();
        sink
    });
    let mut lines = lines.map(Result::unwrap);
    assert!(lines.next().unwrap().contains(r#""kind":"start""#));
    assert!(!sender.is_finished(), "only reading lets the sender finish");
    for at in 0..EVENTS {
        let line = lines.next().unwrap();
        assert!(line.contains(&format!(r#""id":"{at}-x"#)), "{}", &line[..100]);
    }
    assert!(lines.next().unwrap().contains(r#""kind":"end""#));
    let mut sink = sender.join().unwrap();
    assert_eq!(sink.wait(), 0);
}

#[test]
fn help_shows_examples() {
    for args in [&["--help"][..], &["http", "--help"], &["amqp", "--help"]] {
        let run = ce_sink().args(args).run();
        run.expect_code(0);
        assert!(run.stdout.contains("Examples:\n  ce-sink http"), "{}", run.stdout);
    }
}

#[test]
fn wrong_usage_is_refused() {
    let usages: [&[&str]; 8] = [
        &[],
        &["http", "--stall", "10s"],
        &["http", "--reject-status", "200"],
        &["http", "--max-connections", "0"],
        &["http", "--count", "0"],
        &["amqp", "--queue", "q"],
        &["amqp", "--from", "amqp://127.0.0.1"],
        &["amqp", "--from", "amqp://127.0.0.1", "--queue", "q", "--bind", "exchange"],
    ];
    for args in usages {
        let run = ce_sink().args(args).run();
        run.expect_code(2);
        assert_eq!(run.stdout, "", "{args:?}");
    }
}

#[test]
fn flags_can_come_from_the_environment() {
    let tool = ce_sink().arg("http").env("CE_LISTEN", "127.0.0.1:0").env("CE_IDLE_EXIT", "soon");
    let run = tool.run();
    run.expect_code(2);
    assert!(run.stderr.contains("soon"), "{}", run.stderr);
}

#[test]
fn what_is_no_event_is_told_while_it_runs_and_in_few_lines() {
    let mut sink = Sink::http(&[]);
    let mut client = sink.client();
    for _ in 0..1000 {
        assert_eq!(client.post("/", &[STRUCTURED], "{}").status, 400);
    }
    sink.running.wait_for("ce-sink: not a CloudEvent: attribute `specversion` is missing");
    sink.running.interrupt();
    let stderr = sink.ends(0, "interrupted");
    // The address, the first reason, the totals; on a slow machine one more line every ten seconds.
    let lines = stderr.lines().filter(|line| !line.contains("so far; the latest")).count();
    assert_eq!(lines, 3, "{stderr}");
    assert!(stderr.lines().count() < 20, "{stderr}");
}

#[test]
fn a_file_name_need_not_be_utf8() {
    let folder = tempfile::tempdir().unwrap();
    let report = folder.path().join(OsStr::from_bytes(b"arrivals-\xff"));
    let mut sink =
        Sink::of(ce_sink().args(["http", "--listen", "127.0.0.1:0", "--arrivals"]).arg(&report));
    sink.address();
    sink.running.interrupt();
    sink.ends(0, "interrupted");
    assert!(report.exists());
    assert!(sink.records()[0]["args"].to_string().contains("arrivals-\u{fffd}"));
}
