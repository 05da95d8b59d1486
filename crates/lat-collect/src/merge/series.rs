//! `series.csv` and `latency.hlog` of several directories, second by second.
//!
//! Counts are added; percentiles come from the histograms of the second, which the log has; the
//! largest value of each second is exact in its row. Both files are in the order of time, so they
//! are gone through side by side.

mod cell;
mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::anyhow;
use ce_record::run_dir::{HISTOGRAMS, METRICS, SERIES_COLUMNS};
use ce_record::totals::BeyondRange;
use lat_hist::Histogram;
use lat_hist::hlog::{HlogEncoder, Interval};

use super::part::Part;
use crate::ledger::Joined;
use crate::series::{SILENCE, second};

use cell::{Addition, Cell};
use source::Source;

type Additions = BTreeMap<i64, Vec<(String, Addition)>>;

/// Where the merged seconds go.
pub(super) struct Files<'a> {
    pub(super) rows: BufWriter<File>,
    pub(super) log: BufWriter<File>,
    pub(super) scenarios: &'a BTreeSet<String>,
    /// The phase of the plan that a second of a scenario belongs to.
    pub(super) phase: &'a dyn Fn(&str, i64) -> String,
}

/// Writes both files.
pub(super) fn merge(
    parts: &[Part],
    joined: &[Joined],
    names: &[String],
    files: Files<'_>,
) -> anyhow::Result<()> {
    let mut sources = parts.iter().map(Source::open).collect::<anyhow::Result<Vec<_>>>()?;
    let mut additions = additions(parts, joined, names);
    let mut merged = Merged {
        rows: csv::Writer::from_writer(files.rows),
        log: files.log,
        encoder: HlogEncoder::default(),
        scenarios: files.scenarios,
        phase: files.phase,
        late: BTreeMap::new(),
        written_until: None,
    };
    merged.rows.write_record(SERIES_COLUMNS)?;
    loop {
        let in_files = sources.iter().filter_map(|source| Some(source.row.as_ref()?.0));
        let Some(next) = in_files.chain(additions.keys().next().copied()).min() else { break };
        let before = in_flight(&sources);
        let cells = merged.take(next, &mut sources, additions.remove(&next).unwrap_or_default())?;
        merged.write(next, &cells, [&before, &in_flight(&sources)])?;
    }
    merged.finish(&mut sources)
}

/// By scenario: unanswered events at the end of the last row.
fn in_flight(sources: &[Source<'_>]) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for (scenario, count) in sources.iter().flat_map(|source| &source.in_flight) {
        *sums.entry(scenario.clone()).or_default() += count;
    }
    sums
}

fn additions(parts: &[Part], joined: &[Joined], names: &[String]) -> Additions {
    let mut additions = Additions::new();
    for &Joined { sent, e2e_ns } in joined {
        let scenario = || names[usize::from(sent.scenario)].clone();
        let mut add = |second, what| additions.entry(second).or_default().push((scenario(), what));
        add(second(sent.due_ns + e2e_ns), Addition::Received);
        if let Ok(ns) = u64::try_from(e2e_ns) {
            add(second(sent.due_ns), Addition::E2e(ns));
        }
    }
    for beyond in beyond_range(parts) {
        let metric = METRICS.iter().position(|metric| *metric == beyond.metric);
        let Some(metric) = metric else { continue };
        let what = Addition::BeyondRange { metric, count: beyond.count };
        additions.entry(beyond.second).or_default().push((beyond.scenario, what));
    }
    additions
}

/// Values above one hour, by second of the merged run.
pub(super) fn beyond_range(parts: &[Part]) -> Vec<BeyondRange> {
    let mut sums = BTreeMap::new();
    for part in parts {
        for beyond in part.totals.beyond_range.iter().cloned() {
            let second = beyond.second.saturating_add(part.shift_s());
            let sum = sums.entry((second, beyond.scenario, beyond.metric)).or_insert(0_u64);
            *sum = sum.saturating_add(beyond.count);
        }
    }
    sums.into_iter()
        .map(|((second, scenario, metric), count)| BeyondRange { second, scenario, metric, count })
        .collect()
}

struct Merged<'a> {
    rows: csv::Writer<BufWriter<File>>,
    log: BufWriter<File>,
    encoder: HlogEncoder,
    scenarios: &'a BTreeSet<String>,
    phase: &'a dyn Fn(&str, i64) -> String,
    /// Values that are in a log and in no second of it, by tag.
    late: BTreeMap<String, Histogram>,
    written_until: Option<i64>,
}

