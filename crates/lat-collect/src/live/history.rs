//! The last ten minutes second by second, for charts and sparklines.

use std::collections::BTreeMap;

use ce_record::{Outcome, OutcomeCounts};
use lat_hist::{Histogram, Quantile};
use serde::Serialize;

use super::watch::POINTS;
use crate::group::{E2E, LATENCY, SERVICE};
use crate::series::{Cell, Series};

/// One second of the run, all scenarios together. It changes while late answers come in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Point {
    pub(crate) second: i64,
    pub(crate) planned: u64,
    pub(crate) sent: u64,
    pub(crate) ok: u64,
    pub(crate) failed: u64,
    pub(crate) received: u64,
    /// p50, p95 and p99 in microseconds.
    pub(crate) latency_us: [Option<u64>; 3],
    pub(crate) service_us: [Option<u64>; 3],
    pub(crate) e2e_us: [Option<u64>; 3],
    /// When it changed last, counted in updates of the history.
    #[serde(skip)]
    pub(crate) version: u64,
    #[serde(skip)]
    pub(crate) stamp: u64,
}

/// The seconds that are remembered.
#[derive(Debug, Default)]
pub(crate) struct History {
    points: BTreeMap<i64, Point>,
    version: u64,
    scratch: Histogram,
}

impl History {
    /// Looks at the seconds that are still open; only those that changed cost anything.
    pub(crate) fn update(&mut self, series: &Series) {
        self.version += 1;
        let mut cells = series.open_cells().peekable();
        while let Some((second, first)) = cells.next() {
            let mut all = vec![first];
            while let Some((_, cell)) = cells.next_if(|&(next, _)| next == second) {
                all.push(cell);
            }
            let stamp = all.iter().map(|cell| stamp(cell)).sum();
            if self.points.get(&second).is_none_or(|point| point.stamp != stamp) {
                let point = self.point(second, &all, stamp);
                self.points.insert(second, point);
            }
        }
        while self.points.len() > POINTS {
            self.points.pop_first();
        }
    }

    /// All seconds, the oldest first.
    pub(crate) fn points(&self) -> Vec<Point> {
        self.points.values().cloned().collect()
    }

    /// Success ratio and p95 of the latency of the events that were due in the last minute and are
    /// no warm-up.
    pub(crate) fn last_minute(&mut self, series: &Series) -> (Option<f64>, Option<u64>) {
        let Some((&newest, _)) = self.points.last_key_value() else { return (None, None) };
        self.scratch.clear();
        let mut outcomes = OutcomeCounts::default();
        let judged = |&(second, cell): &(i64, &Cell)| second > newest - 60 && !cell.warm_up;
        for (_, cell) in series.open_cells().filter(judged) {
            outcomes.add(&cell.outcomes);
            self.scratch.add_window(&cell.metrics[LATENCY]);
        }
        (success_ratio(&outcomes), self.scratch.quantile_us(Quantile::new(19, 20)))
    }

    fn point(&mut self, second: i64, cells: &[&Cell], stamp: u64) -> Point {
        let mut outcomes = OutcomeCounts::default();
        for cell in cells {
            outcomes.add(&cell.outcomes);
        }
        Point {
            second,
            planned: outcomes.planned(),
            sent: cells.iter().map(|cell| cell.sent).sum(),
            ok: outcomes[Outcome::Ok],
            failed: outcomes.failed(),
            received: cells.iter().map(|cell| cell.received).sum(),
            latency_us: self.percentiles(cells, LATENCY),
            service_us: self.percentiles(cells, SERVICE),
            e2e_us: self.percentiles(cells, E2E),
            version: self.version,
            stamp,
        }
    }

    fn percentiles(&mut self, cells: &[&Cell], metric: usize) -> [Option<u64>; 3] {
        if cells.iter().all(|cell| cell.metrics[metric].count() == 0) {
            return [None; 3];
        }
        self.scratch.clear();
        for cell in cells {
            self.scratch.add_window(&cell.metrics[metric]);
        }
        [(1, 2), (19, 20), (99, 100)]
            .map(|(numerator, denominator)| Quantile::new(numerator, denominator))
            .map(|quantile| self.scratch.quantile_us(quantile))
    }
}

/// Grows with everything that is entered in a cell.
fn stamp(cell: &Cell) -> u64 {
    let values: u64 = cell.metrics.iter().map(lat_hist::Window::count).sum();
    cell.outcomes.planned() + cell.sent + cell.answered + cell.received + values
}

#[expect(clippy::cast_precision_loss, reason = "compared with a threshold of two digits")]
fn success_ratio(outcomes: &OutcomeCounts) -> Option<f64> {
    let planned = outcomes.planned();
    (planned > 0).then(|| outcomes[Outcome::Ok] as f64 / planned as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::Timed;

    fn sample(second: i64, service_ms: u64, outcome: Outcome) -> Timed {
        Timed {
            scenario: 0,
            outcome,
            due_ns: second * 1_000_000_000,
            lag_ns: 0,
            service_ns: service_ms * 1_000_000,
            warm_up: false,
            first: true,
            superseded: false,
        }
    }

    #[test]
    fn a_second_is_worked_out_again_only_when_it_changed() {
        let (mut series, mut history) = (Series::default(), History::default());
        series.sample(sample(0, 2, Outcome::Ok));
        series.sample(sample(1, 4, Outcome::Ok));
        history.update(&series);
        series.sample(sample(1, 8, Outcome::Timeout));
        history.update(&series);
        let points = history.points();
        assert_eq!(points.iter().map(|point| point.version).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((points[1].planned, points[1].ok, points[1].failed), (2, 1, 1));
        assert_eq!(points[1].latency_us, [Some(4001), Some(8000), Some(8000)]);
        let (ratio, p95) = history.last_minute(&series);
        assert_eq!((ratio, p95), (Some(2.0 / 3.0), Some(8000)));
    }

    #[test]
    fn a_warm_up_is_in_the_charts_and_not_in_what_alerts_are_judged_by() {
        let (mut series, mut history) = (Series::default(), History::default());
        series.sample(Timed { warm_up: true, ..sample(0, 9, Outcome::Timeout) });
        series.sample(sample(1, 2, Outcome::Ok));
        history.update(&series);
        assert_eq!(history.points()[0].failed, 1);
        assert_eq!(history.last_minute(&series), (Some(1.0), Some(2000)));
    }

    #[test]
    fn ten_minutes_are_remembered() {
        let mut history = History::default();
        for second in 0..1000 {
            let mut series = Series::default();
            series.sample(sample(second, 1, Outcome::Ok));
            history.update(&series);
        }
        assert_eq!(history.points().len(), POINTS);
        assert_eq!(history.points()[0].second, 400);
    }
}
