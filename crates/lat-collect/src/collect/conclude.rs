//! What can only be known when every stream is over: the ledger, the totals, the last files.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Context;
use ce_record::run_dir::{
    Block, Cost, ERRORS, LAYOUT, LEDGER, Ledger as LedgerReport, MARKS, MISSING, RUN, Run, SERIES,
    SUMMARY, Summary, WATCH,
};
use ce_record::{CheckCount, Outcome};

use super::tags::Tags;
use super::{Collected, Collector, SPILL};
use crate::group::{Group, seconds};
use crate::ledger::{Ledger, Sent, Texts};
use crate::names::Names;
use crate::series::Series;

/// Lost events that are listed by name; the count is exact beyond that.
const MISSING_LIMIT: u64 = 10_000;

impl Collector {
    /// Writes what can only be known at the end, and gives the directory its name.
    pub(crate) fn finish(mut self, version: &str) -> anyhow::Result<Collected> {
        let ledger = self.write_ledger()?;
        self.write_seconds(Series::write_all)?;
        self.files.watch.flush().with_context(|| self.dir.cannot_write(WATCH))?;
        self.files.marks.flush().with_context(|| self.dir.cannot_write(MARKS))?;
        let errors = self.dir.file(ERRORS)?;
        self.errors.write(errors).with_context(|| self.dir.cannot_write(ERRORS))?;

        let overall = self.overall();
        let run = self.run(version, &overall);
        let tags = self.tags();
        let summary = Summary {
            format: LAYOUT,
            run: run.run.clone(),
            clocks: ledger.clocks,
            overall: Block { checks: self.checks(), ..overall.block() },
            warm_up: (self.warm_up.outcomes().planned() > 0).then(|| self.warm_up.block()),
            scenarios: blocks(&self.scenario_names, &self.scenarios),
            types: blocks(&self.type_names, &self.types),
            tags: tags.blocks(),
        };
        self.dir.json(LEDGER, &ledger)?;
        self.dir.json(SUMMARY, &summary)?;
        let ce_cli::Usage { cpu_ns, peak_rss_bytes } = ce_cli::process_usage();
        let run = Run { collector: Some(Cost { cpu_ns, peak_rss_bytes }), ..run };
        self.dir.json(RUN, &run)?;
        let left_out = tags.left_out();
        let failure = self.streams.take_failure();
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
        let mut generator = self.judge(overall);
        if self.series.late_values() > 0 {
            let late = self.series.late_values();
            generator.notes.push(format!(
                "{late} entries came too late for their row of {SERIES}; every total has them"
            ));
        }
        let incomplete_because = self.streams.incomplete_because();
        Run {
            format: LAYOUT,
            run: self.streams.run_name().map_or_else(|| self.dir.name(), ToOwned::to_owned),
            wall_start_ns: self.streams.wall_start_ns(),
            elapsed_ns: u64::try_from(self.last_ns).unwrap_or(0),
            complete: incomplete_because.is_empty(),
            incomplete_because,
            generator,
            streams: self.streams.describe(),
            version: version.to_owned(),
            collector: None,
        }
    }

    /// What the senders say about the checks of answers.
    fn checks(&self) -> Vec<CheckCount> {
        let mut checks = Vec::new();
        for end in self.streams.ends() {
            CheckCount::add(&mut checks, &end.checks);
        }
        checks
    }

    /// Closes the ledger. Events whose parts met only now still enter the figures.
    fn write_ledger(&mut self) -> anyhow::Result<LedgerReport> {
        let mut file = self.dir.file(MISSING)?;
        let (mut listed, mut result) = (0, Ok(()));
        let mut list = |texts: &Texts, sent: Sent| {
            if listed < MISSING_LIMIT && result.is_ok() {
                listed += 1;
                let line = serde_json::json!({
                    "source": texts.source(), "id": texts.id(), "due_s": seconds(sent.due_ns),
                });
                result = writeln!(file, "{line}");
            }
        };
        let outcomes = self.event_outcomes();
        let report = LedgerReport {
            format: LAYOUT,
            planned: outcomes.planned(),
            sent: outcomes.sent(),
            acked: outcomes[Outcome::Ok],
            outcomes,
            keyed: self.keyed,
            clocks: (self.receipts > 0).then(|| self.streams.clocks()),
            dropped_records: self.streams.ends().map(|end| end.dropped_records).sum(),
            ..LedgerReport::default()
        };
        let nothing = Ledger::new(self.dir.path(SPILL));
        let ledger = std::mem::replace(&mut self.ledger, nothing);
        let late = |joined| self.joined(Some(joined));
        let report = ledger
            .report(&report, late, &mut list)
            .with_context(|| self.dir.cannot_write(SPILL))?;
        result.and_then(|()| file.flush()).with_context(|| self.dir.cannot_write(MISSING))?;
        Ok(report)
    }
}

fn blocks(names: &Names, groups: &[Group]) -> BTreeMap<String, Block> {
    names.all().iter().zip(groups).map(|(name, group)| (name.clone(), group.block())).collect()
}
