//! TOML into a tree with places.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{Entry, Node, Value};

pub(super) fn parse(text: &str) -> Result<Node, (usize, String)> {
    let table = DeTable::parse(text)
        .map_err(|err| (err.span().map_or(0, |span| span.start), err.message().to_owned()))?;
    Ok(Node { value: Value::Table(entries(table.get_ref())), offset: 0 })
}

fn entries(table: &DeTable<'_>) -> Vec<Entry> {
    let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let key: &Spanned<toml::de::DeString<'_>> = key;
        Entry { key: key.get_ref().to_string(), offset: key.span().start, node: node(value) }
    };
    let mut entries: Vec<Entry> = table.iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.offset);
    entries
}

fn node(value: &Spanned<DeValue<'_>>) -> Node {
    let kind = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) if number.radix() == 10 => {
            Value::Number(number.as_str().to_owned())
        }
        DeValue::Float(number) => Value::Number(number.as_str().to_owned()),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Array(items) => Value::List(items.iter().map(node).collect()),
        DeValue::Table(table) => Value::Table(entries(table)),
        other => Value::Other(other.type_str()),
    };
    Node { value: kind, offset: value.span().start }
}
