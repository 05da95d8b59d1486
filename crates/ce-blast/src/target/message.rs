//! The AMQP message of an event: structured, or in one of the dialects of binary mode.

use std::borrow::Cow;

use ce_amqp::{Properties, ShortText};
use ce_event::Binary;
use ce_event::amqp::Dialect;

use super::amqp::AmqpTarget;
use super::handshake::short;
use crate::event::Event;

/// What is published for an event.
pub(super) struct Message<'a> {
    pub(super) routing_key: ShortText<'a>,
    pub(super) properties: Properties<'a>,
    pub(super) body: Cow<'a, [u8]>,
}

impl<'a> Message<'a> {
    /// Makes the message, or says why AMQP cannot carry the event.
    pub(super) fn new(target: &'a AmqpTarget, event: &'a Event) -> Result<Self, String> {
        let message_id = short("its id", event.id())?;
        let routing_key = target.routing_key.of(event)?;
        let persistent = target.persistent;
        let Some(dialect) = target.binary else {
            let content_type = ShortText::new("application/cloudevents+json");
            let properties = Properties { content_type, headers: vec![], persistent, message_id };
            return Ok(Self { routing_key, properties, body: Cow::Borrowed(event.body()) });
        };
        let binary = event.to_binary().map_err(|err| err.to_string())?;
        let Binary { attributes, content_type, body } = binary;
        let mut headers = Vec::with_capacity(attributes.len() + 1);
        for (name, value) in attributes {
            headers.push((name_of(dialect, &name)?, value));
        }
        if let Some(content_type) = &content_type {
            // Knative's dispatcher looks at this header, and not at the property.
            if matches!(dialect, Dialect::Ce | Dialect::Bare) {
                let name = short("its name", "content-type")?;
                headers.push((name, content_type.clone()));
            }
        }
        let content_type = content_type.map(|it| short("its content type", it)).transpose()?;
        let properties = Properties { content_type, headers, persistent, message_id };
        Ok(Self { routing_key, properties, body })
    }
}

/// The header that holds an attribute.
fn name_of(dialect: Dialect, attribute: &str) -> Result<ShortText<'static>, String> {
    short("the name of an extension", dialect.header(attribute))
}
