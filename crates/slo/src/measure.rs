//! The figure of an objective: from the blocks of a summary, and the ledger for what it alone can tell.

use std::collections::BTreeMap;

use ce_record::run_dir::{Block, Ledger, Stats};
use ce_record::{Outcome, total};

use crate::aggregate::{Aggregate, Percentile};
use crate::metric::{Kind, Metric};
use crate::objective::{Objective, Scope};

/// A measured value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Figure {
    /// Milliseconds, a ratio, events, or events per second.
    pub value: f64,
    /// The number of values or events that it stands on.
    pub count: u64,
}

/// What is known of a run.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// All events.
    pub overall: &'a Block,
    /// Those of each scenario.
    pub scenarios: &'a BTreeMap<String, Block>,
    /// Those of each type.
    pub types: &'a BTreeMap<String, Block>,
    /// Those of each tag.
    pub tags: &'a BTreeMap<String, Block>,
    /// Sent × received.
    pub ledger: &'a Ledger,
}

/// Finds a percentile that a summary does not hold, in microseconds, or says why it cannot.
pub type Finer<'a> = dyn Fn(&Percentile, &Stats) -> Result<f64, String> + 'a;

/// The figure, or why there is none.
pub fn measure(
    objective: &Objective,
    known: Known<'_>,
    finer: &Finer<'_>,
) -> Result<Figure, String> {
    let metric = objective.metric;
    let receipts = known.ledger.has_receipts;
    if !receipts && (metric.needs_receipts() || metric == Metric::E2e) {
        return Err("no receipts were collected".into());
    }
    let block = block(objective, known)?;
    match metric.kind() {
        Kind::Trend => trend(objective, block, finer),
        Kind::Ratio => ratio(metric, block),
        Kind::Counter => {
            let (value, count) = counter(metric, block, known.ledger)?;
            match objective.aggregate {
                Aggregate::PerSecond => {
                    Ok(Figure { value: per_second(metric, value, block)?, count })
                }
                _ => Ok(Figure { value: float(value), count }),
            }
        }
    }
}

fn block<'a>(objective: &Objective, known: Known<'a>) -> Result<&'a Block, String> {
    match &objective.scope {
        Scope::Run => Ok(known.overall),
        Scope::Scenario(name) => named("scenario", name, known.scenarios),
        Scope::Type(name) => named("type", name, known.types),
        Scope::Tag(tag) => named("tag", tag, known.tags),
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

fn trend(objective: &Objective, block: &Block, finer: &Finer<'_>) -> Result<Figure, String> {
    let name = objective.metric.name();
    let stats = block.metrics.get(&format!("{name}_us")).filter(|stats| stats.count > 0);
    let stats = stats.ok_or_else(|| format!("no value of `{name}` was recorded"))?;
    let us = match &objective.aggregate {
        Aggregate::Mean => stats.mean,
        Aggregate::Min => stats.min,
        Aggregate::Max => stats.max,
        Aggregate::Percentile(percentile) => percentile_us(percentile, stats, finer)?,
        other => unreachable!("`{other}` of a trend is refused where objectives are read"),
    };
    Ok(Figure { value: us / 1000.0, count: stats.count })
}

fn percentile_us(percentile: &Percentile, stats: &Stats, finer: &Finer<'_>) -> Result<f64, String> {
    if percentile.is_end() {
        return Ok(if percentile.quantile.rank(2) == 2 { stats.max } else { stats.min });
    }
    let Some(key) = percentile.summary_key() else { return finer(percentile, stats) };
    let known = stats.percentiles.get(key).copied();
    known.map(float).ok_or_else(|| format!("summary.json has no {key}"))
}

fn ratio(metric: Metric, block: &Block) -> Result<Figure, String> {
    if metric == Metric::Checks {
        let passes = total(block.checks.iter().map(|check| check.passes));
        let count = total(block.checks.iter().map(|check| check.fails)).saturating_add(passes);
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
fn counter(metric: Metric, block: &Block, ledger: &Ledger) -> Result<(u64, u64), String> {
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
