//! Ctrl-C: once for an orderly end, twice for an immediate one.

use std::fs;
use std::time::Duration;

use ce_record::Outcome::{Ok, Unsent};
use ce_record::Stop;
use ce_testkit::Running;

use crate::ce_blast;
use crate::support::{Act, Server, Stream};

/// An input that never ends and never supplies more than its few events.
fn endless() -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.ndjson");
    fs::write(&path, crate::events(200_000)).unwrap();
    (dir, path)
}

fn start(server: &Server, args: &[&str]) -> (Running, tempfile::TempDir) {
    let (dir, input) = endless();
    let to = ["--to", &server.url(), input.to_str().unwrap()];
    let out = dir.path().join("out.ndjson");
    (ce_blast().args(to).args(args).stdout_file(out).spawn(), dir)
}

#[test]
fn the_first_drains_and_ends_the_stream() {
    let server = Server::start(|_| Act::ReplyAfter(Duration::from_millis(300), 200));
    for load in [["--rate", "100/s"], ["--vus", "30"]] {
        let before = server.request_count();
        let (mut running, dir) = start(&server, &load);
        running.wait_until("requests", || server.request_count() > before + 20);
        assert_eq!(running.stop(), 0, "{}", running.stderr());
        let text = fs::read_to_string(dir.path().join("out.ndjson")).unwrap();
        let stream = Stream::read(&text);
        assert_eq!(stream.end.stopped, Stop::Interrupted);
        let sent = u64::try_from(server.request_count() - before).unwrap();
        // On a busy machine the schedule may be behind, and what it owes stays here.
        assert_eq!(stream.count(Ok), sent);
        assert_eq!(stream.end.outcomes.unwrap().planned(), sent + stream.count(Unsent));
    }
}

#[test]
fn the_first_ends_a_load_that_never_catches_up() {
    let server = Server::start(|_| Act::Reply(200));
    let (mut running, dir) = start(&server, &["--rate", "1000000/s", "--max-in-flight", "2"]);
    running.wait_until("requests", || server.request_count() > 20);
    assert_eq!(running.stop(), 0, "{}", running.stderr());
    let text = fs::read_to_string(dir.path().join("out.ndjson")).unwrap();
    assert_eq!(Stream::read(&text).end.stopped, Stop::Interrupted);
}

#[test]
fn the_second_ends_at_once() {
    let server = Server::start(|_| Act::Silence);
    let args = ["--rate", "100/s", "--timeout", "10m", "--grace", "10m"];
    let (mut running, dir) = start(&server, &args);
    running.wait_until("a request", || server.request_count() > 0);
    running.interrupt();
    // The schedule has ended when the number of requests stands still; a signal that comes before
    // the first was seen would be the same signal.
    let mut last = (server.request_count(), std::time::Instant::now());
    running.wait_until("the end of the schedule", || {
        let count = server.request_count();
        if count != last.0 {
            last = (count, std::time::Instant::now());
        }
        last.1.elapsed() > Duration::from_millis(200)
    });
    assert_eq!(running.stop(), 130);
    let text = fs::read_to_string(dir.path().join("out.ndjson")).unwrap();
    assert!(!text.contains(r#"{"kind":"end""#), "the stream was cut short, and shows it");
}
