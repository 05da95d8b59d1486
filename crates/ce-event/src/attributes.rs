//! Collects and checks the attributes of one event, from whatever binding they come.

use std::borrow::Cow;

use crate::characters::{is_name, is_string};
use crate::event::{Event, Value};
use crate::media_type::is_media_type;
use crate::time::{is_of_year_one, is_rfc_3339};
use crate::{Data, EventError, uri};

/// The attributes of the core specification. [`Attributes::into_event`] relies on the order.
const CORE: [&str; 8] =
    ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"];

#[derive(Debug, Default)]
pub(crate) struct Attributes<'a> {
    core: [Option<Cow<'a, str>>; CORE.len()],
    extensions: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Attributes<'a> {
    /// Whether an attribute of this name can be set, and has not been yet.
    pub(crate) fn admit(&self, name: &str) -> Result<(), EventError> {
        let is_set = match position(name) {
            Some(at) => self.core[at].is_some(),
            None if !is_name(name) => return Err(EventError::Name(name.into())),
            None => self.extensions.iter().any(|(set, _)| set == name),
        };
        if is_set { Err(EventError::Duplicate(name.into())) } else { Ok(()) }
    }

    /// Sets an attribute, if it can be.
    pub(crate) fn set(&mut self, name: Cow<'a, str>, value: Value<'a>) -> Result<(), EventError> {
        self.admit(&name)?;
        self.put(name, value)
    }

    /// Sets an attribute that was admitted.
    pub(crate) fn put(&mut self, name: Cow<'a, str>, value: Value<'a>) -> Result<(), EventError> {
        if matches!(&value, Value::String(text) if !is_string(text)) {
            return Err(EventError::Character(name.into_owned()));
        }
        match (position(&name), value) {
            (None, value) => self.extensions.push((name, value)),
            (Some(at), Value::String(text)) => {
                check(CORE[at], &text)?;
                self.core[at] = Some(text);
            }
            (Some(_), _) => return Err(wrong_type(&name)),
        }
        Ok(())
    }

    /// The event, without data, if nothing is missing.
    pub(crate) fn into_event(self) -> Result<Event<'a>, EventError> {
        let [version, id, source, event_type, subject, time, datacontenttype, dataschema] =
            self.core;
        let required = |value: Option<_>, name| value.ok_or(EventError::Missing(name));
        required(version, "specversion")?;
        Ok(Event {
            id: required(id, "id")?,
            source: required(source, "source")?,
            event_type: required(event_type, "type")?,
            subject,
            time: time.filter(|time| !is_of_year_one(time)),
            datacontenttype,
            dataschema,
            extensions: self.extensions,
            data: None,
        })
    }

    /// The event of a message in binary mode. A body without bytes is no data.
    pub(crate) fn into_message(self, body: &'a [u8]) -> Result<Event<'a>, EventError> {
        let mut event = self.into_event()?;
        event.data = (!body.is_empty()).then_some(Data::Bytes(body));
        Ok(event)
    }
}

/// The error for a value of a JSON type that the attribute cannot have.
pub(crate) fn wrong_type(name: &str) -> EventError {
    match position(name) {
        Some(_) => EventError::NotString(name.into()),
        None => EventError::NotScalar(name.into()),
    }
}

fn position(name: &str) -> Option<usize> {
    CORE.iter().position(|&core| core == name)
}

/// What the specification demands of the value of a core attribute.
fn check(name: &'static str, value: &str) -> Result<(), EventError> {
    let (holds, error): (bool, fn(String) -> EventError) = match name {
        _ if value.is_empty() => return Err(EventError::Empty(name.into())),
        "specversion" => (value == "1.0", EventError::SpecVersion),
        "source" => (uri::is_reference(value), EventError::Source),
        "time" => (is_rfc_3339(value), EventError::Time),
        "datacontenttype" => (is_media_type(value), EventError::DataContentType),
        "dataschema" => (uri::is_absolute(value), EventError::DataSchema),
        _ => return Ok(()),
    };
    if holds { Ok(()) } else { Err(error(value.into())) }
}
