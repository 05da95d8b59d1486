//! Reads TOML or JSON into entries that know the place of each key. What the keys mean is for
//! [`table`](crate::table).

use anyhow::{Context, anyhow, bail};
use ce_record::json_cause;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use crate::suggest::remedy;

/// The one key at the top of the file.
const TOP: &str = "slo";

/// One `[[slo]]`.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Where it begins.
    pub(crate) place: String,
    pub(crate) fields: Vec<Field>,
}

/// One key with its value.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) place: String,
    pub(crate) key: String,
    pub(crate) value: Value,
}

/// The values that objectives are made of.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Number(f64),
    /// Anything else, by the name of its kind.
    Other(&'static str),
}

/// Reads the entries of a file; `file` is what errors call it. JSON begins with a brace, and TOML
/// never does.
pub(crate) fn entries(file: &str, text: &str) -> anyhow::Result<Vec<Entry>> {
    let entries = if text.trim_start().starts_with('{') {
        json_entries(file, text)?
    } else {
        toml_entries(file, text)?
    };
    if entries.is_empty() {
        bail!("{file}: no objective in it; add a [[slo]]");
    }
    Ok(entries)
}

fn toml_entries(file: &str, text: &str) -> anyhow::Result<Vec<Entry>> {
    let place = |offset| place(file, text, offset);
    let document = DeTable::parse(text).map_err(|err| {
        anyhow!("{}: {}", place(err.span().map_or(0, |span| span.start)), err.message())
    })?;
    let mut entries = Vec::new();
    for (key, value) in document.get_ref() {
        known_top(key.get_ref()).with_context(|| place(key.span().start))?;
        let not_a_list =
            || anyhow!("{}: write [[slo]], with two brackets", place(key.span().start));
        for item in value.get_ref().as_array().ok_or_else(not_a_list)? {
            let table = item.get_ref().as_table().ok_or_else(not_a_list)?;
            let field = |(key, value): (&Spanned<DeString>, &Spanned<DeValue>)| Field {
                place: place(key.span().start),
                key: key.get_ref().to_string(),
                value: toml_value(value.get_ref()),
            };
            let fields = table.iter().map(field).collect();
            entries.push(Entry { place: place(item.span().start), fields });
        }
    }
    Ok(entries)
}

fn toml_value(value: &DeValue) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => number_or_text(number.as_str()),
        DeValue::Float(number) => number_or_text(number.as_str()),
        other => Value::Other(other.type_str()),
    }
}

fn number_or_text(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::Text(text.to_owned()), Value::Number)
}

fn json_entries(file: &str, text: &str) -> anyhow::Result<Vec<Entry>> {
    let document: serde_json::Map<String, serde_json::Value> =
        serde_json::from_str(text).map_err(|err| json_error(file, &err))?;
    let mut entries = Vec::new();
    for (key, value) in &document {
        known_top(key).with_context(|| file.to_owned())?;
        let not_a_list = || anyhow!("{file}: `slo` is not a list of objects");
        for (item, number) in value.as_array().ok_or_else(not_a_list)?.iter().zip(1..) {
            let place = format!("{file}: slo {number}");
            let field = |(key, value): (&String, &serde_json::Value)| Field {
                place: place.clone(),
                key: key.clone(),
                value: json_value(value),
            };
            let fields = item.as_object().ok_or_else(not_a_list)?.iter().map(field).collect();
            entries.push(Entry { place, fields });
        }
    }
    Ok(entries)
}

fn json_value(value: &serde_json::Value) -> Value {
    match value {
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        serde_json::Value::Bool(_) => Value::Other("boolean"),
        serde_json::Value::Null => Value::Other("null"),
        serde_json::Value::Array(_) => Value::Other("array"),
        serde_json::Value::Object(_) => Value::Other("object"),
    }
}

fn known_top(key: &str) -> anyhow::Result<()> {
    if key == TOP { Ok(()) } else { bail!("unknown key `{key}`; {}", remedy(key, [TOP])) }
}

/// `file:line:column`, counted from one, as editors do.
fn place(file: &str, text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.split('\n').count();
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    format!("{file}:{line}:{column}")
}

/// A JSON error with its place in front; `serde_json` puts it at the end.
fn json_error(file: &str, err: &serde_json::Error) -> anyhow::Error {
    anyhow!("{file}:{}:{}: {}", err.line(), err.column(), json_cause(err))
}
