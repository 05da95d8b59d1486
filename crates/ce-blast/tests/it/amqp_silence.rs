//! A broker that says nothing, or does not listen: every wait has an end.

use std::fs;
use std::time::Instant;

use ce_record::Outcome::{ConnectError, InDoubt, Ok, Timeout};
use ce_testkit::broker;

use crate::support::proxy::Proxy;
use crate::support::rig::DEADLINE;
use crate::support::topology::Topology;
use crate::support::{Rig, Stream};
use crate::{ce_blast, events};

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
    let Some(rig) = Rig::new("handshakes_that_nobody_answers", "t") else { return };
    let stop = rig.stop_file();
    let args = ["--rate", "50/s", "--timeout", "1s", "--stop-file", &stop];
    let mut running = rig.publish(events(60_000), &args);
    let threads = || fs::read_dir(format!("/proc/{}/task", running.pid())).unwrap().count();
    let before = threads();
    rig.proxy.mute_newcomers(true);
    rig.proxy.cut();
    running.wait_until("some attempts", || rig.proxy.connections() >= 5);
    assert!(threads() <= before, "an attempt needs none of its own");
    rig.proxy.mute_newcomers(false);
    running.wait_until("the mark", || rig.mentions("connection_restored"));
    fs::write(&stop, "").unwrap();
    let text = rig.wait_for_end(&mut running);
    let stream = Stream::read(&text);
    assert_eq!(stream.marked(), ["connection_lost", "connection_restored"]);
    let all = [Ok, InDoubt, ConnectError, Timeout].map(|outcome| stream.count(outcome));
    assert_eq!(all.iter().sum::<u64>(), stream.samples.len() as u64);
}

#[test]
fn a_broker_that_stops_reading_ends_no_run_and_holds_none_up() {
    let Some(rig) = Rig::new("a_broker_that_stops_reading", "t") else { return };
    // More than the buffers of both sockets hold.
    let padding = format!(r#""type":"t","pad":"{}""#, "x".repeat(100_000));
    let large = events(400).replace(r#""type":"t""#, &padding);
    let started = Instant::now();
    let mut running = rig.publish(large, &["--rate", "100/s", "--timeout", "2s"]);
    rig.proxy.stall(true);
    let text = rig.wait_for_end(&mut running);
    assert!(started.elapsed() < DEADLINE);
    let stream = Stream::read(&text);
    assert!(stream.count(Timeout) > 100, "{}", running.stderr());
    assert_eq!(stream.count(Ok) + stream.count(Timeout), 400);
}

#[test]
fn what_nobody_reads_and_nobody_waits_for_takes_no_more_memory() {
    let Some(rig) = Rig::new("what_nobody_reads_and_nobody_waits_for", "t") else { return };
    let padding = format!(r#""type":"t","pad":"{}""#, "x".repeat(1_000_000));
    let large = events(1) + &events(200).replace(r#""type":"t""#, &padding);
    let args = ["--rate", "50/s", "--timeout", "700ms", "--grace", "2s"];
    let mut running = rig.publish(large, &args);
    rig.proxy.stall(true);
    let text = rig.wait_for_end(&mut running);
    let stream = Stream::read(&text);
    let refused = stream.ended(ConnectError).filter(|sample| {
        sample.error.as_deref() == Some("the broker takes nothing, and too many bytes wait for it")
    });
    assert!(refused.count() > 50, "{}", running.stderr());
    assert!(stream.count(Timeout) > 10, "{}", running.stderr());
    let peak = stream.end.peak_rss_bytes;
    assert!(peak < 220_000_000, "{peak} bytes");
}

#[test]
fn a_connection_with_nothing_to_publish_is_kept_by_heartbeats() {
    let Some(broker) = broker("a_connection_with_nothing_to_publish") else { return };
    let mut topology = Topology::new(&broker, "idle");
    let queue = topology.queue("t", None);
    // A broker lets go of who says nothing for two or three of these.
    let url = format!("{}?heartbeat=2", broker.amqp_url);
    let args = ["--to", &url, "--exchange", &topology.exchange, "--rate", "5/m"];
    let run = ce_blast().args(args).stdin(events(2)).deadline(DEADLINE).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    assert_eq!(stream.marks, [], "{}", run.stderr);
    stream.expect_outcomes(&[(Ok, 2)]);
    assert_eq!(topology.drain(&queue).len(), 2);
}

#[test]
fn a_broker_without_heartbeats_is_lost_and_found_again() {
    let Some(rig) = Rig::new("a_broker_without_heartbeats", "t") else { return };
    let (stop, url) = (rig.stop_file(), format!("{}?heartbeat=2", rig.proxy.url()));
    let args = ["--rate", "50/s", "--stop-file", &stop];
    let mut running = rig.publish_to(&url, events(60_000), &args);
    rig.proxy.hold(true);
    running.wait_until("the mark", || rig.mentions("connection_lost"));
    rig.proxy.hold(false);
    running.wait_until("the mark", || rig.mentions("connection_restored"));
    fs::write(&stop, "").unwrap();
    let text = rig.wait_for_end(&mut running);
    let stream = Stream::read(&text);
    let lost = &stream.marks[0].labels["reason"];
    assert_eq!(lost, "no heartbeat from the broker");
    assert!(stream.count(InDoubt) > 0, "{}", running.stderr());
}
