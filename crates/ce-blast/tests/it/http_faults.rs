//! Targets that misbehave: each fault has an outcome of its own, and the run goes on.

use std::time::Duration;

use ce_record::Outcome::{ConnectError, Ok, ProtocolError, Timeout, Unfinished};
use ce_record::Stop;

use crate::support::{Act, Server, Stream};
use crate::{ce_blast, events};

/// Whether this is the fault's turn: every tenth request.
fn tenth(number: u64) -> bool {
    number % 10 == 9
}

/// 100 events, every tenth of which meets `fault`.
fn one_in_ten(fault: Act, args: &[&str]) -> ce_testkit::Run {
    let server =
        Server::start(move |number| if tenth(number) { fault.clone() } else { Act::Reply(200) });
    let to = ["--to", &server.url(), "--rate", "200/s"];
    let run = ce_blast().args(to).args(args).stdin(events(100)).run();
    run.expect_code(0);
    run
}

#[test]
fn no_answer_in_time_is_a_timeout() {
    let run = one_in_ten(Act::Silence, &["--timeout", "300ms"]);
    let stream = Stream::read(&run.stdout);
    stream.expect_outcomes(&[(Ok, 90), (Timeout, 10)]);
    for sample in stream.ended(Timeout) {
        // It counts from when the event was due to leave, and not from when it had.
        let latency = Duration::from_nanos(sample.lag_ns + sample.service_ns);
        assert!(latency >= Duration::from_millis(299), "{sample:?}");
        assert_eq!((sample.code, &sample.error), (None, &None));
    }
}

#[test]
fn no_answer_by_the_end_of_the_grace_period_is_unfinished() {
    let run = one_in_ten(Act::Silence, &["--timeout", "60s", "--grace", "400ms"]);
    let stream = Stream::read(&run.stdout);
    stream.expect_outcomes(&[(Ok, 90), (Unfinished, 10)]);
    assert_eq!(stream.end.stopped, Stop::Done);
    assert!(stream.end.elapsed_ns < 20_000_000_000);
}

#[test]
fn what_is_no_http_is_a_protocol_error() {
    for fault in [Act::Garbage, Act::BreakOff, Act::Close] {
        let run = one_in_ten(fault.clone(), &[]);
        let stream = Stream::read(&run.stdout);
        stream.expect_outcomes(&[(Ok, 90), (ProtocolError, 10)]);
        for sample in stream.ended(ProtocolError) {
            assert!(sample.error.is_some(), "{fault:?}: {sample:?}");
        }
    }
}

#[test]
fn a_target_that_goes_away_is_a_connect_error_from_then_on() {
    let server = Server::start(|number| if number == 99 { Act::Vanish } else { Act::Reply(200) });
    let args = ["--to", &server.url(), "--rate", "300/s"];
    let run = ce_blast().args(args).stdin(events(300)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    let (ok, refused) = (stream.count(Ok), stream.count(ConnectError));
    let broken = stream.count(ProtocolError);
    assert_eq!(ok + refused + broken, 300);
    assert!(ok >= 90 && refused >= 150 && broken >= 1, "{ok}, {refused}, {broken}");
    for sample in stream.ended(ConnectError) {
        assert!(sample.error.as_ref().unwrap().contains("refused"), "{sample:?}");
    }
    assert!(run.stderr.contains(" connect_error"), "{}", run.stderr);
}

#[test]
fn a_slow_answer_does_not_hold_up_the_others() {
    const WORK: Duration = Duration::from_secs(1);
    let run = one_in_ten(Act::ReplyAfter(WORK, 200), &[]);
    let stream = Stream::read(&run.stdout);
    stream.expect_outcomes(&[(Ok, 100)]);
    let slow = stream.samples.iter().filter(|sample| sample.service_ns > 900_000_000).count();
    assert_eq!(slow, 10);
}
