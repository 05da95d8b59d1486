//! The first thing to see: the verdict, whether it can be trusted, and the figures behind it.

use ce_record::Outcome;

use super::table::{Cell, Table, figure_or_dash, words};
use crate::input::{Objective, RunData, VERDICT};
use crate::scale::{Unit, count, exact, percent, span};

/// What stands on top of the page.
#[derive(Debug)]
pub(super) struct Banner {
    /// Picks the colour.
    pub(super) class: &'static str,
    /// The verdict in a word or two.
    pub(super) word: String,
    /// Why, one sentence each.
    pub(super) reasons: Vec<String>,
    /// The most important figures, as number and name.
    pub(super) figures: Vec<(String, &'static str)>,
    /// What to do for a verdict.
    pub(super) hint: Option<String>,
}

/// The banner of a run.
pub(super) fn banner(data: &RunData) -> Banner {
    let (trust_class, trust) = trust(data);
    let verdict = data.verdict.as_ref();
    let (class, word) = match verdict {
        // A verdict on a run that says nothing about its target does not count as good news.
        Some(verdict) if trust_class == "valid" || !is_good(&verdict.verdict) => {
            (verdict_class(&verdict.verdict), loud(&verdict.verdict))
        }
        Some(verdict) => (trust_class, format!("{} – {trust}", loud(&verdict.verdict))),
        None => (trust_class, trust.to_owned()),
    };
    let mut reasons: Vec<String> = Vec::new();
    let notes = if data.run.generator.valid { &[][..] } else { &data.run.generator.notes };
    let judged = verdict.map_or(&[][..], |verdict| &verdict.reasons);
    for reason in judged.iter().chain(notes).chain(&data.run.incomplete_because) {
        if !reasons.contains(reason) {
            reasons.push(reason.clone());
        }
    }
    let hint = format!("Not judged yet: slo-check DIR --format json > DIR/{VERDICT}");
    let hint = verdict.is_none().then_some(hint);
    Banner { class, word, reasons, figures: figures(data), hint }
}

fn trust(data: &RunData) -> (&'static str, &'static str) {
    match (data.run.generator.valid, data.run.complete) {
        (false, _) => ("invalid", "Invalid run"),
        (true, false) => ("invalid", "Incomplete run"),
        (true, true) if data.summary.overall.planned == 0 => ("invalid", "No data"),
        (true, true) => ("valid", "Valid run"),
    }
}

fn is_good(verdict: &str) -> bool {
    matches!(loud(verdict).as_str(), "PASS" | "WARN")
}

fn verdict_class(verdict: &str) -> &'static str {
    match loud(verdict).as_str() {
        "PASS" => "pass",
        "WARN" => "warn",
        "FAIL" => "fail",
        _ => "invalid",
    }
}

fn figures(data: &RunData) -> Vec<(String, &'static str)> {
    let overall = &data.summary.overall;
    let receipts = data.ledger.as_ref().filter(|ledger| ledger.has_receipts);
    let known = |value: Option<u64>| value.map_or_else(|| "unknown".to_owned(), count);
    let latency = |percentile: &str| {
        let stats = overall.metrics.get("latency_us")?;
        stats.percentiles.get(percentile).map(|&us| span_of(us))
    };
    let dash = || "–".to_owned();
    vec![
        (count(overall.planned), "planned"),
        (count(overall.outcomes[Outcome::Ok]), "acked"),
        (known(receipts.map(|ledger| ledger.received)), "received"),
        (known(receipts.map(|ledger| ledger.lost)), "lost"),
        (known(receipts.map(|ledger| ledger.duplicates)), "duplicates"),
        (overall.success_ratio.map_or_else(dash, percent), "success"),
        (latency("p95").unwrap_or_else(dash), "latency p95"),
        (latency("p99").unwrap_or_else(dash), "latency p99"),
    ]
}

/// A span in whole microseconds.
pub(super) fn span_of(us: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "2^53 microseconds are 285 years")]
    let us = us as f64;
    span(us)
}

/// The objectives of a verdict; `None` if there are none.
pub(super) fn objectives(data: &RunData) -> Option<Table> {
    let verdict = data.verdict.as_ref().filter(|verdict| !verdict.objectives.is_empty())?;
    let mut table = Table::new(
        "What was asked for and what was found.",
        &["objective", "of", "value", "target", "critical", "values", "verdict", "note"],
    );
    table.rows = verdict.objectives.iter().map(objective).collect();
    Some(table)
}

fn objective(objective: &Objective) -> Vec<Cell> {
    let unit = objective.unit.as_deref().unwrap_or_default();
    let limit = |limit: Option<f64>| {
        limit.map(|limit| format!("{} {}", objective.op, with_unit(limit, unit)).trim().to_owned())
    };
    vec![
        words(if objective.name.is_empty() { &objective.metric } else { &objective.name }),
        words(subject(objective)),
        figure_or_dash(objective.value.map(|value| with_unit(value, unit))),
        figure_or_dash(limit(objective.target)),
        figure_or_dash(limit(objective.critical)),
        figure_or_dash(objective.count.map(count)),
        Cell { class: verdict_class(&objective.verdict), text: loud(&objective.verdict) },
        words(objective.note.clone().unwrap_or_default()),
    ]
}

fn subject(objective: &Objective) -> String {
    let aggregate = objective.aggregate.as_deref().unwrap_or_default();
    let mut subject = format!("{aggregate} {}", objective.metric).trim().to_owned();
    for group in [&objective.scenario, &objective.event_type].into_iter().flatten() {
        subject = format!("{subject} of {group}");
    }
    subject
}

/// A value with its unit and all of its digits: rounding could carry it across its target.
fn with_unit(value: f64, unit: &str) -> String {
    let span = |us: f64| {
        let unit = Unit::of(us.abs());
        format!("{} {}", exact(us / unit.us()), unit.name())
    };
    match unit {
        "us" | "µs" => span(value),
        "ms" => span(value * 1e3),
        "s" => span(value * 1e6),
        "ratio" => format!("{} %", exact(value * 100.0)),
        "" | "events" => exact(value),
        "events/s" => format!("{}/s", exact(value)),
        unit => format!("{} {unit}", exact(value)),
    }
}

/// The verdict as a report says it: `no_data` is `NO DATA`.
fn loud(verdict: &str) -> String {
    verdict.to_uppercase().replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_not_rounded_across_its_target() {
        assert_eq!(with_unit(2999.96, "ms"), "2.99996 s");
        assert_eq!(with_unit(3000.0, "ms"), "3 s");
        assert_eq!(with_unit(0.98999, "ratio"), "98.999 %");
        assert_eq!(with_unit(120.0, "events/s"), "120/s");
        assert_eq!(with_unit(12_000.0, ""), "12,000");
    }

    #[test]
    fn verdicts_are_said_loudly() {
        assert_eq!([loud("no_data"), loud("PASS")], ["NO DATA", "PASS"]);
    }
}
