//! More load than the target takes: what the policies do, and that nothing vanishes.

use ce_record::Outcome::{Dropped, Ok, Unfinished, Unsent};
use ce_record::Stop;

use crate::support::{Act, Server, Stream};
use crate::{ce_blast, events};

/// 200 events within one second at a target that answers nothing.
fn silent(args: &[&str]) -> ce_testkit::Run {
    let server = Server::start(|_| Act::Silence);
    let to = ["--to", &server.url(), "--rate", "200/s", "--duration", "1s", "--max-in-flight", "5"];
    ce_blast().args(to).args(args).stdin(events(300)).run()
}

#[test]
fn drop_leaves_out_what_finds_no_place() {
    let run = silent(&["--on-saturation", "drop", "--grace", "200ms"]);
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Dropped, 195), (Unfinished, 5)]);
    let generator = stream.end.generator.as_ref().unwrap();
    assert_eq!((generator.peak_in_flight, generator.held_back), (5, 0));
    for sample in stream.ended(Dropped) {
        assert_eq!(sample.service_ns, 0, "nothing was sent");
    }
}

#[test]
fn queue_leaves_unsent_what_finds_no_place_by_the_end_of_the_grace_period() {
    let run = silent(&["--grace", "300ms"]);
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Unsent, 195), (Unfinished, 5)]);
    assert_eq!(stream.end.stopped, Stop::Done);
    assert_eq!(stream.end.generator.as_ref().unwrap().held_back, 1);
    let first = stream.ended(Unsent).next().unwrap();
    assert!(first.lag_ns > 1_000_000_000, "its wait so far: {first:?}");
}

#[test]
fn queue_sends_late_what_finds_a_place_in_time() {
    let server = Server::start(|_| Act::ReplyAfter(std::time::Duration::from_millis(20), 200));
    let args = ["--to", &server.url(), "--rate", "400/s", "--duration", "500ms"];
    let run = ce_blast().args(args).args(["--max-in-flight", "4"]).stdin(events(200)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    // Four places and 20 ms each are 200 a second: half of what the schedule asks for.
    stream.expect_outcomes(&[(Ok, 200)]);
    assert!(stream.samples[199].lag_ns > 300_000_000, "the lateness shows as lag");
    assert!(stream.end.generator.as_ref().unwrap().held_back > 0);
    assert!(run.stderr.contains(" waited for the in-flight limit"), "{}", run.stderr);
    assert!(server.connections() <= 4);
}

#[test]
fn abort_ends_the_run() {
    let run = silent(&["--on-saturation", "abort", "--grace", "200ms"]);
    run.expect_code(2);
    let last = run.stderr.lines().last().unwrap();
    assert_eq!(last, "ce-blast: the in-flight limit was reached: raise --max-in-flight");
    let stream = Stream::read(&run.stdout);
    assert_eq!(stream.end.stopped, Stop::Failed);
    assert_eq!(stream.count(Unfinished), 5);
    assert!(stream.count(Unsent) >= 1);
}

#[test]
fn a_long_tail_of_unsent_events_is_recorded_whole() {
    const COUNT: usize = 300_000;
    let server = Server::start(|_| Act::Silence);
    let args = ["--to", &server.url(), "--rate", "1000000/s", "--duration", "300ms"];
    let limits = ["--max-in-flight", "1", "--grace", "100ms"];
    let run = ce_blast().args(args).args(limits).stdin(events(COUNT)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    let expected = u64::try_from(COUNT).unwrap() - 1;
    stream.expect_outcomes(&[(Unsent, expected), (Unfinished, 1)]);
}
