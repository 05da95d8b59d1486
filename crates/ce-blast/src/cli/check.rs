//! Checks of answers, as typed.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use super::http::Codes;

/// What an answer is held to, and when it holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// The status is one of these.
    Status(Codes),
    /// The answer came within this time after the request was handed over.
    Within(Duration),
    /// The body is JSON and has this value at this place.
    Json {
        /// An RFC 6901 pointer.
        pointer: String,
        /// What has to stand there.
        value: Value,
    },
}

impl Check {
    /// Reads `POINTER=VALUE`.
    pub(crate) fn json(text: &str) -> Result<Self, String> {
        let (pointer, value) = text.split_once('=').ok_or_else(|| {
            format!("`{text}` has no value: write, e.g., /status=accepted or /items/0/id=7")
        })?;
        if !pointer.is_empty() && !pointer.starts_with('/') {
            return Err(format!("`{pointer}` is no JSON pointer: write, e.g., /{pointer}"));
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        Ok(Self::Json { pointer: pointer.to_owned(), value })
    }
}

/// The name of a check in records and reports.
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(codes) => write!(f, "status {codes}"),
            Self::Within(limit) => write!(f, "within {limit:?}"),
            // A text that could be taken for something else keeps its quotes.
            Self::Json { pointer, value: Value::String(text) }
                if serde_json::from_str::<Value>(text).is_err() =>
            {
                write!(f, "json {pointer}={text}")
            }
            Self::Json { pointer, value } => write!(f, "json {pointer}={value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_json_or_else_text() {
        let check = |text: &str, pointer: &str, value: Value| {
            let wanted = Check::Json { pointer: pointer.to_owned(), value };
            assert_eq!(Check::json(text), Ok(wanted), "{text}");
        };
        check("/status=accepted", "/status", json!("accepted"));
        check("/n=5", "/n", json!(5));
        check("/n=\"5\"", "/n", json!("5"));
        check("/a/0=null", "/a/0", Value::Null);
        check("/url=a=b", "/url", json!("a=b"));
        check("={}", "", json!({}));
        check("/empty=", "/empty", json!(""));
    }

    #[test]
    fn other_text_is_refused_with_a_remedy() {
        let message = |text: &str| Check::json(text).expect_err("it is wrong");
        assert!(message("/status").contains("`/status` has no value: write, e.g., /status="));
        assert_eq!(message("a.b=1"), "`a.b` is no JSON pointer: write, e.g., /a.b");
    }

    #[test]
    fn names_are_short() {
        let name = |text: &str| Check::json(text).expect("it is right").to_string();
        assert_eq!((name("/a=b"), name("/a=1.5")), ("json /a=b".into(), "json /a=1.5".into()));
        assert_eq!((name("/n=5"), name("/n=\"5\"")), ("json /n=5".into(), "json /n=\"5\"".into()));
        let within = Check::Within(Duration::from_millis(1500));
        assert_eq!(within.to_string(), "within 1.5s");
    }
}
