//! Events in binary mode on AMQP 0.9.1: attributes as message headers.
//!
//! There is no binding for this version of AMQP, and four ways to name the headers are in use. A
//! message uses one of them throughout; which one shows in the name of its `specversion`.

use std::borrow::Cow;

use crate::attributes::Attributes;
use crate::characters::{is_name, lower_case};
use crate::{Event, EventError, Value, http};

/// The attribute that the content type of a message is.
const CONTENT_TYPE: &str = "datacontenttype";

/// How a message names the headers that hold attributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `ce-id`, as over HTTP.
    Ce,
    /// `cloudEvents_id`, of the AMQP 1.0 binding.
    Underscore,
    /// `cloudEvents:id`, of the AMQP 1.0 binding.
    Colon,
    /// `id`, as brokers of Knative write it; in any case, as they read it.
    Bare,
}

impl Dialect {
    /// All dialects. The bare one comes last, because in any other a bare header is no attribute.
    pub const ALL: [Self; 4] = [Self::Ce, Self::Underscore, Self::Colon, Self::Bare];

    /// The dialect of a message with these headers; `None` if it holds no event in binary mode.
    pub fn of<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let specversion = |header| {
            let holds = |dialect: &Self| {
                dialect.attribute_name(header).is_some_and(|name| name == "specversion")
            };
            Self::ALL.into_iter().position(|dialect| holds(&dialect))
        };
        let first = headers.into_iter().filter_map(specversion).min()?;
        Some(Self::ALL[first])
    }

    /// The header that holds an attribute.
    pub fn header(self, attribute: &str) -> String {
        let prefix = match self {
            Self::Ce => "ce-",
            Self::Underscore => "cloudEvents_",
            Self::Colon => "cloudEvents:",
            Self::Bare => "",
        };
        format!("{prefix}{attribute}")
    }

    /// The attribute that a header holds; `None` for headers of other purposes.
    pub fn attribute_name(self, header: &str) -> Option<Cow<'_, str>> {
        match self {
            Self::Ce => http::attribute_name(header),
            Self::Underscore => header.strip_prefix("cloudEvents_").map(Cow::Borrowed),
            Self::Colon => header.strip_prefix("cloudEvents:").map(Cow::Borrowed),
            // Headers such as `x-death` and `content-type` are not attributes. The broker itself has
            // two more, the lists of further routing keys.
            Self::Bare if matches!(header, "CC" | "BCC") => None,
            Self::Bare => Some(lower_case(header)).filter(|name| is_name(name)),
        }
    }
}

/// The value of a header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field<'a> {
    /// A boolean, a number, a time or bytes, in the canonical text that the specification gives it.
    Text(Cow<'a, str>),
    /// A string, which on the wire need not be UTF-8.
    Bytes(&'a [u8]),
    /// What no attribute can be, such as a fraction, a list or a table.
    Other,
}

impl<'a> Field<'a> {
    /// The value of the attribute `name`.
    fn value(self, name: &str) -> Result<Cow<'a, str>, EventError> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Bytes(bytes) => std::str::from_utf8(bytes)
                .map(Cow::Borrowed)
                .map_err(|_| EventError::NotUtf8(name.into())),
            Self::Other => Err(EventError::NotScalar(name.into())),
        }
    }
}

