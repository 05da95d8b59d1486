//! A schedule: a rate and an end, or neither.

use crate::dues::FRACTION_BITS;
use crate::{Ramp, Rate};

/// When each event of an open-loop scenario is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// The same rate throughout; endless without a number of events.
    Constant {
        /// The rate.
        rate: Rate,
        /// How many events there are.
        events: Option<u64>,
    },
    /// A rate that changes stage by stage.
    Ramping(Ramp),
}

impl Schedule {
    /// A constant rate, for a duration where there is one.
    pub fn constant(rate: Rate, duration_ns: Option<u64>) -> Self {
        Self::Constant { rate, events: duration_ns.map(|ns| rate.events_before(ns)) }
    }

    /// When event `k` (from zero) is due; `None` past the last.
    pub fn due_ns(&self, k: u64) -> Option<u64> {
        match self {
            Self::Constant { events: Some(events), .. } if k >= *events => None,
            Self::Constant { rate, .. } => rate.due_ns(k),
            Self::Ramping(ramp) => ramp.due_ns(k),
        }
    }

    /// When the integral of the rate reaches `events`, in 2⁻³² events; `None` past the end.
    pub(crate) fn due_at_ns(&self, events: u128) -> Option<u64> {
        match self {
            Self::Constant { events: Some(last), .. }
                if events >> FRACTION_BITS >= (*last).into() =>
            {
                None
            }
            Self::Constant { rate, .. } => rate.due_at_ns(events),
            Self::Ramping(ramp) => ramp.due_at_ns(events),
        }
    }

    /// When the schedule ends, from its start; `None` when it is endless.
    pub fn end_ns(&self) -> Option<u64> {
        match self {
            Self::Constant { rate, events } => rate.due_ns((*events)?),
            Self::Ramping(ramp) => Some(ramp.duration_ns()),
        }
    }

    /// How many events there are; `None` when the schedule is endless.
    pub fn events(&self) -> Option<u64> {
        match self {
            Self::Constant { events, .. } => *events,
            Self::Ramping(ramp) => Some(ramp.events()),
        }
    }
}
