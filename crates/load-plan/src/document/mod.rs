//! A plan file as a tree that knows where in the text each key and value stands, so that an error
//! can name line and column. TOML and JSON give the same tree.

mod json;
mod toml;

use std::fmt;

/// A file that was read.
#[derive(Debug, Clone)]
pub struct Document {
    name: String,
    text: String,
    is_json: bool,
    root: Node,
}

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Value,
    /// Bytes from the beginning of the text.
    pub offset: usize,
}

/// What a plan file can say.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not set. k6 prints every option that was not given so.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as written.
    Number(String),
    /// A string.
    Text(String),
    /// Values in order.
    List(Vec<Node>),
    /// Keys with values, in order.
    Table(Vec<Entry>),
    /// A kind of value that plans have no use for, such as a date.
    Other(&'static str),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key begins.
    pub offset: usize,
    /// What it is set to.
    pub node: Node,
}

/// What is wrong with a plan, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct PlanError {
    /// `file:line:column`, counted from one.
    pub place: String,
    /// The cause and the remedy.
    pub what: String,
}

impl Document {
    /// Reads a file that errors call `name`. JSON begins with a brace, and TOML never does.
    pub fn parse(name: impl Into<String>, text: impl Into<String>) -> Result<Self, PlanError> {
        let (name, text) = (name.into(), text.into());
        let is_json = text.trim_start().starts_with('{');
        let root = if is_json { json::parse(&text) } else { toml::parse(&text) };
        match root {
            Ok(root) => Ok(Self { name, text, is_json, root }),
            Err((offset, what)) => Err(PlanError { place: place(&name, &text, offset), what }),
        }
    }

    /// The table at the top.
    pub fn root(&self) -> &Node {
        &self.root
    }

    /// How a key is set in this file, for advice; `value` is the same in both formats.
    pub(crate) fn setting(&self, key: &str, value: &str) -> String {
        if self.is_json { format!("\"{key}\": {value}") } else { format!("{key} = {value}") }
    }

    /// A list of stages as this file would write it, for advice.
    pub(crate) fn stages(&self) -> &'static str {
        if self.is_json {
            r#"[{ "duration": "3m", "target": 50 }]"#
        } else {
            r#"[{ duration = "3m", target = 50 }]"#
        }
    }

    /// An error at a place of the text.
    pub fn error(&self, offset: usize, what: impl fmt::Display) -> PlanError {
        PlanError { place: self.place(offset), what: what.to_string() }
    }

    /// `file:line:column` of an offset.
    pub fn place(&self, offset: usize) -> String {
        place(&self.name, &self.text, offset)
    }
}

impl Value {
    /// The kind of value, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

fn place(name: &str, text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.split('\n').count();
    let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
    format!("{name}:{line}:{column}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every key and value with its place, one a line.
    fn outline(document: &Document) -> Vec<String> {
        fn walk(document: &Document, path: &str, node: &Node, out: &mut Vec<String>) {
            let place = document.place(node.offset);
            match &node.value {
                Value::Table(entries) => {
                    for Entry { key, offset, node } in entries {
                        out.push(format!("{} key {path}{key}", document.place(*offset)));
                        walk(document, &format!("{path}{key}."), node, out);
                    }
                }
                Value::List(items) => {
                    for (item, number) in items.iter().zip(0..) {
                        walk(document, &format!("{path}{number}."), item, out);
                    }
                }
                value => out.push(format!("{place} {value:?}")),
            }
        }
        let mut out = Vec::new();
        walk(document, "", document.root(), &mut out);
        out
    }

    #[test]
    fn json_keeps_the_place_of_keys_and_values() {
        let text = "{\n  \"a\" : 1.50,\n  \"b\\u0041\": [true, {\"c\": null}]\n}\n";
        assert_eq!(
            outline(&Document::parse("p.json", text).unwrap()),
            [
                "p.json:2:3 key a",
                "p.json:2:9 Number(\"1.50\")",
                "p.json:3:3 key bA",
                "p.json:3:15 Bool(true)",
                "p.json:3:22 key bA.1.c",
                "p.json:3:27 Null",
            ]
        );
    }

    #[test]
    fn toml_gives_the_same_tree() {
        let text = "a = 1.50\n[b]\nc = [\"x\", 2]\n";
        assert_eq!(
            outline(&Document::parse("p.toml", text).unwrap()),
            [
                "p.toml:1:1 key a",
                "p.toml:1:5 Number(\"1.50\")",
                "p.toml:2:2 key b",
                "p.toml:3:1 key b.c",
                "p.toml:3:6 Text(\"x\")",
                "p.toml:3:11 Number(\"2\")",
            ]
        );
    }

    #[test]
    fn syntax_errors_have_a_place() {
        let check = |text: &str, says: &str| {
            let message = Document::parse("p", text).unwrap_err().to_string();
            assert!(message.starts_with(says), "{message}");
        };
        check("{\"a\": }", "p:1:7: expected value");
        check("{\n\"a\": 1\n\"b\": 2}", "p:3:1: expected `,` or `}`");
        check("a = \n", "p:1:");
        check("{\"a\":1, \"a\":2}", "p:1:9: `a` is set twice");
        check("{} {}", "p:1:4: trailing characters");
    }
}
