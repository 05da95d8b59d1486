//! What the keys of a plan do: tags, limits, ends, shares, and what a preview says about them.

use std::path::PathBuf;

use ce_record::{Outcome, Sample, Start, Stop};
use ce_testkit::{Run, Tool};
use serde_json::{Value, json};

use crate::support::{Act, Server, Stream};
use crate::{ce_blast, events};

/// A folder with a plan in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(plan: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("plan"), plan).unwrap();
        Self(folder)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("plan")
    }

    fn blast(&self, args: &[&str]) -> Tool {
        ce_blast().args(args).arg("--plan").arg(self.path())
    }
}

fn preview(args: &[&str], plan: &str) -> Run {
    let run = Folder::new(plan).blast(args).run();
    run.expect_code(0);
    run
}

#[track_caller]
fn expect_lines(run: &Run, lines: &[&str]) {
    for line in lines {
        assert!(run.stdout.lines().any(|found| found == *line), "{line}\n{}", run.stdout);
    }
}

fn samples(run: &Run) -> Vec<Sample<'_>> {
    let lines = run.stdout.lines().filter(|line| line.contains(r#""kind":"sample""#));
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn start(run: &Run) -> Start {
    serde_json::from_str(run.stdout.lines().next().unwrap()).unwrap()
}

/// Options as `k6 inspect` prints them, with everything in them that means nothing here.
const SCRIPTED: &str = r#"{
  "scenarios": {
    "a": {
      "executor": "constant-arrival-rate", "startTime": null, "gracefulStop": "5s",
      "env": {"HOST": "x"}, "exec": "publish", "tags": {"team": "qa", "level": "2"},
      "options": {"browser": {"type": "chromium"}},
      "rate": 100, "timeUnit": "1s", "duration": "200ms", "preAllocatedVUs": 7, "maxVUs": 70
    },
    "b": {
      "executor": "ramping-arrival-rate", "startTime": "100ms", "gracefulStop": null,
      "env": null, "exec": null, "tags": null, "startRate": 100,
      "timeUnit": null, "stages": [{"duration": "200ms", "target": 200}],
      "preAllocatedVUs": 8, "maxVUs": null
    }
  },
  "dns": {"ttl": null, "select": null, "policy": null},
  "rps": 5, "userAgent": "k6", "tags": {"level": "1", "site": "lab"},
  "thresholds": {"http_req_duration{team:qa}": ["p(95)<5000"]}
}"#;

#[test]
fn each_scenario_of_k6_keeps_its_tags_and_limits_and_what_has_no_meaning_is_named() {
    let folder = Folder::new(SCRIPTED);
    let run = folder.blast(&["--to=null:", "--tag=site=here,run=7"]).stdin(events(100)).run();
    run.expect_code(0);
    let warned: Vec<_> = run.stderr.lines().filter_map(|line| line.split('`').nth(1)).collect();
    assert_eq!(warned, ["rps", "userAgent", "env", "exec", "options"]);
    let plan = start(&run).plan;
    let a = &plan["scenarios"]["a"];
    assert_eq!(a["tags"], json!({"team": "qa", "level": "2", "site": "here", "run": "7"}));
    assert_eq!((&a["max_in_flight"], &a["graceful_stop_s"]), (&json!(70), &json!(5.0)));
    let b = &plan["scenarios"]["b"];
    assert_eq!(b["tags"], json!({"level": "1", "site": "here", "run": "7"}));
    assert_eq!((&b["max_in_flight"], &b["graceful_stop_s"]), (&json!(8), &json!(30.0)));
    let count = |name| samples(&run).iter().filter(|sample| sample.scenario == name).count();
    assert_eq!((count("a"), count("b")), (20, 30));
}

#[test]
fn a_tag_that_nothing_could_select_by_is_refused() {
    let check = |tag: &str, says: &str| {
        let run = ce_blast().args(["--to=null:", "--rate=1/s", "--tag", tag]).run();
        assert!(run.expect_code(2).stderr.contains(says), "{}", run.stderr);
    };
    check("team", "write NAME=VALUE, e.g., team=payments");
    check("scenario=x", "every event has a `scenario` already");
}

/// One scenario reaches its limit, and the other does not notice.
#[test]
fn each_scenario_has_an_in_flight_limit_of_its_own() {
    let (slow, fast) = (Server::start(|_| Act::Silence), Server::start(|_| Act::Reply(200)));
    let plan = format!(
        "[scenarios.slow]\nexecutor = 'constant-arrival-rate'\nrate = 100\nduration = '500ms'\n\
         to = '{}'\nmaxInFlight = 3\ngracefulStop = '0s'\n\
         [scenarios.fast]\nexecutor = 'constant-arrival-rate'\nrate = 100\nduration = '500ms'\n\
         to = '{}'\ngracefulStop = '200ms'\n",
        slow.url(),
        fast.url()
    );
    let folder = Folder::new(&plan);
    let run = folder.blast(&["--on-saturation=drop"]).stdin(events(100)).run();
    run.expect_code(0);
    let count = |name: &str, outcome: Outcome| {
        let of = |it: &&Sample<'_>| it.scenario == name && it.outcome == outcome;
        samples(&run).iter().filter(of).count()
    };
    assert_eq!(count("slow", Outcome::Dropped), 47);
    assert_eq!(count("slow", Outcome::Unfinished), 3);
    assert_eq!(count("fast", Outcome::Ok), 50);
}

#[test]
fn without_a_target_a_scenario_is_named() {
    let plan = "[scenarios.a]\nexecutor = 'constant-vus'\nduration = '1s'\nto = 'null:'\n";
    let folder = Folder::new(plan);
    folder.blast(&[]).stdin(events(10)).run().expect_code(0);
    let folder = Folder::new(&plan.replace("to = 'null:'", ""));
    let run = folder.blast(&[]).stdin(events(10)).run();
    assert_eq!(run.expect_code(2).stderr, "ce-blast: scenario `a` has no target: add --to URL\n");
    let run = ce_blast().args(["--rate=1/s"]).run();
    assert_eq!(run.expect_code(2).stderr, "ce-blast: where to? add --to URL\n");
}

#[test]
fn a_graceful_stop_bounds_the_wait_of_its_scenario() {
    let server = Server::start(|_| Act::Silence);
    let plan = "[scenarios.a]\nexecutor = 'constant-arrival-rate'\nrate = 100\n\
                duration = '300ms'\nmaxInFlight = 10\ngracefulStop = '300ms'\n";
    let begin = std::time::Instant::now();
    let folder = Folder::new(plan);
    let to = ["--to", &server.url(), "--timeout=10m"];
    let run = folder.blast(&to).stdin(events(100)).run();
    assert!(begin.elapsed().as_secs() < 60, "{:?}", begin.elapsed());
    let stream = Stream::read(&run.expect_code(0).stdout);
    assert_eq!(stream.end.stopped, Stop::Done);
    stream.expect_outcomes(&[(Outcome::Unsent, 20), (Outcome::Unfinished, 10)]);
}

const TWO: &str = "\
[scenarios.ramp]
executor = 'ramping-arrival-rate'
startRate = 10
timeUnit = '500ms'
stages = [{ duration = '10s', target = 50 }, { duration = '20s', target = 50 }]
maxInFlight = 50
[scenarios.flat]
executor = 'constant-arrival-rate'
rate = 5
duration = '1m'
startTime = '10s'
warmUp = '15s'
";

/// 10 to 50 in half a second are 20/s to 100/s: 600 events in ten seconds, then 2000; 300 at 5/s. The
/// peak is 105/s. A line of 55 bytes makes 159,500.
#[test]
fn a_dry_run_has_the_figures_of_an_envelope_calculation() {
    let folder = Folder::new(TWO);
    let run = folder.blast(&["--dry-run", "--latency=700ms"]).stdin(events(10)).run();
    run.expect_code(0);
    expect_lines(
        &run,
        &[
            "ramp                 ramping-arrival-rate            0s       30s         2600      100.0",
            "flat                 constant-arrival-rate          10s     1m10s          300        5.0",
            "flat: the first 15s are warm-up and not judged",
            "2900 events in all",
            "0.2 MB of events, at 55 bytes each",
            "74 in flight at the peak, if an answer takes 700ms",
            "  ramp needs 70, and its limit is 50: raise its `maxInFlight`, or --max-in-flight",
        ],
    );
    let run = preview(&["--dry-run", "--shard=1/3"], TWO);
    expect_lines(&run, &["967 of 2900 events, share 1/3"]);
}

/// The curve has sixty columns of equal time, each as high as the rate in its middle.
#[test]
fn the_curve_of_a_dry_run_is_that_of_the_rate() {
    let stages = "--stages=0s:0,30s:80,0s:40,15s:40,15s:0";
    let run = ce_blast().args(["--dry-run", stages]).run();
    let line = run.expect_code(0).stdout.lines().find(|line| line.contains("events/s")).unwrap();
    let curve: Vec<char> = line.split('│').nth(1).unwrap().chars().collect();
    assert_eq!(curve.len(), 60);
    let height = |second: usize| "▁▂▃▄▅▆▇█".chars().position(|it| it == curve[second]).unwrap() + 1;
    for second in 0..60 {
        #[expect(clippy::cast_precision_loss, reason = "a small number")]
        let middle = second as f64 + 0.5;
        let rate = match second {
            0..30 => middle / 30.0 * 80.0,
            30..45 => 40.0,
            _ => 40.0 * (60.0 - middle) / 15.0,
        };
        let top = 29.5 / 30.0 * 80.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 8")]
        let expected = (rate / top * 8.0).ceil() as usize;
        assert_eq!(height(second), expected, "second {second}");
    }
}

#[test]
fn random_arrivals_have_a_likely_number_of_events() {
    let plan = TWO.replace("startRate", "arrivals = 'poisson'\nstartRate");
    let run = preview(&["--dry-run"], &plan);
    assert!(run.stdout.contains("~2600") && run.stdout.contains("\n~2900 events in all\n"));
}

#[test]
fn a_closed_loop_has_users_and_no_schedule() {
    let plan =
        "[scenarios.a]\nexecutor = 'ramping-vus'\nstages = [{ duration = '1m', target = 20 }]\n";
    let run = preview(&["--dry-run"], plan);
    assert!(run.stdout.contains("users") && run.stdout.contains("open"), "{}", run.stdout);
    let run = Folder::new(plan).blast(&["--emit-schedule"]).run();
    assert!(run.expect_code(2).stderr.contains("a closed loop has no due times"), "{}", run.stderr);
}

/// An emitted schedule is what is sent, to the nanosecond.
#[test]
fn an_emitted_schedule_is_the_one_that_is_kept() {
    let plan = "[scenarios.a]\nexecutor = 'stairs-arrival-rate'\nstartRate = 50\nstep = 50\n\
                steps = 2\nstepDuration = '300ms'\narrivals = 'poisson'\n\
                [scenarios.b]\nexecutor = 'constant-arrival-rate'\nrate = 70\nduration = '600ms'\n\
                startTime = '150ms'\n";
    let planned = preview(&["--emit-schedule", "--seed=4"], plan).stdout;
    let planned = planned.lines().map(|line| {
        let due: Value = serde_json::from_str(line).unwrap();
        let name = due["scenario"].as_str().unwrap().to_owned();
        (due["due_ns"].as_u64().unwrap(), name, due["seq"].as_u64().unwrap())
    });
    let mut planned: Vec<_> = planned.collect();
    let run = Folder::new(plan).blast(&["--to=null:", "--seed=4"]).stdin(events(500)).run();
    run.expect_code(0);
    let sent = samples(&run);
    let mut sent: Vec<_> =
        sent.iter().map(|it| (it.due_ns, it.scenario.to_string(), it.seq)).collect();
    planned.sort();
    sent.sort();
    assert_eq!(sent, planned);
    assert!(sent.len() > 100, "{}", sent.len());
}

#[test]
fn each_scenario_has_a_grace_period_of_its_own() {
    let server = Server::start(|_| Act::Silence);
    let plan = |name: &str, duration: &str, grace: &str| {
        format!(
            "[scenarios.{name}]\nexecutor = 'constant-arrival-rate'\nrate = 20\n\
             duration = '{duration}'\ngracefulStop = '{grace}'\nto = '{}'\n",
            server.url()
        )
    };
    let plan = plan("short", "200ms", "300ms") + &plan("long", "4s", "100ms");
    let args = ["--timeout", "60s", "--max-in-flight", "500"];
    let run = Folder::new(&plan).blast(&args).stdin(events(84)).run();
    run.expect_code(0);
    let samples = samples(&run);
    assert!(samples.iter().all(|sample| sample.outcome == Outcome::Unfinished), "{}", run.stderr);
    let waits = |name: &str| -> Vec<u64> {
        let of = samples.iter().filter(|sample| sample.scenario == name);
        of.map(|sample| sample.due_ns + sample.latency_ns()).collect()
    };
    let (short, long) = (waits("short"), waits("long"));
    assert_eq!((short.len(), long.len()), (4, 80));
    // It ends at 150 ms, with its last event, and is waited for until 450 ms.
    let end_ms = |ends: &[u64]| ends.iter().min().unwrap() / 1_000_000;
    assert!((450..2500).contains(&end_ms(&short)), "{short:?}");
    assert!(end_ms(&long) >= 4000, "{long:?}");
}