impl Merged<'_> {
    /// Takes everything of a second out of the files.
    fn take(
        &mut self,
        second: i64,
        sources: &mut [Source<'_>],
        additions: Vec<(String, Addition)>,
    ) -> anyhow::Result<BTreeMap<String, Cell>> {
        let mut cells: BTreeMap<String, Cell> = BTreeMap::new();
        for source in sources {
            while source.row.as_ref().is_some_and(|(at, _)| *at == second) {
                let Some(row) = source.next_row()? else { break };
                let scenario = row.get(1).unwrap_or_default();
                let no_number = |column| source.part.no_number(&row, column);
                let cell = cells.entry(scenario.to_owned()).or_default();
                cell.add_row(&row).map_err(no_number)?;
                let in_flight = SERIES_COLUMNS.iter().position(|name| *name == "in_flight");
                let in_flight = in_flight.and_then(|index| row.get(index)?.parse::<i32>().ok());
                let in_flight = in_flight.ok_or_else(|| no_number("in_flight"))?;
                source.in_flight.insert(scenario.to_owned(), in_flight.into());
            }
            while source.interval_second().is_some_and(|at| at <= second) {
                let is_now = source.interval_second() == Some(second);
                let Some(interval) = source.next_interval()? else { break };
                let of_tag = interval.tag.rsplit_once('.').and_then(|(scenario, metric)| {
                    Some((scenario, METRICS.iter().position(|known| *known == metric)?))
                });
                let histogram = match of_tag.filter(|_| is_now) {
                    Some((scenario, metric)) => {
                        &mut cells.entry(scenario.to_owned()).or_default().metrics[metric]
                    }
                    None => self.late.entry(interval.tag.clone()).or_default(),
                };
                add(&interval, histogram, source.part)?;
            }
        }
        for (scenario, addition) in additions {
            cells.entry(scenario).or_default().add(&addition);
        }
        Ok(cells)
    }

    /// Writes a second, and rows of zeros for a silence before it, as the collector does.
    fn write(
        &mut self,
        second: i64,
        cells: &BTreeMap<String, Cell>,
        [before, after]: [&BTreeMap<String, i64>; 2],
    ) -> anyhow::Result<()> {
        let nothing = Cell::default();
        let is_near = |until: &i64| second.saturating_sub(*until) <= SILENCE;
        let from = self.written_until.filter(is_near).unwrap_or(second);
        for at in from..=second {
            for scenario in self.scenarios {
                let cell = cells.get(scenario).filter(|_| at == second).unwrap_or(&nothing);
                let in_flight = if at == second { after } else { before };
                let in_flight = in_flight.get(scenario).copied().unwrap_or(0);
                let phase = (self.phase)(scenario, at);
                self.rows.write_record(cell.row((at, scenario), &phase, in_flight))?;
                let metrics = METRICS.iter().zip(&cell.metrics);
                for (metric, histogram) in metrics.filter(|(_, values)| values.count() > 0) {
                    self.log(&format!("{scenario}.{metric}"), at, histogram)?;
                }
            }
        }
        self.written_until = Some(second.saturating_add(1));
        Ok(())
    }

    fn log(&mut self, tag: &str, second: i64, histogram: &Histogram) -> anyhow::Result<()> {
        let start_ns = u64::try_from(second).unwrap_or(0).saturating_mul(1_000_000_000);
        let mut line = String::new();
        self.encoder.interval(&mut line, tag, start_ns, 1_000_000_000, histogram)?;
        Ok(self.log.write_all(line.as_bytes())?)
    }

    /// What is left of the logs has no row.
    fn finish(mut self, sources: &mut [Source<'_>]) -> anyhow::Result<()> {
        for source in sources {
            while let Some(interval) = source.next_interval()? {
                let histogram = self.late.entry(interval.tag.clone()).or_default();
                add(&interval, histogram, source.part)?;
            }
        }
        let end = self.written_until.unwrap_or(0);
        for (tag, histogram) in std::mem::take(&mut self.late) {
            self.log(&tag, end, &histogram)?;
        }
        self.rows.flush()?;
        Ok(self.log.flush()?)
    }
}

fn add(interval: &Interval, to: &mut Histogram, part: &Part) -> anyhow::Result<()> {
    let path = part.dir.join(HISTOGRAMS);
    interval.add_to(to).map_err(|err| anyhow!("{}:{err}", Path::new(&path).display()))
}
