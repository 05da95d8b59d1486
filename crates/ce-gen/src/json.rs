//! The tokens of a JSON text and where they stand, so that a template keeps its order and its
//! digits, and an error can point into the file. Nothing recurses on the depth of the text.

use std::ops::Range;

/// One token. Strings include their quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) at: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `{` or `[`.
    Open,
    /// `}` or `]`.
    Close,
    Comma,
    Colon,
    String,
    /// A number, true, false or null.
    Scalar,
}

/// A member of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// Where the value stands.
    pub(crate) value: Range<usize>,
}

/// The tokens in a part of `text` that is valid JSON.
pub(crate) fn tokens(text: &str, part: Range<usize>) -> impl Iterator<Item = Token> {
    let bytes = text.as_bytes();
    let mut next = part.start;
    std::iter::from_fn(move || {
        let spaces = bytes[next..part.end].iter().take_while(|byte| byte.is_ascii_whitespace());
        let start = next + spaces.count();
        if start == part.end {
            return None;
        }
        let (kind, length) = match bytes[start] {
            b'{' | b'[' => (Kind::Open, 1),
            b'}' | b']' => (Kind::Close, 1),
            b',' => (Kind::Comma, 1),
            b':' => (Kind::Colon, 1),
            b'"' => (Kind::String, string_length(&bytes[start..part.end])),
            _ => (Kind::Scalar, scalar_length(&bytes[start..part.end])),
        };
        next = start + length;
        Some(Token { kind, at: start..next })
    })
}

fn string_length(bytes: &[u8]) -> usize {
    let mut at = 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

fn scalar_length(bytes: &[u8]) -> usize {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b",:]}".contains(byte);
    bytes.iter().position(ends).unwrap_or(bytes.len())
}

/// The members of the object that stands in `part`, which is valid JSON.
pub(crate) fn members(text: &str, part: Range<usize>) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::new();
    let mut depth = 0;
    let mut in_value = false;
    for Token { kind, at } in tokens(text, part) {
        let is_outermost = depth == 1;
        match kind {
            Kind::Open => depth += 1,
            Kind::Close => depth -= 1,
            _ => {}
        }
        match kind {
            Kind::Comma if is_outermost => in_value = false,
            Kind::Close if depth == 0 => {}
            Kind::Colon if is_outermost && !in_value => in_value = true,
            Kind::String if is_outermost && !in_value => {
                members.push(Member { name: unquoted(&text[at.clone()]), value: at.end..at.end });
            }
            _ => {
                if let Some(member) = members.last_mut() {
                    let start = if member.value.is_empty() { at.start } else { member.value.start };
                    member.value = start..at.end;
                }
            }
        }
    }
    members
}

/// What a JSON string says; unpaired surrogates, which no text can hold, stay as they are written.
fn unquoted(json: &str) -> String {
    serde_json::from_str(json).unwrap_or_else(|_| json.to_owned())
}

/// A text as JSON.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// The same JSON, laid out to be read.
pub(crate) fn pretty(text: &str) -> String {
    let mut pretty = String::new();
    let mut depth = 0;
    let mut before = None;
    for Token { kind, at } in tokens(text, 0..text.len()) {
        depth -= usize::from(kind == Kind::Close);
        let breaks = match (before, kind) {
            (Some(Kind::Open), Kind::Close) => false,
            (Some(Kind::Open | Kind::Comma), _) | (_, Kind::Close) => true,
            _ => false,
        };
        if breaks {
            pretty.push('\n');
            pretty.push_str(&"  ".repeat(depth));
        }
        depth += usize::from(kind == Kind::Open);
        pretty.push_str(&text[at]);
        if kind == Kind::Colon {
            pretty.push(' ');
        }
        before = Some(kind);
    }
    pretty
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_keep_their_order_and_text() {
        let text = r#" x { "a" : 1.50 , "b\u0063":{"a":[1,{"d":2}],"e":"}\"\\"} ,"f":"g" } y"#;
        let found = members(text, 3..text.len() - 2);
        let found: Vec<_> =
            found.iter().map(|m| (m.name.as_str(), &text[m.value.clone()])).collect();
        let nested = r#"{"a":[1,{"d":2}],"e":"}\"\\"}"#;
        assert_eq!(found, [("a", "1.50"), ("bc", nested), ("f", r#""g""#)]);
        assert_eq!(members("{}", 0..2), []);
    }

    #[test]
    fn pretty_json_is_the_same_json() {
        let check = |json: &str, expected: &str| assert_eq!(pretty(json), expected);
        check("{}", "{}");
        check(r#"{"a":[]}"#, "{\n  \"a\": []\n}");
        check(
            r#"{"a":{"b":[1,{"c":"x, {y}"}]},"d":null}"#,
            concat!(
                "{\n  \"a\": {\n    \"b\": [\n      1,\n      {\n",
                "        \"c\": \"x, {y}\"\n      }\n    ]\n  },\n  \"d\": null\n}"
            ),
        );
    }

    #[test]
    fn depth_costs_no_stack() {
        let text = format!("{{\"a\":{}{}}}", "[".repeat(300_000), "]".repeat(300_000));
        let found = members(&text, 0..text.len());
        assert_eq!(found[0].value, 5..text.len() - 1);
        assert_eq!(tokens(&text, 0..text.len()).count(), 600_004);
    }
}
