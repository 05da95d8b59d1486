//! What is known about a run: the files of its directory, read once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::{anyhow, bail};
use ce_record::run_dir::{
    self, HISTOGRAMS, LAYOUT, LEDGER, Ledger, RUN, Run, RunDirError, SUMMARY, Summary,
};
use lat_hist::Histogram;
use lat_hist::hlog::{HlogReadError, HlogReader};
use serde::de::DeserializeOwned;

use slo::aggregate::Aggregate;
use slo::metric::{Kind, Metric};
use slo::objective::{Objective, Scope};

/// The files of a run directory.
#[derive(Debug)]
pub struct Evidence {
    /// Who, what, when; whether the run is whole.
    pub run: Run,
    /// Every metric.
    pub summary: Summary,
    /// Sent × received.
    pub ledger: Ledger,
    /// The distributions that the summary cannot stand in for.
    pub histograms: Histograms,
    /// The line of latency.hlog that it was cut short in, if it was and was read.
    pub torn_line: Option<u64>,
}

/// Distributions by metric and group of events. Only those are read that an objective asks for.
pub type Histograms = BTreeMap<(Metric, Scope), Histogram>;

/// Reads what the objectives need.
pub fn load(dir: &Path, objectives: &[Objective]) -> anyhow::Result<Evidence> {
    let run: Run = read(dir, RUN)?;
    if run.format != LAYOUT {
        let path = dir.join(RUN);
        bail!("{}: layout {}, and this version reads {LAYOUT}", path.display(), run.format);
    }
    let (summary, ledger) = (read(dir, SUMMARY)?, read(dir, LEDGER)?);
    let mut histograms: Histograms = objectives.iter().filter_map(wanted).collect();
    let torn_line =
        if histograms.is_empty() { None } else { fill(&mut histograms, &dir.join(HISTOGRAMS))? };
    Ok(Evidence { run, summary, ledger, histograms, torn_line })
}

fn read<T: DeserializeOwned>(dir: &Path, file: &str) -> anyhow::Result<T> {
    run_dir::read(dir, file).map_err(|err| match err {
        RunDirError::Io(path, cause) => anyhow!(
            "{path}: cannot read: {cause}; is `{}` a run directory? `lat-collect --out` makes one",
            dir.display()
        ),
        malformed @ RunDirError::Malformed(..) => malformed.into(),
    })
}

/// The distribution that an objective needs, empty as yet, if the summary does not hold its figure.
fn wanted(objective: &Objective) -> Option<((Metric, Scope), Histogram)> {
    let Aggregate::Percentile(percentile) = &objective.aggregate else { return None };
    let in_summary = percentile.is_end() || percentile.summary_key().is_some();
    (!in_summary).then(|| ((objective.metric, objective.scope.clone()), Histogram::default()))
}

/// Sums the intervals of the log; returns the line that it is torn in. Such a log may hold fewer values
/// than the summary counts, and the evaluation says so.
fn fill(histograms: &mut Histograms, path: &Path) -> anyhow::Result<Option<u64>> {
    let name = path.display();
    let file = File::open(path).map_err(|cause| {
        anyhow!(
            "{name}: cannot open: {cause}; without it only p50, p90, p95, p99, p99.9 and p99.99"
        )
    })?;
    let mut log = HlogReader::new(BufReader::new(file));
    for interval in log.by_ref() {
        let interval = interval.map_err(|err| at(path, err))?;
        let Some((scenario, metric)) = interval.tag.rsplit_once('.') else { continue };
        for ((of, scope), histogram) in histograms.iter_mut() {
            let selected = match scope {
                Scope::Run => true,
                Scope::Scenario(name) => name == scenario,
                Scope::Type(_) | Scope::Tag(_) => false,
            };
            if selected && of.kind() == Kind::Trend && of.name() == metric {
                interval.add_to(histogram).map_err(|err| at(path, err))?;
            }
        }
    }
    Ok(log.torn_line())
}

/// Puts the file in front of the line that the error begins with.
fn at(path: &Path, err: HlogReadError) -> anyhow::Error {
    anyhow!("{}:{:#}", path.display(), anyhow::Error::from(err))
}
