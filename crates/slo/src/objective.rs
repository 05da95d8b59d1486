//! One objective: which figure of which events, and what it has to be.

use std::fmt;

use crate::aggregate::Aggregate;
use crate::error::{Result, refuse};
use crate::metric::Metric;

/// What has to hold.
#[derive(Debug, Clone, PartialEq)]
pub struct Objective {
    /// What reports call it; a threshold is called what was typed.
    pub name: String,
    /// The metric.
    pub metric: Metric,
    /// The figure of the metric.
    pub aggregate: Aggregate,
    /// Which events.
    pub scope: Scope,
    /// How the figure compares with the levels.
    pub op: Op,
    /// Meeting it is a pass. Milliseconds, a ratio, events or events per second.
    pub target: f64,
    /// Reaching it is a failure; between the two is a warning. Without it there is no warning.
    pub critical: Option<f64>,
    /// What it means when there is no figure.
    pub on_no_data: OnNoData,
    /// Fewer values than this are no data.
    pub min_samples: Option<u64>,
}

/// Which events an objective is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// All events of the run.
    Run,
    /// Those of one scenario of the plan.
    Scenario(String),
    /// Those of one CloudEvents type.
    Type(String),
    /// Those of the scenarios with a tag, written `name=value`.
    Tag(String),
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `==`, in k6 also `===`
    Equal,
    /// `!=`
    Unequal,
}

/// What a missing figure means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnNoData {
    /// Nothing can be said, so the run gets no verdict.
    #[default]
    NoVerdict,
    /// The objective failed.
    Fail,
    /// The objective gets a warning.
    Warn,
    /// The objective does not count.
    Skip,
}

/// How a figure did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// It meets the target.
    Pass,
    /// It misses the target, and is on the right side of the critical level.
    Warn,
    /// It reaches the critical level, or misses the target where there is no such level.
    Fail,
}

impl Op {
    /// All comparisons with how they are written. Longer ones come first, so that `<=` is not read
    /// as `<`.
    pub(crate) const WRITTEN: [(&str, Self); 7] = [
        ("===", Self::Equal),
        ("==", Self::Equal),
        ("!=", Self::Unequal),
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("<", Self::Below),
        (">", Self::Above),
    ];

    /// Whether `value op limit`. NaN satisfies nothing.
    #[expect(clippy::float_cmp, reason = "`==` is what was asked for")]
    pub fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Below => value < limit,
            Self::AtMost => value <= limit,
            Self::Above => value > limit,
            Self::AtLeast => value >= limit,
            Self::Equal => value == limit,
            Self::Unequal => !value.is_nan() && value != limit,
        }
    }

    /// The same direction without the limit itself: a value at the critical level has reached it.
    /// `None` for a comparison without a direction, which cannot have two levels.
    pub fn strict(self) -> Option<Self> {
        match self {
            Self::Below | Self::AtMost => Some(Self::Below),
            Self::Above | Self::AtLeast => Some(Self::Above),
            Self::Equal | Self::Unequal => None,
        }
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = Self::WRITTEN.iter().skip(1);
        f.write_str(written.find(|(_, op)| op == self).expect("WRITTEN holds every comparison").0)
    }
}

impl Objective {
    /// Refuses what no run directory can answer.
    pub(crate) fn check_scope(&self) -> Result<()> {
        let metric = self.metric.name();
        if self.scope != Scope::Run && self.metric.whole_run_only() {
            refuse!("`{metric}` is known for the whole run only; leave out the filter");
        }
        match (&self.aggregate, &self.scope) {
            (Aggregate::Percentile(percentile), Scope::Type(_) | Scope::Tag(_))
                if !percentile.is_end() && percentile.summary_key().is_none() =>
            {
                refuse!(
                    "{} of one type or tag is not kept; take p50, p90, p95, p99, p99.9 or p99.99, or \
                     a scenario instead",
                    self.aggregate
                )
            }
            _ => Ok(()),
        }
    }

    /// How a figure does.
    pub fn level(&self, value: f64) -> Level {
        if self.op.holds(value, self.target) {
            return Level::Pass;
        }
        match (self.critical, self.op.strict()) {
            (Some(critical), Some(strict)) if strict.holds(value, critical) => Level::Warn,
            _ => Level::Fail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two_levels(op: Op, target: f64, critical: f64) -> Objective {
        Objective {
            name: "test".into(),
            metric: Metric::Ok,
            aggregate: Aggregate::Count,
            scope: Scope::Run,
            op,
            target,
            critical: Some(critical),
            on_no_data: OnNoData::default(),
            min_samples: None,
        }
    }

    #[test]
    fn levels_are_told_apart_at_their_very_ends() {
        use Level::{Fail, Pass, Warn};
        let check = |op, target, critical, levels: [(f64, Level); 5]| {
            for (value, level) in levels {
                assert_eq!(two_levels(op, target, critical).level(value), level, "{op} {value}");
            }
        };
        let upper =
            |at_target| [(2.9, Pass), (3.0, at_target), (9.9, Warn), (10.0, Fail), (11.0, Fail)];
        check(Op::Below, 3.0, 10.0, upper(Warn));
        check(Op::AtMost, 3.0, 10.0, upper(Pass));
        let lower = |at_target| {
            [(101.0, Pass), (100.0, at_target), (51.0, Warn), (50.0, Fail), (0.0, Fail)]
        };
        check(Op::Above, 100.0, 50.0, lower(Warn));
        check(Op::AtLeast, 100.0, 50.0, lower(Pass));
    }

    #[test]
    fn without_a_critical_level_a_missed_target_is_a_failure() {
        let one = Objective { critical: None, ..two_levels(Op::Below, 3.0, 10.0) };
        assert_eq!((one.level(2.0), one.level(3.0)), (Level::Pass, Level::Fail));
        let none_lost = Objective { critical: None, ..two_levels(Op::Equal, 0.0, 0.0) };
        assert_eq!((none_lost.level(0.0), none_lost.level(1.0)), (Level::Pass, Level::Fail));
    }

    #[test]
    fn nan_never_passes() {
        for (_, op) in Op::WRITTEN {
            assert_eq!(two_levels(op, 1.0, 2.0).level(f64::NAN), Level::Fail, "{op}");
        }
    }

    #[test]
    fn comparisons_are_shown_as_they_are_written() {
        let shown: Vec<_> = Op::WRITTEN.iter().map(|(_, op)| op.to_string()).collect();
        assert_eq!(shown, ["==", "==", "!=", "<=", ">=", "<", ">"]);
    }
}
