//! Writes the merged directory.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;

use anyhow::Context;
use ce_record::run_dir::{
    Block, Clocks, Cost, ERRORS, HISTOGRAMS, LAYOUT, LEDGER, MARKS, MARKS_COLUMNS, RUN, Run,
    SERIES, SUMMARY, Stream, Summary, WATCH, WATCH_COLUMNS,
};
use ce_record::totals::{GroupTotals, TOTALS, Totals, Zero};
use lat_hist::hlog;

use super::check::Refusal;
use super::part::{self, Part};
use super::rows;
use super::series::{self, Files};
use super::settle::Settled;
use crate::collect::{Collected, Tags};
use crate::errors::Errors;
use crate::group::{self, Group};
use crate::ledger::Joined;
use crate::lists;
use crate::out_dir::OutDir;
use crate::plan::Plan;
use crate::streams;
use crate::verdict;

/// The figures of all directories together.
struct Sums {
    warm_up: Group,
    scenarios: BTreeMap<String, Group>,
    types: BTreeMap<String, Group>,
    errors: Errors,
    last_ns: i64,
    late_values: u64,
}

/// Writes everything and gives the directory its name.
pub(super) fn write(
    parts: &[Part],
    mut settled: Settled,
    accepted: &[Refusal],
    dir: OutDir,
) -> anyhow::Result<Collected> {
    let zero = part::zero(parts);
    let sums = Sums::of(parts, &settled)?;
    long_files(parts, &settled, &sums, &zero, &dir)?;
    sums.errors.write(dir.file(ERRORS)?).with_context(|| dir.cannot_write(ERRORS))?;
    let lost = settled.lost(parts)?;
    lists::write_lost(&dir, lost)?;

    let overall = Group::sum(sums.scenarios.values());
    let run = run(parts, accepted, (&sums, &overall), &zero, &dir);
    let boots = boots(parts);
    let has_receipts = parts.iter().any(|part| part.ledger.has_receipts);
    settled.ledger.clocks = has_receipts.then(|| Clocks::of(&boots));
    let plans = Plans::of(parts);
    let mut tags = Tags::default();
    for (name, group) in &sums.scenarios {
        tags.add(plans.tags(name), group);
    }
    let summary = Summary {
        format: LAYOUT,
        run: run.run.clone(),
        clocks: settled.ledger.clocks,
        overall: Block { checks: streams::checks(&run.streams), ..overall.block() },
        warm_up: (sums.warm_up.outcomes().planned() > 0).then(|| sums.warm_up.block()),
        scenarios: blocks(&sums.scenarios),
        types: blocks(&sums.types),
        tags: tags.blocks(),
        connections: streams::connections(&run.streams),
    };
    let totals = Totals {
        format: LAYOUT,
        zero,
        boots,
        last_ns: sums.last_ns,
        late_values: sums.late_values,
        unsettled: settled.unsettled.count(),
        warm_up: sums.warm_up.totals()?,
        scenarios: totals(&sums.scenarios)?,
        types: totals(&sums.types)?,
        errors: sums.errors.totals(),
        beyond_range: series::beyond_range(parts),
    };
    lists::write_unsettled(&dir, settled.unsettled)?;
    dir.json(TOTALS, &totals)?;
    dir.json(LEDGER, &settled.ledger)?;
    dir.json(SUMMARY, &summary)?;
    dir.json(RUN, &run)?;
    let scenarios = sums.scenarios.into_iter().collect();
    let (left_out, ledger) = (tags.left_out(), settled.ledger);
    Ok(Collected { dir: dir.finish()?, run, summary, ledger, scenarios, left_out, failure: None })
}

impl Sums {
    fn of(parts: &[Part], settled: &Settled) -> anyhow::Result<Self> {
        let mut sums = Self {
            warm_up: Group::default(),
            scenarios: BTreeMap::new(),
            types: BTreeMap::new(),
            errors: Errors::default(),
            last_ns: 0,
            late_values: 0,
        };
        for part in parts {
            sums.add(part).with_context(|| part.dir.join(TOTALS).display().to_string())?;
        }
        for &Joined { sent, e2e_ns } in &settled.joined {
            let e2e = u64::try_from(e2e_ns).ok();
            sums.last_ns = sums.last_ns.max(sent.due_ns + e2e_ns);
            if sent.warm_up {
                sums.warm_up.arrived(e2e);
                continue;
            }
            let name = |names: &[String], number: u16| names[usize::from(number)].clone();
            let scenario = name(settled.names.scenarios.all(), sent.scenario);
            sums.scenarios.entry(scenario).or_default().arrived(e2e);
            let event_type = name(settled.names.types.all(), sent.event_type);
            sums.types.entry(event_type).or_default().arrived(e2e);
        }
        Ok(sums)
    }

