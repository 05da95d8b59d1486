//! An axis of time spans: one unit for all of it, linear from zero or logarithmic.

use super::HEADROOM;
use crate::panel::Axis;
use crate::scale::{Unit, linear_ticks, log_label, log_ticks, number};

/// From this ratio of the largest to the usual value on, a linear axis would show a flat line.
const LOG_RATIO: f64 = 20.0;

/// How spans become positions.
pub(super) struct SpanAxis {
    /// Logarithmic.
    pub(super) log: bool,
    /// The unit of its labels.
    pub(super) unit: Unit,
    low_us: f64,
    high_us: f64,
}

impl SpanAxis {
    /// An axis for values from `low_us` to `high_us`, of which `usual_us` is a common one.
    pub(super) fn new(low_us: f64, usual_us: f64, high_us: f64) -> Self {
        let low_us = low_us.max(1.0);
        let log = high_us / usual_us.max(1.0) > LOG_RATIO;
        let unit = Unit::of(if log { (low_us * high_us).sqrt() } else { high_us });
        Self { log, unit, low_us, high_us }
    }

    /// Where a span stands.
    pub(super) fn place(&self, us: f64) -> f64 {
        // Zero has no logarithm; it stands where the axis begins to be of use.
        if self.log { (us.max(0.5) / self.unit.us()).log10() } else { us / self.unit.us() }
    }

    /// Where spans stand.
    pub(super) fn places(&self, values: &[Option<f64>]) -> Vec<Option<f64>> {
        values.iter().map(|value| value.map(|us| self.place(us))).collect()
    }

    /// The axis with its labels.
    pub(super) fn axis(&self, name: &str) -> Axis {
        let unit = self.unit.us();
        let (low, high) = (self.low_us / unit, self.high_us / unit * HEADROOM);
        let ticks = if self.log { log_ticks(low, high) } else { linear_ticks(high, 5) };
        let end = |tick: Option<&f64>| tick.map_or(0.0, |tick| self.place(tick * unit));
        let labelled = ticks.iter().filter(|tick| !self.log || log_label(&ticks, **tick));
        Axis {
            name: format!("{name}, {}{}", self.unit.name(), if self.log { ", log" } else { "" }),
            from: end(ticks.first()),
            to: end(ticks.last()),
            ticks: labelled.map(|tick| (self.place(tick * unit), number(*tick))).collect(),
        }
    }

    /// The kind of axis in words, for descriptions.
    pub(super) fn words(&self) -> String {
        format!("{} axis in {}", if self.log { "Logarithmic" } else { "Linear" }, self.unit.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_makes_the_axis_logarithmic_and_its_unit_fits_the_middle() {
        let axis = SpanAxis::new(4_000.0, 5_000.0, 2_000_000.0);
        assert_eq!(axis.words(), "Logarithmic axis in ms");
        let drawn = axis.axis("latency");
        let labels: Vec<&str> = drawn.ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["10", "100", "1,000"]);
        assert_eq!(drawn.name, "latency, ms, log");
        assert!(drawn.from < 4_f64.log10() && drawn.to > 2000_f64.log10(), "{drawn:?}");
    }

    #[test]
    fn steady_values_have_a_linear_axis_from_zero() {
        let axis = SpanAxis::new(4_000.0, 5_000.0, 9_000.0);
        assert_eq!(axis.words(), "Linear axis in ms");
        assert_eq!((axis.axis("lag").from, axis.axis("lag").to), (0.0, 10.0));
    }

    #[test]
    fn zero_has_a_place_on_a_logarithmic_axis() {
        let axis = SpanAxis::new(0.0, 1.0, 1_000.0);
        assert!(axis.log && axis.place(0.0).is_finite());
    }
}
