//! Finds one value in the data of an event. Systems that answer an event with one of their own give
//! that another id; what the two have in common stands in their data.

use std::borrow::Cow;
use std::str::FromStr;

use serde_json::value::RawValue;

use crate::{Data, json};

/// Where a value stands in the data of an event: a JSON pointer (RFC 6901) that begins with `/data`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    /// Below the data.
    path: Vec<String>,
}

/// Why a text is no pointer into the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// Attributes have flags of their own; the pointer is for the rest.
    #[error("a pointer into the data begins with /data, e.g., /data/contextId")]
    NotData,
    /// `~` stands before 0 and 1 only.
    #[error("`~` has to be written as ~0")]
    Tilde,
}

impl FromStr for Pointer {
    type Err = PointerError;

    fn from_str(text: &str) -> Result<Self, PointerError> {
        let below = text.strip_prefix("/data").ok_or(PointerError::NotData)?;
        if !below.is_empty() && !below.starts_with('/') {
            return Err(PointerError::NotData);
        }
        let path = below.split('/').skip(1).map(|part| {
            let tildes = part.matches('~').count();
            let escapes = part.matches("~0").count() + part.matches("~1").count();
            let plain = part.replace("~1", "/").replace("~0", "~");
            if tildes == escapes { Ok(plain) } else { Err(PointerError::Tilde) }
        });
        Ok(Self { path: path.collect::<Result<_, _>>()? })
    }
}

impl Pointer {
    /// The value in an event in JSON format: a string, or the JSON text of a number or a boolean.
    /// `None` where there is nothing, null, an object or a list.
    pub fn in_event<'a>(&self, event: &'a [u8]) -> Option<Cow<'a, str>> {
        find(member(event, "data")?, &self.path)
    }

    /// The same in the data of an event that has been read. Of a message in binary mode the body is
    /// looked at, which is JSON or holds nothing.
    pub fn in_data<'a>(&self, data: &Data<'a>) -> Option<Cow<'a, str>> {
        match data {
            Data::Json(json) => find(json, &self.path),
            Data::Text(text) => self.path.is_empty().then(|| text.clone()),
            Data::Base64(_) => None,
            Data::Bytes(bytes) => find(std::str::from_utf8(bytes).ok()?.trim_ascii(), &self.path),
        }
    }
}

/// The first member of this name. Each step looks at the text again, so that nothing recurses on the
/// depth of the input.
fn member<'a>(object: &'a [u8], name: &str) -> Option<&'a str> {
    let mut found = None;
    let take = |_: Cow<'a, str>, value| {
        found.get_or_insert(value);
        Ok(())
    };
    json::each_member(object, |member| member == name, take).ok()?;
    found
}

fn find<'a>(mut value: &'a str, path: &[String]) -> Option<Cow<'a, str>> {
    for part in path {
        value = if value.starts_with('[') {
            let items: Vec<&RawValue> = serde_json::from_str(value).ok()?;
            items.get(part.parse::<usize>().ok()?)?.get()
        } else {
            member(value.as_bytes(), part)?
        };
    }
    match value.as_bytes().first()? {
        b'"' => json::string(value),
        b'{' | b'[' | b'n' => None,
        _ => Some(value.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn pointer(text: &str) -> Pointer {
        text.parse().unwrap()
    }

    #[test]
    fn values_are_found_as_serde_json_finds_them() {
        let event = r#"{"id":"1","data":{"contextId":"ctx-\u0031","n":[7,{"deep":true}],"a/b":"x",
            "m~n":2.50,"o":{"data":"no"},"null":null,"":"empty"}}"#;
        let tree: Value = serde_json::from_str(event).unwrap();
        let paths =
            ["/contextId", "/n/0", "/n/1/deep", "/a~1b", "/m~0n", "/o/data", "/", "/n/2", "/x"];
        for path in paths.map(|path| format!("/data{path}")) {
            let wanted = tree.pointer(&path).map(|value| match value {
                Value::String(text) => text.clone(),
                other => other.to_string().replace("2.5", "2.50"),
            });
            let found = pointer(&path).in_event(event.as_bytes());
            assert_eq!(found.as_deref(), wanted.as_deref(), "{path}");
        }
        for nothing in ["/data", "/data/n", "/data/o", "/data/null", "/data/contextId/0"] {
            assert_eq!(pointer(nothing).in_event(event.as_bytes()), None, "{nothing}");
        }
    }

    #[test]
    fn data_of_every_form_is_looked_at_or_holds_nothing() {
        let context = pointer("/data/contextId");
        let json = r#" {"contextId":"7"} "#;
        assert_eq!(context.in_data(&Data::Bytes(json.as_bytes())).as_deref(), Some("7"));
        assert_eq!(context.in_data(&Data::Json(json.trim())).as_deref(), Some("7"));
        for nothing in [Data::Bytes(b"\xff"), Data::Text("{}".into()), Data::Base64("e30=".into())]
        {
            assert_eq!(context.in_data(&nothing), None, "{nothing:?}");
        }
        assert_eq!(pointer("/data").in_data(&Data::Text("7".into())).as_deref(), Some("7"));
        assert_eq!(context.in_event(b"{}"), None);
        assert_eq!(context.in_event(br#"{"data":{"contextId":"7"}"#), None, "it is cut off");
    }

    #[test]
    fn only_pointers_into_the_data_are_taken() {
        for wrong in ["", "/", "data/contextId", "/id", "/database", "/data_base64/x"] {
            assert_eq!(wrong.parse::<Pointer>(), Err(PointerError::NotData), "{wrong}");
        }
        assert_eq!("/data/a~b".parse::<Pointer>(), Err(PointerError::Tilde));
    }
}
