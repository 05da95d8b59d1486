//! The HTTP binding in binary mode: attributes as `ce-` headers.
//!
//! Headers come as names and bytes, so that any HTTP library will do.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

use crate::attributes::Attributes;
use crate::characters::lower_case;
use crate::{Binary, Event, EventError, Value};

const PREFIX: &str = "ce-";

/// The binding names these; what is not ASCII is encoded anyway.
const ENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');

/// The value of an attribute as the value of a header: percent-encodes exactly space, `"`, `%` and
/// everything outside U+0021 to U+007E.
pub fn encode(value: &str) -> Cow<'_, str> {
    utf8_percent_encode(value, ENCODED).into()
}

/// The value of a header as the value of an attribute: undoes a double-quoted string, then one
/// round of percent-encoding. `None` if the result is not UTF-8.
pub fn decode(value: &[u8]) -> Option<Cow<'_, str>> {
    match unquote(value) {
        None => percent_decode(value).decode_utf8().ok(),
        Some(plain) => {
            let text = percent_decode(&plain).decode_utf8().ok()?;
            Some(Cow::Owned(text.into_owned()))
        }
    }
}

/// Reads an event in binary mode. `headers` are names and values; the names may have any case. A
/// body without bytes is no data.
pub fn event<'a>(
    headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    body: &'a [u8],
) -> Result<Event<'a>, EventError> {
    let mut attributes = Attributes::default();
    for (header, value) in headers {
        if let Some(name) = attribute_name(header) {
            if name == "datacontenttype" {
                return Err(EventError::Misplaced);
            }
            let value = decode(value).ok_or_else(|| EventError::NotUtf8(name.to_string()))?;
            attributes.set(name, Value::String(value))?;
        } else if header.eq_ignore_ascii_case("content-type") {
            let name = Cow::Borrowed("datacontenttype");
            let value = std::str::from_utf8(value)
                .map_err(|_| EventError::NotUtf8(name.clone().into_owned()))?;
            attributes.set(name, Value::String(value.into()))?;
        }
    }
    attributes.into_message(body)
}

/// The headers of a message in binary mode: names in lower case, values encoded. The content type
/// is the one header that the binding does not encode.
pub fn headers<'e>(
    binary: &'e Binary<'_>,
) -> impl Iterator<Item = (Cow<'static, str>, Cow<'e, str>)> {
    let content_type = binary.content_type.as_deref();
    let content_type = content_type.map(|value| (Cow::Borrowed("content-type"), value.into()));
    let attributes =
        binary.attributes.iter().map(|(name, value)| (header_name(name), encode(value)));
    content_type.into_iter().chain(attributes)
}

/// The header that holds an attribute.
fn header_name(attribute: &str) -> Cow<'static, str> {
    let known = match attribute {
        "specversion" => "ce-specversion",
        "id" => "ce-id",
        "source" => "ce-source",
        "type" => "ce-type",
        "subject" => "ce-subject",
        "time" => "ce-time",
        "dataschema" => "ce-dataschema",
        extension => return format!("{PREFIX}{extension}").into(),
    };
    known.into()
}

/// The attribute that a header holds, in lower case; `None` for headers of other purposes.
pub(crate) fn attribute_name(header: &str) -> Option<Cow<'_, str>> {
    let (prefix, name) = header.split_at_checked(PREFIX.len())?;
    prefix.eq_ignore_ascii_case(PREFIX).then(|| lower_case(name))
}

/// What a double-quoted string stands for; `None` if the value is not one.
fn unquote(value: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = value.strip_prefix(b"\"")?.iter().copied();
    let mut plain = Vec::with_capacity(value.len());
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => plain.push(bytes.next()?),
            b'"' => return bytes.next().is_none().then_some(plain),
            byte => plain.push(byte),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn exactly_what_the_binding_names_is_encoded() {
        let check = |value: &str, header: &str| assert_eq!(encode(value), header);
        check("Euro € 😀", "Euro%20%E2%82%AC%20%F0%9F%98%80");
        check("100% \"sure\"", "100%25%20%22sure%22");
        check("\u{7f}\n", "%7F%0A");
        check("/:,;'\\<>~!", "/:,;'\\<>~!");
        assert!(matches!(encode("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn one_round_is_decoded_after_quotes() {
        let check = |header: &str, value: &str| {
            assert_eq!(decode(header.as_bytes()).as_deref(), Some(value), "{header}");
        };
        check("Euro%20%e2%82%AC", "Euro €");
        check("%41%2Fb", "A/b");
        check("%2541", "%41");
        check("100%", "100%");
        check("%zz", "%zz");
        check(r#""a \"b\" \\ %20c""#, "a \"b\" \\  c");
        check(r#""open"#, "\"open");
        check(r#""a"b"#, "\"a\"b");
        check(r#"a"b""#, "a\"b\"");
        check("\"\"", "");
        check("", "");
        assert!(matches!(decode(b"plain"), Some(Cow::Borrowed("plain"))));
    }

    #[test]
    fn what_is_not_utf8_is_refused() {
        for header in [&b"%C0%A0"[..], b"%ff", b"\xff", b"\"%E2%82\""] {
            assert_eq!(decode(header), None, "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn any_value_survives_the_round_trip(value: String) {
            let header = encode(&value);
            prop_assert!(header.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'));
            prop_assert_eq!(decode(header.as_bytes()).unwrap(), value.as_str());
        }

        #[test]
        fn no_header_makes_decoding_panic(header: Vec<u8>) {
            let _ = decode(&header);
        }
    }
}
