//! Media types (RFC 2045, RFC 2046): what the data is, and how a message carries its event.

/// How a message carries its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The body is a JSON array of events.
    Batch,
    /// The body is one event in JSON format.
    Structured,
    /// The attributes are headers, and the body is the data.
    Binary,
}

impl Mode {
    /// The mode that the content type of a message stands for. Events in a format other than JSON
    /// count as binary, where their missing attributes will be noticed.
    pub fn of(content_type: Option<&str>) -> Self {
        let essence = essence(content_type.unwrap_or_default());
        let is = |name: &str| essence.eq_ignore_ascii_case(name);
        if is("application/cloudevents-batch+json") || is("application/cloudevents-batch") {
            Self::Batch
        } else if is("application/cloudevents+json") || is("application/cloudevents") {
            Self::Structured
        } else {
            Self::Binary
        }
    }
}

/// Whether data of this content type is JSON. Without one it is.
pub(crate) fn is_json(content_type: Option<&str>) -> bool {
    let Some(content_type) = content_type else { return true };
    let subtype = essence(content_type).split_once('/').map_or("", |(_, subtype)| subtype);
    let suffix = subtype.rsplit_once('+').map_or(subtype, |(_, suffix)| suffix);
    suffix.eq_ignore_ascii_case("json")
}

/// Whether `text` is `type/subtype`, with or without parameters.
pub(crate) fn is_media_type(text: &str) -> bool {
    // Nearly all data is of this type.
    if text == "application/json" {
        return true;
    }
    let Some((kind, rest)) = text.split_once('/') else { return false };
    let (subtype, mut rest) = split_token(rest);
    if !is_token(kind) || subtype.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let parameter = rest.trim_ascii_start().strip_prefix(';').map(str::trim_ascii_start);
        match parameter.and_then(after_parameter) {
            None => return false,
            Some(after) => rest = after,
        }
    }
    true
}

/// The media type without its parameters.
fn essence(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim_ascii()
}

/// What follows `name=value`, where the value is a token or in double quotes.
fn after_parameter(text: &str) -> Option<&str> {
    let (name, rest) = split_token(text);
    let value = rest.strip_prefix('=').filter(|_| !name.is_empty())?;
    let Some(quoted) = value.strip_prefix('"') else {
        let (token, rest) = split_token(value);
        return (!token.is_empty()).then_some(rest);
    };
    let mut bytes = quoted.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'\\' => _ = bytes.next().filter(|(_, byte)| byte.is_ascii())?,
            b'"' => return Some(&quoted[at + 1..]),
            _ if byte.is_ascii() => {}
            _ => return None,
        }
    }
    None
}

fn split_token(text: &str) -> (&str, &str) {
    text.split_at(text.bytes().take_while(|&byte| is_token_byte(byte)).count())
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_have_a_type_and_a_subtype() {
        for text in [
            "application/json",
            "text/plain; charset=utf-8",
            "text/plain ; charset=utf-8 ; a=b",
            "text/plain;charset=\"utf; \\\"8\"; a=b",
            "application/vnd.example.v2+json",
            "*/*",
        ] {
            assert!(is_media_type(text), "{text}");
        }
        for text in [
            "",
            "xyz",
            "/",
            "text/",
            "/plain",
            "text/plain/x",
            "text plain",
            "text /plain",
            " text/plain",
            "text/plain ",
            "text/plain; a=b ",
            "text/plain;",
            "text/plain; charset",
            "text/plain; charset=",
            "text/plain; =utf-8",
            "text/plain; a=\"b",
            "text/plain; a=\"b\\",
            "text/plain charset=utf-8",
            "text/pläin",
            "text/plain; a=\"ä\"",
            "text/plain; a=\"\\ä\"",
        ] {
            assert!(!is_media_type(text), "{text}");
        }
    }

    #[test]
    fn json_is_told_by_the_subtype() {
        for json in
            ["application/json", "text/JSON; charset=utf-8", "application/geo+json", "x/json"]
        {
            assert!(is_json(Some(json)), "{json}");
        }
        for other in ["text/plain", "application/jsonl", "application/json+xml", "a/b; c=json"] {
            assert!(!is_json(Some(other)), "{other}");
        }
        assert!(is_json(None));
    }

    #[test]
    fn the_mode_follows_from_the_content_type() {
        let check = |content_type: &str, mode: Mode| {
            assert_eq!(Mode::of(Some(content_type)), mode, "{content_type}");
        };
        check("application/cloudevents+json", Mode::Structured);
        check("application/cloudevents", Mode::Structured);
        check("Application/CloudEvents+JSON ; charset=UTF-8", Mode::Structured);
        check("application/cloudevents-batch+json; charset=utf-8", Mode::Batch);
        check("application/cloudevents-batch", Mode::Batch);
        check("application/cloudevents+avro", Mode::Binary);
        check("application/cloudevents-batch+avro", Mode::Binary);
        check("application/json", Mode::Binary);
        check("", Mode::Binary);
        assert_eq!(Mode::of(None), Mode::Binary);
    }
}