/// Reads an event in binary mode. `headers` are names and values; `content_type` is the property of
/// that name. Where it is missing, the header `content-type` or the attribute `datacontenttype`
/// stands in. A body without bytes is no data.
pub fn event<'a>(
    headers: impl IntoIterator<Item = (&'a str, Field<'a>)> + Clone,
    content_type: Option<&'a str>,
    body: &'a [u8],
) -> Result<Event<'a>, EventError> {
    let dialect = Dialect::of(headers.clone().into_iter().map(|(header, _)| header))
        .ok_or(EventError::Missing("specversion"))?;
    let mut attributes = Attributes::default();
    let mut stand_in = None;
    for (header, field) in headers {
        match dialect.attribute_name(header) {
            Some(name) if name == CONTENT_TYPE => {
                let value = field.value(&name)?;
                stand_in = stand_in.or(Some(value));
            }
            Some(name) => {
                let value = field.value(&name)?;
                attributes.set(name, Value::String(value))?;
            }
            None if header.eq_ignore_ascii_case("content-type") => {
                stand_in = Some(field.value(CONTENT_TYPE)?);
            }
            None => {}
        }
    }
    // An empty property is what libraries write that know no absence.
    let property = content_type.filter(|property| !property.is_empty()).map(Cow::Borrowed);
    if let Some(content_type) = property.or(stand_in.filter(|value| !value.is_empty())) {
        attributes.set(CONTENT_TYPE.into(), Value::String(content_type))?;
    }
    attributes.into_message(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Data;

    fn text(text: &str) -> Field<'_> {
        Field::Text(text.into())
    }

    #[test]
    fn the_name_of_specversion_tells_the_dialect() {
        let check = |headers: &[&str], dialect: Option<Dialect>| {
            assert_eq!(Dialect::of(headers.iter().copied()), dialect, "{headers:?}");
        };
        check(&["ce-id", "ce-specversion"], Some(Dialect::Ce));
        check(&["Ce-SpecVersion"], Some(Dialect::Ce));
        check(&["specversion", "ce-specversion"], Some(Dialect::Ce));
        check(&["specversion", "id"], Some(Dialect::Bare));
        check(&["SpecVersion", "ID"], Some(Dialect::Bare));
        check(&["cloudEvents_specversion"], Some(Dialect::Underscore));
        check(&["cloudEvents:specversion"], Some(Dialect::Colon));
        check(&["id", "type", "x-death"], None);
        check(&[], None);
    }

    #[test]
    fn every_dialect_carries_an_event() {
        for prefix in ["ce-", "cloudEvents_", "cloudEvents:", ""] {
            let names = ["specversion", "id", "source", "type", "sequence"]
                .map(|name| format!("{prefix}{name}"));
            let values = ["1.0", "7", "/s", "t", "0042"].map(text);
            let mut headers: Vec<_> = names.iter().map(String::as_str).zip(values).collect();
            headers.push(("x-death", Field::Other));
            headers.push(("CC", Field::Other));
            let event = event(headers, Some("text/plain"), b"hello").unwrap();
            assert_eq!((&*event.id, &*event.source, &*event.event_type), ("7", "/s", "t"));
            assert_eq!(event.datacontenttype.as_deref(), Some("text/plain"));
            assert_eq!(event.extension("sequence"), Some(&Value::String("0042".into())));
            assert_eq!(event.extensions.len(), 1);
            assert_eq!(event.data, Some(Data::Bytes(b"hello")));
        }
    }

    #[test]
    fn the_content_type_is_found_wherever_it_is() {
        let check = |property, header: (&'static str, &'static str), expected: Option<&str>| {
            let required = [("specversion", "1.0"), ("id", "7"), ("source", "/s"), ("type", "t")];
            let headers =
                required.into_iter().chain([header]).map(|(name, value)| (name, text(value)));
            let event = event(headers, property, b"").unwrap();
            assert_eq!(event.datacontenttype.as_deref(), expected);
            assert_eq!(event.data, None);
        };
        check(Some("a/b"), ("content-type", "c/d"), Some("a/b"));
        check(None, ("content-type", "c/d"), Some("c/d"));
        check(Some(""), ("datacontenttype", "c/d"), Some("c/d"));
        check(None, ("content-type", ""), None);
    }

    #[test]
    fn a_message_that_is_no_event_is_refused() {
        let none: [(&str, Field<'_>); 0] = [];
        assert_eq!(event(none, None, b"x"), Err(EventError::Missing("specversion")));
        let headers = [("ce-specversion", text("1.0")), ("ce-My_Ext", text("x"))];
        assert_eq!(event(headers, None, b""), Err(EventError::Name("my_ext".into())));
    }
}
