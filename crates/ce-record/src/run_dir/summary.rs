//! `summary.json`: every figure.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{CheckCount, Held, OutcomeCounts};

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
    /// What became of the connections that were opened to be held, for each scenario that has some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<Held>,
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
    /// Percentiles by the names of [`PERCENTILES`](super::PERCENTILES), microseconds.
    #[serde(flatten)]
    pub percentiles: BTreeMap<String, u64>,
    /// Values beyond the histogram's range; they count, with the exact maximum standing for them.
    pub overflow: u64,
}
