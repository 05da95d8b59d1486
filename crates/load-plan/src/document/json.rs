//! JSON into a tree with places. `serde_json` checks the text; where a value stands follows from where
//! its slice of the text begins.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{self, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Entry, Node, Value};

type Failure = (usize, String);

pub(super) fn parse(text: &str) -> Result<Node, Failure> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|err| at(text, 0, &err))?;
    node(text, raw)
}

fn node(text: &str, raw: &RawValue) -> Result<Node, Failure> {
    let slice = raw.get();
    let offset = slice.as_ptr().addr() - text.as_ptr().addr();
    let failure = |err: serde_json::Error| at(slice, offset, &err);
    let value = match slice.as_bytes().first() {
        Some(b'{') => {
            let Members(members) = serde_json::from_str(slice).map_err(failure)?;
            Value::Table(entries(text, members)?)
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(slice).map_err(failure)?;
            Value::List(items.into_iter().map(|item| node(text, item)).collect::<Result<_, _>>()?)
        }
        Some(b'"') => Value::Text(serde_json::from_str(slice).map_err(failure)?),
        Some(b't') => Value::Bool(true),
        Some(b'f') => Value::Bool(false),
        Some(b'n') => Value::Null,
        _ => Value::Number(slice.to_owned()),
    };
    Ok(Node { value, offset })
}

fn entries(text: &str, members: Vec<(Cow<'_, str>, &RawValue)>) -> Result<Vec<Entry>, Failure> {
    let mut entries: Vec<Entry> = Vec::with_capacity(members.len());
    for (key, raw) in members {
        let node = node(text, raw)?;
        let offset = key_offset(&text[..node.offset]);
        if entries.iter().any(|entry| entry.key == key) {
            return Err((offset, format!("`{key}` is set twice; keep one")));
        }
        entries.push(Entry { key: key.into_owned(), offset, node });
    }
    Ok(entries)
}

/// Where the last string of `before` begins: the key of the value that follows.
fn key_offset(before: &str) -> usize {
    let bytes = before.as_bytes();
    let end = bytes.iter().rposition(|&byte| byte == b'"').unwrap_or(0);
    let escaped = |at: usize| bytes[..at].iter().rev().take_while(|&&byte| byte == b'\\').count();
    let opens = |&at: &usize| bytes[at] == b'"' && escaped(at).is_multiple_of(2);
    (0..end).rev().find(opens).unwrap_or(0)
}

/// The members of an object in their order, with equal keys kept.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visit;

        impl<'de> Visitor<'de> for Visit {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some(Key(key)) = map.next_key()? {
                    members.push((key, map.next_value()?));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Visit)
    }
}

/// A key, borrowed unless it is escaped.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// An error of `serde_json` in a part of the text that begins at `offset`, as a place in the whole.
fn at(part: &str, offset: usize, err: &serde_json::Error) -> Failure {
    let line_start: usize =
        part.split_inclusive('\n').take(err.line().saturating_sub(1)).map(str::len).sum();
    let text = err.to_string();
    let cause = text.split(" at line ").next().unwrap_or(&text);
    (offset + line_start + err.column().saturating_sub(1), cause.to_owned())
}
