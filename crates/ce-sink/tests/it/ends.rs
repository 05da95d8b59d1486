//! When and how it ends.

use std::net::TcpStream;

use crate::{STRUCTURED, Sink, ce_sink, event};

#[test]
fn it_ends_after_enough_distinct_events() {
    let mut sink = Sink::http(&["--count", "3"]);
    let mut client = sink.client();
    for id in ["1", "2", "2", "1", "3"] {
        assert_eq!(client.event(id), 202);
    }
    sink.ends(0, "done");
    assert_eq!(sink.ids(), ["1", "2", "2", "1", "3"]);
}

#[test]
fn it_ends_when_nothing_arrives_any_more() {
    let mut sink = Sink::http(&["--idle-exit", "200ms"]);
    assert_eq!(sink.client().event("1"), 202);
    sink.ends(0, "done");
    let records = sink.records();
    let (receipt, end) = (&records[1], &records[2]);
    let idle_ns = end["elapsed_ns"].as_u64().unwrap() - receipt["recv_ns"].as_u64().unwrap();
    assert!(idle_ns >= 200_000_000, "{idle_ns}");
}

#[test]
fn an_interrupt_answers_what_is_in_progress() {
    let mut sink = Sink::http(&["--delay", "300ms"]);
    let (mut busy, mut idle) = (sink.client(), sink.client());
    busy.send("POST", "/", &[STRUCTURED], &event("1"));
    sink.wait_for_receipts(1);
    sink.running.interrupt();
    assert!(idle.is_closed());
    assert_eq!(busy.answer().status, 202);
    sink.ends(0, "interrupted");
    assert_eq!(sink.ids(), ["1"]);
}

#[test]
fn a_second_interrupt_ends_at_once() {
    let mut sink = Sink::http(&["--delay", "1h"]);
    let address = sink.address();
    let mut busy = sink.client();
    busy.send("POST", "/", &[STRUCTURED], &event("1"));
    sink.wait_for_receipts(1);
    sink.running.interrupt();
    sink.running.wait_until("the port to close", || TcpStream::connect(address).is_err());
    sink.running.interrupt();
    assert_eq!(sink.running.wait(), 130);
}

#[test]
fn it_ends_without_any_event() {
    let mut sink = Sink::http(&[]);
    sink.address();
    sink.running.interrupt();
    sink.ends(0, "interrupted");
    assert_eq!(sink.records().len(), 2);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let sink = Sink::http(&[]);
    let address = sink.address().to_string();
    let run = ce_sink().args(["http", "--listen", &address]).run();
    run.expect_code(2);
    assert_eq!(run.stdout, "");
    let says = format!("ce-sink: {address}: cannot listen; choose another --listen: ");
    assert!(run.stderr.starts_with(&says), "{}", run.stderr);
    assert_eq!(run.stderr.lines().count(), 1);
}
