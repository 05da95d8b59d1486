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

mod columns;
mod ledger;
mod summary;

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{End, Start};

pub use columns::{
    ERRORS_COLUMNS, MARKS_COLUMNS, METRICS, PERCENTILES, SERIES_COLUMNS, WATCH_COLUMNS,
    series_counts,
};
pub use ledger::{Keyed, Ledger};
pub use summary::{Block, Clocks, Stats, Summary};

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
