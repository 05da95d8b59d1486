//! Entries of an objectives file or a plan, with the place of each key. What the keys mean is for
//! [`table`](crate::table).

use load_plan::document::{self, Document, Node};
use load_plan::suggest::remedy;

use crate::error::Result;

/// The one key at the top of an objectives file.
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

/// The objectives of a file that holds nothing else.
pub(crate) fn only_entries(document: &Document) -> Result<Vec<Entry>> {
    for entry in top(document) {
        if entry.key != TOP {
            let what = format!("unknown key `{}`; {}", entry.key, remedy(&entry.key, [TOP]));
            return Err(document.error(entry.offset, what).into());
        }
    }
    let entries = entries(document)?;
    if entries.is_empty() {
        return Err(document.error(0, "no objective in it; add a [[slo]]").into());
    }
    Ok(entries)
}

/// The objectives of a file, which may hold other things too.
pub(crate) fn entries(document: &Document) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for top in top(document).iter().filter(|entry| entry.key == TOP) {
        let not_a_list = || document.error(top.offset, "write [[slo]], a list of tables");
        let document::Value::List(items) = &top.node.value else { return Err(not_a_list().into()) };
        for item in items {
            let document::Value::Table(fields) = &item.value else {
                return Err(not_a_list().into());
            };
            let field = |field: &document::Entry| Field {
                place: document.place(field.offset),
                key: field.key.clone(),
                value: value(&field.node),
            };
            let place = document.place(item.offset);
            entries.push(Entry { place, fields: fields.iter().map(field).collect() });
        }
    }
    Ok(entries)
}

/// A threshold of a plan: the metric, one expression, and where it stands.
#[derive(Debug)]
pub(crate) struct Threshold {
    pub(crate) place: String,
    pub(crate) metric: String,
    pub(crate) expression: String,
}

/// The thresholds of a plan, as k6 writes them: for each metric a list of expressions, or of tables
/// with a `threshold` and rules for ending a run early, which do not matter here.
pub(crate) fn thresholds(document: &Document) -> Result<Vec<Threshold>> {
    let mut found = Vec::new();
    let all = top(document).iter().filter(|entry| entry.key == "thresholds");
    for metric in all.flat_map(|entry| table(&entry.node)) {
        let document::Value::List(expressions) = &metric.node.value else {
            let what = format!("`{}` is no list; write [\"p(95)<500\"]", metric.key);
            return Err(document.error(metric.node.offset, what).into());
        };
        for node in expressions {
            let inner = table(node).iter().find(|entry| entry.key == "threshold");
            let node = inner.map_or(node, |entry| &entry.node);
            let document::Value::Text(expression) = &node.value else {
                let what = "a threshold is a text such as \"p(95)<500\"";
                return Err(document.error(node.offset, what).into());
            };
            found.push(Threshold {
                place: document.place(node.offset),
                metric: metric.key.clone(),
                expression: expression.clone(),
            });
        }
    }
    Ok(found)
}

fn top(document: &Document) -> &[document::Entry] {
    table(document.root())
}

/// The entries of a table; nothing of any other value.
fn table(node: &Node) -> &[document::Entry] {
    match &node.value {
        document::Value::Table(entries) => entries,
        _ => &[],
    }
}

fn value(node: &Node) -> Value {
    match &node.value {
        document::Value::Text(text) => Value::Text(text.clone()),
        document::Value::Number(text) => {
            text.parse().map_or_else(|_| Value::Text(text.clone()), Value::Number)
        }
        other => Value::Other(other.kind()),
    }
}
