//! Checks of answers: counted apart, as k6's are, and named where they fail.

use std::time::Duration;

use ce_record::Outcome::{Ok, Rejected, Timeout};

use crate::support::{Act, Server, Stream};
use crate::{ce_blast, events};

fn counts(stream: &Stream<'_>) -> Vec<(String, u64, u64)> {
    stream.end.checks.iter().map(|it| (it.name.clone(), it.passes, it.fails)).collect()
}

fn json(status: u16, body: &str) -> Act {
    Act::Answer(status, String::new(), body.to_owned())
}

#[test]
fn a_check_that_fails_is_counted_and_named_and_changes_no_outcome() {
    let server = Server::start(|number| match number % 5 {
        0 => json(202, r#"{"status":"accepted","items":[{"id":7}]}"#),
        1 => json(200, r#"{"status":"accepted","items":[{"id":7.0}]}"#),
        2 => json(202, r#"{"status":"refused"}"#),
        3 => json(202, "not JSON"),
        _ => json(503, r#"{"status":"accepted","items":[{"id":7}]}"#),
    });
    let checks = ["--expect-status", "202", "--expect-json", "/status=accepted"];
    let args = ["--to", &server.url(), "--vus", "1", "--expect-json", "/items/0/id=7"];
    let run = ce_blast().args(args).args(checks).stdin(events(50)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 40), (Rejected, 10)]);
    let expected = [
        ("status 202".to_owned(), 30, 20),
        ("json /items/0/id=7".to_owned(), 30, 20),
        ("json /status=accepted".to_owned(), 30, 20),
    ];
    assert_eq!(counts(&stream), expected);
    let both = "check failed: json /items/0/id=7; json /status=accepted";
    for (sample, error) in stream.samples.iter().zip(
        [None, Some("check failed: status 202"), Some(both), Some(both)]
            .into_iter()
            .chain([Some("check failed: status 202")])
            .cycle(),
    ) {
        assert_eq!(sample.error.as_deref(), error, "{sample:?}");
    }
}

#[test]
fn an_answer_that_is_late_or_missing_fails_its_check() {
    const WORK: Duration = Duration::from_millis(300);
    let server = Server::start(|number| match number % 3 {
        0 => Act::Reply(200),
        1 => Act::ReplyAfter(WORK, 200),
        _ => Act::Silence,
    });
    let args = ["--to", &server.url(), "--vus", "1", "--timeout", "600ms"];
    let run = ce_blast().args(args).args(["--expect-within", "250ms"]).stdin(events(9)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 6), (Timeout, 3)]);
    let [(name, passes, fails)] = &counts(&stream)[..] else { panic!("one check") };
    assert_eq!((name.as_str(), passes + fails), ("within 250ms", 9));
    assert!(*fails >= 6, "a busy machine may be late, too: {fails}");
    for sample in stream.samples.iter().filter(|sample| sample.seq % 3 == 1) {
        assert_eq!(sample.error.as_deref(), Some("check failed: within 250ms"));
    }
    assert!(stream.ended(Timeout).all(|sample| sample.error.is_none()));
}

#[test]
fn a_body_that_is_too_long_is_read_and_has_no_value() {
    let server = Server::start(|number| {
        let padding = "x".repeat(if number == 0 { 10 } else { 1 << 20 });
        json(200, &format!(r#"{{"a":1,"padding":"{padding}"}}"#))
    });
    let args = ["--to", &server.url(), "--vus", "1", "--expect-json", "/a=1"];
    let run = ce_blast().args(args).stdin(events(3)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 3)]);
    assert_eq!(counts(&stream), [("json /a=1".to_owned(), 1, 2)]);
    assert_eq!(server.connections(), 1, "the rest of the body is read");
}

#[test]
fn each_event_of_a_batch_is_checked() {
    let server = Server::start(|_| Act::Reply(202));
    let args = ["--to", &server.url(), "--rate", "100000/s", "--mode", "batched", "--batch", "5"];
    let run = ce_blast().args(args).args(["--expect-status", "200"]).stdin(events(20)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 20)]);
    assert_eq!(counts(&stream), [("status 200".to_owned(), 0, 20)]);
}
