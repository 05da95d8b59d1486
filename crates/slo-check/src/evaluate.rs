//! From an objective and the evidence to a judgement. Pure: no files, no clock.

use ce_record::run_dir::Stats;
use slo::aggregate::{Aggregate, Percentile};
use slo::measure::{self, Figure, Known};
use slo::objective::{Level, Objective, OnNoData};

use crate::evidence::Evidence;

/// What was found for an objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The objective.
    pub objective: Objective,
    /// The figure; missing when there is no data.
    pub figure: Option<Figure>,
    /// How it did.
    pub verdict: Verdict,
    /// Why there is no figure, or what to keep in mind about it.
    pub note: Option<String>,
}

/// The verdict on one objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Meets its target.
    Pass,
    /// Misses its target, and does not reach its critical level.
    Warn,
    /// Reaches its critical level.
    Fail,
    /// There is no figure.
    NoData,
    /// There is no figure, and that was said not to matter.
    Skip,
    /// The run is not fit to be judged by.
    Invalid,
}

/// Judges one objective.
pub fn judge(objective: &Objective, evidence: &Evidence) -> Judged {
    let measured = measure(objective, evidence).and_then(|figure| enough(objective, figure));
    let (figure, verdict, note) = match measured {
        Ok(figure) => {
            let verdict = match objective.level(figure.value) {
                Level::Pass => Verdict::Pass,
                Level::Warn => Verdict::Warn,
                Level::Fail => Verdict::Fail,
            };
            (Some(figure), verdict, too_few_to_prove(objective, figure.count))
        }
        Err(why) => {
            let verdict = match objective.on_no_data {
                OnNoData::NoVerdict => Verdict::NoData,
                OnNoData::Fail => Verdict::Fail,
                OnNoData::Warn => Verdict::Warn,
                OnNoData::Skip => Verdict::Skip,
            };
            (None, verdict, Some(format!("no data: {why}")))
        }
    };
    let valid = evidence.run.complete && evidence.run.generator.valid;
    let verdict = if valid { verdict } else { Verdict::Invalid };
    Judged { objective: objective.clone(), figure, verdict, note }
}

fn enough(objective: &Objective, figure: Figure) -> Result<Figure, String> {
    match objective.min_samples {
        _ if !figure.value.is_finite() => Err("the figure is not a number".into()),
        Some(wanted) if figure.count < wanted => {
            Err(format!("n={} is below min_samples={wanted}", figure.count))
        }
        _ => Ok(figure),
    }
}

fn too_few_to_prove(objective: &Objective, count: u64) -> Option<String> {
    let Aggregate::Percentile(percentile) = &objective.aggregate else { return None };
    let wanted = percentile.min_count().filter(|wanted| count < *wanted)?;
    Some(format!("n={count} is too few to prove {}: it takes {wanted}", objective.aggregate))
}

/// The figure, or why there is none.
fn measure(objective: &Objective, evidence: &Evidence) -> Result<Figure, String> {
    let summary = &evidence.summary;
    let known = Known {
        overall: &summary.overall,
        scenarios: &summary.scenarios,
        types: &summary.types,
        tags: &summary.tags,
        ledger: &evidence.ledger,
    };
    measure::measure(objective, known, &|percentile, stats| {
        let of = (objective.metric, objective.scope.clone());
        let histogram = evidence.histograms.get(&of).cloned().unwrap_or_default();
        from_histogram(percentile, stats, histogram).map_err(|why| match evidence.torn_line {
            Some(line) => format!("{why}; line {line} of the log is torn"),
            None => why,
        })
    })
}

/// The log lacks the values beyond its range and the exact maximum; the summary has both.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a span of time in µs")]
fn from_histogram(
    percentile: &Percentile,
    stats: &Stats,
    mut histogram: lat_hist::Histogram,
) -> Result<f64, String> {
    let max_us = stats.max.ceil() as u64;
    let (some, all) = (histogram.count(), stats.count);
    if some.checked_add(stats.overflow) != Some(all) {
        return Err(format!("latency.hlog holds {some} values, and summary.json counts {all}"));
    }
    histogram.add_bucket(max_us, stats.overflow);
    let us = histogram.quantile_us(percentile.quantile);
    us.map(|us| exact(us.min(max_us))).ok_or_else(|| "the histogram is empty".into())
}

#[expect(clippy::cast_precision_loss, reason = "a span of time in µs is below 2^53")]
fn exact(us: u64) -> f64 {
    us as f64
}
