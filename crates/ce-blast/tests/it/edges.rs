//! Where the tool meets the shell: streams, odd input, the environment.

use std::fs;
use std::time::{Duration, Instant};

use ce_record::Outcome::Ok;
use ce_record::Stop;

use crate::support::{Act, Server, Stream};
use crate::{ce_blast, events};

#[test]
fn help_shows_examples() {
    let run = ce_blast().arg("--help").run();
    let text = &run.expect_code(0).stdout;
    for part in ["Examples:", "ce-gen | ce-blast --to amqp://", "[default: 10s]", "CE_RATE", "130"]
    {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn no_events_are_a_stream_without_samples() {
    let args = ["--to", "null:", "--rate", "100/s"];
    let run = ce_blast().args(args).stdin("").run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    assert_eq!((stream.end.stopped, stream.end.records), (Stop::Done, 0));
    let run = ce_blast().args(args).args(["--duration", "1s"]).stdin("\n\n").run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    assert_eq!((stream.end.stopped, stream.end.records), (Stop::InputEnded, 0));
}

#[test]
fn what_comes_before_a_malformed_line_is_sent_and_recorded() {
    let server = Server::start(|_| Act::Reply(202));
    for load in [["--rate", "100/s"], ["--vus", "1"]] {
        let input = events(2) + "{\"id\":\n" + &events(1);
        let run = ce_blast().args(["--to", &server.url()]).args(load).stdin(input).run();
        run.expect_code(2);
        let last = run.stderr.lines().last().unwrap();
        assert!(last.starts_with("ce-blast: stdin:3: "), "{last}");
        let stream = Stream::read(&run.stdout);
        stream.expect_outcomes(&[(Ok, 2)]);
        assert_eq!(stream.end.stopped, Stop::Failed);
    }
    assert_eq!(server.request_count(), 4);
}

#[test]
fn a_last_line_without_its_end_counts() {
    let args = ["--to", "null:", "--rate", "1000/s"];
    let run = ce_blast().args(args).stdin(events(3).trim_end()).run();
    Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 3)]);
}

#[test]
fn a_last_line_that_was_cut_off_is_an_error() {
    let args = ["--to", "null:", "--rate", "1000/s"];
    let cut = events(3);
    let run = ce_blast().args(args).stdin(&cut[..cut.len() - 9]).run();
    run.expect_code(2);
    assert!(run.stderr.contains("ce-blast: stdin:3: "), "{}", run.stderr);
    Stream::read(&run.stdout).expect_outcomes(&[(Ok, 2)]);
}

#[test]
fn a_file_that_is_not_there_is_one_line() {
    let run = ce_blast().args(["--to", "null:", "--rate", "1/s", "/no/such/file"]).run();
    run.expect_code(2);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.starts_with("ce-blast: /no/such/file: cannot open: No such file"));
    assert_eq!(run.stderr.lines().count(), 1);
}

#[test]
fn a_reader_that_leaves_ends_the_load_in_silence() {
    let server = Server::start(|_| Act::Reply(200));
    let begin = Instant::now();
    let run = ce_blast()
        .args(["--to", &server.url(), "--rate", "500/s", "--duration", "1m"])
        .stdin(events(30_000))
        .close_stdout()
        .run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(begin.elapsed() < Duration::from_secs(20), "the load stops at once");
    assert!(server.request_count() < 5000);
}

#[test]
fn a_reader_that_leaves_ends_a_load_that_never_catches_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.ndjson");
    fs::write(&path, events(300_000)).unwrap();
    let server = Server::start(|_| Act::ReplyAfter(Duration::from_millis(1), 200));
    let args = ["--to", &server.url(), "--rate", "1000000/s", "--max-in-flight", "1"];
    let run = ce_blast().args(args).arg(&path).close_stdout().run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(server.request_count() < 100_000);
}

#[test]
fn a_full_disk_ends_the_load_with_one_line() {
    let server = Server::start(|_| Act::Reply(200));
    let full = |load: [&str; 2]| {
        let to = ["--to", &server.url(), "--duration", "1m"];
        let tool = ce_blast().args(to).args(load).stdin(events(40_000));
        tool.stdout_file("/dev/full").run()
    };
    let begin = Instant::now();
    for run in [full(["--rate", "500/s"]), full(["--vus", "2"])] {
        run.expect_code(2);
        assert!(run.stderr.starts_with("ce-blast: cannot write to stdout: No space left"));
        assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    }
    assert!(begin.elapsed() < Duration::from_secs(30), "the load stops at once");
}

#[test]
fn flags_have_variables() {
    let server = Server::start(|_| Act::Reply(202));
    let run = ce_blast()
        .env("CE_TO", server.url())
        .env("CE_RATE", "50/s")
        .env("CE_DURATION", "100ms")
        .env("CE_SCENARIO", "s-1")
        .stdin(events(50))
        .run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 5)]);
    assert_eq!(stream.samples[0].scenario, "s-1");
}
