//! Batched mode over HTTP: several events in one request, and a sample for each.

use std::collections::BTreeSet;

use ce_event::Event;
use ce_record::Outcome::{Ok, Rejected, Timeout};

use crate::support::{Act, Server, Stream};
use crate::{ce_blast, events};

/// The ids in each request.
fn batches(server: &Server) -> Vec<Vec<String>> {
    let requests = server.requests();
    let ids = requests.iter().map(|request| {
        let batch = Event::batch_from_json(request.body.as_bytes()).unwrap();
        batch.iter().map(|event| event.id.to_string()).collect()
    });
    ids.collect()
}

#[test]
fn events_that_are_due_together_leave_in_one_request() {
    let server = Server::start(|_| Act::Reply(202));
    let to = ["--to", &server.url(), "--mode", "batched", "--batch", "40", "--batch-wait", "50ms"];
    let run = ce_blast().args(to).args(["--rate", "100000/s"]).stdin(events(100)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 100)]);
    let mut batches = batches(&server);
    // Each travels over a connection of its own, so one may overtake another.
    batches.sort_by_key(|batch| batch[0].parse::<u64>().unwrap());
    assert!(batches.iter().all(|batch| batch.len() <= 40) && batches.len() < 20, "{batches:?}");
    assert!(batches.concat().into_iter().eq((0..100).map(|id| id.to_string())));

    // Each has its own due time and lag; those that left together were answered together.
    let dues: Vec<u64> = stream.samples.iter().map(|sample| sample.due_ns).collect();
    assert!(dues.windows(2).all(|pair| pair[0] < pair[1]), "{dues:?}");
    let answers: BTreeSet<u64> =
        stream.samples.iter().map(|it| it.due_ns + it.lag_ns + it.service_ns).collect();
    assert!(answers.len() <= batches.len(), "{answers:?}");
    let bytes: u64 = stream.samples.iter().map(|sample| sample.bytes).sum();
    assert_eq!(bytes, events(100).lines().map(|line| line.len() as u64).sum::<u64>());

    let head = &server.requests()[0].head;
    assert!(head.contains(&"content-type: application/cloudevents-batch+json".to_owned()));
}

#[test]
fn an_event_waits_no_longer_for_others_than_it_is_told_to() {
    let server = Server::start(|_| Act::Reply(202));
    let to = ["--to", &server.url(), "--mode", "batched", "--batch", "40", "--batch-wait", "1ms"];
    let run = ce_blast().args(to).args(["--rate", "2/s"]).stdin(events(3)).run();
    Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 3)]);
    assert!(batches(&server).into_iter().eq((0..3).map(|id| vec![id.to_string()])));
}

#[test]
fn the_answer_to_a_batch_is_that_of_each_of_its_events() {
    let server = Server::start(|number| match number {
        0 => Act::Reply(202),
        1 => Act::Reply(400),
        _ => Act::Silence,
    });
    let to = ["--to", &server.url(), "--mode", "batched", "--batch", "10", "--batch-wait", "50ms"];
    let rest = ["--rate", "100000/s", "--max-in-flight", "10", "--timeout", "300ms"];
    let run = ce_blast().args(to).args(rest).stdin(events(30)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 10), (Rejected, 10), (Timeout, 10)]);
    assert!(stream.ended(Rejected).all(|sample| sample.code == Some(400)));
    assert_eq!(server.request_count(), 3);
}
