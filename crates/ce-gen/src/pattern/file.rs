//! A template file: one event, or several with weights. Whatever is wrong with it is said before
//! the first event is written.

use std::ops::Range;
use std::path::Path;

use anyhow::{Context, anyhow};
use ce_record::json_cause;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::compile::{Column, Mistake, PoolUse, compile, in_json};
use super::validate::validate;
use super::{Moment, Pattern, Rows};
use crate::chance::Choose;
use crate::json::members;
use crate::plan::Common;
use crate::table::{self, Row};

/// A larger file is refused: it is held in memory whole.
const MAX_BYTES: u64 = 4 << 20;
const MAX_TEMPLATES: usize = 1000;

/// The templates of a file, ready to be filled in.
#[derive(Debug, Clone)]
pub(crate) struct Patterns {
    /// Each with its weight; at least one weight is above zero.
    pub(crate) shares: Vec<(u32, Pattern)>,
    pub(super) rows: Vec<Rows>,
}

/// A line and column of a template file, and what is wrong there.
#[derive(Debug, thiserror::Error)]
#[error("{name}:{line}:{column}: {what}")]
pub(crate) struct TemplateError {
    name: String,
    line: usize,
    column: usize,
    what: String,
}

/// The whole file is too large.
#[derive(Debug, thiserror::Error)]
#[error("{0}: more than 4 MiB; put long lists into pools and use ${{pick …}}")]
struct TooLarge(String);

/// A file with several events.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Many<'a> {
    #[serde(borrow)]
    templates: Vec<One<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "{\"weight\": 1, \"event\": {…}}")]
struct One<'a> {
    weight: Option<u32>,
    #[serde(borrow)]
    event: &'a RawValue,
}

/// Tells the two forms of a file apart: an attribute cannot have the value that `templates` has.
#[derive(Deserialize)]
struct Form {
    templates: Option<IgnoredAny>,
}

/// A file and how errors call it.
struct Source<'a> {
    name: &'a str,
    text: &'a str,
}

/// Reads a template file; `-` is stdin.
pub(crate) fn read(path: &Path, common: &Common) -> anyhow::Result<Patterns> {
    let (name, text) = table::read_text(path, MAX_BYTES, TooLarge)?;
    let text = text.map_err(|place| anyhow!("{place}: not UTF-8; save the template as UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let source = Source { name: &name, text };
    let events = events(&source)?;
    let mut pools = Vec::new();
    let mut shares = Vec::new();
    for (weight, event) in &events {
        let pattern = compile(text, event.clone(), common, &mut pools);
        shares.push((*weight, pattern.map_err(|mistake| source.error(mistake))?));
    }
    let folder = path.parent().unwrap_or(Path::new(""));
    let rows = pools
        .iter()
        .map(|pool| rows(pool, &folder.join(&pool.file), &source))
        .collect::<anyhow::Result<_>>()?;
    let patterns = Patterns { shares, rows };
    for (at, (_, event)) in events.into_iter().enumerate() {
        validate(&patterns, at, common.last).map_err(|invalid| {
            let member = invalid.member.and_then(|name| {
                members(text, event.clone()).into_iter().find(|member| member.name == name)
            });
            let at = member.map_or(event.start, |member| member.value.start);
            source.error(Mistake { at, what: invalid.what })
        })?;
    }
    Ok(patterns)
}

/// The weight and the place of each event in the file.
fn events(source: &Source<'_>) -> Result<Vec<(u32, Range<usize>)>, TemplateError> {
    let text = source.text;
    let start = text.len() - text.trim_ascii_start().len();
    if !matches!(text.as_bytes().get(start), None | Some(b'{')) {
        let what = "a template is an object; see Templates in ce-gen --help";
        return Err(source.error(Mistake { at: start, what: what.into() }));
    }
    let form: Form = serde_json::from_str(text).map_err(|err| source.not_json(&err))?;
    if form.templates.is_none() {
        return Ok(vec![(1, start..text.trim_ascii_end().len())]);
    }
    let many: Many<'_> = serde_json::from_str(text).map_err(|err| source.not_json(&err))?;
    let mistake = |at, what: &str| source.error(Mistake { at, what: what.into() });
    if many.templates.len() > MAX_TEMPLATES {
        return Err(mistake(start, "more than 1000 templates; use ${choice …} or ${pick …}"));
    }
    if many.templates.iter().all(|one| one.weight == Some(0)) {
        return Err(mistake(start, "there is no template with a weight above 0; raise one"));
    }
    let event = |one: One<'_>| {
        let at = one.event.get().as_ptr().addr() - text.as_ptr().addr();
        if !one.event.get().starts_with('{') {
            return Err(mistake(at, "an event is an object; write {\"type\": …, \"source\": …}"));
        }
        Ok((one.weight.unwrap_or(1), at..at + one.event.get().len()))
    };
    many.templates.into_iter().map(event).collect()
}

/// The cells that are picked from one file, as they stand in JSON.
fn rows(pool: &PoolUse, path: &Path, source: &Source<'_>) -> anyhow::Result<Rows> {
    let names: Vec<&str> = pool.columns.iter().map(|column| column.name.as_str()).collect();
    let here = || source.error(Mistake { at: pool.at, what: "cannot pick".into() });
    let (name, rows) = table::read(path, &names).with_context(here)?;
    let cell = |line, text: &str, column: &Column| {
        in_json(text, column.bare_at.is_some()).map_err(|what| {
            let at = column.bare_at.unwrap_or(pool.at);
            source.error(Mistake { at, what: format!("{name}:{line}: {what}") })
        })
    };
    let row = |row: Row| {
        let cells = row.cells.iter().zip(&pool.columns);
        cells.map(|(text, column)| Ok(cell(row.line, text, column)?)).collect()
    };
    rows.into_iter().map(row).collect()
}

impl Source<'_> {
    fn error(&self, Mistake { at, what }: Mistake) -> TemplateError {
        let before = &self.text[..at];
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        TemplateError {
            name: self.name.into(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            what,
        }
    }

    fn not_json(&self, err: &serde_json::Error) -> TemplateError {
        TemplateError {
            name: self.name.into(),
            line: err.line().max(1),
            column: err.column().max(1),
            what: format!("{}; see Templates in ce-gen --help", json_cause(err)),
        }
    }
}

impl Patterns {
    /// Appends the line of an event from the `at`-th template.
    pub(crate) fn append<C: Choose>(
        &self,
        at: usize,
        moment: &mut Moment<'_, C>,
        picked: &mut Vec<usize>,
        to: &mut Vec<u8>,
    ) {
        self.shares[at].1.append(moment, &self.rows, picked, to);
    }

    /// Whether any of them needs the time.
    pub(crate) fn are_timed(&self) -> bool {
        self.shares.iter().any(|(_, pattern)| pattern.is_timed())
    }
}
