//! Plans: k6's options as they are, several scenarios at once, shares, and previews.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;

use ce_record::{Sample, Stop};
use ce_testkit::Run;
use serde_json::Value;

use crate::support::stream::Stream;
use crate::{ce_blast, events};

fn example(name: &str) -> PathBuf {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.join("examples/plans").join(name)
}

/// The samples of a run with several scenarios, by scenario, and why it ended.
fn by_scenario(run: &Run) -> (BTreeMap<String, Vec<Sample<'_>>>, Stop) {
    let mut scenarios: BTreeMap<String, Vec<Sample<'_>>> = BTreeMap::new();
    let mut lines: Vec<&str> = run.stdout.lines().collect();
    let end: ce_record::End = serde_json::from_str(lines.pop().unwrap()).unwrap();
    assert_eq!((end.records, end.dropped_records), (lines.len() as u64 - 1, 0));
    for line in &lines[1..] {
        let sample: Sample<'_> = serde_json::from_str(line).unwrap();
        scenarios.entry(sample.scenario.to_string()).or_default().push(sample);
    }
    for samples in scenarios.values_mut() {
        samples.sort_by_key(|sample| sample.seq);
    }
    (scenarios, end.stopped)
}

/// The counts are the integrals of the rates. The plan takes 55 minutes and is run in 33 seconds: any
/// faster, and a busy machine could not keep the records.
#[test]
fn the_four_scenarios_of_k6_send_exactly_what_their_plan_says() {
    let run = ce_blast()
        .args(["--to", "null:", "--time-scale", "100", "--plan"])
        .arg(example("build-events.k6.json"))
        .stdin(events(400_000))
        .run();
    run.expect_code(0);
    let (scenarios, stopped) = by_scenario(&run);
    let counts: Vec<_> = scenarios.iter().map(|(name, all)| (name.as_str(), all.len())).collect();
    let plan = [("baseline", 3000), ("rampup", 79_500), ("spike", 96_000), ("sustained", 180_000)];
    assert_eq!((counts, stopped), (plan.to_vec(), Stop::Done));
    let last = scenarios["sustained"].last().unwrap();
    assert_eq!(last.due_ns, (1_500_000_000_000 + 179_999 * 10_000_000) / 100);
    let ids: BTreeSet<&str> = scenarios.values().flatten().map(|it| it.id.as_ref()).collect();
    assert_eq!(ids.len(), 358_500, "no event was sent twice");
}

#[test]
fn scenarios_run_side_by_side_each_with_a_target_and_events_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own.ndjson");
    std::fs::write(&own, events(50)).unwrap();
    let plan = format!(
        "[scenarios.shared]\nexecutor = 'constant-arrival-rate'\nrate = 100\nduration = '1s'\n\
         [scenarios.own]\nexecutor = 'shared-iterations'\nvus = 4\niterations = 40\n\
         events = '{}'\nto = 'null:'\n",
        own.display()
    );
    let file = folder.path().join("plan.toml");
    std::fs::write(&file, plan).unwrap();
    let run = ce_blast().args(["--to", "null:", "--plan"]).arg(&file).stdin(events(100)).run();
    run.expect_code(0);
    let (scenarios, stopped) = by_scenario(&run);
    assert_eq!((scenarios["shared"].len(), scenarios["own"].len()), (100, 40));
    assert_eq!(stopped, Stop::Done);
}

#[test]
fn a_closed_loop_in_company_needs_events_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.toml");
    let mut plan = String::new();
    for name in ["a", "b"] {
        write!(plan, "[scenarios.{name}]\nexecutor = 'constant-vus'\nduration = '1s'\n").unwrap();
    }
    std::fs::write(&file, plan).unwrap();
    let run = ce_blast().args(["--to", "null:", "--plan"]).arg(&file).stdin(events(1)).run();
    run.expect_code(2);
    let says = "ce-blast: scenario `a` is a closed loop: give it `events` of its own\n";
    assert_eq!(run.stderr, says);
}

#[test]
fn a_mistake_in_a_plan_is_named_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.toml");
    std::fs::write(&file, "[scenarios.a]\nexecutor = 'constant-arival-rate'\n").unwrap();
    let run = ce_blast().args(["--to", "null:", "--plan"]).arg(&file).stdin(events(1)).run();
    run.expect_code(2);
    assert!(run.stderr.contains("plan.toml:2:12: `executor`"), "{}", run.stderr);
    assert!(run.stderr.contains("did you mean `constant-arrival-rate`?"), "{}", run.stderr);
}

