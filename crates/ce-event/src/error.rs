//! Why something is not a CloudEvent. Each message names the attribute and says what to do.

/// Why an event was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// The text is not JSON, or not the kind of JSON that holds an event.
    #[error("not a CloudEvent in JSON: {0}")]
    Json(String),
    /// A required attribute is missing or null.
    #[error("attribute `{0}` is missing; every event needs id, source, specversion and type")]
    Missing(&'static str),
    /// Attributes with a meaning must not be empty.
    #[error("attribute `{0}` is empty; give it a value, or leave it out if it is optional")]
    Empty(String),
    /// Each attribute may be set once.
    #[error("attribute `{0}` is set more than once; keep one")]
    Duplicate(String),
    /// Only version 1.0 is known here.
    #[error("attribute `specversion` is `{0}`; only 1.0 is supported")]
    SpecVersion(String),
    /// A name outside `[a-z0-9]+`, or the reserved name `data`.
    #[error(
        "attribute name `{0}` is not allowed; use lower-case letters a-z and digits, not `data`"
    )]
    Name(String),
    /// A value of another JSON type than the attribute has.
    #[error("attribute `{0}` is not a string; put its value in quotes")]
    NotString(String),
    /// An extension that is neither string, boolean nor 32-bit integer.
    #[error(
        "attribute `{0}` is not a string, a boolean or a 32-bit integer; send any other value as \
         a string, or in the data"
    )]
    NotScalar(String),
    /// A character that the specification excludes from strings.
    #[error(
        "attribute `{0}` holds a control character, a Unicode noncharacter or an unpaired \
         surrogate; remove it"
    )]
    Character(String),
    /// Bytes that are not UTF-8, directly or behind percent-encoding.
    #[error("attribute `{0}` is not UTF-8; percent-encode the UTF-8 bytes of its value")]
    NotUtf8(String),
    /// A time that is not in RFC 3339 form.
    #[error("attribute `time` is `{0}`; write it as RFC 3339 does, e.g., 2018-04-05T17:31:00Z")]
    Time(String),
    /// Not a URI reference as of RFC 3986, section 4.1.
    #[error("attribute `source` is `{0}`, not a URI reference; percent-encode other characters")]
    Source(String),
    /// Not an absolute URI.
    #[error("attribute `dataschema` is `{0}`; write an absolute URI, e.g., https://example.com/a")]
    DataSchema(String),
    /// Not a media type as of RFC 2046.
    #[error("attribute `datacontenttype` is `{0}`; write a media type, e.g., application/json")]
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
