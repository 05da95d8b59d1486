//! The two long files of a directory that is merged, gone through side by side.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;

use anyhow::{Context, anyhow, bail};
use ce_record::run_dir::{HISTOGRAMS, SERIES, SERIES_COLUMNS};
use lat_hist::hlog::{HlogReader, Interval};

use super::super::part::{Part, SECOND_NS};

/// One directory's files, at the second that comes next.
pub(super) struct Source<'a> {
    pub(super) part: &'a Part,
    rows: csv::StringRecordsIntoIter<File>,
    pub(super) row: Option<(i64, csv::StringRecord)>,
    log: HlogReader<BufReader<File>>,
    interval: Option<Interval>,
    /// By scenario: unanswered events at the end of the last row.
    pub(super) in_flight: BTreeMap<String, i64>,
}

impl<'a> Source<'a> {
    pub(super) fn open(part: &'a Part) -> anyhow::Result<Self> {
        let path = part.dir.join(SERIES);
        let place = path.display();
        let mut rows =
            csv::Reader::from_path(&path).with_context(|| format!("{place}: cannot read"))?;
        if rows.headers()?.iter().ne(SERIES_COLUMNS) {
            bail!(
                "{place}: has other columns; another version wrote it: collect its streams again"
            );
        }
        let path = part.dir.join(HISTOGRAMS);
        let log = File::open(&path).with_context(|| format!("{}: cannot open", path.display()))?;
        let log = HlogReader::new(BufReader::with_capacity(128 * 1024, log));
        let (rows, in_flight) = (rows.into_records(), BTreeMap::new());
        let mut source = Self { part, rows, row: None, log, interval: None, in_flight };
        source.next_row()?;
        source.next_interval()?;
        Ok(source)
    }

    pub(super) fn next_row(&mut self) -> anyhow::Result<Option<csv::StringRecord>> {
        let place = || self.part.dir.join(SERIES).display().to_string();
        let row = self.rows.next().transpose().with_context(place)?;
        let row = match row {
            Some(row) => {
                let second = row.get(0).and_then(|second| second.parse::<i64>().ok());
                let second =
                    second.with_context(|| format!("{}: a row without a second", place()))?;
                Some((second.saturating_add(self.part.shift_s()), row))
            }
            None => None,
        };
        Ok(std::mem::replace(&mut self.row, row).map(|(_, row)| row))
    }

    pub(super) fn next_interval(&mut self) -> anyhow::Result<Option<Interval>> {
        let place = || self.part.dir.join(HISTOGRAMS).display().to_string();
        let interval = self.log.next().transpose().map_err(|err| anyhow!("{}:{err}", place()))?;
        Ok(std::mem::replace(&mut self.interval, interval))
    }

    /// The second of the interval that comes next, on the merged run's clock.
    pub(super) fn interval_second(&self) -> Option<i64> {
        let start_ns = i64::try_from(self.interval.as_ref()?.start_ns).ok()?;
        Some(start_ns.div_euclid(SECOND_NS) + self.part.shift_s())
    }
}

impl Part {
    pub(super) fn no_number(&self, row: &csv::StringRecord, column: &str) -> anyhow::Error {
        let line = row.position().map_or(0, csv::Position::line);
        let place = self.dir.join(SERIES);
        anyhow!("{}:{line}: `{column}` is no number: collect its streams again", place.display())
    }
}
