//! `series.csv`: sums the scenarios of each second, and puts seconds into bins for drawing.
//!
//! Counts add up. Percentiles do not: of several scenarios, and of several seconds, the worst is
//! taken. The percentile of all events together is never above that.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use ce_record::run_dir::{SERIES_COLUMNS, series_counts};
use polars::prelude::{Column, DataFrame, DataType, NamedFrom, PolarsResult, Series as Values};

use super::csv;

const SECOND: &str = "second";
const BIN: &str = "bin";
const SECONDS: &str = "seconds";

/// Widths of a bin that people can count in, in seconds.
const WIDTHS: [u32; 12] = [1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 1800];

/// A row for each second in which something was due or happened.
#[derive(Debug)]
pub struct Series {
    frame: DataFrame,
    /// The scenarios, in the order of their first rows.
    pub scenarios: Vec<String>,
    /// Seconds that count as warm-up, as the first and the one after the last.
    pub warm_up: Option<(f64, f64)>,
}

/// The series in bins of equal width, in order. Bins without a row are left out.
#[derive(Debug, Default)]
pub struct Bins {
    /// Width of each bin, in seconds.
    pub width_s: f64,
    /// Where each bin starts, in seconds since the run's zero.
    pub starts: Vec<f64>,
    columns: BTreeMap<String, Vec<Option<f64>>>,
}

impl Series {
    /// Reads `series.csv`.
    pub fn read(path: &Path, notes: &mut Vec<String>) -> anyhow::Result<Self> {
        let columns: Vec<csv::Column> =
            SERIES_COLUMNS.iter().filter_map(|name| kind(name)).collect();
        let Some(rows) = csv::read(path, &columns, notes)? else {
            let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
            return Err(super::not_a_run_dir(&path.display().to_string(), &missing));
        };
        let place = || format!("{}: not a series", path.display());
        for (name, _) in &columns {
            let column = rows.column(name).with_context(place)?;
            if !is_percentile(name) && column.null_count() > 0 {
                anyhow::bail!("{}: a row has no `{name}`; collect the run again", path.display());
            }
            // There are seconds below zero, and nothing else is.
            let numbers = column.f64().ok().filter(|_| *name != SECOND);
            if numbers.is_some_and(|numbers| numbers.iter().flatten().any(|it| it < 0.0)) {
                let place = path.display();
                anyhow::bail!("{place}: a row has a `{name}` below zero; collect the run again");
            }
        }
        Self::from_rows(&rows).with_context(place)
    }

    fn from_rows(rows: &DataFrame) -> PolarsResult<Self> {
        let rows = rows.sort(
            [SECOND],
            polars::prelude::SortMultipleOptions::default().with_maintain_order(true),
        )?;
        let mut scenarios = Vec::new();
        for name in rows.column("scenario")?.str()?.iter().flatten() {
            if !scenarios.iter().any(|seen| seen == name) {
                scenarios.push(name.to_owned());
            }
        }
        let mut frame = grouped(&rows, SECOND)?;
        let ones = vec![1.0; frame.height()];
        frame.with_column(Values::new(SECONDS.into(), ones).into())?;
        Ok(Self { warm_up: warm_up(&rows)?, frame, scenarios })
    }

    /// The last second with a row, and one more: where a time axis ends.
    pub fn end_s(&self) -> f64 {
        self.seconds().last().map_or(0.0, |last| last + 1.0)
    }

    fn seconds(&self) -> Vec<f64> {
        numbers(&self.frame, SECOND).into_iter().flatten().collect()
    }

    /// The series in at most `limit` bins.
    pub fn bins(&self, limit: u32) -> anyhow::Result<Bins> {
        let width = bin_width(self.end_s(), limit);
        self.binned(width).context("series.csv: cannot be put into bins")
    }

    fn binned(&self, width_s: f64) -> PolarsResult<Bins> {
        let bins: Vec<f64> =
            self.seconds().iter().map(|second| (second / width_s).floor() * width_s).collect();
        let mut frame = self.frame.clone();
        frame.with_column(Column::from(Values::new(BIN.into(), bins)))?;
        let frame = grouped(&frame, BIN)?;
        let starts = numbers(&frame, BIN).into_iter().flatten().collect();
        let names = frame.get_column_names().into_iter().map(ToString::to_string);
        let columns = names.map(|name| (name.clone(), numbers(&frame, &name))).collect();
        Ok(Bins { width_s, starts, columns })
    }
}

impl Bins {
    /// A count of each bin, divided by the seconds that it has rows for.
    pub fn rate(&self, name: &str) -> Vec<f64> {
        let counts = self.column(name).iter().zip(self.column(SECONDS));
        counts.map(|(count, seconds)| count.unwrap_or(0.0) / seconds.unwrap_or(1.0)).collect()
    }

    /// The sum of a count over all bins.
    pub fn total(&self, name: &str) -> f64 {
        self.column(name).iter().flatten().sum()
    }

    /// The worst value of a percentile in each bin, in microseconds.
    pub fn worst_us(&self, name: &str) -> Vec<Option<f64>> {
        self.column(name).to_vec()
    }

    fn column(&self, name: &str) -> &[Option<f64>] {
        self.columns.get(name).map_or(&[], Vec::as_slice)
    }
}

