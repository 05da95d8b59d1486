//! One type per kind of record. Field docs give the unit and who is answerable for the value.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::run_dir::Stats;
use crate::{Outcome, OutcomeCounts};

/// The major version of the stream format. Readers refuse any other.
pub const FORMAT: u32 = 1;

/// Any record of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Record<'a> {
    /// The first record of each stream.
    Start(Box<Start>),
    /// One attempt to deliver one event.
    Sample(Sample<'a>),
    /// One event as it arrived at the receiving end.
    Receipt(Receipt<'a>),
    /// A measured value of the system under test.
    Gauge(Gauge<'a>),
    /// Something that happened at an instant.
    Mark(Mark<'a>),
    /// A second of a run, as `lat-collect --windows` tells it.
    Window(Box<Window>),
    /// The last record of each stream.
    End(Box<End>),
    /// A kind that this version does not know; readers skip it.
    Unknown,
}

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

/// One attempt to deliver one event. `ce-blast` writes it, `lat-collect` reads it.
///
/// Apart from `due_ns` all times are spans and not instants, so no field can contradict another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample<'a> {
    /// Position in the schedule, from zero. A gap means that a record was lost.
    pub seq: u64,
    /// The CloudEvents `source` of the event.
    #[serde(borrow)]
    pub source: Cow<'a, str>,
    /// The CloudEvents `id` of the event.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// The CloudEvents `type` of the event.
    #[serde(borrow, rename = "type")]
    pub event_type: Cow<'a, str>,
    /// The scenario of the plan that the event belongs to.
    #[serde(borrow)]
    pub scenario: Cow<'a, str>,
    /// When the schedule said to send.
    pub due_ns: u64,
    /// How late the sender was: from due until handed to the transport.
    pub lag_ns: u64,
    /// From handed over until the answer or publisher confirm: the target's to answer for. A lower
    /// bound where no answer came.
    pub service_ns: u64,
    /// The part of `service_ns` that it took to open a connection, where one had to be opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect_ns: Option<u64>,
    /// The part of `service_ns` after that in which TLS was agreed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls_ns: Option<u64>,
    /// How the attempt ended. A failure is data: it is recorded here and never logged.
    pub outcome: Outcome,
    /// HTTP status or AMQP reply code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    /// What went wrong, in words, where a code does not say it.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'a, str>>,
    /// Size of the event's body.
    pub bytes: u64,
    /// Counts the attempts for one event, from one.
    pub attempt: u32,
    /// Another attempt for the same event follows, so this one is not how the event ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub superseded: bool,
    /// What the event has in common with the one that answers it, where that has an id of its own:
    /// sample and receipt are joined by their keys then, and not by source and id.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Cow<'a, str>>,
    /// A connection that was opened to be held, and no event: nobody receives it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub connection: bool,
}

impl Sample<'_> {
    /// What a caller would have waited. Includes our lag, so that a late send hides nothing.
    pub fn latency_ns(&self) -> u64 {
        self.lag_ns.saturating_add(self.service_ns)
    }
}

/// One event as it arrived. `ce-sink` writes it, `lat-collect` joins it with the sample.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Receipt<'a> {
    /// Position in the sender's schedule, if the event carried it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
    /// The CloudEvents `source` of the event.
    #[serde(borrow)]
    pub source: Cow<'a, str>,
    /// The CloudEvents `id` of the event.
    #[serde(borrow)]
    pub id: Cow<'a, str>,
    /// The CloudEvents `type` of the event.
    #[serde(borrow, rename = "type")]
    pub event_type: Cow<'a, str>,
    /// When it had arrived whole.
    pub recv_ns: u64,
    /// The queue or path that it came by.
    #[serde(borrow)]
    pub door: Cow<'a, str>,
    /// The broker says that it delivered this message before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub redelivered: bool,
    /// Why the broker moved it to a dead-letter queue.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub dead_lettered: Option<Cow<'a, str>>,
    /// What the event has in common with the one that it answers, see [`Sample::key`].
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Cow<'a, str>>,
}

/// A measured value of the system under test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gauge<'a> {
    /// When it was measured.
    pub at_ns: u64,
    /// What was measured, with its unit last, as Prometheus names metrics.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// What tells this series from others of the name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The value, in the unit of the name.
    pub value: f64,
}

/// Something that happened at an instant, e.g., `pod_ready`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark<'a> {
    /// When it happened.
    pub at_ns: u64,
    /// What happened.
    #[serde(borrow)]
    pub what: Cow<'a, str>,
    /// What it happened to.
    #[serde(borrow)]
    pub name: Cow<'a, str>,
    /// Further facts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// What ended, and what arrived, within a span of a run, in one scenario. The windows of a run add up
/// to its summary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// When it begins, on the run's clock, which may be below zero.
    pub at_ns: i64,
    /// How long it is.
    pub length_ns: u64,
    /// The scenario of the plan.
    pub scenario: String,
    /// The plan keeps these events out of the verdict.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub warm_up: bool,
    /// Planned events whose end is known since then: the sum of the outcomes.
    pub planned: u64,
    /// How they ended.
    pub outcomes: OutcomeCounts,
    /// Attempts that ended and were followed by another for the same event.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub retried: u64,
    /// Distinct events that arrived.
    pub received: u64,
    /// `latency_us`, `service_us` and `lag_us` of the events that ended, `e2e_us` of those that
    /// arrived; one without a value is left out.
    pub metrics: BTreeMap<String, Stats>,
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
    /// Events that had to wait because the in-flight limit was reached.
    pub held_back: u64,
    /// The most events in flight at one time.
    pub peak_in_flight: u64,
    /// For this long in all the broker took nothing from a connection, of several the one for which
    /// it was longest.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub blocked_ns: u64,
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
