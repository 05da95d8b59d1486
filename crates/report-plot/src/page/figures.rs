//! Figures in rows and columns: per scenario and type, per metric, over time, and the ledger.

use std::collections::BTreeMap;

use ce_record::Outcome;
use ce_record::run_dir::{Block, Ledger, METRICS, PERCENTILES, Stats};

use super::banner::span_of;
use super::table::{Cell, Table, code, figure, figure_or_dash, words};
use crate::input::{Bins, ErrorRow, RunData};
use crate::scale::{clock, count, percent, rate, span};

/// Rows of the timeline as a table.
const TIMELINE_ROWS: u32 = 60;
/// Rows of the table of errors; the file has the rest.
const ERROR_ROWS: usize = 200;
/// With fewer values than this beyond it, a percentile is chance.
const ENOUGH_BEYOND: u64 = 10;

/// A row for each group of events, all of them together first.
pub(super) fn groups(all: &Block, name: &'static str, groups: &BTreeMap<String, Block>) -> Table {
    let mut table = Table::new(
        "Counts are events; percentiles are of latency from due time, and of the time to arrival.",
        &[
            name, "planned", "sent", "ok", "failed", "success", "p50", "p95", "p99", "p99.9",
            "max", "e2e p95",
        ],
    );
    table.rows.push(group(Cell { class: "total", text: "all".into() }, all));
    table.rows.extend(groups.iter().map(|(name, block)| group(code(name), block)));
    table
}

fn group(name: Cell, block: &Block) -> Vec<Cell> {
    let metric = |metric: &str| block.metrics.get(metric);
    let latency = |name: &'static str| percentile_cell(metric("latency_us"), name);
    vec![
        name,
        figure(count(block.planned)),
        figure(count(block.sent)),
        figure(count(block.outcomes[Outcome::Ok])),
        figure(count(block.outcomes.failed())),
        figure_or_dash(block.success_ratio.map(percent)),
        latency("p50"),
        latency("p95"),
        latency("p99"),
        latency("p99_9"),
        figure_or_dash(metric("latency_us").map(|stats| span(stats.max))),
        percentile_cell(metric("e2e_us"), "p95"),
    ]
}

/// Every percentile of every metric: the twin of the chart.
pub(super) fn metrics(all: &Block) -> Table {
    let mut table = Table::new(
        "Percentiles of the whole run. Grey: fewer than 10 values lie beyond, so it is chance.",
        &["metric", "values", "min", "mean", "p50", "p90", "p95", "p99", "p99.9", "p99.99", "max"],
    );
    for metric in METRICS {
        if let Some(stats) = all.metrics.get(&format!("{metric}_us")) {
            let mut row = vec![words(metric), figure(count(stats.count))];
            row.extend([stats.min, stats.mean].map(|us| figure(span(us))));
            row.extend(PERCENTILES.map(|(name, ..)| percentile_cell(Some(stats), name)));
            row.push(figure(span(stats.max)));
            table.rows.push(row);
        }
    }
    table
}

fn percentile_cell(stats: Option<&Stats>, name: &str) -> Cell {
    let value = stats.and_then(|stats| Some((stats.count, stats.percentiles.get(name)?)));
    let Some((values, &us)) = value else { return figure_or_dash(None) };
    let known = PERCENTILES.into_iter().find(|(known, ..)| *known == name);
    let enough = known.is_none_or(|(_, numerator, denominator)| {
        values / denominator * (denominator - numerator)
            + values % denominator * (denominator - numerator) / denominator
            >= ENOUGH_BEYOND
    });
    Cell { class: if enough { "figure" } else { "figure chance" }, text: span_of(us) }
}

/// The timeline in at most 60 rows: the twin of the charts.
pub(super) fn timeline(data: &RunData) -> anyhow::Result<Table> {
    let bins = data.series.bins(TIMELINE_ROWS)?;
    let mut table = Table::new(
        &format!(
            "Rates are means over {}; percentiles are those of its worst second and scenario.",
            if bins.width_s > 1.0 { format!("{} s", bins.width_s) } else { "one second".into() }
        ),
        &[
            "from",
            "planned/s",
            "sent/s",
            "ok/s",
            "not ok/s",
            "received/s",
            "p50",
            "p95",
            "p99",
            "max",
            "e2e p99",
            "lag p99",
        ],
    );
    table.rows = timeline_rows(&bins, data.series.end_s());
    Ok(table)
}

fn timeline_rows(bins: &Bins, end_s: f64) -> Vec<Vec<Cell>> {
    let rates = ["planned", "sent", "ok", "received"].map(|name| bins.rate(name));
    let spans = [
        "latency_p50_us",
        "latency_p95_us",
        "latency_p99_us",
        "latency_max_us",
        "e2e_p99_us",
        "lag_p99_us",
    ];
    let spans = spans.map(|name| bins.worst_us(name));
    let row = |(index, start): (usize, &f64)| {
        let [planned, sent, ok, received] = rates.each_ref().map(|values| values[index]);
        let mut row = vec![figure(clock(*start, end_s))];
        row.extend([planned, sent, ok, planned - ok, received].map(|value| figure(rate(value))));
        row.extend(spans.each_ref().map(|values| figure_or_dash(values[index].map(span))));
        row
    };
    bins.starts.iter().enumerate().map(row).collect()
}

