//! Counts records as they come: the one place where all streams meet.

mod conclude;
mod events;
mod files;
mod tags;

use std::path::PathBuf;

use ce_record::run_dir::{Keyed, Ledger as LedgerReport, Run, Summary};
use ce_record::{Outcome, OutcomeCounts};

use crate::batch::{Batch, Item};
use crate::errors::Errors;
use crate::group::{Group, LATENCY, seconds};
use crate::input::News;
use crate::ledger::Ledger;
use crate::live::{View, Watch};
use crate::names::Names;
use crate::out_dir::OutDir;
use crate::series::Series;
use crate::streams::Streams;
use crate::verdict;
use crate::windows::Windows;
use events::Here;
use files::Files;

pub(crate) use tags::Tags;

/// Records that may wait for a stream with a plan before the run's clock is fixed without one.
const WAIT_FOR_PLAN: usize = 512 * 1024;
/// Records that may wait for the other streams once one with a plan is there: an earlier one with a
/// plan would be zero instead.
const WAIT_FOR_OTHERS: usize = 64 * 1024;
/// Who writes receipts. With its stream there, an event without one has not arrived.
const SINK: &str = "ce-sink";
/// Where the ledger keeps what does not fit into memory, while the run is being collected.
const SPILL: &str = "ledger.spill";

/// A run while it is being collected.
pub(crate) struct Collector {
    streams: Streams,
    /// Records that came before the run's clock was fixed.
    early: Vec<(usize, Batch)>,
    early_records: usize,
    scenario_names: Names,
    type_names: Names,
    /// Events that the plan keeps out of the verdict, and so out of every other group.
    warm_up: Group,
    /// Together these are all events that are judged.
    scenarios: Vec<Group>,
    types: Vec<Group>,
    series: Series,
    errors: Errors,
    ledger: Ledger,
    /// How connections ended that were to be held: they are no events, and so not of the ledger.
    connections: OutcomeCounts,
    receipts: u64,
    keyed: Keyed,
    watch: Watch,
    last_ns: i64,
    files: Files,
    dir: OutDir,
    /// What the names of the batch at hand mean.
    here: Here,
    windows: Option<Windows>,
}

/// A run that has been written.
#[derive(Debug)]
pub(crate) struct Collected {
    pub(crate) dir: PathBuf,
    pub(crate) run: Run,
    pub(crate) summary: Summary,
    pub(crate) ledger: LedgerReport,
    /// The scenarios with their histograms.
    pub(crate) scenarios: Vec<(String, Group)>,
    /// Tags beyond the limit, which are counted together.
    pub(crate) left_out: usize,
    pub(crate) failure: Option<anyhow::Error>,
}

