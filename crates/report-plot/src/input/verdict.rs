//! `verdict.json`: what `slo-check DIR --format json` printed.

use serde::Deserialize;

/// The verdict and how it came about.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Verdict {
    /// `pass`, `warn`, `fail`, `invalid` or `no_data`, in any case.
    pub verdict: String,
    /// Why, one sentence each.
    #[serde(default)]
    pub reasons: Vec<String>,
    /// What to keep in mind, one sentence each.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What was asked for, and what was found.
    #[serde(default)]
    pub objectives: Vec<Objective>,
}

/// One thing that was asked for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Objective {
    /// What people call it.
    pub name: String,
    /// The metric.
    pub metric: String,
    /// How its values become one, e.g., `p95`.
    pub aggregate: Option<String>,
    /// Only events of this scenario.
    pub scenario: Option<String>,
    /// Only events of this type.
    #[serde(rename = "type")]
    pub event_type: Option<String>,
    /// How the value is compared with the target, e.g., `<`.
    pub op: String,
    /// What is wanted.
    pub target: Option<f64>,
    /// What is still tolerated.
    pub critical: Option<f64>,
    /// What was found.
    pub value: Option<f64>,
    /// Of value, target and critical level.
    pub unit: Option<String>,
    /// Values that went in.
    pub count: Option<u64>,
    /// The verdict on this objective alone.
    pub verdict: String,
    /// What to keep in mind.
    pub note: Option<String>,
}
