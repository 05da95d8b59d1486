//! Typed access to the keys of a table. Every error names line, column and what to write instead;
//! a key that nobody asked for is an error too.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::document::{Document, Entry, Node, PlanError, Value};
use crate::parse_duration;
use crate::suggest::{is_near, remedy};

/// What k6 can hold, too: 63 bits of nanoseconds.
pub(crate) const LONGEST_NS: u64 = i64::MAX as u64;

/// The keys of one table, each taken at most once.
///
/// A key that is missing is told by [`Fields::finish`], and only if no unknown key is there: whoever
/// writes `rat` has to hear of `rat`, and not that `rate` is missing. Until then a value of no
/// meaning stands in for it.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    document: &'a Document,
    /// Where the table begins.
    offset: usize,
    /// Not yet taken.
    entries: Vec<&'a Entry>,
    taken: Vec<&'a Entry>,
    /// Keys that were asked for, to suggest.
    known: Vec<&'static str>,
    /// The first key that has to be there and is not.
    missing: Option<PlanError>,
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
        let entries = entries.iter().filter(|entry| is_set(&entry.node.value)).collect();
        let (taken, known, missing) = (Vec::new(), Vec::new(), None);
        Ok(Self { document, offset: node.offset, entries, taken, known, missing })
    }

    /// An error about the value of a key that was taken, or about the whole table without it.
    pub(crate) fn error(&self, key: &str, what: impl std::fmt::Display) -> PlanError {
        let entry = self.taken.iter().find(|entry| entry.key == key);
        self.document.error(entry.map_or(self.offset, |entry| entry.node.offset), what)
    }

    /// Whether a key is there and was not taken.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Takes a key.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<&'a Entry> {
        self.known.push(key);
        let index = self.entries.iter().position(|entry| entry.key == key)?;
        let entry = self.entries.remove(index);
        self.taken.push(entry);
        Some(entry)
    }

    /// Takes those of some keys that are there, in the order of the file.
    pub(crate) fn take_all(
        &mut self,
        keys: impl IntoIterator<Item = &'static str>,
    ) -> Vec<&'a Entry> {
        let mut taken: Vec<_> = keys.into_iter().filter_map(|key| self.take(key)).collect();
        taken.sort_by_key(|entry| entry.offset);
        taken
    }

    /// Notes that a key is missing.
    pub(crate) fn miss(&mut self, key: &str, example: &str) {
        let what =
            format!("`{key}` is missing; write, e.g., {}", self.document.setting(key, example));
        let error = self.document.error(self.offset, what);
        self.missing.get_or_insert(error);
    }

    /// A whole number that may be missing.
    pub(crate) fn integer(&mut self, key: &'static str) -> Result<Option<u64>, PlanError> {
        let Some(entry) = self.take(key) else { return Ok(None) };
        let number = match &entry.node.value {
            Value::Number(text) => text.parse().ok(),
            _ => None,
        };
        let wrong = || format!("`{key}` is no whole number from zero on; {}", shown(&entry.node));
        number.map(Some).ok_or_else(|| self.error(key, wrong()))
    }

    /// A whole number in a range; without a default it must be there.
    pub(crate) fn integer_in(
        &mut self,
        key: &'static str,
        default: Option<u64>,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, PlanError> {
        let Some(number) = self.integer(key)?.or(default) else {
            self.miss(key, "10");
            return Ok(*range.start());
        };
        let (least, most) = (range.start(), range.end());
        let wrong = || format!("`{key}` is {number}; write a number from {least} to {most}");
        if range.contains(&number) { Ok(number) } else { Err(self.error(key, wrong())) }
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
            let ns = u64::try_from(duration.as_nanos()).ok().filter(|&ns| ns <= LONGEST_NS);
            ns.ok_or_else(|| "it is longer than 292 years".to_owned())
        });
        let advice = |why| format!("`{key}`: {why}; write, e.g., \"5m\"");
        ns.map(Some).map_err(|why| self.error(key, advice(why)))
    }

    /// A span of time that must be there.
    pub(crate) fn needed_duration(&mut self, key: &'static str) -> Result<u64, PlanError> {
        let ns = self.duration(key)?;
        Ok(self.or_missed(key, ns))
    }

    /// A span of time that is longer than nothing, if it is there.
    pub(crate) fn length(&mut self, key: &'static str) -> Result<Option<u64>, PlanError> {
        match self.duration(key)? {
            Some(0) => Err(self.error(key, format!("`{key}` is zero; write, e.g., \"5m\""))),
            length => Ok(length),
        }
    }

    /// A span of time that must be there and is longer than nothing.
    pub(crate) fn needed_length(&mut self, key: &'static str) -> Result<u64, PlanError> {
        let ns = self.length(key)?;
        Ok(self.or_missed(key, ns))
    }

    /// A span of time that has to be there, or a note that it is missing.
    fn or_missed(&mut self, key: &str, ns: Option<u64>) -> u64 {
        ns.unwrap_or_else(|| {
            self.miss(key, "\"5m\"");
            1
        })
    }

    /// A text that may be missing.
    pub(crate) fn text(&mut self, key: &'static str) -> Result<Option<&'a str>, PlanError> {
        let Some(entry) = self.take(key) else { return Ok(None) };
        match &entry.node.value {
            Value::Text(text) => Ok(Some(text)),
            other => {
                let what = format!("`{key}` is {}; write a string in quotes", other.kind());
                Err(self.error(key, what))
            }
        }
    }

    /// One of some words, with what it stands for.
    pub(crate) fn word<T: Copy>(
        &mut self,
        key: &'static str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, PlanError> {
        let Some(text) = self.text(key)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        let unknown = || {
            let remedy = remedy(text, words.iter().map(|(word, _)| *word));
            self.error(key, format!("`{key}` is `{text}`; {remedy}"))
        };
        found.map(Some).ok_or_else(unknown)
    }

    /// The tables in the list `stages`, at least one; none if it is missing.
    pub(crate) fn stages(&mut self) -> Result<Vec<Fields<'a>>, PlanError> {
        let example = self.document.stages();
        let Some(entry) = self.take("stages") else {
            self.miss("stages", example);
            return Ok(Vec::new());
        };
        let document = self.document;
        let what = match &entry.node.value {
            Value::List(items) if !items.is_empty() => {
                let table = |item| Fields::new(document, item, "a stage");
                return items.iter().map(table).collect();
            }
            Value::List(_) => "an empty list",
            other => other.kind(),
        };
        Err(self.error("stages", format!("`stages` is {what}; write, e.g., {example}")))
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

    /// The unknown key that was probably meant to be `key`.
    pub(crate) fn meant(&self, key: &str) -> Option<PlanError> {
        let entry = self.entries.iter().find(|entry| is_near(&entry.key, key))?;
        let what = format!("`{}` means nothing here; did you mean `{key}`?", entry.key);
        Some(self.document.error(entry.offset, what))
    }

    /// Refuses what is left, and then what is missing. `elsewhere` knows keys that have a meaning in
    /// other places.
    pub(crate) fn finish(
        &mut self,
        what: &str,
        elsewhere: impl Fn(&str) -> Option<&'static str>,
    ) -> Result<(), PlanError> {
        let Some(entry) = self.entries.first() else {
            return self.missing.take().map_or(Ok(()), Err);
        };
        let key = &entry.key;
        let remedy = elsewhere(key).map_or_else(
            || remedy(key, self.known.iter().copied()),
            |place| format!("it belongs to {place}"),
        );
        let text = format!("`{key}` means nothing to {what}; {remedy}");
        Err(self.document.error(entry.offset, text))
    }
}

/// k6 prints what was not set as null, and groups of it as tables of nulls.
fn is_set(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Table(entries) => {
            entries.is_empty() || entries.iter().any(|entry| entry.node.value != Value::Null)
        }
        _ => true,
    }
}

/// A value as an error shows it.
fn shown(node: &Node) -> String {
    match &node.value {
        Value::Number(text) if text.contains('.') => {
            format!("it is {text}; write fractions with a longer unit of time")
        }
        Value::Number(text) => format!("it is {text}"),
        Value::Text(text) if parse_duration(text).is_ok() => {
            format!("it is the span of time \"{text}\"; are two values swapped?")
        }
        Value::Text(text) => format!("it is the text \"{text}\""),
        other => format!("it is {}", other.kind()),
    }
}
