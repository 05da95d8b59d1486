//! Events that are sent again: each attempt has a sample of its own, and the event ends once.

use std::collections::BTreeMap;
use std::time::Duration;

use ce_record::Outcome::{ConnectError, Ok, Rejected, Timeout};
use ce_record::Sample;

use crate::support::{Act, Server, Stream};
use crate::{ce_blast, events};

const RETRY: [&str; 4] = ["--retry", "3", "--retry-wait", "20ms"];

/// The attempts of each event, in order.
fn attempts<'a>(stream: &'a Stream<'_>) -> BTreeMap<u64, Vec<&'a Sample<'a>>> {
    let mut events: BTreeMap<u64, Vec<&Sample<'_>>> = BTreeMap::new();
    for sample in stream.attempts() {
        events.entry(sample.seq).or_default().push(sample);
    }
    for attempts in events.values_mut() {
        attempts.sort_by_key(|sample| sample.attempt);
        for (number, sample) in attempts.iter().enumerate() {
            assert_eq!(sample.attempt as usize, number + 1);
            assert_eq!(sample.superseded, number + 1 < attempts.len());
            assert_eq!((sample.due_ns, &sample.id), (attempts[0].due_ns, &attempts[0].id));
        }
    }
    events
}

/// From the end of an attempt to the beginning of the next.
fn waits(attempts: &[&Sample<'_>]) -> Vec<Duration> {
    let wait = |pair: &[&Sample<'_>]| pair[1].lag_ns - pair[0].latency_ns();
    attempts.windows(2).map(wait).map(Duration::from_nanos).collect()
}

#[test]
fn what_was_refused_for_now_is_sent_again_until_it_is_taken() {
    // Each event is refused twice.
    let server = Server::start(|number| match number % 3 {
        0 => Act::Reply(503),
        1 => Act::Reply(429),
        _ => Act::Reply(202),
    });
    let args = ["--to", &server.url(), "--vus", "1"];
    let run = ce_blast().args(args).args(RETRY).stdin(events(10)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 10)]);
    assert_eq!((stream.end.retried, server.request_count()), (20, 30));
    for attempts in attempts(&stream).values() {
        let codes: Vec<_> = attempts.iter().map(|sample| sample.code).collect();
        assert_eq!(codes, [Some(503), Some(429), Some(202)]);
        let waits = waits(attempts);
        assert!(waits[0] >= Duration::from_millis(10) && waits[1] >= Duration::from_millis(20));
    }
    let bodies: Vec<String> = server.requests().into_iter().map(|request| request.body).collect();
    assert!(bodies.chunks(3).all(|same| same[0] == same[1] && same[1] == same[2]), "{bodies:?}");
}

#[test]
fn the_last_attempt_is_how_the_event_ends_and_other_refusals_are_final() {
    let server = Server::start(|number| if number < 4 { Act::Reply(503) } else { Act::Reply(400) });
    let args = ["--to", &server.url(), "--vus", "1", "--expect-status", "503"];
    let run = ce_blast().args(args).args(RETRY).stdin(events(2)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Rejected, 2)]);
    let counts: Vec<usize> = attempts(&stream).values().map(Vec::len).collect();
    assert_eq!(counts, [4, 1]);
    let check = &stream.end.checks[0];
    assert_eq!((check.passes, check.fails), (1, 1), "the last answer is the one that is checked");
}

#[test]
fn the_target_says_how_long_to_wait() {
    let server = Server::start(|number| match number % 4 {
        0 => Act::Answer(429, "Retry-After: 1\r\n".into(), String::new()),
        2 => {
            let dates = "Date: Sun, 06 Nov 1994 08:49:36 GMT\r\n\
                         Retry-After: Sun, 06 Nov 1994 09:49:37 GMT\r\n";
            Act::Answer(503, dates.into(), String::new())
        }
        _ => Act::Reply(202),
    });
    let args = ["--to", &server.url(), "--vus", "1", "--retry-max-wait", "1200ms"];
    let run = ce_blast().args(args).args(RETRY).stdin(events(2)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 2)]);
    let waits: Vec<Duration> = attempts(&stream).values().flat_map(|it| waits(it)).collect();
    assert_eq!(waits.len(), 2);
    assert!(waits[0] >= Duration::from_secs(1), "{waits:?}");
    // An hour is longer than the longest wait.
    assert!(waits[1] >= Duration::from_millis(1200) && waits[1] < Duration::from_mins(1));
}

#[test]
fn no_answer_and_no_connection_are_tried_again_if_that_is_named() {
    let silent =
        || Server::start(|number| if number % 2 == 0 { Act::Silence } else { Act::Reply(202) });
    let server = silent();
    let args = ["--vus", "1", "--timeout", "200ms", "--to"];
    let run = ce_blast().args(args).arg(server.url()).args(RETRY).stdin(events(3)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 3)]);
    assert_eq!(stream.end.retried, 3);

    let server = silent();
    let only = ["--retry-on", "connect,503"];
    let run = ce_blast().args(args).arg(server.url()).args(RETRY).args(only).stdin(events(2)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 1), (Timeout, 1)]);

    let server = Server::start(|number| if number == 0 { Act::Vanish } else { Act::Reply(202) });
    let run = ce_blast().args(args).arg(server.url()).args(RETRY).args(only).stdin(events(2)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    assert_eq!(stream.count(ConnectError), 1, "{:?}", stream.end.outcomes);
    assert_eq!(attempts(&stream)[&1].len(), 4);
}

#[test]
fn an_event_stays_in_flight_until_its_last_attempt_has_ended() {
    let server =
        Server::start(|number| if number < 20 { Act::Reply(503) } else { Act::Reply(202) });
    let args = ["--to", &server.url(), "--rate", "1000/s", "--max-in-flight", "5"];
    let run = ce_blast().args(args).args(RETRY).stdin(events(50)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    assert_eq!(stream.end.outcomes.unwrap().planned(), 50);
    let generator = stream.end.generator.as_ref().unwrap();
    assert_eq!(generator.peak_in_flight, 5);
    assert!(server.connections() <= 5);
}

#[test]
fn no_attempt_begins_that_would_end_after_the_grace_period() {
    let server = Server::start(|_| Act::Answer(503, "Retry-After: 60\r\n".into(), String::new()));
    let args = ["--to", &server.url(), "--rate", "100/s", "--duration", "100ms", "--grace", "1s"];
    let wait = ["--retry", "5", "--retry-max-wait", "60s"];
    let run = ce_blast().args(args).args(wait).stdin(events(10)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    // What was put aside for an attempt that never began has ended as it did.
    stream.expect_outcomes(&[(Rejected, 10)]);
    assert_eq!((stream.end.retried, server.request_count()), (0, 10));
    assert!(stream.end.elapsed_ns < 20_000_000_000);
}

#[test]
fn a_batch_is_sent_again_as_a_whole() {
    let server =
        Server::start(|number| if number == 0 { Act::Reply(503) } else { Act::Reply(202) });
    let to = ["--to", &server.url(), "--rate", "100000/s", "--mode", "batched", "--batch", "10"];
    let run =
        ce_blast().args(to).args(RETRY).args(["--batch-wait", "50ms"]).stdin(events(10)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 10)]);
    let requests = server.requests();
    assert!(requests[1..].iter().any(|request| request.body == requests[0].body));
    assert!(attempts(&stream).values().any(|attempts| attempts.len() == 2));
}
