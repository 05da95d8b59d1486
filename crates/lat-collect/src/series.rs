//! The run second by second. A second stays open while late answers may still come, and is written
//! when it is old enough, so memory does not grow with the length of the run.

mod rows;

use std::collections::BTreeMap;

use ce_record::OutcomeCounts;
use ce_record::run_dir::METRICS;
use ce_record::totals::BeyondRange;
use lat_hist::hlog::HlogEncoder;
use lat_hist::{Histogram, Window};

use crate::group::{E2E, LAG, LATENCY, SERVICE};
use crate::streams::signed;

pub(crate) use rows::SeriesFiles;

const SECOND_NS: i64 = 1_000_000_000;
/// Seconds that stay open behind the newest due time: four times the default of the longest wait
/// for an answer (timeout and grace). An event that is sent again and again may take longer.
const OPEN_SECONDS: i64 = 160;
/// The longest that an event may take and be counted as sent, answered or received in the second in
/// which it was. Nonsense in a record must not open a second for each event.
const AHEAD_SECONDS: i64 = 86_400;
/// The longest silence that is written out second by second. A wrong time in a record must not
/// become billions of rows.
pub(crate) const SILENCE: i64 = 3600;

/// The seconds of a run, of all scenarios.
#[derive(Debug, Default)]
pub(crate) struct Series {
    /// By second and scenario.
    open: BTreeMap<(i64, u16), Cell>,
    newest: Option<i64>,
    /// All seconds before this one are written.
    written_until: Option<i64>,
    /// Per scenario: events sent and not answered at the end of the last written second.
    in_flight: Vec<i64>,
    /// Values that came for a second that was written already.
    late: BTreeMap<(u16, usize), Window>,
    late_values: u64,
    /// By second, scenario and metric: values above one hour.
    beyond_range: BTreeMap<(i64, u16, usize), u64>,
    scratch: Histogram,
    encoder: HlogEncoder,
}

/// What is counted in a second of a scenario.
#[derive(Debug, Default)]
pub(crate) struct Cell {
    pub(crate) outcomes: OutcomeCounts,
    pub(crate) sent: u64,
    pub(crate) answered: u64,
    pub(crate) received: u64,
    /// Events were due in it that the plan keeps out of the verdict.
    pub(crate) warm_up: bool,
    pub(crate) metrics: [Window; METRICS.len()],
}

/// What is known of a sample, with times on the run's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timed {
    pub(crate) scenario: u16,
    pub(crate) outcome: ce_record::Outcome,
    pub(crate) due_ns: i64,
    pub(crate) lag_ns: u64,
    pub(crate) service_ns: u64,
    pub(crate) warm_up: bool,
    /// The first attempt of its event, which tells when that left.
    pub(crate) first: bool,
    /// Another attempt of its event follows, which tells how that ended.
    pub(crate) superseded: bool,
}

impl Series {
    pub(crate) fn sample(&mut self, sample: Timed) {
        let Timed { scenario, outcome, due_ns, lag_ns, service_ns, warm_up, .. } = sample;
        let (is_first, is_last) = (sample.first, !sample.superseded);
        if !is_first && !is_last {
            // It tells neither when its event left nor how that ended.
            return;
        }
        let left = outcome.was_sent() && is_first;
        let ended = outcome.was_sent() && is_last;
        let sent_ns = due_ns.saturating_add(signed(lag_ns));
        let answered = second(sent_ns.saturating_add(signed(service_ns)));
        let (due, sent) = (second(due_ns), second(sent_ns));
        self.newest = self.newest.max(Some(due));
        let latency_ns = lag_ns.saturating_add(service_ns);
        let values =
            [(LATENCY, latency_ns, is_last), (LAG, lag_ns, is_first), (SERVICE, service_ns, ended)];
        let values = values.into_iter().filter(|&(.., counts)| counts);
        match self.cell(due, scenario) {
            Some(cell) => {
                cell.outcomes[outcome] += u64::from(is_last);
                cell.warm_up |= warm_up;
                for (metric, ns, _) in values {
                    cell.metrics[metric].record(ns);
                }
                // Nearly all events are sent and answered in the second that they are due in.
                cell.sent += u64::from(left && sent == due);
                cell.answered += u64::from(ended && answered == due);
            }
            None => values.for_each(|(metric, ns, _)| self.late(scenario, metric, ns)),
        }
        if left
            && sent != due
            && let Some(cell) = self.cell(sent, scenario)
        {
            cell.sent += 1;
        }
        if ended
            && answered != due
            && let Some(cell) = self.cell(answered, scenario)
        {
            cell.answered += 1;
        }
    }

    /// An event that was due at `due_ns` arrived at `recv_ns`.
    pub(crate) fn arrived(
        &mut self,
        scenario: u16,
        due_ns: i64,
        recv_ns: i64,
        e2e_ns: Option<u64>,
    ) {
        if let Some(cell) = self.cell(second(recv_ns), scenario) {
            cell.received += 1;
        }
        let Some(e2e_ns) = e2e_ns else { return };
        match self.cell(second(due_ns), scenario) {
            Some(cell) => cell.metrics[E2E].record(e2e_ns),
            None => self.late(scenario, E2E, e2e_ns),
        }
    }

    fn late(&mut self, scenario: u16, metric: usize, ns: u64) {
        self.late.entry((scenario, metric)).or_default().record(ns);
    }

    /// The cell of a second that is still open.
    fn cell(&mut self, second: i64, scenario: u16) -> Option<&mut Cell> {
        let is_written = self.written_until.is_some_and(|until| second < until);
        let newest = self.newest.unwrap_or(second);
        if is_written || second > newest.saturating_add(AHEAD_SECONDS) {
            self.late_values += 1;
            return None;
        }
        Some(self.open.entry((second, scenario)).or_default())
    }

