//! How long answers are waited for after a scenario has ended: each has a grace period of its own.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

/// When the last answer of each scenario is due. Known once its schedule has ended.
#[derive(Debug, Clone)]
pub(crate) struct LastAnswers(Arc<[OnceLock<Instant>]>);

impl LastAnswers {
    /// For so many scenarios, none of which has ended.
    pub(crate) fn of(scenarios: usize) -> Self {
        Self((0..scenarios).map(|_| OnceLock::new()).collect())
    }

    /// A scenario has ended, and is waited for until then. What is said first counts.
    pub(crate) fn set(&self, scenario: u16, until: Instant) {
        let _ = self.0[usize::from(scenario)].set(until);
    }

    /// Until when a scenario is waited for, if that is known.
    pub(crate) fn until(&self, scenario: u16) -> Option<Instant> {
        self.0[usize::from(scenario)].get().copied()
    }

    /// Whether a scenario is not waited for any longer.
    pub(crate) fn is_over(&self, scenario: u16, now: Instant) -> bool {
        self.until(scenario).is_some_and(|until| until <= now)
    }

    /// Whether there is such a scenario.
    pub(crate) fn is_any_over(&self, now: Instant) -> bool {
        self.0.iter().any(|until| until.get().is_some_and(|&until| until <= now))
    }

    /// Until when any of them is waited for, if all have ended.
    pub(crate) fn last(&self) -> Option<Instant> {
        let all: Option<Vec<Instant>> = self.0.iter().map(|until| until.get().copied()).collect();
        all?.into_iter().max()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_scenario_has_an_end_of_its_own() {
        let (now, later) = (Instant::now(), Duration::from_secs(5));
        let answers = LastAnswers::of(2);
        assert!(!answers.is_any_over(now) && answers.last().is_none());
        answers.set(0, now);
        assert!(answers.is_over(0, now) && !answers.is_over(1, now + later));
        assert!(answers.is_any_over(now) && answers.last().is_none());
        answers.set(1, now + later);
        answers.set(1, now);
        assert_eq!((answers.last(), answers.is_over(1, now)), (Some(now + later), false));
    }
}
