//! The run as it is at one moment: all that a live view may know. The collector fills one at most
//! once a second, and whoever shows it never touches the collector.

use std::collections::BTreeMap;

use ce_record::run_dir::{Block, Generator, Ledger};
use ce_record::{Outcome, OutcomeCounts};
use serde::Serialize;

use super::alerts::Alert;
use super::buckets::Buckets;
use super::history::Point;
use super::objective::{Judged, SoFar};
use super::watch::{MarkRow, Watch, WatchPoint};
use crate::collect::Collected;
use crate::errors::Errors;
use crate::group::{Group, seconds};
use crate::series::Series;

/// Different failures that are shown.
const ERRORS: usize = 8;

/// What the collector lets others look at.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) run: String,
    pub(crate) generator: Generator,
    pub(crate) overall: Group,
    pub(crate) scenarios: Vec<(&'a String, &'a Group)>,
    pub(crate) series: &'a Series,
    pub(crate) errors: &'a Errors,
    pub(crate) watch: &'a Watch,
    pub(crate) receipts: u64,
    /// Acknowledged and arrived events, those of a warm-up among them, as receipts are of both.
    pub(crate) acked: u64,
    pub(crate) received: u64,
    pub(crate) last_ns: i64,
}

/// The run at one moment. The figures are those of `summary.json`, so far.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Snapshot {
    pub(crate) run: String,
    /// The run directory is whole; nothing changes any more.
    pub(crate) done: bool,
    /// From zero to the last thing that was recorded.
    pub(crate) elapsed_s: f64,
    pub(crate) overall: Block,
    pub(crate) scenarios: BTreeMap<String, Block>,
    pub(crate) ledger: LedgerNow,
    /// Sent and not answered one second before the newest; those without any answer yet are not
    /// known, so it is a lower bound.
    pub(crate) in_flight_at_least: u64,
    pub(crate) errors: Vec<ErrorRow>,
    pub(crate) generator: Generator,
    pub(crate) incomplete_because: Vec<String>,
    pub(crate) alerts: Vec<Alert>,
    pub(crate) objectives: Vec<Judged>,
    pub(crate) marks: Vec<MarkRow>,
    /// Gauges by name, with the sum of their series.
    pub(crate) gauges: BTreeMap<String, f64>,
    #[serde(skip)]
    pub(crate) points: Vec<Point>,
    #[serde(skip)]
    pub(crate) watch: Vec<WatchPoint>,
    #[serde(skip)]
    pub(crate) figures: Vec<Figures>,
}

/// Sent × received, as far as it can be known.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub(crate) struct LedgerNow {
    pub(crate) receipts: u64,
    /// Distinct events that were sent and arrived.
    pub(crate) received: u64,
    /// Acknowledged and not arrived so far: on their way, or lost.
    pub(crate) awaited: u64,
    /// Receipts of events that had arrived, or that no sample speaks of so far.
    pub(crate) further: u64,
    /// What became of every event; known at the end.
    pub(crate) account: Option<Ledger>,
}

/// A failure and how often it occurred.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct ErrorRow {
    pub(crate) outcome: Outcome,
    pub(crate) code: Option<u16>,
    pub(crate) message: String,
    pub(crate) count: u64,
}

/// The figures of a scenario as Prometheus wants them.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub(crate) scenario: String,
    pub(crate) outcomes: OutcomeCounts,
    pub(crate) retried: u64,
    pub(crate) received: u64,
    /// In the order of [`ce_record::run_dir::METRICS`].
    pub(crate) metrics: Vec<Buckets>,
}

impl Figures {
    fn of(scenario: &str, group: &Group) -> Self {
        Self {
            scenario: scenario.to_owned(),
            outcomes: *group.outcomes(),
            retried: group.retried(),
            received: group.received(),
            metrics: (0..ce_record::run_dir::METRICS.len())
                .map(|metric| Buckets::of(group.metric(metric)))
                .collect(),
        }
    }
}

impl Snapshot {
    /// A run that goes on. Buckets are worked out only for those who export them.
    pub(crate) fn of(view: &View<'_>, with_buckets: bool) -> Self {
        let overall = view.overall.block();
        let scenarios = view.scenarios.iter();
        let figures = if with_buckets { view.scenarios.as_slice() } else { &[] };
        Self {
            run: view.run.clone(),
            done: false,
            elapsed_s: seconds(view.last_ns),
            ledger: LedgerNow {
                receipts: view.receipts,
                received: view.received,
                awaited: if view.receipts > 0 {
                    view.acked.saturating_sub(view.received)
                } else {
                    0
                },
                further: view.receipts.saturating_sub(view.received),
                account: None,
            },
            overall,
            scenarios: scenarios.map(|(name, group)| ((*name).clone(), group.block())).collect(),
            in_flight_at_least: in_flight(view.series),
            errors: view.errors.top(ERRORS).into_iter().map(ErrorRow::from).collect(),
            generator: view.generator.clone(),
            incomplete_because: Vec::new(),
            alerts: Vec::new(),
            objectives: Vec::new(),
            marks: view.watch.marks(),
            gauges: view.watch.by_name(),
            points: Vec::new(),
            watch: view.watch.points(),
            figures: figures.iter().map(|(name, group)| Figures::of(name, group)).collect(),
        }
    }

    /// What objectives are judged by.
    pub(crate) fn so_far(&self) -> SoFar<'_> {
        let Self { overall, scenarios, ledger, .. } = self;
        SoFar { overall, scenarios, has_receipts: ledger.receipts > 0 }
    }

    /// The run as it was written: the same figures as in the run directory.
    pub(crate) fn finish(&mut self, collected: &Collected) {
        let Collected { run, summary, ledger, scenarios, .. } = collected;
        self.done = true;
        self.run.clone_from(&run.run);
        self.overall = summary.overall.clone();
        self.scenarios.clone_from(&summary.scenarios);
        self.generator = run.generator.clone();
        self.incomplete_because.clone_from(&run.incomplete_because);
        self.in_flight_at_least = 0;
        self.ledger.received = ledger.received;
        self.ledger.awaited = 0;
        self.ledger.further = ledger.duplicates + ledger.redelivered + ledger.unexpected;
        self.ledger.account = Some(ledger.clone());
        if !self.figures.is_empty() {
            self.figures = scenarios.iter().map(|(name, group)| Figures::of(name, group)).collect();
        }
    }
}

impl From<(Outcome, Option<u16>, String, u64)> for ErrorRow {
    fn from((outcome, code, message, count): (Outcome, Option<u16>, String, u64)) -> Self {
        Self { outcome, code, message, count }
    }
}

/// Sent less answered, up to the second before the newest due time. What left the open seconds was
/// answered long ago.
fn in_flight(series: &Series) -> u64 {
    let Some(newest) = series.newest() else { return 0 };
    let whole = series.open_cells().filter(|&(second, _)| second < newest);
    let (sent, answered) = whole
        .fold((0, 0), |(sent, answered), (_, cell)| (sent + cell.sent, answered + cell.answered));
    sent.saturating_sub(answered)
}
