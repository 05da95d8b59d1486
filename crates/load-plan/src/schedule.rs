//! A schedule: a rate and an end, or neither.

use crate::{Ramp, Rate};

/// When each event of an open-loop scenario is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// The same rate throughout; endless without a duration.
    Constant {
        /// The rate.
        rate: Rate,
        /// How long it lasts.
        duration_ns: Option<u64>,
    },
    /// A rate that changes stage by stage.
    Ramping(Ramp),
}

impl Schedule {
    /// When event `k` (from zero) is due; `None` past the last.
    pub fn due_ns(&self, k: u64) -> Option<u64> {
        match self {
            Self::Constant { rate, duration_ns } => within(*duration_ns, rate.due_ns(k)?),
            Self::Ramping(ramp) => ramp.due_ns(k),
        }
    }

    /// When the integral of the rate reaches `events`, in 2⁻³² events; `None` past the end.
    pub(crate) fn due_at_ns(&self, events: u128) -> Option<u64> {
        match self {
            Self::Constant { rate, duration_ns } => within(*duration_ns, rate.due_at_ns(events)?),
            Self::Ramping(ramp) => ramp.due_at_ns(events),
        }
    }

    /// When the schedule ends, from its start; `None` when it is endless.
    pub fn end_ns(&self) -> Option<u64> {
        match self {
            Self::Constant { duration_ns, .. } => *duration_ns,
            Self::Ramping(ramp) => Some(ramp.duration_ns()),
        }
    }

    /// How many events there are; `None` when the schedule is endless.
    pub fn events(&self) -> Option<u64> {
        match self {
            Self::Constant { rate, duration_ns } => duration_ns.map(|ns| rate.events_before(ns)),
            Self::Ramping(ramp) => Some(ramp.events()),
        }
    }
}

/// An event that is due at the very end is not due any more.
fn within(duration_ns: Option<u64>, due_ns: u64) -> Option<u64> {
    (duration_ns.is_none_or(|end_ns| due_ns < end_ns)).then_some(due_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_ends_with_its_duration_and_not_with_an_event() {
        let rate: Rate = "1/m".parse().unwrap();
        let schedule = Schedule::Constant { rate, duration_ns: Some(90_000_000_000) };
        assert_eq!((schedule.events(), schedule.end_ns()), (Some(2), Some(90_000_000_000)));
        let dues = [0, 1, 2].map(|k| schedule.due_ns(k));
        assert_eq!(dues, [Some(0), Some(60_000_000_000), None]);
        // The integral is 1.5 events: half an event later than the second one nothing is due.
        let half = 1_u128 << 31;
        let last = schedule.due_at_ns(3 * half - 1).unwrap();
        assert!((89_999_999_000..90_000_000_000).contains(&last), "{last}");
        assert_eq!(schedule.due_at_ns(3 * half), None);
    }

    #[test]
    fn the_last_event_is_the_last_before_the_end() {
        for (text, ns) in [("3/s", 1_000_000_000), ("3/s", 999_999_999), ("7/3s", 1), ("1/ns", 5)] {
            let rate: Rate = text.parse().unwrap();
            let schedule = Schedule::Constant { rate, duration_ns: Some(ns) };
            let events = schedule.events().unwrap();
            assert!(schedule.due_ns(events - 1).is_some(), "{text} {ns}");
            assert_eq!(schedule.due_ns(events), None, "{text} {ns}");
        }
    }
}