    /// The second of the newest due time.
    pub(crate) fn newest(&self) -> Option<i64> {
        self.newest
    }

    /// The seconds that are still open, one after the other, each with its scenarios.
    pub(crate) fn open_cells(&self) -> impl Iterator<Item = (i64, &Cell)> {
        self.open.iter().map(|(&(second, _), cell)| (second, cell))
    }

    /// Entries that came too late for their row; they are in the totals and in the log.
    pub(crate) fn late_values(&self) -> u64 {
        self.late_values
    }

    /// Values above one hour, of the seconds that are written.
    pub(crate) fn beyond_range(&self, scenarios: &[String]) -> Vec<BeyondRange> {
        let mut beyond: Vec<_> = self
            .beyond_range
            .iter()
            .map(|(&(second, scenario, metric), &count)| BeyondRange {
                second,
                scenario: scenarios[usize::from(scenario)].clone(),
                metric: METRICS[metric].to_owned(),
                count,
            })
            .collect();
        beyond.sort_unstable();
        beyond
    }
}

/// The second that an instant falls into; there are seconds before zero.
pub(crate) fn second(ns: i64) -> i64 {
    ns.div_euclid(SECOND_NS)
}

#[cfg(test)]
mod tests {
    use ce_record::Outcome;
    use ce_record::run_dir::SERIES_COLUMNS;

    use super::*;

    /// Writes everything and returns the rows by column name.
    fn rows(series: &mut Series, old_only: bool) -> Vec<BTreeMap<String, String>> {
        let (mut rows, mut log) = (csv::Writer::from_writer(Vec::new()), Vec::new());
        let scenarios = ["a".to_owned()];
        let phase = |scenario: &str, second| format!("{scenario}{second}");
        let mut files =
            SeriesFiles { rows: &mut rows, log: &mut log, scenarios: &scenarios, phase: &phase };
        if old_only { series.write_old(&mut files) } else { series.write_all(&mut files) }.unwrap();
        let text = rows.into_inner().unwrap();
        let reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_slice());
        let names = || SERIES_COLUMNS.map(str::to_owned);
        let record = |row: csv::StringRecord| {
            assert_eq!(row.len(), SERIES_COLUMNS.len());
            names().into_iter().zip(row.iter().map(str::to_owned)).collect()
        };
        reader.into_records().map(|row| record(row.unwrap())).collect()
    }

    fn sample(due_s: i64, service_s: u64) -> Timed {
        Timed {
            scenario: 0,
            outcome: Outcome::Ok,
            due_ns: due_s * SECOND_NS,
            lag_ns: 0,
            service_ns: service_s * 1_000_000_000,
            warm_up: false,
            first: true,
            superseded: false,
        }
    }

    #[test]
    fn an_event_counts_where_it_was_due_sent_and_answered() {
        let mut series = Series::default();
        series.sample(sample(0, 2));
        series.arrived(0, 0, 3 * SECOND_NS, Some(3_000_000_000));
        let rows = rows(&mut series, false);
        let column = |name: &str| rows.iter().map(|row| row[name].clone()).collect::<Vec<_>>();
        assert_eq!(column("second"), ["0", "1", "2", "3"]);
        assert_eq!(column("phase"), ["a0", "a1", "a2", "a3"]);
        assert_eq!(column("planned"), ["1", "0", "0", "0"]);
        assert_eq!(column("in_flight"), ["1", "1", "0", "0"]);
        assert_eq!(column("received"), ["0", "0", "0", "1"]);
        assert_eq!(column("e2e_max_us"), ["3000000", "", "", ""]);
    }

    #[test]
    fn an_event_is_in_flight_from_its_first_attempt_to_the_end_of_its_last() {
        let mut series = Series::default();
        series.sample(Timed { superseded: true, outcome: Outcome::InDoubt, ..sample(0, 0) });
        let lag_ns = 2_000_000_000;
        series.sample(Timed { first: false, lag_ns, ..sample(0, 1) });
        let rows = rows(&mut series, false);
        let column = |name: &str| rows.iter().map(|row| row[name].clone()).collect::<Vec<_>>();
        assert_eq!(column("second"), ["0", "1", "2", "3"]);
        assert_eq!(column("sent"), ["1", "0", "0", "0"]);
        assert_eq!(column("in_flight"), ["1", "1", "1", "0"]);
        assert_eq!((column("in_doubt")[0].as_str(), column("ok")[0].as_str()), ("0", "1"));
        assert_eq!(column("latency_max_us")[0], "3000000");
        assert_eq!(column("lag_max_us")[0], "0");
    }

    #[test]
    fn an_event_that_took_longer_than_a_day_opens_no_second_for_its_end() {
        let mut series = Series::default();
        for (number, service_s) in [(1, 86_400), (1, 86_401), (2, 5_000_000)] {
            series.sample(sample(number, service_s));
        }
        let seconds: Vec<i64> = series.open_cells().map(|(second, _)| second).collect();
        assert_eq!((seconds, series.late_values()), (vec![1, 2, 86_401], 2));
    }

    #[test]
    fn old_seconds_are_written_once_and_late_values_are_counted() {
        let mut series = Series::default();
        for second in 0..=OPEN_SECONDS + 5 {
            series.sample(sample(second, 0));
        }
        assert!(series.has_old());
        assert_eq!(rows(&mut series, true).len(), 5);
        series.sample(sample(2, 0));
        assert_eq!(series.late_values(), 1, "its row has gone, once");
        let rest = rows(&mut series, false);
        assert_eq!(rest[0]["second"], "5");
        assert_eq!(rest.len(), usize::try_from(OPEN_SECONDS + 1).unwrap());
    }
}
