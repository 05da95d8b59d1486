//! A broker that goes away: nothing is lost, nothing is acknowledged in error, and the gap shows.

use std::collections::BTreeSet;

use ce_testkit::broker;
use rustix::process::Signal;

use crate::Sink;
use crate::lab::Lab;
use crate::proxy::Proxy;

/// A queue, and a way to it that can be closed; `None` without a broker.
fn lab_and_proxy(test: &str) -> Option<(Lab, Proxy)> {
    let lab = Lab::with_queue(&broker(test)?);
    let proxy = Proxy::to(&lab.url);
    Some((lab, proxy))
}

/// A sink that reaches the queue of the lab only through the proxy.
fn start(lab: &Lab, proxy: &Proxy, args: &[&str]) -> Sink {
    let fixed = ["amqp", "--from", proxy.url(), "--queue", &lab.name];
    Sink::start(&[&fixed[..], args].concat())
}

fn marks(sink: &Sink) -> Vec<String> {
    let marks = sink.records().into_iter().filter(|record| record["kind"] == "mark");
    marks.map(|mark| mark["what"].as_str().unwrap().to_owned()).collect()
}

fn ids(range: std::ops::Range<usize>) -> BTreeSet<String> {
    range.map(|id| id.to_string()).collect()
}

#[test]
fn a_broker_that_comes_back_finds_the_sink_waiting() {
    let Some((lab, proxy)) = lab_and_proxy("a_broker_that_comes_back") else { return };
    let mut sink = start(&lab, &proxy, &["--count", "6"]);
    lab.events(0..3);
    sink.wait_for_receipts(3);
    proxy.go_away();
    sink.running.wait_for("connection lost: queue ");
    sink.running.wait_until("two attempts", || proxy.turned_away() >= 2);
    lab.events(3..6);
    proxy.come_back();
    let stderr = sink.ends(0, "done");
    assert!(stderr.contains("connection restored after "), "{stderr}");
    assert_eq!(sink.ids().into_iter().collect::<BTreeSet<_>>(), ids(0..6));
    assert_eq!(marks(&sink), ["connection_lost", "connection_restored"]);
    assert_eq!(lab.waiting(), 0, "all were acknowledged");
    let records = sink.records();
    let lost = records.iter().find(|record| record["what"] == "connection_lost").unwrap();
    assert_eq!(lost["name"], proxy.url());
    assert!(lost["labels"]["reason"].as_str().unwrap().contains(&lab.name), "{lost}");
}

#[test]
fn what_was_not_acknowledged_comes_again_and_says_so() {
    const EVENTS: usize = 20;
    let Some((lab, proxy)) = lab_and_proxy("what_was_not_acknowledged_comes_again") else { return };
    let mut sink = start(&lab, &proxy, &[]);
    sink.running.wait_for("consuming from queue");
    // The receipts get written; their acknowledgements get lost.
    proxy.mute();
    lab.events(0..EVENTS);
    sink.wait_for_receipts(EVENTS);
    proxy.go_away();
    sink.running.wait_for("connection lost");
    proxy.come_back();
    sink.wait_for_receipts(2 * EVENTS);
    sink.running.interrupt();
    sink.ends(0, "interrupted");
    let receipts = sink.receipts();
    let (first, second) = receipts.split_at(EVENTS);
    assert!(first.iter().all(|receipt| receipt.get("redelivered").is_none()));
    assert!(second.iter().all(|receipt| receipt["redelivered"] == true));
    assert_eq!(sink.ids().into_iter().collect::<BTreeSet<_>>(), ids(0..EVENTS));
    assert_eq!(lab.waiting(), 0, "the second time all were acknowledged");
}

#[test]
fn idleness_does_not_count_while_nothing_can_arrive() {
    let Some((lab, proxy)) = lab_and_proxy("idleness_does_not_count") else { return };
    let mut sink = start(&lab, &proxy, &["--idle-exit", "700ms"]);
    lab.events(0..1);
    sink.wait_for_receipts(1);
    proxy.go_away();
    // The fourth comes after 100 + 200 + 400 + 800 ms.
    sink.running.wait_until("four attempts", || proxy.turned_away() >= 4);
    proxy.come_back();
    sink.ends(0, "done");
    assert_eq!(marks(&sink), ["connection_lost", "connection_restored"]);
}

#[test]
fn a_broker_that_stays_away_ends_the_stream_as_failed() {
    let Some((lab, proxy)) = lab_and_proxy("a_broker_that_stays_away") else { return };
    for (limit, attempts) in [("0s", 0), ("250ms", 2)] {
        proxy.come_back();
        let mut sink = start(&lab, &proxy, &["--reconnect-for", limit]);
        sink.running.wait_for("consuming from queue");
        let before = proxy.turned_away();
        proxy.go_away();
        let stderr = sink.ends(2, "failed");
        let last = stderr.lines().last().unwrap();
        assert!(last.starts_with("ce-sink: no connection within "), "{stderr}");
        assert_eq!(stderr.lines().count(), 3, "{stderr}");
        assert_eq!(marks(&sink), ["connection_lost"]);
        assert_eq!(proxy.turned_away() - before, attempts);
    }
}

#[test]
fn a_sink_without_a_broker_can_be_interrupted() {
    let Some((lab, proxy)) = lab_and_proxy("a_sink_without_a_broker_can_be_interrupted") else {
        return;
    };
    let mut sink = start(&lab, &proxy, &["--reconnect-for", "1h"]);
    sink.running.wait_for("consuming from queue");
    proxy.go_away();
    sink.running.wait_until("three attempts", || proxy.turned_away() >= 3);
    sink.running.signal(Signal::TERM);
    sink.ends(0, "interrupted");
}

#[test]
fn a_queue_that_is_gone_afterwards_is_not_made_again() {
    let Some((lab, proxy)) = lab_and_proxy("a_queue_that_is_gone_afterwards") else { return };
    let mut sink = start(&lab, &proxy, &["--reconnect-for", "2s"]);
    sink.running.wait_for("consuming from queue");
    proxy.go_away();
    sink.running.wait_for("connection lost");
    lab.delete_queue(&lab.name);
    proxy.come_back();
    let stderr = sink.ends(2, "failed");
    assert!(stderr.contains("NOT_FOUND"), "{stderr}");
}

#[test]
fn a_termination_leaves_every_event_in_a_receipt_or_in_the_queue() {
    const EVENTS: usize = 500;
    let Some(broker) = broker("a_termination_leaves_every_event") else { return };
    let lab = Lab::with_queue(&broker);
    lab.events(0..EVENTS);
    let mut sink = lab.sink(&["--prefetch", "50"]);
    sink.wait_for_receipts(1);
    sink.running.signal(Signal::TERM);
    sink.ends(0, "interrupted");
    let (written, waiting) = (sink.ids(), lab.waiting() as usize);
    assert_eq!(written.len() + waiting, EVENTS, "an orderly end acknowledges what it has written");
    let mut rest = lab.sink(&["--idle-exit", "200ms"]);
    lab.events(EVENTS..EVENTS + 1);
    rest.ends(0, "done");
    let all: BTreeSet<String> = written.into_iter().chain(rest.ids()).collect();
    assert_eq!(all, ids(0..EVENTS + 1));
}
