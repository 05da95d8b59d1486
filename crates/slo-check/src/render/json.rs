//! The verdict for programs: one object in one line. Keys are only ever added.

use anyhow::Context;
use serde::Serialize;

use crate::evaluate::{Judged, Verdict};
use crate::report::Report;
use slo::objective::Scope;

/// The version of the schema; it changes when a key changes its meaning.
const FORMAT: u32 = 1;

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    run: &'a str,
    verdict: Verdict,
    exit: u8,
    reasons: &'a [String],
    notes: &'a [String],
    objectives: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    metric: &'static str,
    aggregate: String,
    scenario: Option<&'a str>,
    r#type: Option<&'a str>,
    /// `name=value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<&'a str>,
    op: String,
    target: f64,
    critical: Option<f64>,
    /// Null when there is no data.
    value: Option<f64>,
    /// Of `value`, `target` and `critical`.
    unit: &'static str,
    /// Values or events that `value` stands on.
    count: u64,
    verdict: Verdict,
    note: Option<&'a str>,
}

pub(crate) fn json(report: &Report) -> anyhow::Result<String> {
    let document = Document {
        format: FORMAT,
        run: &report.run,
        verdict: report.conclusion.verdict,
        exit: report.conclusion.exit as u8,
        reasons: &report.conclusion.reasons,
        notes: &report.notes,
        objectives: report.objectives.iter().map(row).collect(),
    };
    let mut text = serde_json::to_string(&document).context("cannot write the verdict as JSON")?;
    text.push('\n');
    Ok(text)
}

fn row(judged: &Judged) -> Row<'_> {
    let objective = &judged.objective;
    let [mut scenario, mut event_type, mut tag] = [None; 3];
    match &objective.scope {
        Scope::Run => {}
        Scope::Scenario(name) => scenario = Some(name.as_str()),
        Scope::Type(name) => event_type = Some(name.as_str()),
        Scope::Tag(name) => tag = Some(name.as_str()),
    }
    Row {
        name: &objective.name,
        metric: objective.metric.name(),
        aggregate: objective.aggregate.to_string(),
        scenario,
        r#type: event_type,
        tag,
        op: objective.op.to_string(),
        target: objective.target,
        critical: objective.critical,
        value: judged.figure.map(|figure| figure.value),
        unit: objective.metric.kind().unit(&objective.aggregate),
        count: judged.figure.map_or(0, |figure| figure.count),
        verdict: judged.verdict,
        note: judged.note.as_deref(),
    }
}
