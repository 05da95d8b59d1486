//! What kept the load from being the one that was asked for, as the last lines on stderr say it.

use std::fs;
use std::time::{Duration, Instant};

use ce_record::{End, Limit, Outcome};
use ce_testkit::{Run, Tool};
use rustix::process::Signal;

use crate::support::{Act, Server};
use crate::{ce_blast, events};

/// Runs a script that finds `count` events in `$events`, and the tool in `$blast`.
fn script(text: &str, count: usize) -> Run {
    script_with(text, &events(count))
}

fn script_with(text: &str, events: &str) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("events.ndjson");
    fs::write(&path, events).unwrap();
    let bash = Tool::new("bash").args(["-euc", text]);
    bash.env("events", path.to_str().unwrap()).env("blast", env!("CARGO_BIN_EXE_ce-blast")).run()
}

fn end(run: &Run) -> End {
    serde_json::from_str(run.stdout.lines().last().unwrap()).unwrap()
}

fn limited_by(run: &Run) -> Option<Limit> {
    end(run).generator.unwrap().limited_by
}

#[test]
fn a_reader_that_stalls_loses_records_and_never_holds_up_the_load() {
    // Nothing is read before nearly all events have left; more can only be in the input's buffers.
    let pipe = r#"{ cat "$events"; touch "$events.read"; } |
                  "$blast" --to null: --rate 1000000/s |
                  { until [ -e "$events.read" ]; do sleep 0.05; done; cat; }
                  exit "${PIPESTATUS[1]}""#;
    let run = script(pipe, 300_000);
    run.expect_code(3);
    let end = end(&run);
    let samples = run.stdout.lines().count() as u64 - 2;
    assert_eq!((end.records, end.outcomes.unwrap().planned()), (samples, 300_000));
    assert_eq!(end.dropped_records, 300_000 - samples);
    assert!(end.dropped_records > 100_000, "only {} are lost", end.dropped_records);
    assert_eq!(limited_by(&run), Some(Limit::Output));
    let lines: Vec<&str> = run.stderr.lines().rev().take(2).collect();
    let lost = end.dropped_records;
    assert_eq!(lines[0], format!("ce-blast: {lost} records lost: stdout was read too slowly"));
    let verdict = format!("ce-blast: SENDER-LIMITED: {lost} records found no reader in time");
    assert_eq!(lines[1], verdict);
}

