//! The files of a run directory: `lat-collect` writes them, every other tool reads them.
//!
//! | file | holds |
//! |---|---|
//! | [`RUN`] | who, what, when; whether the run is whole: [`Run`] |
//! | [`SUMMARY`] | every metric, overall, per scenario, per type: [`Summary`] |
//! | [`LEDGER`] | sent × received: [`Ledger`] |
//! | [`SERIES`] | a row per second and scenario, columns [`SERIES_COLUMNS`] |
//! | [`ERRORS`] | outcome × code × message, columns [`ERRORS_COLUMNS`] |
//! | [`HISTOGRAMS`] | `HdrHistogram` interval log, tags `<scenario>.<metric>` |
//! | [`MISSING`] | which events were lost, as NDJSON; bounded, the count in the ledger is exact |
//! | [`WATCH`], [`MARKS`] | gauges and marks on the run's clock |

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{CheckCount, End, OutcomeCounts, Start};

/// The version of the layout. Readers refuse any other.
pub const LAYOUT: u32 = 1;

/// Who, what, when.
pub const RUN: &str = "run.json";
/// Every metric.
pub const SUMMARY: &str = "summary.json";
/// Sent × received.
pub const LEDGER: &str = "ledger.json";
/// A row per second and scenario.
pub const SERIES: &str = "series.csv";
/// Attempts that failed, or failed a check, counted.
pub const ERRORS: &str = "errors.csv";
/// Histograms per second.
pub const HISTOGRAMS: &str = "latency.hlog";
/// Which events were lost.
pub const MISSING: &str = "missing.ndjson";
/// Gauges on the run's clock.
pub const WATCH: &str = "watch.csv";
/// Marks on the run's clock.
pub const MARKS: &str = "marks.csv";

/// The metrics that are histograms, in the order of reports.
pub const METRICS: [&str; 4] = ["latency", "service", "lag", "e2e"];

/// The percentiles of summaries: the name of the field and the quantile as numerator/denominator.
pub const PERCENTILES: [(&str, u64, u64); 6] = [
    ("p50", 1, 2),
    ("p90", 9, 10),
    ("p95", 19, 20),
    ("p99", 99, 100),
    ("p99_9", 999, 1000),
    ("p99_99", 9999, 10_000),
];

/// The columns of `series.csv`. A row counts the events that were *due* in its second, apart from
/// `sent` and `received`, which count by when that first happened, and `in_flight`, the number of
/// unanswered events at the end of the second. An empty percentile means that there was no value;
/// it is never zero instead. An event that took longer than 160 s from when it was due is in the
/// totals and not here. `warm_up` is `true` where the plan keeps the second out of the verdict.
/// `phase` is the part of the plan that the second begins in: `warm-up`, or the number of the stage
/// from 1; empty where the scenario has not begun, is over, or has no plan.
pub const SERIES_COLUMNS: [&str; 34] = [
    "second",
    "scenario",
    "warm_up",
    "phase",
    "planned",
    "sent",
    "ok",
    "rejected",
    "returned",
    "timeout",
    "connect_error",
    "protocol_error",
    "in_doubt",
    "dropped",
    "unsent",
    "unfinished",
    "in_flight",
    "received",
    "latency_p50_us",
    "latency_p95_us",
    "latency_p99_us",
    "latency_max_us",
    "service_p50_us",
    "service_p95_us",
    "service_p99_us",
    "service_max_us",
    "lag_p50_us",
    "lag_p95_us",
    "lag_p99_us",
    "lag_max_us",
    "e2e_p50_us",
    "e2e_p95_us",
    "e2e_p99_us",
    "e2e_max_us",
];

/// The columns of `series.csv` that are numbers of events: they add up, over the scenarios of a second
/// and over seconds.
pub fn series_counts() -> impl Iterator<Item = &'static str> {
    let is_key = |name: &str| matches!(name, "second" | "scenario" | "warm_up" | "phase");
    let is_state = |name: &str| name == "in_flight" || name.ends_with("_us");
    SERIES_COLUMNS.into_iter().filter(move |name| !is_key(name) && !is_state(name))
}

/// The columns of `errors.csv`.
pub const ERRORS_COLUMNS: [&str; 7] =
    ["outcome", "code", "message", "count", "first_s", "last_s", "sample_id"];

