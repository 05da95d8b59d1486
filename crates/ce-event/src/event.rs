//! An event, read from JSON.

use std::borrow::Cow;
use std::fmt;

use serde_json::value::RawValue;

use crate::attributes::{Attributes, wrong_type};
use crate::data::is_base64;
use crate::media_type::is_json;
use crate::{Data, EventError, json};

/// A CloudEvent of version 1.0 that satisfies the specification. All text borrows from its source
/// unless it had to be unescaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// `id`; unique within its source.
    pub id: Cow<'a, str>,
    /// `source`, a URI reference.
    pub source: Cow<'a, str>,
    /// `type`.
    pub event_type: Cow<'a, str>,
    /// `subject`.
    pub subject: Option<Cow<'a, str>>,
    /// `time`, in RFC 3339 form. Some platforms fill in year 1 when a sender has left it out; here
    /// that is absent, as it was.
    pub time: Option<Cow<'a, str>>,
    /// `datacontenttype`, a media type.
    pub datacontenttype: Option<Cow<'a, str>>,
    /// `dataschema`, an absolute URI.
    pub dataschema: Option<Cow<'a, str>>,
    /// All other attributes, in the order in which they came.
    pub extensions: Vec<(Cow<'a, str>, Value<'a>)>,
    /// The payload.
    pub data: Option<Data<'a>>,
}

/// The value of an extension. Bindings without types deliver all values as strings; the `Display`
/// form is the same either way, so compare that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value<'a> {
    /// Text; URIs, times and binary values travel as text as well.
    String(Cow<'a, str>),
    /// `true` or `false`.
    Boolean(bool),
    /// The specification allows 32 bits.
    Integer(i32),
}

impl<'a> Value<'a> {
    /// The canonical text.
    pub(crate) fn into_text(self) -> Cow<'a, str> {
        match self {
            Self::String(text) => text,
            other => other.to_string().into(),
        }
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::String(text) => f.write_str(text),
            Self::Boolean(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
        }
    }
}

impl<'a> Event<'a> {
    /// Reads one event in JSON format (`application/cloudevents+json`).
    pub fn from_json(event: &'a [u8]) -> Result<Self, EventError> {
        let mut attributes = Attributes::default();
        let mut unset = Vec::new();
        let [mut data, mut base64] = [None; 2];
        json::each_member(
            event,
            |_| true,
            |name, value| {
                let slot = match name.as_ref() {
                    "data" => &mut data,
                    "data_base64" => &mut base64,
                    _ => return attribute(&mut attributes, &mut unset, name, value),
                };
                match slot.replace(value) {
                    None => Ok(()),
                    Some(_) => Err(EventError::Duplicate(name.into_owned())),
                }
            },
        )?;
        let mut event = attributes.into_event()?;
        event.data = payload(data, base64, event.datacontenttype.as_deref())?;
        Ok(event)
    }

    /// Reads a batch (`application/cloudevents-batch+json`): a JSON array of events, maybe empty.
    pub fn batch_from_json(batch: &'a [u8]) -> Result<Vec<Self>, EventError> {
        let members: Vec<&RawValue> =
            serde_json::from_slice(batch).map_err(|err| json::not_json(&err))?;
        let event = |(index, member): (usize, &'a RawValue)| {
            Self::from_json(member.get().as_bytes())
                .map_err(|error| EventError::InBatch { index, error: Box::new(error) })
        };
        members.into_iter().enumerate().map(event).collect()
    }

    /// Whether the data is JSON as far as `datacontenttype` tells; without one it is.
    pub fn declares_json(&self) -> bool {
        is_json(self.datacontenttype.as_deref())
    }

    /// The value of an extension attribute.
    pub fn extension(&self, name: &str) -> Option<&Value<'a>> {
        self.extensions.iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }
}

/// Sets an attribute from its JSON value. Null stands for "not set", which can be said once, too.
fn attribute<'a>(
    attributes: &mut Attributes<'a>,
    unset: &mut Vec<Cow<'a, str>>,
    name: Cow<'a, str>,
    value: &'a str,
) -> Result<(), EventError> {
    attributes.admit(&name)?;
    if unset.contains(&name) {
        return Err(EventError::Duplicate(name.into_owned()));
    }
    if value == "null" {
        unset.push(name);
        return Ok(());
    }
    let value = match value.as_bytes()[0] {
        // Only an unpaired surrogate makes a JSON string unreadable.
        b'"' => json::string(value)
            .map(Value::String)
            .ok_or_else(|| EventError::Character(name.clone().into_owned()))?,
        b't' | b'f' => Value::Boolean(value == "true"),
        _ => match value.parse() {
            Ok(integer) => Value::Integer(integer),
            Err(_) => return Err(wrong_type(&name)),
        },
    };
    attributes.put(name, value)
}

fn payload<'a>(
    data: Option<&'a str>,
    base64: Option<&'a str>,
    content_type: Option<&str>,
) -> Result<Option<Data<'a>>, EventError> {
    match (data, base64.filter(|&json| json != "null")) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(EventError::TwoPayloads),
        (None, Some(base64)) => match json::string(base64) {
            Some(text) if is_base64(&text) => Ok(Some(Data::Base64(text))),
            _ => Err(EventError::Base64),
        },
        // A string is the text itself if the data is not JSON; any other value stays what it is.
        (Some(value), None) if !is_json(content_type) => {
            Ok(Some(json::string(value).map_or(Data::Json(value), Data::Text)))
        }
        (Some(value), None) => Ok(Some(Data::Json(value))),
    }
}
