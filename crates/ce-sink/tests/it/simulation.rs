//! Bad on purpose, and exactly as bad as asked for.

use std::time::{Duration, Instant};

use crate::{Sink, event};

#[test]
fn every_nth_event_is_refused_and_has_no_receipt() {
    let mut sink = Sink::http(&["--reject-every", "3", "--reject-status", "429"]);
    let mut client = sink.client();
    let statuses: Vec<u16> = (1..=7).map(|id| client.event(&id.to_string())).collect();
    assert_eq!(statuses, [202, 202, 429, 202, 202, 429, 202]);
    let batch = ("content-type", "application/cloudevents-batch+json");
    let events = format!("[{},{}]", event("8"), event("9"));
    assert_eq!(client.post("/", &[batch], &events).status, 429);
    sink.running.interrupt();
    let stderr = sink.ends(0, "interrupted");
    assert_eq!(sink.ids(), ["1", "2", "4", "5", "7"]);
    assert!(stderr.contains("5 received, 0 not CloudEvents, 4 rejected on purpose"), "{stderr}");
}

#[test]
fn answers_come_late_and_receipts_do_not() {
    let delay = Duration::from_millis(150);
    let mut sink = Sink::http(&["--delay", "150ms"]);
    let mut client = sink.client();
    for id in ["1", "2"] {
        let sent = Instant::now();
        assert_eq!(client.event(id), 202);
        assert!(sent.elapsed() >= delay, "{:?}", sent.elapsed());
    }
    sink.running.interrupt();
    sink.ends(0, "interrupted");
    let gap_ns = gaps_ns(&sink)[0];
    assert!(u128::from(gap_ns) >= delay.as_nanos(), "the second was sent after the first answer");
}

#[test]
fn a_stall_shows_in_the_receipts_and_ends() {
    let mut sink = Sink::http(&["--stall", "100ms:400ms"]);
    let mut client = sink.client();
    let start = Instant::now();
    let mut longest = Duration::ZERO;
    let mut id = 0;
    while longest < Duration::from_millis(350) {
        id += 1;
        let sent = Instant::now();
        assert_eq!(client.event(&id.to_string()), 202);
        longest = longest.max(sent.elapsed());
        assert!(start.elapsed() < Duration::from_mins(1), "no stall, longest {longest:?}");
    }
    assert_eq!(client.event("last"), 202);
    sink.running.interrupt();
    sink.ends(0, "interrupted");
    assert_eq!(sink.receipts().len(), id + 1, "nothing is lost");
    let stall = gaps_ns(&sink).into_iter().max().unwrap();
    assert!(stall >= 350_000_000, "{stall}");
}

#[test]
fn a_stalled_sink_can_be_interrupted() {
    let mut sink = Sink::http(&["--stall", "0s:1h"]);
    let mut client = sink.client();
    client.send("POST", "/", &[crate::STRUCTURED], &event("1"));
    sink.wait_for_receipts(1);
    sink.running.interrupt();
    sink.ends(0, "interrupted");
}

/// From each receipt to the next.
fn gaps_ns(sink: &Sink) -> Vec<u64> {
    let times: Vec<u64> =
        sink.receipts().iter().map(|receipt| receipt["recv_ns"].as_u64().unwrap()).collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}