    fn add(&mut self, part: &Part) -> anyhow::Result<()> {
        let Part { totals, shift_ns, .. } = part;
        self.warm_up.add(&Group::of_totals(&totals.warm_up, *shift_ns).context("`warm_up`")?);
        group::add_totals(&mut self.scenarios, &totals.scenarios, *shift_ns)?;
        group::add_totals(&mut self.types, &totals.types, *shift_ns)?;
        for error in &totals.errors {
            self.errors.add_totals(error, *shift_ns);
        }
        self.last_ns = self.last_ns.max(totals.last_ns.saturating_add(*shift_ns));
        self.late_values = self.late_values.saturating_add(totals.late_values);
        Ok(())
    }
}

/// What the plans say of scenarios.
struct Plans(Vec<(Plan, i64)>);

impl Plans {
    fn of(parts: &[Part]) -> Self {
        let plans = parts
            .iter()
            .flat_map(|part| part.senders().map(|start| (Plan::read(&start.plan), part.shift_ns)));
        Self(plans.collect())
    }

    fn tags(&self, scenario: &str) -> &[String] {
        let planned = self.0.iter().find_map(|(plan, _)| plan.scenario(scenario));
        planned.map_or(&[], |planned| &planned.tags)
    }

    fn phase(&self, scenario: &str, second: i64) -> String {
        let planned =
            self.0.iter().find_map(|(plan, shift)| Some((plan.scenario(scenario)?, shift)));
        planned.map_or_else(String::new, |(planned, shift_ns)| {
            planned.phase(second.saturating_mul(part::SECOND_NS).saturating_sub(*shift_ns))
        })
    }
}

/// Goes through the files that are as long as the run.
fn long_files(
    parts: &[Part],
    settled: &Settled,
    sums: &Sums,
    zero: &Zero,
    dir: &OutDir,
) -> anyhow::Result<()> {
    let mut log = dir.file(HISTOGRAMS)?;
    let header = hlog::header(zero.wall_ns);
    log.write_all(header.as_bytes()).with_context(|| dir.cannot_write(HISTOGRAMS))?;
    let scenarios: BTreeSet<String> = sums.scenarios.keys().cloned().collect();
    let plans = Plans::of(parts);
    let files = Files {
        rows: dir.file(SERIES)?,
        log,
        scenarios: &scenarios,
        phase: &|scenario: &str, second| plans.phase(scenario, second),
    };
    series::merge(parts, &settled.joined, settled.names.scenarios.all(), files)?;
    rows::merge(parts, WATCH, &WATCH_COLUMNS, dir.file(WATCH)?)?;
    rows::merge(parts, MARKS, &MARKS_COLUMNS, dir.file(MARKS)?)
}

fn run(
    parts: &[Part],
    accepted: &[Refusal],
    (sums, overall): (&Sums, &Group),
    zero: &Zero,
    dir: &OutDir,
) -> Run {
    let all = parts.iter().flat_map(|part| part.run.streams.iter().cloned());
    let mut streams: Vec<Stream> = all.collect();
    streams::sort(&mut streams);
    let ends = streams.iter().filter_map(|stream| stream.end.as_ref());
    let mut generator = verdict::of_run(ends, overall, &sums.warm_up, sums.late_values);
    let gaps = accepted.iter().filter(|refusal| refusal.leaves_a_gap());
    let incomplete_because: Vec<String> = gaps.map(|refusal| refusal.why.clone()).collect();
    let others = accepted.iter().filter(|refusal| !refusal.leaves_a_gap());
    generator.notes.extend(others.map(|refusal| format!("merged all the same: {}", refusal.why)));
    let unaligned = parts.iter().filter(|part| part.misaligned_ns() > 0);
    generator.notes.extend(unaligned.map(|part| {
        let (name, ms) = (part.name(), part.misaligned_ns() / 1_000_000);
        format!("the seconds of {name} begin {ms} ms after those of the run")
    }));
    let ce_cli::Usage { cpu_ns, peak_rss_bytes } = ce_cli::process_usage();
    Run {
        format: LAYOUT,
        run: streams::run_name(&streams).map_or_else(|| dir.name(), ToOwned::to_owned),
        wall_start_ns: zero.wall_ns,
        elapsed_ns: u64::try_from(sums.last_ns).unwrap_or(0),
        complete: incomplete_because.is_empty(),
        incomplete_because,
        generator,
        streams,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        collector: Some(Cost { cpu_ns, peak_rss_bytes }),
    }
}

/// The boots whose clocks the streams of events count by.
fn boots(parts: &[Part]) -> BTreeSet<Option<String>> {
    parts.iter().flat_map(|part| part.totals.boots.iter().cloned()).collect()
}

fn blocks(groups: &BTreeMap<String, Group>) -> BTreeMap<String, Block> {
    groups.iter().map(|(name, group)| (name.clone(), group.block())).collect()
}

fn totals(groups: &BTreeMap<String, Group>) -> anyhow::Result<BTreeMap<String, GroupTotals>> {
    groups.iter().map(|(name, group)| Ok((name.clone(), group.totals()?))).collect()
}
