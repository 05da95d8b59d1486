//! `--windows`: the run for programs that follow it, one record per second and scenario.
//!
//! A window counts what *ended* in its second: the last attempt of an event, or a receipt. The rows of
//! `series.csv` count what was *due* in it, which for a slow event is known only much later; who
//! follows a run does not want to wait for that. Every event enters exactly one window, so the windows
//! of a run add up to its summary. What comes late enters the oldest window that is still open.

mod outlet;

use std::collections::BTreeMap;

use ce_record::run_dir::METRICS;
use ce_record::{OutcomeCounts, Record, Start, Window as WindowRecord};
use lat_hist::{Histogram, Window};

use crate::group::{E2E, LAG, LATENCY, SERVICE, stats};
use crate::series::{SILENCE, Timed, second};
use crate::streams::signed;

pub(crate) use outlet::{Outlet, start_record};

/// Seconds that stay open behind the newest thing that is known: streams are read side by side.
const OPEN_SECONDS: i64 = 2;
const SECOND_NS: i64 = 1_000_000_000;

/// The windows that are open, and where the others go.
#[derive(Debug)]
pub(crate) struct Windows {
    outlet: Outlet,
    /// By second, scenario, and whether the plan keeps it out of the verdict.
    open: BTreeMap<(i64, u16, bool), Cell>,
    newest: Option<i64>,
    /// All seconds before this one are written.
    written_until: Option<i64>,
    scratch: Histogram,
}

#[derive(Debug, Default)]
struct Cell {
    outcomes: OutcomeCounts,
    retried: u64,
    received: u64,
    metrics: [Window; METRICS.len()],
}

impl Windows {
    pub(crate) fn new(outlet: Outlet) -> Self {
        Self {
            outlet,
            open: BTreeMap::new(),
            newest: None,
            written_until: None,
            scratch: Histogram::default(),
        }
    }

    /// Something happened at this time, whatever it was: what is older is over.
    pub(crate) fn reached(&mut self, at_ns: i64) {
        self.newest = self.newest.max(Some(second(at_ns)));
    }

    /// An attempt has ended.
    pub(crate) fn sample(&mut self, sample: Timed) {
        let Timed { scenario, outcome, due_ns, lag_ns, service_ns, warm_up, .. } = sample;
        let latency_ns = lag_ns.saturating_add(service_ns);
        let cell = self.cell(due_ns.saturating_add(signed(latency_ns)), scenario, warm_up);
        if sample.first {
            cell.metrics[LAG].record(lag_ns);
        }
        if sample.superseded {
            cell.retried += 1;
            return;
        }
        cell.outcomes[outcome] += 1;
        cell.metrics[LATENCY].record(latency_ns);
        if outcome.was_sent() {
            cell.metrics[SERVICE].record(service_ns);
        }
    }

    /// An event has arrived; `e2e_ns` is missing where it is below zero.
    pub(crate) fn arrived(
        &mut self,
        (scenario, warm_up): (u16, bool),
        recv_ns: i64,
        e2e_ns: Option<u64>,
    ) {
        let cell = self.cell(recv_ns, scenario, warm_up);
        cell.received += 1;
        if let Some(e2e_ns) = e2e_ns {
            cell.metrics[E2E].record(e2e_ns);
        }
    }

    fn cell(&mut self, at_ns: i64, scenario: u16, warm_up: bool) -> &mut Cell {
        self.reached(at_ns);
        let second = second(at_ns).max(self.written_until.unwrap_or(i64::MIN));
        self.open.entry((second, scenario, warm_up)).or_default()
    }

    /// Whether [`Windows::write_old`] has something to do.
    pub(crate) fn has_old(&self) -> bool {
        let first = self.open.keys().next().map(|&(second, ..)| second);
        first.zip(self.newest).is_some_and(|(first, newest)| newest - first > OPEN_SECONDS)
    }

    /// Writes the windows that are old enough. `start` opens the stream, if nothing has been written.
    pub(crate) fn write_old(&mut self, scenarios: &[String], start: impl FnOnce() -> Start) {
        let until = self.newest.map_or(i64::MIN, |newest| newest - OPEN_SECONDS);
        self.write_until(until, scenarios, start);
    }

    /// Writes everything that is left and closes the stream.
    pub(crate) fn finish(
        mut self,
        scenarios: &[String],
        elapsed_ns: u64,
        start: impl FnOnce() -> Start,
    ) -> anyhow::Result<()> {
        self.write_until(i64::MAX, scenarios, start);
        self.outlet.finish(elapsed_ns)
    }

