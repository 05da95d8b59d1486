//! What tells one event from another, read as cheaply as possible: it happens once per event sent.

use std::borrow::Cow;

use crate::{EventError, json};

/// The attributes that identify and route an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity<'a> {
    /// `id`; unique within its source.
    pub id: Cow<'a, str>,
    /// `source`.
    pub source: Cow<'a, str>,
    /// `type`.
    pub event_type: Cow<'a, str>,
}

impl<'a> Identity<'a> {
    /// Reads an event in JSON format. Looks at the four required attributes only: they must be
    /// present once, be strings and not be empty. The rest must be JSON, and is skipped.
    pub fn from_json(event: &'a [u8]) -> Result<Self, EventError> {
        let [mut id, mut source, mut event_type, mut specversion] = [const { None }; 4];
        let wanted = |name: &str| matches!(name, "id" | "source" | "type" | "specversion");
        json::each_member(event, wanted, |name, value| {
            let slot = match name.as_ref() {
                "id" => &mut id,
                "source" => &mut source,
                "type" => &mut event_type,
                _ => &mut specversion,
            };
            if slot.is_some() {
                return Err(EventError::Duplicate(name.into_owned()));
            }
            // Null means "not set".
            *slot = match value {
                "null" => None,
                value => Some(text(&name, value)?),
            };
            Ok(())
        })?;
        match specversion.ok_or(EventError::Missing("specversion"))? {
            version if version == "1.0" => {}
            version => return Err(EventError::SpecVersion(version.into_owned())),
        }
        Ok(Self {
            id: id.ok_or(EventError::Missing("id"))?,
            source: source.ok_or(EventError::Missing("source"))?,
            event_type: event_type.ok_or(EventError::Missing("type"))?,
        })
    }
}

/// Reads one attribute of type string from an event in JSON format. The rest must be JSON, and is
/// skipped; of several members with this name the first counts.
pub fn attribute<'a>(event: &'a [u8], name: &str) -> Result<Option<Cow<'a, str>>, EventError> {
    let mut found = None;
    json::each_member(
        event,
        |member| member == name,
        |name, value| {
            if found.is_none() && value != "null" {
                found = Some(text(&name, value)?);
            }
            Ok(())
        },
    )?;
    Ok(found)
}

fn text<'a>(name: &str, value: &'a str) -> Result<Cow<'a, str>, EventError> {
    match json::string(value) {
        None => Err(EventError::NotString(name.into())),
        Some(text) if text.is_empty() => Err(EventError::Empty(name.into())),
        Some(text) => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_borrows_and_skips_the_rest() {
        let event = br#" {"specversion":"1.0","data":{"id":"x","deep":[[{}]]},"id":"7",
            "type":"t","source":"/s","time":"not looked at"} "#;
        let identity = Identity::from_json(event).unwrap();
        assert_eq!((&*identity.id, &*identity.source, &*identity.event_type), ("7", "/s", "t"));
        assert!(matches!(identity.id, Cow::Borrowed(_)));
    }

    #[test]
    fn escapes_are_undone() {
        let event = br#"{"specversion":"1.0","\u0069d":"a\"b\u00e9","type":"t","source":"/s"}"#;
        assert_eq!(Identity::from_json(event).unwrap().id, "a\"b\u{e9}");
    }

    #[test]
    fn an_attribute_is_found_among_others() {
        let event = br#"{"data":{"subject":"no"},"subject":"a\u0062","time":null,"n":7,"e":""}"#;
        let find = |name: &str| attribute(event, name);
        assert_eq!(find("subject"), Ok(Some("ab".into())));
        assert_eq!(find("time"), Ok(None));
        assert_eq!(find("dataschema"), Ok(None));
        assert_eq!(find("n"), Err(EventError::NotString("n".into())));
        assert_eq!(find("e"), Err(EventError::Empty("e".into())));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let check = |event: &str, says: &str| {
            let error = Identity::from_json(event.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(says), "{event}: {error}");
        };
        check("", "in JSON: EOF while parsing a value");
        check("[]", "invalid type: sequence, expected a JSON object");
        check("{}", "`specversion` is missing");
        check(r#"{"specversion":"0.3"}"#, "`specversion` is `0.3`");
        check(r#"{"specversion":"1.0","source":"s","type":"t"}"#, "`id` is missing");
        check(r#"{"specversion":"1.0","id":null,"source":"s","type":"t"}"#, "`id` is missing");
        check(r#"{"specversion":"1.0","id":"1","type":"t"}"#, "`source` is missing");
        check(r#"{"specversion":"1.0","id":"1","source":"s"}"#, "`type` is missing");
        check(r#"{"id":"","specversion":"1.0","source":"s","type":"t"}"#, "`id` is empty");
        check(r#"{"id":25}"#, "`id` is not a string");
        check(r#"{"id":"1","id":"1"}"#, "`id` is set more than once");
        check(r#"{"specversion":"1.0","id":"1","source":"s","type":"t"} x"#, "trailing characters");
        check(r#"{"specversion":"1.0","id":"1","source":"s","type":"t""#, "EOF");
    }
}
