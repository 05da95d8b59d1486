//! Typed access to the keys of a table. Every error names line, column and what to write instead;
//! a key that nobody asked for is an error too.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::document::{Document, Entry, Node, PlanError, Value};
use crate::parse_duration;
use crate::suggest::remedy;

/// The keys of one table, each taken at most once.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    document: &'a Document,
    /// Where the table begins.
    offset: usize,
    entries: Vec<&'a Entry>,
    /// Keys that were asked for, to suggest.
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The table `what`. Keys that are null count as not set.
    pub(crate) fn new(
        document: &'a Document,
        node: &'a Node,
        what: &str,
    ) -> Result<Self, PlanError> {
        let Value::Table(entries) = &node.value else {
            let found = node.value.kind();
            return Err(document.error(node.offset, format!("{what} is {found}; write a table")));
        };
        let entries = entries.iter().filter(|entry| entry.node.value != Value::Null).collect();
        Ok(Self { document, offset: node.offset, entries, known: Vec::new() })
    }

    /// An error about the whole table.
    pub(crate) fn error(&self, what: impl std::fmt::Display) -> PlanError {
        self.document.error(self.offset, what)
    }

    /// Takes a key.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<&'a Entry> {
        self.known.push(key);
        let index = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.remove(index))
    }

    /// Takes a key that must be there.
    fn need(&mut self, key: &'static str, example: &str) -> Result<&'a Entry, PlanError> {
        let missing = format!("`{key}` is missing; write, e.g., {example}");
        self.take(key).ok_or_else(|| self.error(missing))
    }

    /// A whole number that may be missing.
    pub(crate) fn integer(&mut self, key: &'static str) -> Result<Option<u64>, PlanError> {
        let Some(entry) = self.take(key) else { return Ok(None) };
        let number = match &entry.node.value {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        };
        let wrong = || format!("`{key}` is no whole number from zero on; {}", shown(&entry.node));
        number.map(Some).ok_or_else(|| self.document.error(entry.node.offset, wrong()))
    }

    /// A whole number that must be there and lie in a range.
    pub(crate) fn integer_in(
        &mut self,
        key: &'static str,
        default: Option<u64>,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, PlanError> {
        let offset = self.entries.iter().find(|entry| entry.key == key).map(|it| it.node.offset);
        let number = self.integer(key)?.or(default);
        let (least, most) = (range.start(), range.end());
        match number {
            Some(number) if range.contains(&number) => Ok(number),
            Some(number) => Err(self.document.error(
                offset.unwrap_or(self.offset),
                format!("`{key}` is {number}; write a number from {least} to {most}"),
            )),
            None => Err(self.error(format!("`{key}` is missing; write, e.g., {key} = 10"))),
        }
    }

    /// A span of time: text such as `5m`, or, as in k6, a number of milliseconds.
    pub(crate) fn duration(&mut self, key: &'static str) -> Result<Option<u64>, PlanError> {
        let Some(entry) = self.take(key) else { return Ok(None) };
        let duration = match &entry.node.value {
            Value::Text(text) => parse_duration(text).map_err(|err| err.to_string()),
            Value::Number(text) => text
                .parse()
                .map(Duration::from_millis)
                .map_err(|_| format!("`{text}` is no whole number of milliseconds")),
            other => Err(format!("it is {}", other.kind())),
        };
        let ns = duration.and_then(|duration| {
            u64::try_from(duration.as_nanos()).map_err(|_| "it is too long".to_owned())
        });
        ns.map(Some).map_err(|why| {
            self.document.error(entry.node.offset, format!("`{key}`: {why}; write, e.g., \"5m\""))
        })
    }

    /// A span of time that must be there.
    pub(crate) fn needed_duration(&mut self, key: &'static str) -> Result<u64, PlanError> {
        let missing = format!("`{key}` is missing; write, e.g., {key} = \"5m\"");
        self.duration(key)?.ok_or_else(|| self.error(missing))
    }

    /// A text that may be missing.
    pub(crate) fn text(&mut self, key: &'static str) -> Result<Option<&'a str>, PlanError> {
        let Some(entry) = self.take(key) else { return Ok(None) };
        match &entry.node.value {
            Value::Text(text) => Ok(Some(text)),
            other => {
                let what = format!("`{key}` is {}; write a string in quotes", other.kind());
                Err(self.document.error(entry.node.offset, what))
            }
        }
    }

    /// One of some words, with what it stands for.
    pub(crate) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, PlanError> {
        let offset = self.entries.iter().find(|entry| entry.key == key).map(|it| it.node.offset);
        let Some(text) = self.text(key)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        let unknown = || {
            let remedy = remedy(text, words.iter().map(|(word, _)| *word));
            self.document
                .error(offset.unwrap_or(self.offset), format!("`{key}` is `{text}`; {remedy}"))
        };
        found.map(Some).ok_or_else(unknown)
    }

    /// Tables in a list, at least one.
    pub(crate) fn tables(
        &mut self,
        key: &'static str,
        example: &str,
    ) -> Result<Vec<Fields<'a>>, PlanError> {
        let entry = self.need(key, example)?;
        let document = self.document;
        match &entry.node.value {
            Value::List(items) if !items.is_empty() => {
                items.iter().map(|item| Fields::new(document, item, &format!("`{key}`"))).collect()
            }
            _ => {
                Err(document
                    .error(entry.node.offset, format!("`{key}` is no list; write {example}")))
            }
        }
    }

    /// Names with texts; numbers and booleans count as their texts.
    pub(crate) fn texts(
        &mut self,
        key: &'static str,
    ) -> Result<BTreeMap<String, String>, PlanError> {
        let Some(entry) = self.take(key) else { return Ok(BTreeMap::new()) };
        let fields = Fields::new(self.document, &entry.node, &format!("`{key}`"))?;
        let text = |entry: &&Entry| match &entry.node.value {
            Value::Text(text) | Value::Number(text) => Ok((entry.key.clone(), text.clone())),
            Value::Bool(value) => Ok((entry.key.clone(), value.to_string())),
            other => {
                let what = format!("`{}` is {}; write a string", entry.key, other.kind());
                Err(self.document.error(entry.node.offset, what))
            }
        };
        fields.entries.iter().map(text).collect()
    }

    /// What is left, key by key.
    pub(crate) fn rest(&mut self) -> Vec<&'a Entry> {
        std::mem::take(&mut self.entries)
    }

    /// Refuses what is left.
    pub(crate) fn nothing_else(&self, what: &str) -> Result<(), PlanError> {
        match self.entries.first() {
            None => Ok(()),
            Some(entry) => {
                let (key, remedy) = (&entry.key, remedy(&entry.key, self.known.iter().copied()));
                let text = format!("`{key}` means nothing to {what}; {remedy}");
                Err(self.document.error(entry.offset, text))
            }
        }
    }
}

/// A value as an error shows it.
fn shown(node: &Node) -> String {
    match &node.value {
        Value::Number(text) => format!("it is {text}"),
        Value::Text(text) => format!("it is the text \"{text}\""),
        other => format!("it is {}", other.kind()),
    }
}
