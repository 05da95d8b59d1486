//! `totals.json` and `unsettled.ndjson`: what cannot be read from the other files of a run directory,
//! and what merging directories exactly takes.
//!
//! Figures of summaries are rounded for people; here they are what they were computed from. Times
//! are nanoseconds on the run's clock, which may be below zero.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Outcome, OutcomeCounts, Start};

/// What the totals are computed from.
pub const TOTALS: &str = "totals.json";
/// Events of which one half is missing.
pub const UNSETTLED: &str = "unsettled.ndjson";

/// `totals.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    /// Version of the run directory's layout.
    pub format: u32,
    /// Zero of the run's clock.
    pub zero: Zero,
    /// The boots whose clocks the streams of events count by; none stands for an unknown one.
    pub boots: BTreeSet<Option<String>>,
    /// The last thing that was recorded.
    pub last_ns: i64,
    /// Values that came too late for their row of series.csv.
    pub late_values: u64,
    /// Events of `unsettled.ndjson`, those beyond its limit among them.
    pub unsettled: u64,
    /// Events that the plan keeps out of the verdict.
    pub warm_up: GroupTotals,
    /// Each scenario; together all events that are judged.
    pub scenarios: BTreeMap<String, GroupTotals>,
    /// Each CloudEvents type.
    pub types: BTreeMap<String, GroupTotals>,
    /// Each failure.
    pub errors: Vec<ErrorTotals>,
    /// Values above one hour: the log has no bucket for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beyond_range: Vec<BeyondRange>,
}

/// An instant as several clocks show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Zero {
    /// Nanoseconds since 1970 (UTC).
    pub wall_ns: u64,
    /// The same instant on the monotonic clock of a host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monotonic_ns: Option<u64>,
    /// Names the boot that `monotonic_ns` counts in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
}

impl From<&Start> for Zero {
    fn from(start: &Start) -> Self {
        Self {
            wall_ns: start.wall_start_ns,
            monotonic_ns: start.monotonic_start_ns,
            boot_id: start.boot_id.clone(),
        }
    }
}

/// All that is counted about a group of events.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GroupTotals {
    /// How the planned events ended.
    pub outcomes: OutcomeCounts,
    /// Attempts that another attempt followed.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub retried: u64,
    /// HTTP status or AMQP reply code × count.
    pub codes: BTreeMap<u16, u64>,
    /// Distinct events that arrived at a sink.
    pub received: u64,
    /// The first and the last due time.
    pub due_ns: Option<[i64; 2]>,
    /// The first and the last time at which an event left.
    pub left_ns: Option<[i64; 2]>,
    /// The first and the last good answer.
    pub answered_ok_ns: Option<[i64; 2]>,
    /// The last answer of any kind.
    pub last_end_ns: i64,
    /// By the names of [`METRICS`](crate::run_dir::METRICS); one without a value is left out.
    pub metrics: BTreeMap<String, Distribution>,
}

/// The values of a metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distribution {
    /// Values recorded.
    pub count: u64,
    /// Values above one hour, which have no bucket.
    pub overflow: u64,
    /// Sum of the values. A decimal number as text, for it may have more digits than JSON's readers.
    pub sum_ns: String,
    /// The smallest value.
    pub min_ns: u64,
    /// The largest value.
    pub max_ns: u64,
    /// The counts in microseconds, as a line of `latency.hlog` holds them.
    pub histogram: String,
}

/// Failures with outcome, code and message in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorTotals {
    /// How they ended.
    pub outcome: Outcome,
    /// HTTP status or AMQP reply code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// What went wrong, in words; may be empty.
    pub message: String,
    /// How many there were.
    pub count: u64,
    /// When the first was due.
    pub first_ns: i64,
    /// When the last was due.
    pub last_ns: i64,
    /// The event of the first.
    pub sample_id: String,
}

/// Values above one hour in one second of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BeyondRange {
    /// The second of the run.
    pub second: i64,
    /// The scenario.
    pub scenario: String,
    /// A name of [`METRICS`](crate::run_dir::METRICS).
    pub metric: String,
    /// How many.
    pub count: u64,
}

/// A line of `unsettled.ndjson`: an event that was sent and never received, or received and, as far
/// as this directory knows, never sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unsettled {
    /// What its halves have in common, in 32 hexadecimal digits: XXH3 of source and id, or of the key
    /// of `--correlate`.
    pub fingerprint: String,
    /// The CloudEvents `source` of the event, if this directory knows of its sending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The CloudEvents `id` of the event, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What is known of its sending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<UnsettledSample>,
    /// How often it was handed to the target.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub samples: u32,
    /// How often it was received.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub receipts: u32,
    /// Receipts that the broker marked as delivered before.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub redelivered: u32,
    /// Why it was found in a dead-letter queue, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_lettered: Option<String>,
    /// The earliest receipt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_receipt_ns: Option<i64>,
}

/// How an unsettled event was sent.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnsettledSample {
    /// When it was due.
    pub due_ns: i64,
    /// How it ended.
    pub outcome: Outcome,
    /// Its scenario.
    pub scenario: String,
    /// Its CloudEvents type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Whether the plan keeps it out of the verdict.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub warm_up: bool,
}
