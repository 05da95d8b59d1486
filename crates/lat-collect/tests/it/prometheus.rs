//! A real Prometheus scrapes two runs: the shipped alerts fire for the bad one and for it alone.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use ce_record::{Gauge, Outcome, Record};
use ce_testkit::{Running, Tool, wait_until};
use serde_json::{Value, json};

use crate::external::{example, program};
use crate::http::{address, get};
use crate::{Folder, Start, lat_collect, sample, start, stream};

const ALERTS: [&str; 4] = ["HighLatency", "LowSuccessRate", "NoRecovery", "ResourceExhaustion"];
const PATIENCE: Duration = Duration::from_mins(1);

/// A run that goes on while the test feeds it.
struct Run {
    running: Running,
    address: String,
    to: File,
    good: bool,
    seq: u64,
}

impl Run {
    fn start(folder: &Folder, name: &str, good: bool) -> Self {
        let input = folder.path(&format!("{name}.fifo"));
        assert!(Command::new("mkfifo").arg(&input).status().unwrap().success());
        let running = lat_collect()
            .arg(&input)
            .arg("--out")
            .arg(folder.path(name))
            .args(["--serve", "127.0.0.1:0", "--linger", "0s"])
            .spawn();
        let address = address(&running);
        let mut to = File::options().write(true).open(&input).unwrap();
        let Record::Start(opened) = start("ce-blast", 1_000, json!({ "scenarios": {} })) else {
            unreachable!("it is a start")
        };
        let opened = Record::Start(Box::new(Start { run: name.into(), ..*opened }));
        to.write_all(stream([opened]).as_bytes()).unwrap();
        Self { running, address, to, good, seq: 0 }
    }

    /// A second of the run: the bad one refuses a tenth, takes 12 s and all of the CPU.
    fn feed(&mut self) {
        let (service_ns, cpu) = if self.good { (2_000_000, 0.2) } else { (12_000_000_000, 0.99) };
        let refused = |seq: u64| !self.good && seq.is_multiple_of(10);
        let samples = (self.seq..self.seq + 100).map(|seq| {
            let outcome = if refused(seq) { Outcome::Rejected } else { Outcome::Ok };
            sample(seq, seq * 10_000_000, service_ns, outcome)
        });
        let gauge = |name: &'static str, value| {
            let (at_ns, labels) = (self.seq * 10_000_000, std::collections::BTreeMap::new());
            Record::Gauge(Gauge { at_ns, name: name.into(), labels, value })
        };
        let gauges = [gauge("host_cpu_ratio", cpu), gauge("host_memory_available_bytes", 8e9)];
        self.to.write_all(stream(samples.chain(gauges)).as_bytes()).unwrap();
        self.seq += 100;
    }
}

/// The shipped rules with shorter times, and the shipped scrape with our targets.
fn configure(folder: &Folder, targets: &str) {
    let mut rules = fs::read_to_string(example("alerts.yml")).unwrap();
    for (long, short) in
        [("[1m]", "[6s]"), ("for: 30s", "for: 1s"), ("for: 15m", "for: 4s"), ("for: 1m", "for: 1s")]
    {
        assert!(rules.contains(long), "{long}");
        rules = rules.replace(long, short);
    }
    folder.write("alerts.yml", rules);
    let mut config = fs::read_to_string(example("prometheus.yml")).unwrap();
    for (theirs, ours) in [("\"127.0.0.1:9464\"", targets), (": 5s", ": 1s")] {
        assert!(config.contains(theirs), "{theirs}");
        config = config.replace(theirs, ours);
    }
    folder.write("prometheus.yml", config);
}

fn query(address: &str, path: &str) -> Value {
    get(address, path).json()["data"].clone()
}

/// The alerts that fire, as (alert, run).
fn firing(prometheus: &str) -> BTreeSet<(String, String)> {
    let alerts = query(prometheus, "/api/v1/alerts")["alerts"].clone();
    let all = alerts.as_array().unwrap().iter();
    let label = |alert: &Value, name: &str| alert["labels"][name].as_str().unwrap().to_owned();
    all.filter(|alert| alert["state"] == "firing")
        .map(|alert| (label(alert, "alertname"), label(alert, "run")))
        .collect()
}

