//! The open loop: due times come from the plan alone, whatever the target does.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ce_record::Outcome::Ok;
use ce_record::Stop;

use crate::support::stream::percentile;
use crate::support::{Act, Server, Stream};
use crate::{ce_blast, events};

#[test]
fn a_rate_gives_each_event_its_due_time() {
    let args = ["--to", "null:", "--rate", "700/s", "--duration", "1s"];
    let run = ce_blast().args(args).stdin(events(1000)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 700)]);
    for sample in &stream.samples {
        assert_eq!(sample.due_ns, sample.seq * 1_000_000_000 / 700);
        assert_eq!(sample.id, sample.seq.to_string(), "events keep their order");
    }
    assert_eq!(stream.end.generator.as_ref().unwrap().plan_events, Some(700));
    assert_eq!(stream.end.stopped, Stop::Done);
}

#[test]
fn with_slack_events_leave_together() {
    let server = Server::start(|_| Act::Reply(200));
    for to in ["null:", &server.url()] {
        let args = ["--to", to, "--rate", "1000/s", "--duration", "1s", "--timer-slack", "20ms"];
        let run = ce_blast().args(args).stdin(events(1000)).run();
        let stream = Stream::read(&run.expect_code(0).stdout);
        stream.expect_outcomes(&[(Ok, 1000)]);
        let mut sent_ns = Vec::new();
        for sample in &stream.samples {
            assert_eq!(sample.due_ns, sample.seq * 1_000_000, "the schedule does not move");
            sent_ns.push(sample.due_ns + sample.lag_ns);
        }
        sent_ns.sort_unstable();
        // However busy the machine is, that can only make them fewer.
        let bursts = 1 + sent_ns.windows(2).filter(|pair| pair[1] - pair[0] > 10_000_000).count();
        assert!(bursts <= 50, "{to}: {bursts} bursts");
        let early = stream.samples.iter().filter(|sample| sample.lag_ns > 10_000_000).count();
        assert!(early > 400, "{to}: {early} of 1000 waited half of the slack");
    }
}

#[test]
fn stages_give_each_event_its_due_time() {
    // A rate that grows by 100/s each second has sent 50 t² events after t seconds.
    let args = ["--to", "null:", "--stages", "0s:0,2s:200,1s:200"];
    let run = ce_blast().args(args).stdin(events(400)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 400)]);
    for sample in &stream.samples {
        let seq = f64::from(u32::try_from(sample.seq).unwrap());
        let due_s = if seq < 200.0 { (seq / 50.0).sqrt() } else { 2.0 + (seq - 200.0) / 200.0 };
        let found_s = Duration::from_nanos(sample.due_ns).as_secs_f64();
        assert!((found_s - due_s).abs() < 2e-9, "{seq}: {found_s} and not {due_s}");
    }
}

#[test]
fn a_stall_of_the_target_counts_for_every_event_that_was_due_in_it() {
    // 500/s for 6 s; a third of the way the target answers nobody for two seconds.
    const STALL: Duration = Duration::from_secs(2);
    let end = OnceLock::new();
    let server = Server::start(move |number| match number {
        0..1000 => Act::Reply(200),
        _ => Act::ReplyAt(*end.get_or_init(|| Instant::now() + STALL), 200),
    });
    let args = ["--to", &server.url(), "--rate", "500/s", "--duration", "6s"];
    let run = ce_blast().args(args).args(["--max-in-flight", "50"]).stdin(events(3000)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 3000)]);
    let p99 = percentile(stream.samples.iter().map(ce_record::Sample::latency_ns), 99);
    assert!(p99 > 1_000_000_000, "p99 of the latency is {p99} ns");
    let before = stream.samples.iter().filter(|sample| sample.due_ns < 1_000_000_000);
    let median = percentile(before.map(|sample| sample.service_ns), 50);
    assert!(median < 500_000_000, "before the stall the median is {median} ns");
    for sample in &stream.samples {
        assert_eq!(sample.due_ns, sample.seq * 2_000_000, "the schedule does not move");
    }
    // The few that were under way hide the stall from whoever looks at service time alone.
    let service = percentile(stream.samples.iter().map(|sample| sample.service_ns), 95);
    assert!(service < 1_000_000_000, "p95 of the service time is {service} ns");
}

#[test]
fn an_input_that_ends_early_is_said() {
    let args = ["--to", "null:", "--rate", "1000/s", "--duration", "10s", "--run", "r1"];
    let run = ce_blast().args(args).args(["--scenario", "spike"]).stdin(events(25)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    assert_eq!((stream.end.stopped, stream.end.records), (Stop::InputEnded, 25));
    assert_eq!(stream.samples[0].scenario, "spike");
    assert_eq!((stream.start.tool.as_str(), stream.start.run.as_str()), ("ce-blast", "r1"));
    assert_eq!(stream.start.plan["scenarios"]["spike"]["executor"], "constant-arrival-rate");
    let last = run.stderr.lines().last().unwrap();
    assert_eq!(last, "ce-blast: the input ended after 25 of 10000 events: supply more");
}

#[test]
fn without_a_duration_the_input_decides() {
    let run = ce_blast().args(["--to", "null:", "--rate", "1000/s"]).stdin(events(25)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    assert_eq!((stream.end.stopped, stream.end.records), (Stop::Done, 25));
    assert_eq!(run.stderr.lines().count(), 2, "figures and verdict: {}", run.stderr);
}
