//! A sink that is told to end while events come in: each is accounted for.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ce_testkit::broker;
use rustix::process::Signal;

use crate::Sink;
use crate::client::Client;
use crate::lab::Lab;

/// When senders give up, should the sink never end.
const LIMIT: Duration = Duration::from_mins(1);

/// Posts one event after the other until the sink hangs up; the ids of those that it has answered.
fn answered(mut client: Client, sender: usize) -> Vec<String> {
    let started = Instant::now();
    let ids = (0..).map(|number| format!("{sender}-{number}"));
    ids.take_while(|id| match client.event_if_open(id) {
        Some(status) => {
            assert_eq!(status, 202, "{id}");
            started.elapsed() < LIMIT
        }
        None => false,
    })
    .collect()
}

fn sorted(mut ids: Vec<String>) -> Vec<String> {
    ids.sort();
    ids
}

#[test]
fn sigterm_leaves_a_receipt_of_each_request_that_was_answered() {
    let mut sink = Sink::http(&[]);
    let clients = [(); 4].map(|()| sink.client());
    let answered: Vec<String> = thread::scope(|scope| {
        let senders = clients.into_iter().enumerate();
        let senders: Vec<_> =
            senders.map(|(sender, client)| scope.spawn(move || answered(client, sender))).collect();
        sink.wait_for_receipts(200);
        sink.running.signal(Signal::TERM);
        senders.into_iter().flat_map(|sender| sender.join().unwrap()).collect()
    });
    sink.ends(0, "interrupted");
    assert!(answered.len() >= 200, "{}", answered.len());
    assert_eq!(sorted(sink.ids()), sorted(answered));
}

#[test]
fn sigterm_leaves_each_message_in_a_receipt_or_in_the_queue() {
    let name = "sigterm_leaves_each_message_in_a_receipt_or_in_the_queue";
    let Some(broker) = broker(name) else { return };
    let lab = Lab::with_queue(&broker);
    let backlog = 300;
    lab.events(0..backlog);
    let mut sink = lab.sink(&["--prefetch", "50"]);
    let ended = AtomicBool::new(false);
    let published = thread::scope(|scope| {
        let publisher = scope.spawn(|| {
            let started = Instant::now();
            let mut next = backlog;
            while !ended.load(Ordering::Relaxed) && started.elapsed() < LIMIT {
                lab.events(next..next + 1);
                next += 1;
            }
            next
        });
        sink.wait_for_receipts(100);
        sink.running.signal(Signal::TERM);
        sink.running.wait();
        ended.store(true, Ordering::Relaxed);
        publisher.join().unwrap()
    });
    sink.ends(0, "interrupted");
    let mut found = sink.ids();
    // The broker puts back what it had sent ahead, in its own time.
    sink.running.wait_until("all messages to be back", || {
        found.len() + lab.waiting() as usize >= published
    });
    found.extend(lab.drain());
    let all = (0..published).map(|id| id.to_string()).collect();
    assert_eq!(sorted(found), sorted(all));
}