#[test]
fn a_rate_beyond_the_own_ceiling_is_the_failure_of_the_sender() {
    // As many as may wait for their reader, so that it can lose none; and so large that no core does
    // all of it in a tenth of a second.
    let pad = format!(r#""type":"t","pad":"{}""#, "x".repeat(1000));
    let events = events(60_000).replace(r#""type":"t""#, &pad);
    let run =
        script_with(r#"taskset -c 0 "$blast" --to null: --rate 10000000/s "$events""#, &events);
    run.expect_code(0);
    // On a core that others use as well, even a file may be slow to bring them.
    let limit = limited_by(&run);
    assert!([Some(Limit::Sender), Some(Limit::Input)].contains(&limit), "{limit:?}");
    let last = run.stderr.lines().last().unwrap();
    assert!(last.starts_with("ce-blast: SENDER-LIMITED: "), "{last}");
    let end = end(&run);
    assert!(end.generator.unwrap().lag_p99_ns > 100_000_000, "the lateness shows");
}

#[test]
fn an_input_that_stalls_is_why_each_event_it_holds_up_is_late() {
    // The rest comes a second after the first have been recorded, and is all due by then.
    let pipe = r#"touch "$events.out"
                  { head -n 20 "$events"
                    until [ "$(wc -l < "$events.out")" -gt 20 ]; do sleep 0.05; done
                    sleep 1; tail -n +21 "$events"
                  } | "$blast" --to null: --rate 100/s --duration 1s > "$events.out"
                  cat "$events.out""#;
    let run = script(pipe, 100);
    run.expect_code(0);
    let starved = end(&run).generator.unwrap().starved;
    assert!((80..=100).contains(&starved), "{starved} came late");
    assert_eq!(limited_by(&run), Some(Limit::Input));
    let last = run.stderr.lines().last().unwrap();
    let verdict = format!("ce-blast: SENDER-LIMITED: {starved} events came late from the input");
    assert_eq!(last, verdict);
}

#[test]
fn a_sender_that_was_stopped_does_not_blame_its_target() {
    let server = Server::start(|_| Act::ReplyAfter(Duration::from_millis(5), 200));
    let out = tempfile::NamedTempFile::new().unwrap();
    let mut running = ce_blast()
        .args(["--to", &server.url(), "--rate", "500/s", "--duration", "5s"])
        .args(["--max-in-flight", "20", "--timeout", "3s"])
        .stdin(events(2500))
        .stdout_file(&out)
        .spawn();
    running.wait_until("requests", || server.request_count() > 200);
    running.signal(Signal::STOP);
    let stopped = Instant::now();
    // Longer than answers are waited for; they come, and nobody is there.
    running.wait_until("the timeout", || stopped.elapsed() >= Duration::from_millis(3500));
    running.signal(Signal::CONT);
    assert_eq!(running.wait(), 0, "{}", running.stderr());
    let text = fs::read_to_string(&out).unwrap();
    let end: End = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(end.outcomes.unwrap()[Outcome::Ok], 2500, "{}", running.stderr());
    let generator = end.generator.unwrap();
    assert!((500..2300).contains(&generator.overslept), "{generator:?}");
    assert!(generator.held_back < generator.overslept, "{generator:?}");
    assert_eq!(generator.limited_by, Some(Limit::Sender));
    let verdict = format!("did not run when {} events were due", generator.overslept);
    assert!(running.stderr().contains(&verdict), "{}", running.stderr());
}

#[test]
fn a_sender_that_may_open_no_more_files_is_named_and_not_its_target() {
    let server = Server::start(|_| Act::ReplyAfter(Duration::from_secs(2), 202));
    let limited = |limit: &str| {
        let text = format!(
            r#"ulimit {limit} 48
               exec "$blast" --to {} --rate 100/s --duration 1s --max-in-flight 100 "$events""#,
            server.url()
        );
        let run = script(&text, 100);
        let outcomes = end(run.expect_code(0)).outcomes.unwrap();
        (run, outcomes[Outcome::Ok], outcomes[Outcome::ConnectError])
    };
    let (run, ok, failed) = limited("-n");
    assert!(ok > 0 && failed > 0 && ok + failed == 100, "{}", run.stderr);
    let why = "this machine is the limit: Too many open files (os error 24); raise ulimit -n";
    assert_eq!(run.stdout.matches(why).count() as u64, failed);
    assert_eq!(limited_by(&run), Some(Limit::Sender));
    let verdict = format!(
        "ce-blast: SENDER-LIMITED: this machine could not open {failed} connections: {failed} for want \
         of open files (raise ulimit -n); or share the load out with --shard"
    );
    assert_eq!(run.stderr.lines().last(), Some(verdict.as_str()));
    // What it may have it takes.
    let (run, ok, _) = limited("-Sn");
    assert_eq!(ok, 100, "{}", run.stderr);
}

#[test]
fn a_target_that_answers_too_slowly_is_named() {
    let server = Server::start(|_| Act::ReplyAfter(Duration::from_millis(50), 200));
    let args = ["--to", &server.url(), "--rate", "200/s", "--duration", "1s"];
    let limit = ["--max-in-flight", "2"];
    for (policy, words) in
        [("queue", " events waited, 0 were not sent"), ("drop", ": 0 events waited, ")]
    {
        let policy = ["--on-saturation", policy];
        let run = ce_blast().args(args).args(limit).args(policy).stdin(events(200)).run();
        run.expect_code(0);
        assert_eq!(limited_by(&run), Some(Limit::Target));
        let last = run.stderr.lines().last().unwrap();
        assert!(last.starts_with("ce-blast: TARGET-LIMITED: "), "{last}");
        assert!(last.contains(words), "{last}");
    }
}

#[test]
fn a_target_that_answers_many_at_a_time_holds_up_all_that_were_due_meanwhile() {
    // 100 in flight, answered together every 200 ms, are 500 a second; 2000 are asked for.
    let begin = Instant::now();
    let server = Server::start(move |_| {
        let tick = u32::try_from(begin.elapsed().as_millis() / 200 + 1).unwrap();
        Act::ReplyAt(begin + Duration::from_millis(200) * tick, 200)
    });
    let args = ["--to", &server.url(), "--rate", "2000/s", "--duration", "500ms"];
    let run = ce_blast().args(args).args(["--max-in-flight", "100"]).stdin(events(1000)).run();
    run.expect_code(0);
    let held_back = end(&run).generator.unwrap().held_back;
    assert!((700..=900).contains(&held_back), "{held_back} were held back");
    assert_eq!(limited_by(&run), Some(Limit::Target));
}
