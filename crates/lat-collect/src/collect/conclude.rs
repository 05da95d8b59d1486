//! What can only be known when every stream is over: the ledger, the totals, the last files.

use std::collections::BTreeMap;

use anyhow::Context;
use ce_record::run_dir::{
    Block, Cost, ERRORS, LAYOUT, LEDGER, Ledger as LedgerReport, MARKS, RUN, Run, SUMMARY, Summary,
    WATCH,
};
use ce_record::totals::{GroupTotals, TOTALS, Totals};
use ce_record::{Outcome, total};

use super::tags::Tags;
use super::{Collected, Collector, SPILL};
use crate::group::Group;
use crate::ledger::{Event, Ledger};
use crate::lists;
use crate::names::Names;
use crate::series::Series;
use crate::streams;
use crate::verdict;
use crate::windows;

impl Collector {
    /// Writes what can only be known at the end, and gives the directory its name.
    pub(crate) fn finish(mut self, version: &str) -> anyhow::Result<Collected> {
        let (ledger, unsettled) = self.write_ledger()?;
        self.write_seconds(Series::write_all)?;
        self.files.watch.finish().with_context(|| self.dir.cannot_write(WATCH))?;
        self.files.marks.finish().with_context(|| self.dir.cannot_write(MARKS))?;
        let errors = self.dir.file(ERRORS)?;
        self.errors.write(errors).with_context(|| self.dir.cannot_write(ERRORS))?;

        let overall = self.overall();
        let run = self.run(version, &overall);
        let tags = self.tags();
        let summary = Summary {
            format: LAYOUT,
            run: run.run.clone(),
            clocks: ledger.clocks,
            overall: Block { checks: streams::checks(&run.streams), ..overall.block() },
            warm_up: (self.warm_up.outcomes().planned() > 0).then(|| self.warm_up.block()),
            scenarios: blocks(&self.scenario_names, &self.scenarios),
            types: blocks(&self.type_names, &self.types),
            tags: tags.blocks(),
            connections: streams::connections(&run.streams),
        };
        let totals = self.totals(unsettled)?;
        self.dir.json(TOTALS, &totals)?;
        self.dir.json(LEDGER, &ledger)?;
        self.dir.json(SUMMARY, &summary)?;
        let ce_cli::Usage { cpu_ns, peak_rss_bytes } = ce_cli::process_usage();
        let run = Run { collector: Some(Cost { cpu_ns, peak_rss_bytes }), ..run };
        self.dir.json(RUN, &run)?;
        let left_out = tags.left_out();
        let failure = self.streams.take_failure();
        let windows = self.windows.take().map_or(Ok(()), |windows| {
            let start = || windows::start_record(&self.streams.zero());
            windows.finish(self.scenario_names.all(), run.elapsed_ns, start)
        });
        let failure = failure.or(windows.err());
        let scenarios = self.scenario_names.all().iter().cloned().zip(self.scenarios).collect();
        Ok(Collected {
            dir: self.dir.finish()?,
            run,
            summary,
            ledger,
            scenarios,
            left_out,
            failure,
        })
    }

    /// Events by the tags that the plan gives to their scenarios.
    fn tags(&self) -> Tags {
        let mut tags = Tags::default();
        for (name, group) in self.scenario_names.all().iter().zip(&self.scenarios) {
            let planned = self.streams.planned_anywhere(name);
            tags.add(planned.map_or(&[], |it| &it.tags), group);
        }
        tags
    }

    fn run(&self, version: &str, overall: &Group) -> Run {
        let streams = self.streams.describe();
        let ends = streams.iter().filter_map(|stream| stream.end.as_ref());
        let generator = verdict::of_run(ends, overall, &self.warm_up, self.series.late_values());
        let incomplete_because = self.streams.incomplete_because();
        Run {
            format: LAYOUT,
            run: streams::run_name(&streams).map_or_else(|| self.dir.name(), ToOwned::to_owned),
            wall_start_ns: self.streams.wall_start_ns(),
            elapsed_ns: u64::try_from(self.last_ns).unwrap_or(0),
            complete: incomplete_because.is_empty(),
            incomplete_because,
            generator,
            streams,
            version: version.to_owned(),
            collector: None,
        }
    }

    /// Closes the ledger and writes its lists; returns the number of unsettled events, too. Events
    /// whose parts met only now still enter the figures.
    fn write_ledger(&mut self) -> anyhow::Result<(LedgerReport, u64)> {
        let (mut lost, mut unsettled) = (lists::lost(), lists::unsettled());
        let (scenarios, types) =
            (self.scenario_names.all().to_vec(), self.type_names.all().to_vec());
        let mut open = |fingerprint, event: &Event, reasons: &[String]| {
            lost.extend(event.lost());
            unsettled.push(event.unsettled(fingerprint, [&scenarios, &types, reasons]));
        };
        let outcomes = self.event_outcomes();
        let report = LedgerReport {
            format: LAYOUT,
            planned: outcomes.planned(),
            sent: outcomes.sent(),
            acked: outcomes[Outcome::Ok],
            outcomes,
            keyed: self.keyed,
            clocks: self.ledger.has_receipts().then(|| self.streams.clocks()),
            dropped_records: total(self.streams.ends().map(|end| end.dropped_records)),
            ..LedgerReport::default()
        };
        let nothing = Ledger::new(self.dir.path(SPILL));
        let ledger = std::mem::replace(&mut self.ledger, nothing);
        let late = |joined| self.joined(Some(joined));
        let report = ledger
            .report(&report, late, &mut open)
            .with_context(|| self.dir.cannot_write(SPILL))?;
        let count = unsettled.count();
        lists::write_lost(&self.dir, lost)?;
        lists::write_unsettled(&self.dir, unsettled)?;
        Ok((report, count))
    }

    /// What the figures are computed from, for whoever merges directories.
    fn totals(&mut self, unsettled: u64) -> anyhow::Result<Totals> {
        Ok(Totals {
            format: LAYOUT,
            zero: self.streams.zero(),
            boots: self.streams.boots(),
            last_ns: self.last_ns,
            late_values: self.series.late_values(),
            unsettled,
            warm_up: self.warm_up.totals()?,
            scenarios: totals(&self.scenario_names, &self.scenarios)?,
            types: totals(&self.type_names, &self.types)?,
            errors: self.errors.totals(),
            beyond_range: self.series.beyond_range(self.scenario_names.all()),
        })
    }
}

fn totals(names: &Names, groups: &[Group]) -> anyhow::Result<BTreeMap<String, GroupTotals>> {
    let all = names.all().iter().zip(groups);
    all.map(|(name, group)| Ok((name.clone(), group.totals()?))).collect()
}

fn blocks(names: &Names, groups: &[Group]) -> BTreeMap<String, Block> {
    names.all().iter().zip(groups).map(|(name, group)| (name.clone(), group.block())).collect()
}