/// How a column of the series is read; `None` for those that nothing is drawn from.
fn kind(name: &&'static str) -> Option<csv::Column> {
    let kind = match *name {
        "scenario" | "warm_up" => DataType::String,
        SECOND => DataType::Float64,
        name if is_count(name) || is_percentile(name) => DataType::Float64,
        _ => return None,
    };
    Some((name, kind))
}

fn is_count(name: &str) -> bool {
    series_counts().any(|count| count == name)
}

fn is_percentile(name: &str) -> bool {
    name.ends_with("_us")
}

/// Rows with equal `key` as one: counts are added, of percentiles the largest is kept.
#[expect(
    deprecated,
    reason = "the successors of `sum` and `max` need the lazy engine, which triples the build"
)]
fn grouped(frame: &DataFrame, key: &str) -> PolarsResult<DataFrame> {
    let names: Vec<String> = frame.get_column_names().iter().map(ToString::to_string).collect();
    let (worst, rest): (Vec<&str>, Vec<&str>) =
        names.iter().map(String::as_str).partition(|name| is_percentile(name));
    let sums: Vec<&str> =
        rest.into_iter().filter(|name| is_count(name) || *name == SECONDS).collect();
    let mut result = frame.group_by_stable([key])?.select(sums.iter().copied()).sum()?;
    let maxima = frame.group_by_stable([key])?.select(worst.iter().copied()).max()?;
    for name in &sums {
        result.rename(&format!("{name}_sum"), (*name).into())?;
    }
    for name in &worst {
        let mut column = maxima.column(&format!("{name}_max"))?.clone();
        column.rename((*name).into());
        result.with_column(column)?;
    }
    Ok(result)
}

fn numbers(frame: &DataFrame, name: &str) -> Vec<Option<f64>> {
    let values = frame.column(name).ok().and_then(|column| column.f64().ok());
    let finite = |value: Option<f64>| value.filter(|value| value.is_finite());
    values.map(|values| values.iter().map(finite).collect()).unwrap_or_default()
}

fn warm_up(rows: &DataFrame) -> PolarsResult<Option<(f64, f64)>> {
    let flags = rows.column("warm_up")?.str()?;
    let seconds = rows.column(SECOND)?.f64()?;
    let warm =
        flags.iter().zip(seconds.iter()).filter(|(flag, _)| matches!(flag, Some("true" | "1")));
    let warm: Vec<f64> = warm.filter_map(|(_, second)| second).collect();
    Ok(warm.first().zip(warm.last()).map(|(first, last)| (*first, last + 1.0)))
}

fn bin_width(end_s: f64, limit: u32) -> f64 {
    let least = end_s / f64::from(limit);
    WIDTHS.map(f64::from).into_iter().find(|&width| width >= least).unwrap_or(least.ceil())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A series of one row per `(second, scenario, planned, p99)`.
    fn series(rows: &[(u32, &str, u32, &str)]) -> Series {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("series.csv");
        let mut text = SERIES_COLUMNS.join(",") + "\n";
        for (second, scenario, planned, p99) in rows {
            let fields = SERIES_COLUMNS.iter().map(|&name| match name {
                SECOND => second.to_string(),
                "scenario" => (*scenario).to_owned(),
                "warm_up" => (*second < 2).to_string(),
                "planned" => planned.to_string(),
                "latency_p99_us" => (*p99).to_owned(),
                name if is_percentile(name) => String::new(),
                _ => "0".into(),
            });
            text.push_str(&fields.collect::<Vec<_>>().join(","));
            text.push('\n');
        }
        std::fs::write(&path, text).unwrap();
        Series::read(&path, &mut Vec::new()).unwrap()
    }

    #[test]
    fn scenarios_of_a_second_are_added_and_the_worst_percentile_kept() {
        let series =
            series(&[(0, "b", 10, "50"), (0, "a", 5, "70"), (1, "a", 4, ""), (3, "b", 1, "9")]);
        assert_eq!(series.scenarios, ["b", "a"]);
        assert_eq!(series.warm_up, Some((0.0, 2.0)));
        let bins = series.bins(1000).unwrap();
        assert_eq!(bins.starts, [0.0, 1.0, 3.0]);
        assert_eq!(bins.rate("planned"), [15.0, 4.0, 1.0]);
        assert_eq!(bins.worst_us("latency_p99_us"), [Some(70.0), None, Some(9.0)]);
        assert!((bins.total("planned") - 20.0).abs() < 1e-9);
    }

    #[test]
    fn many_seconds_share_a_bin_by_mean_rate_and_worst_percentile() {
        let rows: Vec<_> = (0..2500).map(|second| (second, "a", second % 2, "5")).collect();
        let mut rows = rows;
        rows[7].3 = "900";
        let bins = series(&rows).bins(1000).unwrap();
        assert_eq!((bins.width_s, bins.starts.len()), (5.0, 500));
        assert_eq!(bins.rate("planned")[..2], [0.4, 0.6]);
        assert_eq!(bins.worst_us("latency_p99_us")[..3], [Some(5.0), Some(900.0), Some(5.0)]);
    }

    #[test]
    fn a_second_without_rows_does_not_dilute_its_bin() {
        let bins = series(&[(0, "a", 8, ""), (1999, "a", 8, "")]).bins(1000).unwrap();
        assert_eq!(bins.rate("planned"), [8.0, 8.0]);
    }

    #[test]
    fn an_empty_series_has_no_bins() {
        let series = series(&[]);
        assert!(series.end_s().abs() < 1e-9);
        assert!(series.bins(1000).unwrap().starts.is_empty());
    }
}
