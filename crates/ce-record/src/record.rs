//! One type per kind of record. Field docs give the unit and who is answerable for the value.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::run_dir::Stats;
use crate::stream::{End, Start};
use crate::{Outcome, OutcomeCounts};

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
