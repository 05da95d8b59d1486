//! Seconds that are old go to `series.csv` and `latency.hlog`.

use std::io::Write;

use ce_record::run_dir::METRICS;
use lat_hist::Quantile;

use super::{Cell, OPEN_SECONDS, SILENCE, Series};
use crate::streams::signed;

/// Where the rows go.
pub(crate) struct SeriesFiles<'a, W: Write> {
    pub(crate) rows: &'a mut csv::Writer<W>,
    pub(crate) log: &'a mut W,
    pub(crate) scenarios: &'a [String],
    /// The phase of the plan that a second of a scenario belongs to.
    pub(crate) phase: &'a dyn Fn(&str, i64) -> String,
}

impl Series {
    /// Whether [`Series::write_old`] has something to do.
    pub(crate) fn has_old(&self) -> bool {
        let first = self.open.keys().next().map(|&(second, _)| second);
        first.zip(self.newest).is_some_and(|(first, newest)| newest - first > OPEN_SECONDS)
    }

    /// Writes the seconds that are old enough.
    pub(crate) fn write_old<W: Write>(
        &mut self,
        files: &mut SeriesFiles<'_, W>,
    ) -> anyhow::Result<()> {
        let until = self.newest.map_or(i64::MIN, |newest| newest - OPEN_SECONDS);
        self.write_until(until, files)
    }

    /// Writes everything that is left.
    pub(crate) fn write_all<W: Write>(
        &mut self,
        files: &mut SeriesFiles<'_, W>,
    ) -> anyhow::Result<()> {
        self.write_until(i64::MAX, files)?;
        let end = self.newest.unwrap_or(0) + 1;
        for ((scenario, metric), window) in std::mem::take(&mut self.late) {
            self.scratch.clear();
            self.scratch.add_window(&window);
            self.log(files, (end, scenario), metric)?;
        }
        Ok(())
    }

    /// A silence has rows of zeros, so that a chart shows it.
    fn write_until<W: Write>(
        &mut self,
        until: i64,
        files: &mut SeriesFiles<'_, W>,
    ) -> anyhow::Result<()> {
        let later = self.open.split_off(&(until, 0));
        let mut closing = std::mem::replace(&mut self.open, later);
        // By name: the order of their numbers is that in which they came.
        let mut scenarios: Vec<u16> = (0..).take(files.scenarios.len()).collect();
        scenarios.sort_unstable_by_key(|&number| &files.scenarios[usize::from(number)]);
        while let Some(&(next, _)) = closing.keys().next() {
            let from = self.written_until.filter(|until| next - until <= SILENCE).unwrap_or(next);
            for second in from..=next {
                for &scenario in &scenarios {
                    let cell = closing.remove(&(second, scenario)).unwrap_or_default();
                    self.write_cell((second, scenario), &cell, files)?;
                }
            }
            self.written_until = Some(next + 1);
        }
        Ok(())
    }

    fn write_cell<W: Write>(
        &mut self,
        (second, scenario): (i64, u16),
        cell: &Cell,
        files: &mut SeriesFiles<'_, W>,
    ) -> anyhow::Result<()> {
        let index = usize::from(scenario);
        if self.in_flight.len() <= index {
            self.in_flight.resize(index + 1, 0);
        }
        self.in_flight[index] += signed(cell.sent) - signed(cell.answered);
        let scenario_name = files.scenarios[index].clone();
        let phase = (files.phase)(&scenario_name, second);
        let mut row = vec![second.to_string(), scenario_name, cell.warm_up.to_string(), phase];
        row.push(cell.outcomes.planned().to_string());
        row.push(cell.sent.to_string());
        row.extend(cell.outcomes.iter().map(|(_, count)| count.to_string()));
        row.push(self.in_flight[index].to_string());
        row.push(cell.received.to_string());
        for (metric, window) in cell.metrics.iter().enumerate() {
            self.scratch.clear();
            self.scratch.add_window(window);
            for quantile in [(1, 2), (19, 20), (99, 100), (1, 1)] {
                let us = self.scratch.quantile_us(Quantile::new(quantile.0, quantile.1));
                row.push(us.map_or_else(String::new, |us| us.to_string()));
            }
            if self.scratch.overflow() > 0 {
                self.beyond_range.insert((second, scenario, metric), self.scratch.overflow());
            }
            if window.count() > 0 {
                self.log(files, (second, scenario), metric)?;
            }
        }
        files.rows.write_record(&row)?;
        Ok(())
    }

    /// One line of the histogram log, for what `scratch` holds. The log has no seconds below zero.
    fn log<W: Write>(
        &mut self,
        files: &mut SeriesFiles<'_, W>,
        (second, scenario): (i64, u16),
        metric: usize,
    ) -> anyhow::Result<()> {
        let tag = format!("{}.{}", files.scenarios[usize::from(scenario)], METRICS[metric]);
        let start_ns = u64::try_from(second).unwrap_or(0) * 1_000_000_000;
        let mut line = String::new();
        self.encoder.interval(&mut line, &tag, start_ns, 1_000_000_000, &self.scratch)?;
        files.log.write_all(line.as_bytes())?;
        Ok(())
    }
}
