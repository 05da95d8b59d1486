//! A plan: scenarios that run side by side, each with a kind of load of its own.

use std::collections::BTreeMap;

use crate::{Schedule, VuStage};

/// Everything that is to be sent, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// In the order of the file.
    pub scenarios: Vec<Scenario>,
    /// What the file says and this tool has no use for, each with its place.
    pub warnings: Vec<String>,
}

/// One kind of load.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// Letters, digits, `_` and `-`: it is a tag of histogram logs.
    pub name: String,
    /// When it begins, from the start of the run.
    pub start_ns: u64,
    /// What it does.
    pub executor: Executor,
    /// Of every sample, besides the name.
    pub tags: BTreeMap<String, String>,
    /// From its start: what is due in this time is measured and stays out of the verdict.
    pub warm_up_ns: u64,
    /// How long outstanding answers are waited for when it has ended.
    pub graceful_stop_ns: u64,
    /// Most events in flight at one time; k6 says `maxVUs`.
    pub max_in_flight: Option<u64>,
    /// A file of events of its own.
    pub events: Option<String>,
    /// A target of its own.
    pub to: Option<String>,
    /// AMQP: a routing key of its own.
    pub routing_key: Option<String>,
}

impl Scenario {
    /// Whether its warm-up leaves nothing for the verdict, as far as the plan decides it.
    pub fn is_all_warm_up(&self) -> bool {
        let length_ns = match &self.executor {
            // It ends when its events have been sent, and nobody knows when that is.
            Executor::Iterations { .. } => None,
            executor => executor.length_ns(),
        };
        self.warm_up_ns > 0 && length_ns.is_some_and(|length_ns| length_ns <= self.warm_up_ns)
    }
}

impl Executor {
    /// How long it lasts at the most; `None` when it is endless.
    pub fn length_ns(&self) -> Option<u64> {
        match self {
            Self::Arrivals { schedule, .. } => schedule.end_ns(),
            Self::Connections { schedule, hold_ns } => {
                Some(schedule.end_ns()?.saturating_add(*hold_ns))
            }
            Self::Users { stages, .. } => {
                Some(stages.iter().fold(0, |sum: u64, stage| sum.saturating_add(stage.duration_ns)))
            }
            Self::Iterations { max_duration_ns, .. } => Some(*max_duration_ns),
        }
    }

    /// When things are due, and how they lie around the rate; a closed loop has no due times.
    pub fn schedule(&self) -> Option<(&Schedule, Spacing)> {
        match self {
            Self::Arrivals { schedule, spacing } => Some((schedule, *spacing)),
            Self::Connections { schedule, .. } => Some((schedule, Spacing::Uniform)),
            Self::Users { .. } | Self::Iterations { .. } => None,
        }
    }

    /// Whether it takes events from an input.
    pub fn has_events(&self) -> bool {
        !matches!(self, Self::Connections { .. })
    }
}

/// What a scenario does; the names are those of k6, where it has such a thing.
#[derive(Debug, Clone, PartialEq)]
pub enum Executor {
    /// Open loop: `constant-arrival-rate`, `ramping-arrival-rate`, `stairs-arrival-rate`.
    Arrivals {
        /// When events are due, from the scenario's start.
        schedule: Schedule,
        /// How they lie around the rate.
        spacing: Spacing,
    },
    /// Open loop, without events: `connections` to a broker, which are opened and then held.
    Connections {
        /// When each is due to be opened, from the scenario's start.
        schedule: Schedule,
        /// How long all are held after the time in which they were opened.
        hold_ns: u64,
    },
    /// Closed loop: virtual users, each waiting for its answer before it goes on.
    Users {
        /// How many users there are when: a number that changes linearly, stage by stage.
        stages: Vec<VuStage>,
        /// How many there are at the start.
        start: u32,
        /// How long each rests between an answer and its next event.
        pause_ns: u64,
    },
    /// Closed loop: a number of events shared by all users, or sent by each.
    Iterations {
        /// Users.
        vus: u32,
        /// Events, of all users together or of each.
        iterations: u64,
        /// Whether `iterations` is of each user.
        per_vu: bool,
        /// No event starts after this time.
        max_duration_ns: u64,
        /// How long each rests between an answer and its next event.
        pause_ns: u64,
    },
}

/// How due times lie around the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Spacing {
    /// Where the integral of the rate reaches each whole number.
    #[default]
    Uniform,
    /// Independent of each other, as those of many callers are (a Poisson process).
    Poisson,
}
