//! What is written as the run goes on: seconds, windows, gauges and marks.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};

use anyhow::Context;
use ce_record::run_dir::{
    HISTOGRAMS, MARKS, MARKS_COLUMNS, SERIES, SERIES_COLUMNS, WATCH, WATCH_COLUMNS,
};
use ce_record::{Gauge, Mark};
use lat_hist::hlog;

use super::Collector;
use crate::group::seconds;
use crate::out_dir::OutDir;
use crate::series::{Series, SeriesFiles};
use crate::timeline::Timeline;
use crate::windows;

/// The files that are written as the run goes on.
pub(super) struct Files {
    rows: csv::Writer<BufWriter<File>>,
    log: BufWriter<File>,
    log_has_header: bool,
    pub(super) watch: Timeline<BufWriter<File>>,
    pub(super) marks: Timeline<BufWriter<File>>,
}

impl Files {
    pub(super) fn create(dir: &OutDir) -> anyhow::Result<Self> {
        let mut rows = csv::WriterBuilder::new().flexible(false).from_writer(dir.file(SERIES)?);
        rows.write_record(SERIES_COLUMNS).with_context(|| dir.cannot_write(SERIES))?;
        let mut watch = csv::Writer::from_writer(dir.file(WATCH)?);
        watch.write_record(WATCH_COLUMNS)?;
        let mut marks = csv::Writer::from_writer(dir.file(MARKS)?);
        marks.write_record(MARKS_COLUMNS)?;
        Ok(Self {
            rows,
            log: dir.file(HISTOGRAMS)?,
            log_has_header: false,
            watch: Timeline::new(watch),
            marks: Timeline::new(marks),
        })
    }
}

impl Collector {
    pub(super) fn gauge(&mut self, stream: usize, gauge: &Gauge<'_>) -> anyhow::Result<()> {
        let at_ns = self.streams.on_run_clock(stream, gauge.at_ns);
        self.observed(at_ns);
        let labels = labels(&gauge.labels);
        self.watch.gauge(seconds(at_ns), &gauge.name, &labels, gauge.value);
        let fields = vec![gauge.name.to_string(), labels, gauge.value.to_string()];
        self.files.watch.add(at_ns, fields).with_context(|| self.dir.cannot_write(WATCH))
    }

    pub(super) fn mark(&mut self, stream: usize, mark: &Mark<'_>) -> anyhow::Result<()> {
        let at_ns = self.streams.on_run_clock(stream, mark.at_ns);
        self.observed(at_ns);
        let labels = labels(&mark.labels);
        self.watch.mark(seconds(at_ns), &mark.what, &mark.name, &labels);
        let fields = vec![mark.what.to_string(), mark.name.to_string(), labels];
        self.files.marks.add(at_ns, fields).with_context(|| self.dir.cannot_write(MARKS))
    }

    /// Something was observed beside the events.
    fn observed(&mut self, at_ns: i64) {
        if let Some(windows) = &mut self.windows {
            windows.reached(at_ns);
        }
    }

    pub(super) fn write_old_windows(&mut self) {
        let Self { windows, scenario_names, streams, .. } = self;
        if let Some(windows) = windows.as_mut().filter(|windows| windows.has_old()) {
            windows.write_old(scenario_names.all(), || windows::start_record(&streams.zero()));
        }
    }

    pub(super) fn write_old_seconds(&mut self) -> anyhow::Result<()> {
        if !self.series.has_old() {
            return Ok(());
        }
        self.write_seconds(Series::write_old)
    }

    pub(super) fn write_seconds(
        &mut self,
        write: impl FnOnce(&mut Series, &mut SeriesFiles<'_, BufWriter<File>>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let Files { rows, log, log_has_header, .. } = &mut self.files;
        let cannot_write = || self.dir.cannot_write(SERIES);
        if !*log_has_header {
            let header = hlog::header(self.streams.wall_start_ns());
            log.write_all(header.as_bytes()).with_context(cannot_write)?;
            *log_has_header = true;
        }
        let scenarios = self.scenario_names.all();
        let phase = |scenario: &str, second| self.streams.phase(scenario, second);
        write(&mut self.series, &mut SeriesFiles { rows, log, scenarios, phase: &phase })
            .and_then(|()| Ok(rows.flush()?))
            .and_then(|()| Ok(log.flush()?))
            .with_context(cannot_write)
    }
}

/// `a=1;b=2`, in the order of the names.
fn labels(labels: &BTreeMap<String, String>) -> String {
    let pairs: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(";")
}