impl Collector {
    pub(crate) fn new(
        paths: &[PathBuf],
        dir: OutDir,
        windows: Option<Windows>,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            streams: Streams::new(paths),
            early: Vec::new(),
            early_records: 0,
            scenario_names: Names::default(),
            type_names: Names::default(),
            warm_up: Group::default(),
            scenarios: Vec::new(),
            types: Vec::new(),
            series: Series::default(),
            errors: Errors::default(),
            ledger: Ledger::new(dir.path(SPILL)),
            connections: OutcomeCounts::default(),
            receipts: 0,
            keyed: Keyed::default(),
            watch: Watch::default(),
            last_ns: 0,
            files: Files::create(&dir)?,
            dir,
            here: Here::default(),
            windows,
        })
    }

    /// Takes news of a stream in.
    pub(crate) fn take(&mut self, stream: usize, news: News) -> anyhow::Result<()> {
        match news {
            News::Over(ending) => self.streams.over(stream, ending),
            News::Records(mut batch) => {
                if let Some(Item::Start(start)) = batch.items.first() {
                    if start.tool == SINK {
                        self.ledger.expect_receipts();
                    }
                    self.streams.started(stream, (**start).clone());
                    batch.items.remove(0);
                }
                if !self.streams.has_zero() {
                    self.early_records += batch.items.len();
                    // It has room for more than a slow stream puts into it.
                    batch.items.shrink_to_fit();
                }
                self.early.push((stream, batch));
            }
        }
        if !self.streams.has_zero() {
            let patience = if self.streams.any_plan() { WAIT_FOR_OTHERS } else { WAIT_FOR_PLAN };
            if self.early_records < patience && !self.streams.all_heard_of() {
                return Ok(());
            }
            self.settle_zero();
        }
        self.count_early()
    }

    /// Whether there is a stream with a plan, and others that nothing was heard of.
    pub(crate) fn waits_for_others(&self) -> bool {
        !self.streams.has_zero() && self.streams.any_plan()
    }

    /// Fixes the run's clock by what there is.
    pub(crate) fn wait_no_longer(&mut self) -> anyhow::Result<()> {
        self.settle_zero();
        self.count_early()
    }

    fn settle_zero(&mut self) {
        self.streams.settle_zero();
        // Known before the first row is written, each of them has all its rows.
        for scenario in self.streams.planned_scenarios() {
            self.scenario_names.number(&scenario);
        }
    }

    fn count_early(&mut self) -> anyhow::Result<()> {
        for (stream, batch) in std::mem::take(&mut self.early) {
            self.count(stream, &batch)?;
        }
        self.write_old_windows();
        self.write_old_seconds()
    }

    /// Whether every stream has been read to its end.
    pub(crate) fn is_over(&self) -> bool {
        self.streams.all_over()
    }

    /// Ends a run without a single record: why there is none. Nothing is left behind.
    pub(crate) fn discard_if_empty(self) -> anyhow::Result<Result<Self, Vec<String>>> {
        if self.streams.any_started() {
            return Ok(Ok(self));
        }
        let mut streams = self.streams;
        self.dir.discard()?;
        match streams.take_failure() {
            Some(failure) => Err(failure),
            None => Ok(Err(streams.incomplete_because())),
        }
    }

    /// How far the run is, in one line.
    pub(crate) fn progress(&self) -> String {
        let overall = self.overall();
        let (outcomes, latency) = (overall.outcomes(), overall.metric(LATENCY));
        let ms = |quantile| {
            let us = latency.quantile_us(quantile).unwrap_or(0);
            format!("{}.{:01}", us / 1000, us % 1000 / 100)
        };
        format!(
            "{:.0} s: {} sent, {} ok, {} not, {} received; latency p50 {} ms, p99 {} ms",
            seconds(self.last_ns),
            outcomes.sent(),
            outcomes[Outcome::Ok],
            outcomes.failed(),
            overall.received(),
            ms(lat_hist::Quantile::new(1, 2)),
            ms(lat_hist::Quantile::new(99, 100)),
        )
    }

    /// What has been counted so far, for those who watch.
    pub(crate) fn view(&self) -> View<'_> {
        let overall = self.overall();
        View {
            run: self.streams.run_name().map_or_else(|| self.dir.name(), ToOwned::to_owned),
            generator: verdict::of_run(self.streams.ends(), &overall, &self.warm_up, 0),
            scenarios: self.scenario_names.all().iter().zip(&self.scenarios).collect(),
            series: &self.series,
            errors: &self.errors,
            watch: &self.watch,
            receipts: self.receipts,
            acked: self.event_outcomes()[Outcome::Ok],
            received: overall.received() + self.warm_up.received(),
            last_ns: self.last_ns,
            overall,
        }
    }

    /// All events that are judged. Their scenarios are added up when somebody asks, which is seldom.
    fn overall(&self) -> Group {
        Group::sum(&self.scenarios)
    }

    /// What became of all planned events, those of the warm-up among them.
    fn all_outcomes(&self) -> OutcomeCounts {
        let mut outcomes = *self.warm_up.outcomes();
        self.scenarios.iter().for_each(|scenario| outcomes.add(scenario.outcomes()));
        outcomes
    }

    /// The same without connections, which are no events.
    fn event_outcomes(&self) -> OutcomeCounts {
        let mut outcomes = self.all_outcomes();
        for (outcome, count) in self.connections.iter() {
            outcomes[outcome] -= count;
        }
        outcomes
    }
}
