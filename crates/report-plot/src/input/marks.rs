//! `marks.csv`: things that happened during the run, e.g., `pod_ready`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use polars::prelude::{DataFrame, DataType, PolarsResult};

use super::csv;

/// More lines than this hide what they explain.
const LIMIT: usize = 40;

/// Something that happened at an instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// When, in seconds since the run's zero.
    pub at_s: f64,
    /// What happened.
    pub what: String,
    /// What it happened to.
    pub name: String,
}

/// Reads `marks.csv` in the order of time; none if it is missing. Kinds that happen all the time, as
/// `job_created` may, are left out with a note until few enough remain.
pub(super) fn read(path: &Path, notes: &mut Vec<String>) -> anyhow::Result<Vec<Mark>> {
    let columns =
        [("at_s", DataType::Float64), ("what", DataType::String), ("name", DataType::String)];
    let Some(frame) = csv::read(path, &columns, notes)? else { return Ok(Vec::new()) };
    let mut marks =
        rows(&frame).with_context(|| format!("{}: not a table of marks", path.display()))?;
    marks.sort_by(|a, b| a.at_s.total_cmp(&b.at_s));
    Ok(few(marks, notes))
}

fn rows(frame: &DataFrame) -> PolarsResult<Vec<Mark>> {
    let (what, name) = (frame.column("what")?.str()?, frame.column("name")?.str()?);
    let rows = frame.column("at_s")?.f64()?.iter().zip(what.iter()).zip(name.iter());
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let marks = rows.filter_map(|((at, what), name)| {
        let at_s = at.filter(|at| at.is_finite())?;
        Some(Mark { at_s, what: text(what), name: text(name) })
    });
    Ok(marks.collect())
}

fn few(mut marks: Vec<Mark>, notes: &mut Vec<String>) -> Vec<Mark> {
    while marks.len() > LIMIT {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for mark in &marks {
            *kinds.entry(&mark.what).or_default() += 1;
        }
        let Some((what, count)) = kinds.into_iter().max_by_key(|(_, count)| *count) else { break };
        let what = what.to_owned();
        notes.push(format!("{count} marks `{what}` are too many to be drawn; marks.csv has them."));
        marks.retain(|mark| mark.what != what);
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_that_happens_all_the_time_is_left_out_and_counted() {
        let mark = |at: u32, what: &str| Mark {
            at_s: f64::from(at),
            what: what.into(),
            name: String::new(),
        };
        let mut marks: Vec<Mark> = (0..100).map(|at| mark(at, "job_created")).collect();
        marks.extend([mark(7, "pod_ready"), mark(9, "chaos_kill")]);
        let mut notes = Vec::new();
        let few = few(marks, &mut notes);
        assert_eq!(few, [mark(7, "pod_ready"), mark(9, "chaos_kill")]);
        assert_eq!(notes.len(), 1);
        assert!(notes[0].starts_with("100 marks `job_created`"), "{notes:?}");
    }
}