/// Failures by outcome, code and message.
pub(super) fn errors(rows: &[ErrorRow], end_s: f64) -> Table {
    let shown = rows.len().min(ERROR_ROWS);
    let more = rows.len() - shown;
    let more = if more > 0 {
        format!(" errors.csv has {} more kinds.", count_of(more))
    } else {
        String::new()
    };
    let mut table = Table::new(
        &format!(
            "Attempts that failed, and answers that failed a check, by cause, the most frequent first, \
             with the times their events were due.{more}"
        ),
        &["outcome", "code", "message", "count", "first", "last", "id of one"],
    );
    let time = |at: Option<f64>| figure_or_dash(at.map(|at| clock(at, end_s)));
    table.rows = rows[..shown]
        .iter()
        .map(|row| {
            vec![
                words(row.outcome.replace('_', " ")),
                figure(&row.code),
                words(&row.message),
                figure(count(row.count)),
                time(row.first_s),
                time(row.last_s),
                code(&row.sample_id),
            ]
        })
        .collect();
    table
}

fn count_of(number: usize) -> String {
    u64::try_from(number).map_or_else(|_| number.to_string(), count)
}

/// What became of every event, with the meaning of each figure.
pub(super) fn ledger(ledger: &Ledger) -> Table {
    let mut table = Table::new("What became of every event.", &["entry", "events", "meaning"]);
    let mut entry = |name: &str, value: u64, meaning: &str| {
        table.rows.push(vec![words(name), figure(count(value)), words(meaning)]);
    };
    entry("planned", ledger.planned, "The schedule called for them.");
    entry("sent", ledger.sent, "They left for the target.");
    entry("acked", ledger.acked, "The target accepted them. That is not yet delivery.");
    for (outcome, value) in ledger.outcomes.iter().filter(|(outcome, _)| *outcome != Outcome::Ok) {
        entry(&outcome.as_str().replace('_', " "), value, outcome_meaning(outcome));
    }
    if ledger.has_receipts {
        entry("received", ledger.received, "Distinct sent events that arrived at a sink.");
        entry("delivered", ledger.delivered, "Accepted by the target, and arrived.");
        entry("lost", ledger.lost, "Accepted by the target, and never arrived.");
        entry("duplicates", ledger.duplicates, "Arrived again, and the broker did not say so.");
        entry("redelivered", ledger.redelivered, "Arrived again, marked as such by the broker.");
        entry(
            "in doubt, arrived",
            ledger.in_doubt_arrived,
            "The confirm was lost, the event was not.",
        );
        entry(
            "in doubt, missing",
            ledger.in_doubt_missing,
            "The confirm was lost, and so was the event.",
        );
        entry("arrived unacked", ledger.unacked_arrived, "Not accepted, and arrived all the same.");
        for (outcome, value) in ledger.arrived.iter().filter(|&(outcome, value)| {
            value > 0 && !matches!(outcome, Outcome::Ok | Outcome::InDoubt)
        }) {
            let name = format!("{}, arrived", outcome.as_str().replace('_', " "));
            entry(&name, value, "Of those that arrived unacked.");
        }
        entry("dead-lettered", ledger.dead_lettered, "Arrived in a dead-letter queue.");
        for (reason, &value) in &ledger.dead_letter_reasons {
            entry(&format!("dead-lettered: {reason}"), value, "The reason that the broker gave.");
        }
        entry("unexpected", ledger.unexpected, "Receipts of events that no sender speaks of.");
        if ledger.order_checked > 0 {
            entry(
                "out of order",
                ledger.out_of_order,
                "Arrived after a later one of the same source.",
            );
        }
        entry(
            "negative end-to-end",
            ledger.negative_e2e,
            "Arrived before they were due: the clocks disagree.",
        );
    }
    entry(
        "dropped records",
        ledger.dropped_records,
        "Records that a tool could not write in time; the run is incomplete.",
    );
    table
}

fn outcome_meaning(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "Accepted by the target.",
        Outcome::Rejected => "Refused: an error status, or a negative confirm.",
        Outcome::Returned => "Unroutable, so nobody could receive them.",
        Outcome::Timeout => "No answer within the timeout.",
        Outcome::ConnectError => "No connection could be opened.",
        Outcome::ProtocolError => "The peer broke the protocol or hung up in the middle.",
        Outcome::InDoubt => "The connection was lost before the confirm; they may have arrived.",
        Outcome::Dropped => "Not sent: too many were in flight.",
        Outcome::Unsent => "Not sent: still waiting when the run ended.",
        Outcome::Unfinished => "Sent, and no answer by the end of the grace period.",
    }
}
