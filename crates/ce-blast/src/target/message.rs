//! The AMQP message of an event: structured, or in one of the dialects of binary mode.

use bytes::Bytes;
use ce_event::Binary;
use ce_event::amqp::Dialect;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable, ShortString};

use super::amqp::AmqpTarget;
use crate::event::Event;

/// What is published for an event.
pub(super) struct Message {
    pub(super) id: ShortString,
    pub(super) routing_key: ShortString,
    pub(super) properties: BasicProperties,
    pub(super) body: Bytes,
}

impl Message {
    /// Makes the message, or says why AMQP cannot carry the event.
    pub(super) fn new(target: &AmqpTarget, event: &Event) -> Result<Self, String> {
        let id = short("its id", event.id())?;
        let properties = BasicProperties::default()
            .with_message_id(id.clone())
            .with_delivery_mode(if target.persistent { 2 } else { 1 });
        let routing_key = target.routing_key.of(event)?;
        let (properties, body) = match target.binary {
            None => {
                let content_type = "application/cloudevents+json".into();
                (properties.with_content_type(content_type), event.body().clone())
            }
            Some(dialect) => binary(dialect, event, properties)?,
        };
        Ok(Self { id, routing_key, properties, body })
    }
}

fn binary(
    dialect: Dialect,
    event: &Event,
    mut properties: BasicProperties,
) -> Result<(BasicProperties, Bytes), String> {
    let binary = event.to_binary().map_err(|err| err.to_string())?;
    let Binary { attributes, content_type, body } = binary;
    let mut headers = FieldTable::default();
    let text = |value: &str| AMQPValue::LongString(value.into());
    for (name, value) in attributes {
        let header = short("the name of an extension", &dialect.header(&name))?;
        headers.insert(header, text(&value));
    }
    if let Some(content_type) = content_type {
        // Knative's dispatcher looks at this header, and not at the property.
        if matches!(dialect, Dialect::Ce | Dialect::Bare) {
            headers.insert("content-type".into(), text(&content_type));
        }
        let content_type = short("its content type", &content_type)?;
        properties = properties.with_content_type(content_type);
    }
    Ok((properties.with_headers(headers), event.part(body)))
}

fn short(what: &str, text: &str) -> Result<ShortString, String> {
    ShortString::try_new(text).map_err(|_| format!("{what} is longer than 255 bytes"))
}
