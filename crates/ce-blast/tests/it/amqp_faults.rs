//! A broker that goes silent or cuts the connection: nothing hangs, nothing is told wrong.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use ce_record::Outcome::{ConnectError, InDoubt, Ok, Rejected, Returned, Timeout};
use ce_testkit::broker;

use crate::amqp::{ids, mixed};
use crate::support::proxy::Proxy;
use crate::support::rig::mentions;
use crate::support::topology::{Message, Topology, cut_connections};
use crate::support::{Rig, Stream};
use crate::{ce_blast, events};

/// Enough to connect on a busy machine, and little enough to time out.
const PATIENCE: &str = "2s";

/// Checks that everything that was acknowledged is in the queue, and that what is there and was not
/// is in doubt; and that there was a connection again in the end.
#[track_caller]
fn check_what_was_lost(stream: &Stream<'_>, topology: &Topology, queue: &str) {
    let [ok, doubt, lost] = [Ok, InDoubt, ConnectError].map(|outcome| stream.count(outcome));
    assert_eq!(ok + doubt + lost, stream.samples.len() as u64);
    assert_eq!(stream.marked(), ["connection_lost", "connection_restored"]);
    for mark in &stream.marks {
        assert!(mark.name.starts_with("amqp://127.0.0.1:"), "{mark:?}");
        assert_eq!(mark.labels["connection"], "1");
    }
    assert!(ok > 100, "{ok} ok, {doubt} in doubt, {lost} lost");
    assert_eq!(stream.samples.last().unwrap().outcome, Ok, "there is a new connection");
    let held: BTreeSet<String> = topology.drain(queue).iter().map(Message::id).collect();
    assert!(ids(stream.ended(Ok)).is_subset(&held));
    let known: BTreeSet<String> =
        ids(stream.ended(Ok)).union(&ids(stream.ended(InDoubt))).cloned().collect();
    assert!(held.is_subset(&known));
}

/// Cuts the connection when there are events that arrived and are not confirmed. Returns the records
/// of the whole run, and what it said.
fn cut_while_confirms_are_out(rig: &Rig, more: &[&str]) -> (String, String) {
    let args = [&["--rate", "1000/s", "--duration", "6s"], more].concat();
    let mut running = rig.publish(events(6000), &args);
    rig.proxy.hold(true);
    let before = rig.topology.count(&rig.queue);
    // From here on nothing that arrives is confirmed.
    running.wait_until("publishes", || rig.topology.count(&rig.queue) > before + 100);
    rig.proxy.cut();
    (rig.wait_for_end(&mut running), running.stderr())
}

#[test]
fn a_cut_connection_leaves_in_doubt_what_was_under_way() {
    let Some(rig) = Rig::new("a_cut_connection_leaves_in_doubt", "t") else { return };
    let (text, stderr) = cut_while_confirms_are_out(&rig, &[]);
    let stream = Stream::read(&text);
    assert!(stream.count(InDoubt) > 100, "{stderr}");
    check_what_was_lost(&stream, &rig.topology, &rig.queue);
}