/// How many events of a run Prometheus knows of.
fn scraped(prometheus: &str, run: &Run) -> u64 {
    let name = if run.good { "good" } else { "bad" };
    let sum = format!("/api/v1/query?query=sum(ce_events_total{{run=%22{name}%22}})");
    let value = query(prometheus, &sum)["result"][0]["value"][1].clone();
    value.as_str().and_then(|count| count.parse().ok()).unwrap_or(0)
}

#[test]
fn the_shipped_alerts_fire_for_a_bad_run_and_not_for_a_good_one() {
    let Some(program) = program("prometheus") else { return };
    let folder = Folder::new();
    let (mut good, mut bad) =
        (Run::start(&folder, "good", true), Run::start(&folder, "bad", false));
    configure(&folder, &format!("\"{}\", \"{}\"", good.address, bad.address));
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let prometheus = Tool::new(program)
        .arg(format!("--config.file={}", folder.path("prometheus.yml").display()))
        .arg(format!("--storage.tsdb.path={}", folder.path("data").display()))
        .arg(format!("--web.listen-address={free}"))
        .spawn();
    prometheus.wait_for("Server is ready to receive web requests");
    let (free, end) = (free.to_string(), Instant::now() + PATIENCE);
    let expected: BTreeSet<_> =
        ALERTS.into_iter().map(|alert| (alert.to_owned(), "bad".to_owned())).collect();
    loop {
        good.feed();
        bad.feed();
        // Each second of the runs is seen before the next one comes.
        for run in [&good, &bad] {
            wait_until(PATIENCE, "a scrape", || (scraped(&free, run) >= run.seq).then_some(()));
        }
        let found = firing(&free);
        assert!(found.is_subset(&expected), "{found:?}");
        if found == expected {
            break;
        }
        assert!(Instant::now() < end, "only {found:?}\n{}", prometheus.stderr());
    }
    // What was scraped is what was exported, and as OpenMetrics, which alone has units.
    let scraped = query(&free, "/api/v1/metadata?metric=ce_events");
    assert_eq!(scraped["ce_events"][0]["type"], "counter", "{scraped}");
    let sum = "/api/v1/query?query=count(ce_latency_seconds_bucket)";
    assert_eq!(query(&free, sum)["result"][0]["value"][1], "42", "21 buckets of 2 runs");
    for run in [good, bad] {
        let Run { mut running, to, .. } = run;
        drop(to);
        // There was no end record: the run is not whole.
        assert_eq!(running.wait(), 3);
    }
}

#[test]
fn prometheus_has_nothing_to_object_to() {
    let Some(promtool) = program("promtool") else { return };
    for (command, name) in [("rules", "alerts.yml"), ("config", "prometheus.yml")] {
        Tool::new(&promtool).args(["check", command]).arg(example(name)).run().expect_code(0);
    }
    Tool::new(&promtool)
        .args(["test", "rules"])
        .arg(example("alerts_test.yml"))
        .run()
        .expect_code(0);

    let folder = Folder::new();
    let mut run = Run::start(&folder, "checked", true);
    run.feed();
    run.running.wait_until("the events in the metrics", || {
        get(&run.address, "/metrics").body.contains("ce_events_total{")
    });
    let metrics = get(&run.address, "/metrics").body;
    let checked = Tool::new(&promtool).args(["check", "metrics"]).stdin(metrics).run();
    assert_eq!((checked.code, checked.stdout + &checked.stderr), (0, String::new()));
}

/// Each figure that the dashboard asks for is exported or recorded.
#[test]
fn the_dashboard_asks_for_what_there_is() {
    let text = fs::read_to_string(example("dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let exported =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/serve/metrics.rs"));
    let exported = exported.unwrap();
    let mut names = BTreeSet::new();
    for target in dashboard["panels"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
    {
        let expr = target["expr"].as_str().unwrap();
        let words = expr.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        names.extend(words.filter(|word| word.starts_with("ce_")).map(ToOwned::to_owned));
    }
    assert!(names.len() > 10, "{names:?}");
    for name in names.iter().filter(|name| !name.starts_with("ce_watch_")) {
        let base = name.trim_end_matches("_total");
        let histogram = ["latency", "service", "lag", "e2e"]
            .iter()
            .any(|metric| *name == format!("ce_{metric}_seconds_bucket"));
        assert!(histogram || exported.contains(&format!("\"{base}\"")), "{name}");
    }
}
