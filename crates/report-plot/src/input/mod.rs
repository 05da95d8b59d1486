//! Reads a run directory. What a report cannot do without is an error when it is missing; anything
//! else is `None`, and the report says so.

mod csv;
mod errors;
mod histograms;
mod marks;
mod series;
mod verdict;

use std::io::ErrorKind;
use std::path::Path;

use anyhow::anyhow;
use ce_record::run_dir::{self, Ledger, Run, RunDirError, Summary};
use serde::de::DeserializeOwned;

pub use errors::ErrorRow;
pub use histograms::Curve;
pub use marks::Mark;
pub use series::{Bins, Series};
pub use verdict::{Objective, Verdict};

/// What is known about a run.
#[derive(Debug)]
pub struct RunData {
    /// Who, what, when.
    pub run: Run,
    /// Every metric.
    pub summary: Summary,
    /// Rows per second.
    pub series: Series,
    /// Sent × received.
    pub ledger: Option<Ledger>,
    /// Failures, counted.
    pub errors: Option<Vec<ErrorRow>>,
    /// The distribution of each metric over the whole run, in the order of reports.
    pub curves: Option<Vec<Curve>>,
    /// Things that happened, in order.
    pub marks: Vec<Mark>,
    /// What `slo-check` said.
    pub verdict: Option<Verdict>,
    /// What is wrong with the files, one sentence each.
    pub notes: Vec<String>,
}

/// The file that `slo-check --format json` is redirected to.
pub const VERDICT: &str = "verdict.json";

/// Reads the run directory `dir`.
pub fn load(dir: &Path) -> anyhow::Result<RunData> {
    let mut notes = Vec::new();
    Ok(RunData {
        run: required(dir, run_dir::RUN)?,
        summary: required(dir, run_dir::SUMMARY)?,
        series: Series::read(&dir.join(run_dir::SERIES), &mut notes)?,
        ledger: optional(dir, run_dir::LEDGER)?,
        errors: errors::read(&dir.join(run_dir::ERRORS), &mut notes)?,
        curves: histograms::read(&dir.join(run_dir::HISTOGRAMS), &mut notes)?,
        marks: marks::read(&dir.join(run_dir::MARKS), &mut notes)?,
        verdict: optional(dir, VERDICT)?,
        notes,
    })
}

fn required<T: DeserializeOwned>(dir: &Path, file: &str) -> anyhow::Result<T> {
    run_dir::read(dir, file).map_err(|err| match err {
        RunDirError::Io(path, cause) => not_a_run_dir(&path, &cause),
        malformed @ RunDirError::Malformed(..) => malformed.into(),
    })
}

fn optional<T: DeserializeOwned>(dir: &Path, file: &str) -> anyhow::Result<Option<T>> {
    match run_dir::read(dir, file) {
        Ok(value) => Ok(Some(value)),
        Err(RunDirError::Io(_, cause)) if cause.kind() == ErrorKind::NotFound => Ok(None),
        Err(err) => Err(err.into()),
    }
}

fn not_a_run_dir(path: &str, cause: &std::io::Error) -> anyhow::Error {
    anyhow!("{path}: cannot read: {cause}; run directories are made by `lat-collect --out DIR`")
}

/// The bytes of a file of lines, without a last line that was cut short; `None` if it is missing.
fn whole_lines(path: &Path, notes: &mut Vec<String>) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(err) if err.kind() == ErrorKind::NotFound => return Ok(None),
        Err(err) => return Err(err),
    };
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
    if whole < bytes.len() {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        notes.push(format!("{name} ends in the middle of a line; that line is left out."));
        bytes.truncate(whole);
    }
    Ok(Some(bytes))
}