#[test]
fn an_event_that_is_due_without_a_connection_is_a_connect_error() {
    let Some(rig) = Rig::new("an_event_that_is_due_without_a_connection", "t") else { return };
    let stop = rig.stop_file();
    let mut running = rig.publish(events(60_000), &["--rate", "500/s", "--stop-file", &stop]);
    let acked = || rig.records().matches(r#""outcome":"ok""#).count();
    running.wait_until("answers", || acked() > 100);
    rig.proxy.refuse(true);
    rig.proxy.cut();
    running.wait_until("a refusal", || rig.mentions(r#""outcome":"connect_error""#));
    rig.proxy.refuse(false);
    running.wait_until("the mark", || rig.mentions("connection_restored"));
    let before = acked();
    running.wait_until("answers", || acked() > before + 100);
    fs::write(&stop, "").unwrap();
    let text = rig.wait_for_end(&mut running);
    let stream = Stream::read(&text);
    assert!(stream.ended(ConnectError).all(|sample| sample.error.is_some()));
    check_what_was_lost(&stream, &rig.topology, &rig.queue);
}

#[test]
fn every_loss_has_a_reason_of_its_own() {
    let Some(rig) = Rig::new("every_loss_has_a_reason_of_its_own", "t") else { return };
    let stop = rig.stop_file();
    let mut running = rig.publish(events(60_000), &["--rate", "500/s", "--stop-file", &stop]);
    let restored = || rig.records().matches("connection_restored").count();
    rig.proxy.refuse(true);
    rig.proxy.cut();
    running.wait_until("a refusal", || rig.mentions("cannot connect"));
    rig.proxy.refuse(false);
    running.wait_until("a connection", || restored() == 1);
    rig.proxy.cut();
    running.wait_until("another", || restored() == 2);
    fs::write(&stop, "").unwrap();
    let text = rig.wait_for_end(&mut running);
    let stream = Stream::read(&text);
    let second = stream.marks.iter().filter(|mark| mark.what == "connection_lost").nth(1).unwrap();
    let why = format!("the connection was lost: {}", second.labels["reason"]);
    let then = stream.ended(ConnectError).filter(|it| it.due_ns > second.at_ns);
    let then: Vec<_> = then.map(|it| it.error.as_deref()).collect();
    assert!(!then.is_empty() && then.iter().all(|&it| it == Some(&why)), "{why}: {then:?}");
}

#[test]
fn a_user_of_a_closed_loop_waits_for_the_next_connection() {
    let Some(rig) = Rig::new("a_user_of_a_closed_loop_waits", "t") else { return };
    let stop = rig.stop_file();
    let mut running = rig.publish(events(60_000), &["--vus", "3", "--stop-file", &stop]);
    rig.proxy.refuse(true);
    rig.proxy.cut();
    running.wait_until("refusals", || rig.records().matches("cannot connect").count() >= 6);
    rig.proxy.refuse(false);
    running.wait_until("the mark", || rig.mentions("connection_restored"));
    fs::write(&stop, "").unwrap();
    let text = rig.wait_for_end(&mut running);
    let stream = Stream::read(&text);
    assert!(stream.count(ConnectError) < 60, "one for each user and attempt: {}", running.stderr());
    assert_eq!(
        stream.count(Ok) + stream.count(InDoubt) + stream.count(ConnectError),
        stream.samples.len() as u64
    );
    // From then on all went well.
    assert_eq!(stream.samples.last().unwrap().outcome, Ok);
    let held: BTreeSet<String> = rig.topology.drain(&rig.queue).iter().map(Message::id).collect();
    assert!(ids(stream.ended(Ok)).is_subset(&held));
}

#[test]
fn a_connection_that_this_machine_could_not_open_again_is_its_own_limit() {
    let Some(rig) = Rig::new("a_connection_that_this_machine_could_not_open_again", "t") else {
        return;
    };
    let stop = rig.stop_file();
    let mut running = rig.publish(events(60_000), &["--rate", "500/s", "--stop-file", &stop]);
    running.limit_open_files(Some(0));
    rig.proxy.cut();
    let why = "this machine is the limit: Too many open files (os error 24); raise ulimit -n";
    running.wait_until("a refusal", || rig.mentions(why));
    running.limit_open_files(None);
    running.wait_until("the mark", || rig.mentions("connection_restored"));
    fs::write(&stop, "").unwrap();
    let text = rig.wait_for_end(&mut running);
    let own_limits = Stream::read(&text).end.generator.as_ref().unwrap().own_limits;
    assert!(own_limits > 0);
    let stderr = running.stderr();
    let verdict = format!("SENDER-LIMITED: this machine could not open {own_limits} connections");
    assert!(stderr.contains(&verdict), "{stderr}");
}

#[test]
fn what_was_in_doubt_is_published_again_and_arrives() {
    let Some(rig) = Rig::new("what_was_in_doubt_is_published_again", "t") else { return };
    let (text, stderr) = cut_while_confirms_are_out(&rig, &["--republish", "in-doubt"]);
    let stream = Stream::read(&text);
    assert!(stream.end.retried > 100, "{stderr}");
    assert!(stream.superseded.iter().all(|sample| sample.outcome == InDoubt));
    assert_eq!(stream.count(InDoubt), 0, "{stderr}");
    check_what_was_lost(&stream, &rig.topology, &rig.queue);
    // It is late by as long as the connection was away, and that is not the sender's doing.
    let late = stream.samples.iter().find(|sample| sample.attempt == 2).unwrap();
    assert!(late.lag_ns > 100_000_000, "{late:?}");
    let generator = stream.end.generator.as_ref().unwrap();
    let first = stream.samples.iter().chain(&stream.superseded).filter(|it| it.attempt == 1);
    assert_eq!(generator.lag_max_ns, first.map(|sample| sample.lag_ns).max().unwrap());
}

#[test]
fn what_was_refused_is_published_again_until_there_is_room() {
    let Some(broker) = broker("what_was_refused_is_published_again") else { return };
    let mut topology = Topology::new(&broker, "room");
    let queue = topology.queue("t", Some(10));
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.ndjson");
    let mut running = ce_blast()
        .args(["--to", &broker.amqp_url, "--exchange", &topology.exchange, "--rate", "100/s"])
        .args(["--republish", "nacked,in-doubt", "--republish-limit", "50"])
        .stdin(events(20))
        .stdout_file(&out)
        .spawn();
    running.wait_until("second attempts", || mentions(&out, r#""superseded":true"#));
    // While these leave, others come in.
    let first = topology.drain(&queue).len();
    assert_eq!(running.wait(), 0, "{}", running.stderr());
    let text = fs::read_to_string(&out).unwrap();
    let stream = Stream::read(&text);
    stream.expect_outcomes(&[(Ok, 20)]);
    assert!(stream.end.retried > 0 && running.stderr().contains(" attempts more"));
    assert!(stream.superseded.iter().all(|sample| sample.outcome == Rejected));
    assert_eq!(first + topology.drain(&queue).len(), 20, "each once");
}

#[test]
fn an_event_that_is_refused_too_often_ends_as_refused() {
    let Some(broker) = broker("an_event_that_is_refused_too_often") else { return };
    let mut topology = Topology::new(&broker, "full");
    topology.queue("t", Some(1));
    let to = ["--to", &broker.amqp_url, "--exchange", &topology.exchange, "--rate", "100/s"];
    let again = ["--republish", "nacked", "--republish-limit", "2"];
    let run = ce_blast().args(to).args(again).stdin(events(5)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 1), (Rejected, 4)]);
    assert_eq!(stream.end.retried, 8);
    assert!(stream.ended(Rejected).all(|sample| sample.attempt == 3));
}

#[test]
fn a_wait_for_another_attempt_ends_with_the_grace_period() {
    let Some(broker) = broker("a_wait_for_another_attempt") else { return };
    let mut topology = Topology::new(&broker, "grace");
    topology.queue("t", Some(1));
    let to = ["--to", &broker.amqp_url, "--exchange", &topology.exchange, "--rate", "100/s"];
    let again = ["--republish", "nacked", "--republish-limit", "1000", "--grace", "500ms"];
    let run = ce_blast().args(to).args(again).stdin(events(5)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 1), (Rejected, 4)]);
    let last = stream.ended(Rejected).map(|sample| sample.attempt).max().unwrap();
    assert!((2..10).contains(&last), "{last} attempts");
}

#[test]
fn a_connection_that_the_broker_closes_is_opened_again() {
    let Some(broker) = broker("a_connection_that_the_broker_closes") else { return };
    let mut topology = Topology::new(&broker, "closed");
    let queue = topology.queue("t", None);
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.ndjson");
    let name = topology.exchange.clone();
    let to = ["--to", &broker.amqp_url, "--exchange", &name, "--run", &name];
    let mut running = ce_blast()
        .args(to)
        .args(["--rate", "1000/s", "--duration", "12s"])
        .stdin(events(12_000))
        .stdout_file(&out)
        .spawn();
    running.wait_until("the connection to cut", || cut_connections(&broker, &name) == 1);
    assert_eq!(running.wait(), 0, "{}", running.stderr());
    let text = fs::read_to_string(out).unwrap();
    check_what_was_lost(&Stream::read(&text), &topology, &queue);
}

#[test]
fn a_lost_connection_is_opened_again_before_the_next_event() {
    let Some(rig) = Rig::new("a_lost_connection_is_opened_again", "t") else { return };
    let args = ["--rate", "15/m"];
    let mut running = rig.publish(events(2), &args);
    rig.proxy.cut();
    let text = rig.wait_for_end(&mut running);
    Stream::read(&text).expect_outcomes(&[(Ok, 2)]);
    assert_eq!(rig.proxy.connections(), 2);
}

#[test]
fn a_broker_that_goes_silent_ends_no_run_and_holds_none_up() {
    let Some(rig) = Rig::new("a_broker_that_goes_silent", "t") else { return };
    let started = Instant::now();
    let args =
        ["--rate", "500/s", "--duration", "3s", "--timeout", PATIENCE, "--max-in-flight", "5000"];
    let mut running = rig.publish(events(1500), &args);
    rig.proxy.hold(true);
    let text = rig.wait_for_end(&mut running);
    assert!(started.elapsed() < Duration::from_secs(30), "{}", running.stderr());
    let stream = Stream::read(&text);
    assert!(stream.count(Timeout) > 500, "{}", running.stderr());
    assert_eq!(stream.count(Ok) + stream.count(Timeout), 1500);
    assert_eq!(rig.topology.drain(&rig.queue).len(), 1500, "all have arrived, and nobody said so");
}

#[test]
fn confirms_that_come_late_are_not_taken_for_others() {
    let Some(rig) = Rig::new("confirms_that_come_late", "ok") else { return };
    let args =
        ["--rate", "1000/s", "--duration", "6s", "--timeout", PATIENCE, "--max-in-flight", "5000"];
    let mut running = rig.publish(mixed(6000, &["ok", "nowhere"]), &args);
    rig.proxy.hold(true);
    running.wait_until("timeouts", || rig.mentions(r#""outcome":"timeout""#));
    rig.proxy.hold(false);
    let text = rig.wait_for_end(&mut running);
    let stream = Stream::read(&text);
    assert!(stream.count(Timeout) > 0 && stream.count(Ok) > 100, "{}", running.stderr());
    for sample in stream.samples.iter().filter(|sample| sample.outcome != Timeout) {
        let right = if sample.event_type == "ok" { Ok } else { Returned };
        assert_eq!(sample.outcome, right, "{sample:?}");
    }
}

#[test]
fn without_publisher_confirms_there_is_no_run() {
    let Some(broker) = broker("without_publisher_confirms") else { return };
    let topology = Topology::new(&broker, "unconfirmed");
    let proxy = Proxy::without_confirms(&broker.amqp_url);
    let to = ["--to", &proxy.url(), "--exchange", &topology.exchange, "--rate", "100/s"];
    let run = ce_blast().args(to).stdin(events(10)).run();
    run.expect_code(2);
    assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{}", run.stderr);
    assert!(run.stderr.contains("the broker grants no publisher confirms"), "{}", run.stderr);
    assert!(run.stderr.contains("NOT_IMPLEMENTED"), "{}", run.stderr);
}
