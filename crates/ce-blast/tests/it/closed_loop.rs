//! The closed loop: so many users, each waiting for its answer, then resting.

use std::time::Duration;

use ce_record::Outcome::{Ok, Unfinished};
use ce_record::Stop;

use crate::support::{Act, Server, Stream};
use crate::{ce_blast, events};

const NOTE: &str = "closed loop: load that a slow target kept back is not in these figures";

#[test]
fn users_are_the_most_that_is_in_flight() {
    let server = Server::start(|_| Act::ReplyAfter(Duration::from_millis(5), 200));
    let args = ["--to", &server.url(), "--vus", "7"];
    let run = ce_blast().args(args).stdin(events(200)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 200)]);
    let generator = stream.end.generator.as_ref().unwrap();
    assert_eq!((generator.peak_in_flight, generator.plan_events), (7, None));
    assert!(!generator.open_loop);
    assert_eq!(server.connections(), 7);
    assert_eq!(stream.end.stopped, Stop::Done);
    assert!(run.stderr.trim_end().ends_with(NOTE), "{}", run.stderr);
    assert_eq!(stream.start.plan["scenarios"]["default"]["executor"], "constant-vus");
}

#[test]
fn users_start_evenly_over_the_ramp_up() {
    let args = ["--to", "null:", "--vus", "5", "--ramp-up", "1s", "--pause", "1m"];
    let run = ce_blast().args(args).args(["--duration", "1500ms"]).stdin(events(100)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    // Each rests for a minute after its first event.
    stream.expect_outcomes(&[(Ok, 5)]);
    for sample in &stream.samples {
        let late_ns = sample.due_ns.checked_sub(sample.seq * 200_000_000).expect("not early");
        assert!(late_ns < 150_000_000, "{sample:?}");
    }
}

#[test]
fn a_user_rests_after_each_answer() {
    let args = ["--to", "null:", "--vus", "1", "--pause", "50ms", "--duration", "1s"];
    let run = ce_blast().args(args).stdin(events(100)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    assert!((10..=20).contains(&stream.end.records), "{}", stream.end.records);
    for pair in stream.samples.windows(2) {
        assert!(pair[1].due_ns - pair[0].due_ns >= 50_000_000, "{pair:?}");
    }
    assert_eq!(stream.end.stopped, Stop::Done);
}

#[test]
fn an_input_that_ends_before_the_duration_is_said() {
    let args = ["--to", "null:", "--vus", "2", "--duration", "1m"];
    let run = ce_blast().args(args).stdin(events(10)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    assert_eq!((stream.end.stopped, stream.end.records), (Stop::InputEnded, 10));
    let last = run.stderr.lines().last().unwrap();
    assert_eq!(last, "ce-blast: the input ended after 10 events: supply more");
}

#[test]
fn the_grace_period_bounds_the_wait_for_the_last_answers() {
    let server = Server::start(|_| Act::Silence);
    let args = ["--to", &server.url(), "--vus", "3", "--duration", "300ms", "--timeout", "10m"];
    let run = ce_blast().args(args).args(["--grace", "200ms"]).stdin(events(10)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Unfinished, 3)]);
}
