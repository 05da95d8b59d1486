//! A broker that says nothing, or does not listen: every wait has an end.

use std::fs;
use std::time::{Duration, Instant};

use ce_record::Outcome::{ConnectError, InDoubt, Ok, Timeout};
use ce_testkit::broker;

use crate::amqp_faults::mentions;
use crate::support::Stream;
use crate::support::proxy::Proxy;
use crate::support::topology::Topology;
use crate::{ce_blast, events};

/// Far longer than any limit that the tests set, and far shorter than for ever.
const DEADLINE: Duration = Duration::from_mins(1);

#[test]
fn a_broker_that_says_nothing_at_first_is_one_error() {
    let Some(broker) = broker("a_broker_that_says_nothing_at_first") else { return };
    let proxy = Proxy::start(&broker.amqp_url);
    proxy.hold(true);
    let args = ["--to", &proxy.url(), "--rate", "1/s", "--timeout", "700ms"];
    let run = ce_blast().args(args).stdin(events(1)).deadline(DEADLINE).run();
    run.expect_code(2);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("no connection within 700ms"), "{}", run.stderr);
}

#[test]
fn handshakes_that_nobody_answers_leave_no_threads_behind() {
    let Some(broker) = broker("handshakes_that_nobody_answers") else { return };
    let mut topology = Topology::new(&broker, "mute");
    topology.queue("t", None);
    let proxy = Proxy::start(&broker.amqp_url);
    let dir = tempfile::tempdir().unwrap();
    let (out, stop) = (dir.path().join("out.ndjson"), dir.path().join("stop"));
    let mut running = ce_blast()
        .args(["--to", &proxy.url(), "--exchange", &topology.exchange, "--rate", "50/s"])
        .args(["--timeout", "1s", "--stop-file", stop.to_str().unwrap()])
        .stdin(events(60_000))
        .stdout_file(&out)
        .spawn();
    running.wait_until("a first answer", || mentions(&out, r#""outcome":"ok""#));
    let threads = || fs::read_dir(format!("/proc/{}/task", running.pid())).unwrap().count();
    let before = threads();
    proxy.mute_newcomers(true);
    proxy.cut();
    running.wait_until("some attempts", || proxy.connections() >= 5);
    // Each attempt has a thread until it is given up; one or two of them are there at a time.
    running.wait_until("the threads of former attempts to end", || threads() <= before + 1);
    proxy.mute_newcomers(false);
    running.wait_until("the mark", || mentions(&out, "connection_restored"));
    fs::write(&stop, "").unwrap();
    assert_eq!(running.wait(), 0, "{}", running.stderr());
    let text = fs::read_to_string(&out).unwrap();
    let stream = Stream::read(&text);
    assert_eq!(stream.marked(), ["connection_lost", "connection_restored"]);
    let all = [Ok, InDoubt, ConnectError, Timeout].map(|outcome| stream.count(outcome));
    assert_eq!(all.iter().sum::<u64>(), stream.samples.len() as u64);
}

#[test]
fn a_broker_that_stops_reading_ends_no_run_and_holds_none_up() {
    let Some(broker) = broker("a_broker_that_stops_reading") else { return };
    let mut topology = Topology::new(&broker, "stalled");
    topology.queue("t", None);
    let proxy = Proxy::start(&broker.amqp_url);
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.ndjson");
    // More than the buffers of both sockets hold.
    let padding = format!(r#""type":"t","pad":"{}""#, "x".repeat(100_000));
    let large = events(400).replace(r#""type":"t""#, &padding);
    let started = Instant::now();
    let mut running = ce_blast()
        .args(["--to", &proxy.url(), "--exchange", &topology.exchange, "--rate", "100/s"])
        .args(["--timeout", "2s"])
        .stdin(large)
        .stdout_file(&out)
        .deadline(DEADLINE)
        .spawn();
    running.wait_until("a first answer", || mentions(&out, r#""outcome":"ok""#));
    proxy.stall(true);
    assert_eq!(running.wait(), 0, "{}", running.stderr());
    assert!(started.elapsed() < DEADLINE);
    let text = fs::read_to_string(&out).unwrap();
    let stream = Stream::read(&text);
    assert!(stream.count(Timeout) > 100, "{}", running.stderr());
    assert_eq!(stream.count(Ok) + stream.count(Timeout), 400);
}
