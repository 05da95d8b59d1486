//! `errors.csv`: failed attempts and checks by outcome, code and message.

use std::path::Path;

use anyhow::Context;
use polars::prelude::{DataFrame, DataType, PolarsError, PolarsResult};

use super::csv;

/// One kind of failure.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorRow {
    /// How the attempts ended; `ok` where only a check failed.
    pub outcome: String,
    /// HTTP status or AMQP reply code; empty where there is none.
    pub code: String,
    /// In words; empty where the code says it.
    pub message: String,
    /// Attempts.
    pub count: u64,
    /// When the first of them was due, in seconds since the run's zero.
    pub first_s: Option<f64>,
    /// The same of the last.
    pub last_s: Option<f64>,
    /// The id of one of them.
    pub sample_id: String,
}

/// Reads `errors.csv`, the most frequent first; `None` if it is missing.
pub(super) fn read(path: &Path, notes: &mut Vec<String>) -> anyhow::Result<Option<Vec<ErrorRow>>> {
    let columns = [
        ("outcome", DataType::String),
        ("code", DataType::String),
        ("message", DataType::String),
        ("count", DataType::UInt64),
        ("first_s", DataType::Float64),
        ("last_s", DataType::Float64),
        ("sample_id", DataType::String),
    ];
    let Some(frame) = csv::read(path, &columns, notes)? else { return Ok(None) };
    let mut rows =
        rows(&frame).with_context(|| format!("{}: not a table of errors", path.display()))?;
    rows.sort_by_key(|row| std::cmp::Reverse(row.count));
    Ok(Some(rows))
}

fn rows(frame: &DataFrame) -> PolarsResult<Vec<ErrorRow>> {
    let text = |name: &str, row: usize| -> PolarsResult<String> {
        Ok(frame.column(name)?.str()?.get(row).unwrap_or_default().to_owned())
    };
    let time = |name: &str, row: usize| frame.column(name)?.f64().map(|times| times.get(row));
    let count = |row: usize| {
        let count = frame.column("count")?.u64()?.get(row);
        // The first row has the names.
        count.ok_or_else(|| PolarsError::NoData(format!("line {} has no count", row + 2).into()))
    };
    (0..frame.height())
        .map(|row| {
            Ok(ErrorRow {
                outcome: text("outcome", row)?,
                code: text("code", row)?,
                message: text("message", row)?,
                count: count(row)?,
                first_s: time("first_s", row)?,
                last_s: time("last_s", row)?,
                sample_id: text("sample_id", row)?,
            })
        })
        .collect()
}
