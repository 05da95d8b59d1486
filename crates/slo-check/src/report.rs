//! Everything that is said about a run, before it is put into words or JSON.

use ce_record::run_dir::Run;

use crate::conclude::{Conclusion, conclude};
use crate::evaluate::{Judged, judge};
use crate::evidence::Evidence;
use slo::aggregate::Aggregate;
use slo::figure;
use slo::metric::Metric;
use slo::objective::{Objective, OnNoData, Op, Scope};
use slo::threshold;

/// What a run is judged by when nobody says: the threshold of the k6 script.
pub const DEFAULT_THRESHOLD: &str = "failed: rate<0.01";

/// What is printed.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The run's name.
    pub run: String,
    /// Whether the run is whole, and how well its generator kept the schedule, in one line.
    pub state: String,
    /// The verdict on the run.
    pub conclusion: Conclusion,
    /// The verdict on each objective, those that are always judged first.
    pub objectives: Vec<Judged>,
    /// What to keep in mind, one sentence each.
    pub notes: Vec<String>,
}

/// Judges a run by the given objectives, or by [`DEFAULT_THRESHOLD`] where there are none.
pub fn make(given: &[Objective], evidence: &Evidence, strict: bool) -> Report {
    let default = || threshold::parse(DEFAULT_THRESHOLD).expect("a test reads it");
    let default = if given.is_empty() { default() } else { Vec::new() };
    let given: Vec<_> = given.iter().chain(&default).map(|one| judge(one, evidence)).collect();
    let builtin = evidence.ledger.has_receipts.then(|| judge(&nothing_lost(), evidence));
    let mut objectives: Vec<_> = builtin.into_iter().collect();
    let conclusion = conclude(&evidence.run, &objectives, &given, strict);
    objectives.extend(given);
    let notes = notes(evidence, !default.is_empty());
    let run = evidence.run.run.clone();
    Report { run, state: state(&evidence.run), conclusion, objectives, notes }
}

/// An acknowledged event that never arrived is a failure, however few they are.
fn nothing_lost() -> Objective {
    Objective {
        name: "no event lost".into(),
        metric: Metric::Lost,
        aggregate: Aggregate::Count,
        scope: Scope::Run,
        op: Op::Equal,
        target: 0.0,
        critical: None,
        on_no_data: OnNoData::default(),
        min_samples: None,
    }
}

fn state(run: &Run) -> String {
    let complete = if run.complete { "complete" } else { "not complete" };
    let valid = if run.generator.valid { "valid" } else { "not valid" };
    let mut state = format!("run {complete}, generator {valid}");
    if let Some(ratio) = run.generator.sent_ratio {
        state = format!("{state}, {} of the plan sent", figure::percent(ratio, 4));
    }
    if let Some(lag_us) = run.generator.lag_p99_us {
        let lag = std::time::Duration::from_micros(lag_us).as_secs_f64();
        state = format!("{state}, lag p99 {}", figure::span(lag * 1000.0, 3));
    }
    state
}

fn notes(evidence: &Evidence, default_used: bool) -> Vec<String> {
    let mut notes = Vec::new();
    if default_used {
        notes.push(format!("no objective was given; judged by the default `{DEFAULT_THRESHOLD}`"));
    }
    if !evidence.ledger.has_receipts {
        notes.push("no receipts were collected, so nobody knows whether events were lost".into());
    }
    let generator = &evidence.run.generator;
    if generator.valid {
        notes.extend(generator.notes.iter().cloned());
    }
    notes
}
