//! Walks over the members of a JSON object, one by one, without building a tree.
//!
//! `serde_json` checks the syntax; a value that nobody wants is skipped without a copy. Nothing
//! here or in what it calls recurses on the depth of the input, which strangers choose: values are
//! only ever taken as raw text, never as a tree. `tests/it/depth.rs` holds us to it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer as _, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::EventError;

/// A string that borrows wherever it has no escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Calls `each` with the name and the JSON text of every member that is `wanted`, up to the first
/// error.
pub(crate) fn each_member<'a>(
    json: &'a [u8],
    wanted: impl Fn(&str) -> bool,
    each: impl FnMut(Cow<'a, str>, &'a str) -> Result<(), EventError>,
) -> Result<(), EventError> {
    let mut refused = None;
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let visitor = Members { wanted, each, refused: &mut refused };
    let result = deserializer.deserialize_map(visitor).and_then(|()| deserializer.end());
    match refused {
        Some(error) => Err(error),
        None => result.map_err(|err| not_json(&err)),
    }
}

/// The value of a JSON string; `None` for any other JSON.
pub(crate) fn string(json: &str) -> Option<Cow<'_, str>> {
    let plain = json.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', plain.as_bytes()).is_none() {
        return Some(plain.into());
    }
    serde_json::from_str(json).ok().map(Cow::Owned)
}

/// `serde_json` counts lines from the start of the event, which contradicts any other line number.
pub(crate) fn not_json(err: &serde_json::Error) -> EventError {
    let text = err.to_string();
    let place = format!(" at line {} column {}", err.line(), err.column());
    let cause = text.strip_suffix(&place).unwrap_or(&text);
    EventError::Json(match err.column() {
        0 => cause.to_owned(),
        column => format!("{cause} at column {column}"),
    })
}

struct Members<'e, W, E> {
    wanted: W,
    each: E,
    refused: &'e mut Option<EventError>,
}

impl<'de, W, E> Visitor<'de> for Members<'_, W, E>
where
    W: Fn(&str) -> bool,
    E: FnMut(Cow<'de, str>, &'de str) -> Result<(), EventError>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(name)) = map.next_key()? {
            if !(self.wanted)(&name) {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            let value = map.next_value::<&RawValue>()?.get();
            if let Err(error) = (self.each)(name, value) {
                *self.refused = Some(error);
                // Only ends the walk; the caller reports what is in `refused`.
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(())
    }
}