/// `run.json`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Run {
    /// Version of the run directory's layout.
    pub format: u32,
    /// The run's name; also the name of its directory.
    pub run: String,
    /// Zero of the run's clock: the start of its first stream with a plan, nanoseconds since 1970 (UTC).
    pub wall_start_ns: u64,
    /// From zero to the last thing that was recorded.
    pub elapsed_ns: u64,
    /// All streams opened with `start` and closed with `end`, and no record was dropped.
    pub complete: bool,
    /// Why not, one sentence each.
    pub incomplete_because: Vec<String>,
    /// Whether the load was the one that was asked for.
    pub generator: Generator,
    /// The streams that went in.
    pub streams: Vec<Stream>,
    /// Version of the tool that wrote the directory.
    pub version: String,
    /// What it took to write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collector: Option<Cost>,
}

/// What a process has used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// User and system CPU time.
    pub cpu_ns: u64,
    /// Largest resident memory.
    pub peak_rss_bytes: u64,
}

/// Whether the senders kept their schedule.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Generator {
    /// False means that the run says nothing about the target: neither pass nor fail.
    pub valid: bool,
    /// Why not, or what to keep in mind, one sentence each.
    pub notes: Vec<String>,
    /// Events sent for each event planned.
    pub sent_ratio: Option<f64>,
    /// 99 of 100 events were handed over no later than this after they were due.
    pub lag_p99_us: Option<u64>,
    /// Senders did not wait for answers. A closed loop cannot see omitted load.
    pub open_loop: bool,
}

/// One input of `lat-collect`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// The file that it came from.
    pub input: String,
    /// How it opened.
    pub start: Option<Start>,
    /// How it closed; missing when it was cut short.
    pub end: Option<End>,
    /// Records read.
    pub records: u64,
}

/// Which clocks end-to-end times were measured with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Clocks {
    /// One clock, that of the machine that sent and received.
    Same,
    /// Those of several machines, or of one before and after a boot: the times are no better than
    /// the clocks agree.
    Cross,
}

impl Clocks {
    /// Those of streams of events that count by the clocks of these boots.
    pub fn of(boots: &BTreeSet<Option<String>>) -> Self {
        match boots.first() {
            Some(Some(_)) if boots.len() == 1 => Self::Same,
            _ => Self::Cross,
        }
    }
}

/// `summary.json`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Version of the run directory's layout.
    pub format: u32,
    /// The run's name.
    pub run: String,
    /// What to think of end-to-end times; missing without receipts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clocks: Option<Clocks>,
    /// All events together, apart from those of a warm-up.
    pub overall: Block,
    /// Events that were due while the plan warms the target up; no other block has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warm_up: Option<Block>,
    /// Each scenario of the plan.
    pub scenarios: BTreeMap<String, Block>,
    /// Each CloudEvents type.
    pub types: BTreeMap<String, Block>,
    /// Each tag that the plan gives to scenarios, as `name=value`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, Block>,
}

/// What is known about a group of events.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Block {
    /// From the first due time to the last answer.
    pub elapsed_s: f64,
    /// Events that the schedule called for: planned = sent + dropped + unsent.
    pub planned: u64,
    /// Events that left for the target.
    pub sent: u64,
    /// Distinct events that arrived at a sink.
    pub received: u64,
    /// How the planned events ended, each by its last attempt.
    pub outcomes: OutcomeCounts,
    /// Attempts that were followed by another for the same event. A first one tells when its event
    /// left (lag, sent); each is in errors.csv and tells of the connection that it opened. How an
    /// event ended, and how long that took, only its last attempt tells.
    #[serde(default)]
    pub retried: u64,
    /// Share of the planned events that ended in `ok`; missing when there were none.
    pub success_ratio: Option<f64>,
    /// Planned events per second of due time.
    pub planned_per_s: Option<f64>,
    /// Sent events per second of sending.
    pub sent_per_s: Option<f64>,
    /// Events with outcome `ok` per second of answering.
    pub ok_per_s: Option<f64>,
    /// HTTP status or AMQP reply code × count.
    pub codes: BTreeMap<u16, u64>,
    /// How often the checks of answers held, warm-up included; of the whole run only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckCount>,
    /// `latency_us`, `service_us`, `lag_us`, `e2e_us`, and of the connections that were opened
    /// `connect_us` and `tls_us`; one without a value is left out.
    pub metrics: BTreeMap<String, Stats>,
}

/// What is known about a metric. Percentiles are the upper ends of histogram buckets (0.1 %), never
/// above the exact maximum; count, minimum, maximum and mean are exact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stats {
    /// Values recorded.
    pub count: u64,
    /// Smallest value, microseconds.
    pub min: f64,
    /// Mean, microseconds.
    pub mean: f64,
    /// Largest value, microseconds.
    pub max: f64,
    /// Percentiles by the names of [`PERCENTILES`], microseconds.
    #[serde(flatten)]
    pub percentiles: BTreeMap<String, u64>,
    /// Values beyond the histogram's range; they count, with the exact maximum standing for them.
    pub overflow: u64,
}