#[test]
fn shares_together_are_the_whole_plan() {
    let schedule = |shard: &str| -> Vec<Value> {
        let args = ["--to", "null:", "--emit-schedule", "--shard", shard, "--plan"];
        let run = ce_blast().args(args).arg(example("parser-events.toml")).run();
        run.expect_code(0);
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let whole = schedule("0/1");
    assert_eq!(whole.len(), 155_000);
    let mut union: Vec<Value> = ["0/3", "1/3", "2/3"].iter().flat_map(|it| schedule(it)).collect();
    union.sort_by_key(|due| due["index"].as_u64());
    assert!(union == whole);
}

#[test]
fn a_share_takes_its_events_of_the_input_and_says_which_it_is() {
    let args = ["--to", "null:", "--rate", "1000/s", "--duration", "300ms", "--shard", "1/3"];
    let run = ce_blast().args(args).stdin(events(100)).run();
    run.expect_code(0);
    let (scenarios, stopped) = by_scenario(&run);
    let samples = &scenarios["default"];
    assert_eq!((samples.len(), stopped), (100, Stop::Done));
    assert_eq!((samples[0].seq, samples[0].due_ns), (1, 1_000_000));
    assert_eq!((samples[99].seq, samples[99].due_ns), (298, 298_000_000));
    let start: ce_record::Start = serde_json::from_str(run.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(start.shard.as_deref(), Some("1/3"));
}

#[test]
fn poisson_arrivals_depend_on_the_seed() {
    let dues = |seed: &str| {
        let args = ["--to", "null:", "--rate=100/s", "--duration=10s", "--arrivals=poisson"];
        let run = ce_blast().args(args).args(["--emit-schedule", "--seed", seed]).run();
        run.expect_code(0);
        run.stdout
    };
    assert_eq!(dues("1"), dues("1"));
    assert_ne!(dues("1"), dues("2"));
    assert!((850..1150).contains(&dues("1").lines().count()));
}

#[test]
fn a_dry_run_shows_the_plan_and_sends_nothing() {
    let run = ce_blast()
        .args(["--to", "http://127.0.0.1:1/", "--dry-run", "--latency", "2s", "--plan"])
        .arg(example("build-events.k6.json"))
        .stdin(events(10))
        .run();
    run.expect_code(0);
    for line in [
        "rampup               ramping-arrival-rate         5m00s    19m00s        79500      200.0",
        "358500 events in all",
        "1000 in flight at the peak, if an answer takes 2s",
    ] {
        assert!(run.stdout.contains(line), "{line}\n{}", run.stdout);
    }
    assert!(run.stdout.contains("500.0 │▁") && run.stdout.contains("55m00s"), "{}", run.stdout);
}

#[test]
fn a_start_that_has_passed_is_refused_and_one_to_come_is_waited_for() {
    let args = ["--to", "null:", "--rate=100/s", "--duration=100ms", "--start-at"];
    let run = ce_blast().args(args).arg("2020-01-01T00:00:00Z").stdin(events(10)).run();
    run.expect_code(2);
    assert!(run.stderr.contains("--start-at has passed"), "{}", run.stderr);

    let begin = std::time::Instant::now();
    let run = ce_blast().args(args).arg("+700ms").stdin(events(10)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    assert!(begin.elapsed().as_millis() >= 700);
    assert_eq!((stream.samples.len(), stream.samples[0].due_ns), (10, 0));
    assert!(stream.samples[0].lag_ns < 500_000_000, "the wait is not lag");
}

#[test]
fn a_stop_file_ends_the_load() {
    let folder = tempfile::tempdir().unwrap();
    let (file, out) = (folder.path().join("stop"), folder.path().join("sent"));
    let mut running = ce_blast()
        .args(["--to", "null:", "--rate=100/s", "--stop-file"])
        .arg(&file)
        .stdin(events(100_000))
        .stdout_file(&out)
        .spawn();
    running.wait_until("records", || std::fs::metadata(&out).is_ok_and(|it| it.len() > 2000));
    std::fs::write(&file, "").unwrap();
    assert_eq!(running.wait(), 0, "{}", running.stderr());
    let text = std::fs::read_to_string(&out).unwrap();
    assert_eq!(Stream::read(&text).end.stopped, Stop::Interrupted);
}
