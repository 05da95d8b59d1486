//! The due times of one scenario, in order.
//!
//! Uniform arrivals are where the integral of the rate reaches 0, 1, 2, …; Poisson arrivals are where
//! it reaches the sums of exponentially distributed gaps. So a Poisson process follows a ramp as
//! exactly as a uniform one does (time change by the integrated rate).

use crate::random::{exponential_gap, seed_for};
use crate::{Schedule, Spacing};

/// Units of the integral in which Poisson arrivals are counted: fractions of an event.
pub(crate) const FRACTION_BITS: u32 = 32;

/// An iterator over the due times of a scenario, in nanoseconds from its start.
#[derive(Debug, Clone)]
pub struct Dues<'a> {
    schedule: &'a Schedule,
    next: u64,
    poisson: Option<Poisson>,
}

#[derive(Debug, Clone, Copy)]
struct Poisson {
    seed: u64,
    /// The integral at the next event, in 2⁻³² events.
    at: u128,
}

impl<'a> Dues<'a> {
    /// The due times of `schedule`; the seed and the scenario's name decide a Poisson process.
    pub fn new(schedule: &'a Schedule, spacing: Spacing, seed: u64, name: &str) -> Self {
        let poisson = (spacing == Spacing::Poisson).then(|| {
            let seed = seed_for(seed, name);
            Poisson { seed, at: u128::from(exponential_gap(seed, 0)) }
        });
        Self { schedule, next: 0, poisson }
    }
}

impl Iterator for Dues<'_> {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        let due_ns = match &mut self.poisson {
            None => self.schedule.due_ns(self.next)?,
            Some(poisson) => {
                let due_ns = self.schedule.due_at_ns(poisson.at)?;
                let gap = exponential_gap(poisson.seed, self.next + 1);
                poisson.at += u128::from(gap);
                due_ns
            }
        };
        self.next += 1;
        Some(due_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Ramp, parse_stages};

    fn ramp(text: &str) -> Schedule {
        let stages = parse_stages(text).unwrap();
        Schedule::Ramping(Ramp::new("0/s".parse().unwrap(), &stages).unwrap())
    }

    fn dues(schedule: &Schedule, spacing: Spacing, seed: u64) -> Vec<u64> {
        Dues::new(schedule, spacing, seed, "s").collect()
    }

    #[test]
    fn uniform_arrivals_are_those_of_the_schedule() {
        let schedule = ramp("10s:100,5s:100");
        let expected: Vec<u64> = (0..1000).map(|k| schedule.due_ns(k).unwrap()).collect();
        assert_eq!(dues(&schedule, Spacing::Uniform, 0), expected);
    }

    #[test]
    fn poisson_arrivals_follow_the_rate_and_depend_on_the_seed_alone() {
        let schedule = ramp("100s:1000,100s:1000");
        let found = dues(&schedule, Spacing::Poisson, 1);
        assert!(found.is_sorted());
        // 150,000 ± 4 standard deviations; the ramp has a third of them.
        assert!((148_450..151_550).contains(&found.len()), "{}", found.len());
        let in_ramp = found.partition_point(|&due| due < 100_000_000_000);
        assert!((49_100..50_900).contains(&in_ramp), "{in_ramp}");
        assert_eq!(found, dues(&schedule, Spacing::Poisson, 1));
        assert_ne!(found, dues(&schedule, Spacing::Poisson, 2));
    }

    /// A Poisson process has gaps whose standard deviation is their mean; a uniform one has none.
    #[test]
    fn the_coefficient_of_variation_is_that_of_the_spacing() {
        let rate = "1000/s".parse().unwrap();
        let schedule = Schedule::Constant { rate, duration_ns: Some(100_000_000_000) };
        for (spacing, wanted) in [(Spacing::Uniform, 0.0), (Spacing::Poisson, 1.0)] {
            let dues = dues(&schedule, spacing, 3);
            #[expect(clippy::cast_precision_loss, reason = "a statistic")]
            let gaps: Vec<f64> = dues.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect();
            #[expect(clippy::cast_precision_loss, reason = "a statistic")]
            let count = gaps.len() as f64;
            let mean = gaps.iter().sum::<f64>() / count;
            let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / count;
            let variation = variance.sqrt() / mean;
            assert!((variation - wanted).abs() < 0.02, "{spacing:?}: {variation}");
        }
    }
}
