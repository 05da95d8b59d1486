//! `latency.hlog`: the distribution of each metric over the whole run and all scenarios.

use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::Path;

use anyhow::{Context, anyhow};
use lat_hist::Histogram;
use lat_hist::hlog::HlogReader;

/// What is drawn. The lag is the sender's own, and its percentiles are in the summary.
const DRAWN: [&str; 3] = ["latency", "service", "e2e"];

/// The distribution of a metric.
#[derive(Debug, Clone)]
pub struct Curve {
    /// Its name in the tags of the log.
    pub metric: &'static str,
    /// Its values.
    pub histogram: Histogram,
}

/// Reads and merges the intervals; `None` if the file is missing. Metrics without a value are left
/// out, and so are tags that nothing is drawn from.
pub(super) fn read(path: &Path, notes: &mut Vec<String>) -> anyhow::Result<Option<Vec<Curve>>> {
    let place = path.display();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(err) if err.kind() == ErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(err).with_context(|| format!("{place}: cannot open")),
    };
    let mut curves = DRAWN.map(|metric| Curve { metric, histogram: Histogram::default() });
    let mut log = HlogReader::new(BufReader::new(file));
    for interval in log.by_ref() {
        let interval = interval.map_err(|err| anyhow!("{place}:{err}"))?;
        if let Some(curve) = curves.iter_mut().find(|curve| curve.metric == interval.metric()) {
            interval.add_to(&mut curve.histogram).map_err(|err| anyhow!("{place}:{err}"))?;
        }
    }
    if let Some(line) = log.torn_line() {
        notes.push(format!(
            "latency.hlog ends in the middle of line {line}; that line is left out."
        ));
    }
    Ok(Some(curves.into_iter().filter(|curve| curve.histogram.count() > 0).collect()))
}
