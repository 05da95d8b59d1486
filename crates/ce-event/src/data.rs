//! The payload of an event, as it came.

use std::borrow::Cow;

/// A payload. None of the forms is decoded or re-encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Data<'a> {
    /// A JSON value, key order and number digits included.
    Json(&'a str),
    /// Text in a format other than JSON, which travelled as a JSON string.
    Text(Cow<'a, str>),
    /// Base64, checked but not decoded.
    Base64(Cow<'a, str>),
    /// The body of a message in binary mode.
    Bytes(&'a [u8]),
}

/// Whether `text` is base64 as of RFC 4648, section 4: the standard alphabet, padded.
pub(crate) fn is_base64(text: &str) -> bool {
    let digits = text.strip_suffix("==").or_else(|| text.strip_suffix('=')).unwrap_or(text);
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    text.len().is_multiple_of(4) && digits.bytes().all(is_digit)
}

#[cfg(test)]
mod tests {
    use super::is_base64;

    #[test]
    fn base64_is_padded_and_of_the_standard_alphabet() {
        for text in ["", "TWE=", "TQ==", "TWFu", "+/+/"] {
            assert!(is_base64(text), "{text}");
        }
        for text in ["T", "TW", "TWE", "T===", "====", "TWE=TWE=", "-_-_", "TW E", "TWFu\n", "é==="]
        {
            assert!(!is_base64(text), "{text}");
        }
    }
}
