//! From an objective and the evidence to a judgement. Pure: no files, no clock.

use std::collections::BTreeMap;

use ce_record::Outcome;
use ce_record::run_dir::{Block, Stats};

use crate::aggregate::{Aggregate, Percentile};
use crate::evidence::Evidence;
use crate::metric::{Kind, Metric};
use crate::objective::{Level, Objective, OnNoData, Scope};

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

/// A measured value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// Milliseconds, a ratio, events, or events per second.
    pub value: f64,
    /// The number of values or events that it stands on.
    pub count: u64,
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
    let metric = objective.metric;
    let receipts = evidence.ledger.has_receipts;
    if !receipts && (metric.needs_receipts() || metric == Metric::E2e) {
        return Err("no receipts were collected".into());
    }
    let block = block(objective, evidence)?;
    match metric.kind() {
        Kind::Trend => trend(objective, block, evidence),
        Kind::Ratio => ratio(metric, block),
        Kind::Counter => {
            let (value, count) = counter(metric, block, evidence)?;
            match objective.aggregate {
                Aggregate::PerSecond => {
                    Ok(Figure { value: per_second(metric, value, block)?, count })
                }
                _ => Ok(Figure { value: float(value), count }),
            }
        }
    }
}

fn block<'a>(objective: &Objective, evidence: &'a Evidence) -> Result<&'a Block, String> {
    let summary = &evidence.summary;
    match &objective.scope {
        Scope::Run => Ok(&summary.overall),
        Scope::Scenario(name) => named("scenario", name, &summary.scenarios),
        Scope::Type(name) => named("type", name, &summary.types),
        Scope::Tag(tag) => named("tag", tag, &summary.tags),
    }
}

fn named<'a>(
    what: &str,
    name: &str,
    blocks: &'a BTreeMap<String, Block>,
) -> Result<&'a Block, String> {
    blocks.get(name).ok_or_else(|| {
        let names: Vec<&str> = blocks.keys().map(String::as_str).collect();
        let known = if names.is_empty() { "none".into() } else { names.join(", ") };
        format!("no {what} `{name}` in this run; it has {known}")
    })
}

fn trend(objective: &Objective, block: &Block, evidence: &Evidence) -> Result<Figure, String> {
    let name = objective.metric.name();
    let stats = block.metrics.get(&format!("{name}_us")).filter(|stats| stats.count > 0);
    let stats = stats.ok_or_else(|| format!("no value of `{name}` was recorded"))?;
    let us = match &objective.aggregate {
        Aggregate::Mean => stats.mean,
        Aggregate::Min => stats.min,
        Aggregate::Max => stats.max,
        Aggregate::Percentile(percentile) => percentile_us(percentile, stats, objective, evidence)?,
        other => unreachable!("`{other}` of a trend is refused where objectives are read"),
    };
    Ok(Figure { value: us / 1000.0, count: stats.count })
}

fn percentile_us(
    percentile: &Percentile,
    stats: &Stats,
    objective: &Objective,
    evidence: &Evidence,
) -> Result<f64, String> {
    if percentile.is_end() {
        return Ok(if percentile.quantile.rank(2) == 2 { stats.max } else { stats.min });
    }
    let Some(key) = percentile.summary_key() else {
        let of = (objective.metric, objective.scope.clone());
        let histogram = evidence.histograms.get(&of).cloned().unwrap_or_default();
        let torn = evidence.torn_line;
        return from_histogram(percentile, stats, histogram).map_err(|why| match torn {
            Some(line) => format!("{why}; line {line} of the log is torn"),
            None => why,
        });
    };
    let known = stats.percentiles.get(key).copied();
    known.map(float).ok_or_else(|| format!("summary.json has no {key}"))
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
    us.map(|us| float(us.min(max_us))).ok_or_else(|| "the histogram is empty".into())
}

fn ratio(metric: Metric, block: &Block) -> Result<Figure, String> {
    if metric == Metric::Checks {
        let passes: u64 = block.checks.iter().map(|check| check.passes).sum();
        let fails: u64 = block.checks.iter().map(|check| check.fails).sum();
        let count = passes + fails;
        if count == 0 {
            return Err("no answer was checked: give ce-blast an --expect-… flag; if it had one, its stream has no \
                        end record"
                .into());
        }
        return Ok(Figure { value: float(passes) / float(count), count });
    }
    let count = block.outcomes.planned();
    if count == 0 {
        return Err("no event was planned".into());
    }
    let part = match metric {
        Metric::Success => block.outcomes[Outcome::Ok],
        _ => block.outcomes.failed(),
    };
    Ok(Figure { value: float(part) / float(count), count })
}

/// The count, and how many events could have been counted. Where that is none, a count of zero says
/// nothing.
fn counter(metric: Metric, block: &Block, evidence: &Evidence) -> Result<(u64, u64), String> {
    let ledger = &evidence.ledger;
    let (value, of, nothing) = match metric {
        Metric::Lost => (ledger.lost, ledger.acked, "no event was acknowledged"),
        Metric::Duplicates => (ledger.duplicates, ledger.received, "no event arrived"),
        Metric::Received => {
            (block.received, block.planned.max(block.received), "no event was planned")
        }
        Metric::Planned => (block.planned, block.planned, "no event was planned"),
        Metric::Sent => (block.sent, block.planned, "no event was planned"),
        Metric::Ok => (block.outcomes[Outcome::Ok], block.planned, "no event was planned"),
        Metric::Dropped => {
            (block.outcomes[Outcome::Dropped], block.planned, "no event was planned")
        }
        Metric::Unsent => (block.outcomes[Outcome::Unsent], block.planned, "no event was planned"),
        other => unreachable!("`{}` is no counter", other.name()),
    };
    if of == 0 { Err(nothing.into()) } else { Ok((value, of)) }
}

/// Events per second of the time in which that could happen. The last answer is waited for after the
/// last event has left, and that wait is no part of the time for sending.
fn per_second(metric: Metric, count: u64, block: &Block) -> Result<f64, String> {
    let rate = match metric {
        _ if count == 0 => Some(0.0),
        Metric::Planned => block.planned_per_s,
        Metric::Sent => block.sent_per_s,
        Metric::Ok => block.ok_per_s,
        _ => (block.elapsed_s > 0.0).then(|| float(count) / block.elapsed_s),
    };
    rate.ok_or_else(|| format!("no rate of `{}`: it all happened at once", metric.name()))
}

#[expect(clippy::cast_precision_loss, reason = "a run of 2^53 events would take 100,000 years")]
fn float(count: u64) -> f64 {
    count as f64
}
