//! The value of `--tag`.

use std::str::FromStr;

/// A name and a value, such that a threshold can select by them: `latency{team:payments}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

/// Why a text is not a tag.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// Write a name and a value.
    #[error(
        "write NAME=VALUE, e.g., team=payments, with letters, digits, `_`, `-` and `.` in NAME"
    )]
    Malformed,
    /// The tools tell events apart by these names already.
    #[error("every event has a `{0}` already; choose another name")]
    Taken(String),
}

impl FromStr for Tag {
    type Err = TagError;

    fn from_str(text: &str) -> Result<Self, TagError> {
        let (name, value) = text.split_once('=').ok_or(TagError::Malformed)?;
        let allowed = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
        let is_value = !value.is_empty() && !value.contains(['{', '}']);
        if name.is_empty() || !name.chars().all(allowed) || !is_value {
            return Err(TagError::Malformed);
        }
        if matches!(name, "scenario" | "type") {
            return Err(TagError::Taken(name.to_owned()));
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_a_name_and_a_value() {
        let tag = |text: &str| text.parse::<Tag>();
        let read = tag("team.a-b_1=x=y: z").unwrap();
        assert_eq!((read.name.as_str(), read.value.as_str()), ("team.a-b_1", "x=y: z"));
        for text in ["", "a", "a=", "=a", "a b=c", "a:b=c", "a={x}"] {
            assert_eq!(tag(text), Err(TagError::Malformed), "{text}");
        }
        assert_eq!(tag("type=x"), Err(TagError::Taken("type".into())));
    }
}
