//! Why something is not a CloudEvent. Each message names the attribute and says what to do.
//!
//! Messages quote what strangers have sent, and stand in logs and lists with one line each: a quote
//! has no line breaks and a bounded length.

/// Longest quote, in characters.
const QUOTE: usize = 200;

/// Why an event was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The text is not JSON, or not the kind of JSON that holds an event.
    #[error("not a CloudEvent in JSON: {}", quote(.0))]
    Json(String),
    /// A required attribute is missing or null.
    #[error("attribute `{0}` is missing; every event needs id, source, specversion and type")]
    Missing(&'static str),
    /// Attributes with a meaning must not be empty.
    #[error(
        "attribute `{}` is empty; give it a value, or leave it out if it is optional",
        quote(.0)
    )]
    Empty(String),
    /// Each attribute may be set once.
    #[error("attribute `{}` is set more than once; keep one", quote(.0))]
    Duplicate(String),
    /// Only version 1.0 is known here.
    #[error("attribute `specversion` is `{}`; only 1.0 is supported", quote(.0))]
    SpecVersion(String),
    /// A name outside `[a-z0-9]+`, or the reserved name `data`.
    #[error(
        "attribute name `{}` is not allowed; use lower-case letters a-z and digits, not `data`",
        quote(.0)
    )]
    Name(String),
    /// A value of another JSON type than the attribute has.
    #[error("attribute `{}` is not a string; put its value in quotes", quote(.0))]
    NotString(String),
    /// An extension that is neither string, boolean nor 32-bit integer.
    #[error(
        "attribute `{}` is not a string, a boolean or a 32-bit integer; send any other value as \
         a string, or in the data",
        quote(.0)
    )]
    NotScalar(String),
    /// A character that the specification excludes from strings.
    #[error(
        "attribute `{}` holds a control character, a Unicode noncharacter or an unpaired \
         surrogate; remove it",
        quote(.0)
    )]
    Character(String),
    /// Bytes that are not UTF-8, directly or behind percent-encoding.
    #[error(
        "attribute `{}` is not UTF-8; send its value in UTF-8, over HTTP percent-encoded",
        quote(.0)
    )]
    NotUtf8(String),
    /// A time that is not in RFC 3339 form.
    #[error(
        "attribute `time` is `{}`; write it as RFC 3339 does, e.g., 2018-04-05T17:31:00Z",
        quote(.0)
    )]
    Time(String),
    /// Not a URI reference as of RFC 3986, section 4.1.
    #[error(
        "attribute `source` is `{}`, not a URI reference; percent-encode other characters",
        quote(.0)
    )]
    Source(String),
    /// Not an absolute URI as of RFC 3986, section 4.3.
    #[error(
        "attribute `dataschema` is `{}`; write an absolute URI without a fragment, e.g., \
         https://example.com/a",
        quote(.0)
    )]
    DataSchema(String),
    /// Not a media type as of RFC 2046.
    #[error(
        "attribute `datacontenttype` is `{}`; write a media type, e.g., application/json",
        quote(.0)
    )]
    DataContentType(String),
    /// An event has one payload.
    #[error("`data` and `data_base64` are both set; keep one")]
    TwoPayloads,
    /// The payload is not base64 with the standard alphabet and padding.
    #[error("`data_base64` is not base64; use the standard alphabet, with padding")]
    Base64,
    /// In binary mode the media type of the data travels in a header of its own.
    #[error("header `ce-datacontenttype` is not allowed; the Content-Type header holds its value")]
    Misplaced,
    /// A member of a batch is not an event.
    #[error("event {index} of the batch: {error}")]
    InBatch {
        /// Position in the batch, from zero.
        index: usize,
        /// What is wrong with it.
        error: Box<EventError>,
    },
}

impl EventError {
    /// The member of the event that is to blame; `None` if it is the event as a whole.
    pub fn member(&self) -> Option<&str> {
        match self {
            Self::Missing(name) => Some(name),
            Self::Empty(name)
            | Self::Duplicate(name)
            | Self::Name(name)
            | Self::NotString(name)
            | Self::NotScalar(name)
            | Self::Character(name)
            | Self::NotUtf8(name) => Some(name),
            Self::SpecVersion(_) => Some("specversion"),
            Self::Time(_) => Some("time"),
            Self::Source(_) => Some("source"),
            Self::DataSchema(_) => Some("dataschema"),
            Self::DataContentType(_) | Self::Misplaced => Some("datacontenttype"),
            Self::TwoPayloads => Some("data"),
            Self::Base64 => Some("data_base64"),
            Self::InBatch { error, .. } => error.member(),
            Self::Json(_) => None,
        }
    }
}

/// `text` as a message can quote it: control characters escaped, and cut off after [`QUOTE`].
fn quote(text: &str) -> String {
    let breaks_lines = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let mut quoted = String::new();
    for (at, character) in text.chars().enumerate() {
        match character {
            _ if at == QUOTE => {
                quoted.push('…');
                break;
            }
            _ if breaks_lines(character) => quoted.extend(character.escape_default()),
            _ => quoted.push(character),
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_stay_in_one_line_of_bounded_length() {
        assert_eq!(quote("a \"b\" é\\"), "a \"b\" é\\");
        assert_eq!(quote("a\r\n\u{1b}[31m\u{2028}"), r"a\r\n\u{1b}[31m\u{2028}");
        assert_eq!(quote(&"é".repeat(QUOTE)), "é".repeat(QUOTE));
        assert_eq!(quote(&"é".repeat(QUOTE + 1)), "é".repeat(QUOTE) + "…");
        let error = EventError::Name("x\ny".repeat(100_000));
        assert!(error.to_string().len() < 1000 && !error.to_string().contains('\n'));
    }

    #[test]
    fn an_error_names_the_member_that_is_to_blame() {
        assert_eq!(EventError::Missing("id").member(), Some("id"));
        assert_eq!(EventError::Name("my_ext".into()).member(), Some("my_ext"));
        assert_eq!(EventError::Time("noon".into()).member(), Some("time"));
        assert_eq!(EventError::Json("EOF".into()).member(), None);
        let error = Box::new(EventError::Base64);
        assert_eq!(EventError::InBatch { index: 1, error }.member(), Some("data_base64"));
    }
}
