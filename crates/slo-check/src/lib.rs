//! Says whether a run met its objectives.
//!
//! What has to hold is read and measured by the crate `slo`. In reading order: [`evidence`] reads the
//! run directory, [`evaluate`] judges each objective, [`conclude`] the run, and [`report`] holds what
//! is printed.

pub mod cli;
pub mod conclude;
pub mod evaluate;
pub mod evidence;
mod render;
pub mod report;

use std::path::Path;

use ce_cli::{DataOut, Exit};

use crate::cli::{Cli, Format};
use slo::objective::Objective;
use slo::{SloError, table, threshold};

/// Judges the run. Objectives are read first: what cannot be evaluated is refused, whatever the run.
#[expect(clippy::needless_pass_by_value, reason = "the shape of every tool's entry point")]
pub fn run(cli: Cli, out: &mut DataOut) -> anyhow::Result<Exit> {
    let mut objectives = Vec::new();
    if let Some(path) = &cli.plan {
        objectives.extend(read_file(path, table::parse_plan)?);
    }
    if let Some(path) = &cli.slo {
        objectives.extend(read_file(path, table::parse)?);
    }
    for text in &cli.threshold {
        objectives.extend(threshold::parse(text)?);
    }
    let evidence = evidence::load(&cli.dir, &objectives)?;
    let report = report::make(&objectives, &evidence, cli.strict);
    let text = match cli.format {
        Format::Text => render::text(&report),
        Format::Json => render::json(&report)?,
    };
    out.write(text.as_bytes())?;
    Ok(report.conclusion.exit)
}

fn read_file(
    path: &Path,
    parse: impl Fn(&str, &str) -> Result<Vec<Objective>, SloError>,
) -> anyhow::Result<Vec<Objective>> {
    let (name, text) = ce_cli::read_text(path, "a file of objectives")?;
    Ok(parse(&name, &text)?)
}
