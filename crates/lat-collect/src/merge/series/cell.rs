//! A second of a scenario, as rows and histograms of several directories make it.

use ce_record::run_dir::{METRICS, SERIES_COLUMNS};
use lat_hist::{HIGHEST_US, Histogram, Quantile};

use crate::group::E2E;

/// What is put into a second besides what the files say.
pub(super) enum Addition {
    Received,
    E2e(u64),
    BeyondRange { metric: usize, count: u64 },
}

/// What is known of a second of a scenario.
pub(super) struct Cell {
    /// By column.
    counts: [i64; SERIES_COLUMNS.len()],
    warm_up: bool,
    max_us: [Option<u64>; METRICS.len()],
    pub(super) metrics: [Histogram; METRICS.len()],
}

impl Default for Cell {
    fn default() -> Self {
        Self {
            counts: [0; SERIES_COLUMNS.len()],
            warm_up: false,
            max_us: [None; METRICS.len()],
            metrics: Default::default(),
        }
    }
}

/// What a column holds.
enum Column {
    Key,
    Flag,
    Phase,
    InFlight,
    Count,
    /// The figure of a metric; the largest value where there is no quantile.
    Figure(usize, Option<Quantile>),
}

fn column(name: &str) -> Column {
    match name {
        "second" | "scenario" => Column::Key,
        "warm_up" => Column::Flag,
        "phase" => Column::Phase,
        "in_flight" => Column::InFlight,
        _ => figure(name).unwrap_or(Column::Count),
    }
}

fn figure(name: &str) -> Option<Column> {
    let (metric, which) = name.strip_suffix("_us")?.split_once('_')?;
    let metric = METRICS.iter().position(|known| *known == metric)?;
    let quantile = match which {
        "max" => None,
        percentile => Some(percentile.strip_prefix('p')?.parse().ok()?),
    };
    Some(Column::Figure(metric, quantile))
}

impl Cell {
    /// Adds a row of one directory; returns the column of a count that is none.
    pub(super) fn add_row(&mut self, row: &csv::StringRecord) -> Result<(), &'static str> {
        for (index, (name, text)) in SERIES_COLUMNS.iter().zip(row).enumerate() {
            match column(name) {
                Column::Key | Column::Phase | Column::InFlight | Column::Figure(_, Some(_)) => {}
                Column::Flag => self.warm_up |= text == "true",
                Column::Count => {
                    let sum = text.parse().ok().and_then(|it| self.counts[index].checked_add(it));
                    self.counts[index] = sum.ok_or(*name)?;
                }
                Column::Figure(metric, None) => {
                    self.max_us[metric] = self.max_us[metric].max(text.parse().ok());
                }
            }
        }
        Ok(())
    }

    pub(super) fn add(&mut self, addition: &Addition) {
        match *addition {
            Addition::Received => {
                let received = SERIES_COLUMNS.iter().position(|name| *name == "received");
                self.counts[received.expect("there is such a column")] += 1;
            }
            Addition::E2e(ns) => {
                self.metrics[E2E].record(ns);
                self.max_us[E2E] = self.max_us[E2E].max(Some(ns.div_ceil(1000)));
            }
            Addition::BeyondRange { metric, count } => {
                self.metrics[metric].add_bucket(HIGHEST_US + 1, count);
            }
        }
    }

    pub(super) fn row(
        &self,
        (second, scenario): (i64, &str),
        phase: &str,
        in_flight: i64,
    ) -> Vec<String> {
        let field = |(index, name): (usize, &&str)| match column(name) {
            Column::Key if *name == "second" => second.to_string(),
            Column::Key => scenario.to_owned(),
            Column::Flag => self.warm_up.to_string(),
            Column::Phase => phase.to_owned(),
            Column::InFlight => in_flight.to_string(),
            Column::Count => self.counts[index].to_string(),
            Column::Figure(metric, None) => text(self.max_us[metric]),
            Column::Figure(metric, Some(quantile)) => {
                let us = self.metrics[metric].quantile_us(quantile);
                // No percentile is above the largest value, of which the log has only the bucket.
                text(us.zip(self.max_us[metric]).map(|(us, max_us)| us.min(max_us)))
            }
        };
        SERIES_COLUMNS.iter().enumerate().map(field).collect()
    }
}

fn text(number: Option<u64>) -> String {
    number.map_or_else(String::new, |number| number.to_string())
}