/// `ledger.json`: what became of every event. Counts are events and not messages, unless said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Version of the run directory's layout.
    pub format: u32,
    /// Samples and receipts with a key: these were joined by it, and not by source and id.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub keyed: Keyed,
    /// Whether receipts were collected; without them nothing below `outcomes` can be known.
    pub has_receipts: bool,
    /// Events that the schedule called for.
    pub planned: u64,
    /// Events that left for the target.
    pub sent: u64,
    /// Events that the target acknowledged.
    pub acked: u64,
    /// How the planned events ended.
    pub outcomes: OutcomeCounts,
    /// Distinct sent events that arrived.
    pub received: u64,
    /// The same by how their sending had ended: `arrived.rejected` were refused and delivered all the
    /// same.
    #[serde(default)]
    pub arrived: OutcomeCounts,
    /// Acknowledged and arrived.
    pub delivered: u64,
    /// Acknowledged and never arrived, neither at a sink nor in a dead-letter queue.
    pub lost: u64,
    /// Further receipts of events that had arrived, not marked as redelivered by the broker.
    pub duplicates: u64,
    /// Further receipts of events that had arrived, marked as redelivered by the broker.
    pub redelivered: u64,
    /// In doubt, and arrived.
    pub in_doubt_arrived: u64,
    /// In doubt, and did not arrive.
    pub in_doubt_missing: u64,
    /// Not acknowledged (refused, returned, timed out, failed), and arrived all the same.
    pub unacked_arrived: u64,
    /// Unroutable when they were sent.
    pub returned: u64,
    /// Events that arrived in a dead-letter queue.
    pub dead_lettered: u64,
    /// The same by the reason that the broker gave, of several the first.
    #[serde(default)]
    pub dead_letter_reasons: BTreeMap<String, u64>,
    /// Receipts of events that no sample speaks of.
    pub unexpected: u64,
    /// Receipts that carry a sequence number and could be compared with those before: the first
    /// deliveries of a source, by one door, of one shard.
    #[serde(default)]
    pub order_checked: u64,
    /// Of these, the ones below the highest number that had come before.
    #[serde(default)]
    pub out_of_order: u64,
    /// Receipts with a sequence number of more sources than are kept apart.
    #[serde(default)]
    pub order_unchecked: u64,
    /// What to think of end-to-end times; missing without receipts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clocks: Option<Clocks>,
    /// End-to-end times below zero: the clocks of sender and receiver disagree.
    pub negative_e2e: u64,
    /// The lowest of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_e2e_lowest_ns: Option<i64>,
    /// Records that a writer dropped because its reader was too slow.
    pub dropped_records: u64,
}

/// Records that are joined by the value that `--correlate` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Keyed {
    /// Samples that have one.
    pub samples: u64,
    /// Receipts that have one.
    pub receipts: u64,
}

/// The columns of `watch.csv`. Labels are `a=1;b=2`, in the order of their names.
pub const WATCH_COLUMNS: [&str; 4] = ["at_s", "name", "labels", "value"];

/// The columns of `marks.csv`.
pub const MARKS_COLUMNS: [&str; 4] = ["at_s", "what", "name", "labels"];

/// Why a file of a run directory could not be read.
#[derive(Debug, thiserror::Error)]
pub enum RunDirError {
    /// Is this a run directory? `lat-collect --out` makes one.
    #[error("{0}: cannot read")]
    Io(String, #[source] std::io::Error),
    /// The file was changed by hand, or written by another version.
    #[error("{0}: not what this version of lat-collect writes: {1}")]
    Malformed(String, serde_json::Error),
}

/// Reads one of the JSON files, e.g., `read::<Summary>(dir, SUMMARY)`.
pub fn read<T: DeserializeOwned>(dir: &Path, file: &str) -> Result<T, RunDirError> {
    let path = dir.join(file);
    let name = path.display().to_string();
    let text = std::fs::read(&path).map_err(|err| RunDirError::Io(name.clone(), err))?;
    serde_json::from_slice(&text).map_err(|err| RunDirError::Malformed(name, err))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    #[test]
    fn planned_sent_every_outcome_and_received_add_up() {
        let outcomes = Outcome::ALL.map(Outcome::as_str);
        let counts: Vec<_> = series_counts().collect();
        assert_eq!(counts, [&["planned", "sent"], &outcomes[..], &["received"]].concat());
    }
}
