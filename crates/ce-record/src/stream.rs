//! How a stream opens and closes: who writes it, and what the writer says of itself.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::OutcomeCounts;

/// The major version of the stream format. Readers refuse any other.
pub const FORMAT: u32 = 1;

/// Opens a stream: who writes, and where its clock stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// The format of the stream, [`FORMAT`].
    pub format: u32,
    /// The writing tool, e.g., `ce-blast`.
    pub tool: String,
    /// The version of the tool.
    pub version: String,
    /// The run that this stream belongs to; empty when the writer was not told.
    #[serde(default)]
    pub run: String,
    /// `i/N` when the run is spread over several senders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// Zero of the stream's clock, in nanoseconds since 1970 (UTC).
    pub wall_start_ns: u64,
    /// The same instant on the host's monotonic clock. Streams of one boot are aligned by it, so a
    /// step of the wall clock cannot bend their end-to-end latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monotonic_start_ns: Option<u64>,
    /// Names the boot that `monotonic_start_ns` counts in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
    /// The command line, secrets masked.
    #[serde(default)]
    pub args: Vec<String>,
    /// The seed of everything random in the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The plan as resolved.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub plan: Value,
    /// What a sender can do on this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<Calibration>,
}

impl Start {
    /// One of this format that tells no more than it must. `wall_start_ns` counts since 1970 (UTC).
    pub fn new(tool: &str, version: &str, wall_start_ns: u64) -> Self {
        Self {
            format: FORMAT,
            tool: tool.to_owned(),
            version: version.to_owned(),
            run: String::new(),
            shard: None,
            wall_start_ns,
            monotonic_start_ns: None,
            boot_id: None,
            args: Vec::new(),
            seed: None,
            plan: Value::Null,
            calibration: None,
        }
    }
}

/// What a sender measured of itself and its machine before the load began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calibration {
    /// Half of the sleeps of 200 µs ended no later than this after their time.
    pub sleep_late_p50_ns: u64,
    /// The same for 99 of 100 sleeps.
    pub sleep_late_p99_ns: u64,
    /// Events per second that one scenario can hand to a target which answers at once.
    pub ceiling_per_s: u64,
}

/// Why a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// All of the plan was carried out, or the input reached its natural end.
    Done,
    /// The input ended before the plan did.
    InputEnded,
    /// A signal asked for the end, and the tool drained.
    Interrupted,
    /// Something failed; the records up to here stand.
    Failed,
}

/// Closes a stream: totals, and what the writer says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// Length of the stream.
    pub elapsed_ns: u64,
    /// Why it ended.
    pub stopped: Stop,
    /// Samples, receipts, gauges or marks in this stream.
    pub records: u64,
    /// Records that could not be written because the reader was too slow.
    pub dropped_records: u64,
    /// How the events ended; only a sender has outcomes. Superseded samples are not among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<OutcomeCounts>,
    /// Superseded samples: attempts that were followed by another for the same event.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub retried: u64,
    /// How often the checks of answers held; only a sender that was given some has any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<CheckCount>,
    /// What became of the connections that were opened to be held, for each scenario that has some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connections: Vec<Held>,
    /// The sender's judgement of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generator: Option<GeneratorReport>,
    /// CPU time of the writing process, user and system.
    pub cpu_ns: u64,
    /// Largest resident memory of the writing process.
    pub peak_rss_bytes: u64,
}

impl End {
    /// That of a writer that sends nothing, and has not said yet what it used.
    pub fn new(elapsed_ns: u64, stopped: Stop, records: u64) -> Self {
        Self {
            elapsed_ns,
            stopped,
            records,
            dropped_records: 0,
            outcomes: None,
            retried: 0,
            checks: Vec::new(),
            connections: Vec::new(),
            generator: None,
            cpu_ns: 0,
            peak_rss_bytes: 0,
        }
    }
}

/// How often a check of answers held. It changes no outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckCount {
    /// What is checked, e.g., `status 202`.
    pub name: String,
    /// Events whose last answer held.
    pub passes: u64,
    /// Events whose last answer did not hold, or that had none.
    pub fails: u64,
}

impl CheckCount {
    /// Adds counts to those of the same names.
    pub fn add(counts: &mut Vec<Self>, others: &[Self]) {
        for other in others {
            match counts.iter_mut().find(|count| count.name == other.name) {
                Some(count) => {
                    count.passes = count.passes.saturating_add(other.passes);
                    count.fails = count.fails.saturating_add(other.fails);
                }
                None => counts.push(other.clone()),
            }
        }
    }
}

/// What became of the connections that a scenario opened to hold them: opened = closed + lost + cut.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Held {
    /// The scenario of the plan.
    pub scenario: String,
    /// Connections that were open at some time.
    pub opened: u64,
    /// The most at one time. Of several senders it is the sum: no more were open at one time.
    pub peak: u64,
    /// Closed when their time was over, and the broker agreed.
    pub closed: u64,
    /// Ended before their time.
    pub lost: u64,
    /// Not closed in an orderly way: the broker did not agree in time.
    pub cut: u64,
}

impl Held {
    /// Adds counts to those of the same scenarios.
    pub fn add(all: &mut Vec<Self>, others: &[Self]) {
        for other in others {
            let Some(held) = all.iter_mut().find(|held| held.scenario == other.scenario) else {
                all.push(other.clone());
                continue;
            };
            held.opened = held.opened.saturating_add(other.opened);
            held.peak = held.peak.saturating_add(other.peak);
            held.closed = held.closed.saturating_add(other.closed);
            held.lost = held.lost.saturating_add(other.lost);
            held.cut = held.cut.saturating_add(other.cut);
        }
    }
}

/// What a sender says about its own schedule: whether the load was the one that was asked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GeneratorReport {
    /// Events that the plan calls for; unknown for an endless plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan_events: Option<u64>,
    /// Half of the events were handed over no later than this after they were due.
    pub lag_p50_ns: u64,
    /// The same for 99 of 100 events.
    pub lag_p99_ns: u64,
    /// The latest of all.
    pub lag_max_ns: u64,
    /// Events that became due before the input had supplied them.
    pub starved: u64,
    /// Events that had to wait because the in-flight limit was reached when they were due, or was for
    /// one before them.
    pub held_back: u64,
    /// Events that became due while the sender did not run, although it was to: its machine gave it no
    /// processor time, or something had stopped it. They do not count as held back.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub overslept: u64,
    /// The most events in flight at one time.
    pub peak_in_flight: u64,
    /// For this long in all the broker took nothing from a connection, of several the one for which
    /// it was longest.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub blocked_ns: u64,
    /// Connections that could not be opened because the sender's machine had no more files, ports or
    /// memory.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub own_limits: u64,
    /// Senders do not wait for answers. A closed loop does, and cannot see omitted load.
    pub open_loop: bool,
    /// What kept the load from being the one that was asked for, if anything did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limited_by: Option<Limit>,
}

/// What kept a load from being the one that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Events came too slowly.
    Input,
    /// Records were read too slowly, so that some were dropped.
    Output,
    /// The sender's machine could not keep the schedule.
    Sender,
    /// Answers came too slowly: the in-flight limit was reached.
    Target,
}