    /// A silence has windows of zeros, so that who follows knows that the run goes on.
    fn write_until(&mut self, until: i64, scenarios: &[String], start: impl FnOnce() -> Start) {
        if self.written_until.is_none() {
            self.outlet.open(start());
        }
        let later = self.open.split_off(&(until, 0, false));
        let mut closing = std::mem::replace(&mut self.open, later);
        let count = u16::try_from(scenarios.len()).expect("scenarios are limited");
        while let Some(&(next, ..)) = closing.keys().next() {
            let from = self.written_until.filter(|until| next - until <= SILENCE).unwrap_or(next);
            for (second, scenario) in (from..=next).flat_map(|s| (0..count).map(move |it| (s, it)))
            {
                let name = &scenarios[usize::from(scenario)];
                if let Some(cell) = closing.remove(&(second, scenario, true)) {
                    self.write(second, name, true, &cell);
                }
                let cell = closing.remove(&(second, scenario, false)).unwrap_or_default();
                self.write(second, name, false, &cell);
            }
            self.written_until = Some(next + 1);
        }
    }

    fn write(&mut self, second: i64, scenario: &str, warm_up: bool, cell: &Cell) {
        let mut metrics = BTreeMap::new();
        for (name, values) in METRICS.iter().zip(&cell.metrics) {
            self.scratch.clear();
            self.scratch.add_window(values);
            metrics.extend(stats(&self.scratch).map(|stats| (format!("{name}_us"), stats)));
        }
        let window = WindowRecord {
            at_ns: second.saturating_mul(SECOND_NS),
            length_ns: SECOND_NS.unsigned_abs(),
            scenario: scenario.to_owned(),
            warm_up,
            planned: cell.outcomes.planned(),
            outcomes: cell.outcomes,
            retried: cell.retried,
            received: cell.received,
            metrics,
        };
        self.outlet.write(&Record::Window(Box::new(window)));
    }
}

#[cfg(test)]
mod tests {
    use ce_record::{Outcome, RecordReader};

    use super::*;

    fn ended(at_s: i64) -> Timed {
        Timed {
            scenario: 0,
            outcome: Outcome::Ok,
            due_ns: at_s * SECOND_NS - 5_000,
            lag_ns: 1_000,
            service_ns: 4_000,
            warm_up: false,
            first: true,
            superseded: false,
        }
    }

    fn start() -> Start {
        start_record(&ce_record::totals::Zero { wall_ns: 7, monotonic_ns: None, boot_id: None })
    }

    /// Second, planned and received of each window that has been written.
    fn written(windows: Windows) -> Vec<(i64, u64, u64)> {
        let text = windows.outlet.text();
        let mut reader = RecordReader::new(text.as_slice(), "windows");
        assert_eq!(reader.start().unwrap().unwrap().wall_start_ns, 7);
        std::iter::from_fn(|| match reader.next_record().unwrap()? {
            Record::Window(it) => Some((it.at_ns / SECOND_NS, it.planned, it.received)),
            other => panic!("{other:?}"),
        })
        .collect()
    }

    #[test]
    fn an_event_counts_where_it_ended_and_what_is_late_in_the_oldest_open_window() {
        let mut windows = Windows::new(Outlet::to_memory());
        for at_s in [1, 1, 4, 9] {
            windows.sample(ended(at_s));
        }
        assert!(windows.has_old());
        windows.write_old(&["a".to_owned()], start);
        windows.arrived((0, false), SECOND_NS, Some(5));
        windows.sample(ended(2));
        windows.write_until(i64::MAX, &["a".to_owned()], || panic!("it has been opened"));
        let all = [
            (1, 2, 0),
            (2, 0, 0),
            (3, 0, 0),
            (4, 1, 0),
            (5, 1, 1),
            (6, 0, 0),
            (7, 0, 0),
            (8, 0, 0),
            (9, 1, 0),
        ];
        assert_eq!(written(windows), all);
    }

    #[test]
    fn a_gauge_moves_the_clock_of_a_quiet_run() {
        let mut windows = Windows::new(Outlet::to_memory());
        windows.sample(ended(1));
        assert!(!windows.has_old());
        windows.reached(60 * SECOND_NS);
        assert!(windows.has_old());
        windows.write_old(&["a".to_owned()], start);
        assert_eq!(written(windows), [(1, 1, 0)]);
    }
}
