//! `--extension NAME=VALUE`: an attribute beyond the core ones, with its type.

use std::fmt;
use std::str::FromStr;

/// What cannot be set as an extension, because the specification gives it a meaning.
const TAKEN: [&str; 10] = [
    "specversion",
    "id",
    "source",
    "type",
    "subject",
    "time",
    "datacontenttype",
    "dataschema",
    "data",
    "data_base64",
];

/// An extension attribute that all events have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extension {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Value,
}

/// The value of an extension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// `true` or `false`.
    Boolean(bool),
    /// The specification allows 32 bits.
    Integer(i32),
}

impl Value {
    /// `true`, `false` and 32-bit integers look so. Only what is written back in the same way
    /// counts: `007` and `+7` are text.
    fn by_its_looks(text: &str) -> Self {
        match text.parse::<i32>() {
            Ok(number) if number.to_string() == text => Self::Integer(number),
            _ => text.parse().map_or_else(|_| Self::Text(text.into()), Self::Boolean),
        }
    }
}

/// As JSON.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => serde_json::Value::from(text.as_str()).fmt(f),
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
        }
    }
}

impl FromStr for Extension {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, value)) = text.split_once('=') else {
            return Err(format!("`{text}` has no value; write NAME=VALUE"));
        };
        let (name, value) = match name.strip_suffix(":string") {
            Some(name) => (name, Value::Text(value.into())),
            None => (name, Value::by_its_looks(value)),
        };
        if TAKEN.contains(&name) {
            return Err(format!("`{name}` is no extension; use the flag for it, or a template"));
        }
        Ok(Self { name: name.into(), value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, name: &str, json: &str) {
        let Extension { name: found, value } = text.parse().unwrap();
        assert_eq!((found.as_str(), value.to_string().as_str()), (name, json), "{text}");
    }

    #[test]
    fn a_value_has_the_type_that_it_looks_like() {
        check("tenant=blue", "tenant", r#""blue""#);
        check("sampledrate=10", "sampledrate", "10");
        check("a=-2147483648", "a", "-2147483648");
        check("a=2147483648", "a", r#""2147483648""#);
        check("a=007", "a", r#""007""#);
        check("a=+7", "a", r#""+7""#);
        check("a=-0", "a", r#""-0""#);
        check("a=1.0", "a", r#""1.0""#);
        check("a=true", "a", "true");
        check("a=false", "a", "false");
        check("a=True", "a", r#""True""#);
        check("a=", "a", r#""""#);
        check(r#"a="x"=y"#, "a", r#""\"x\"=y""#);
    }

    #[test]
    fn a_value_can_be_kept_text() {
        check("build:string=42", "build", r#""42""#);
        check("a:string=true", "a", r#""true""#);
        check("a:string=", "a", r#""""#);
    }

    #[test]
    fn what_is_no_extension_is_refused() {
        assert!("tenant".parse::<Extension>().unwrap_err().contains("write NAME=VALUE"));
        for name in TAKEN {
            let err = format!("{name}=x").parse::<Extension>().unwrap_err();
            assert!(err.contains("is no extension; use the flag for it"), "{err}");
        }
    }
}
