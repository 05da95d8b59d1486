//! The routing key of each message: a text with places for attributes of the event.

use std::borrow::Cow;

use anyhow::Context;
use ce_amqp::ShortText;
use load_plan::Scenario;

use crate::cli::Cli;
use crate::event::Event;

/// Where a template may take text from. Extensions are left out, so that a typing error in a name
/// is an error and not a key with a hole.
const ATTRIBUTES: [&str; 7] =
    ["type", "source", "subject", "id", "time", "datacontenttype", "dataschema"];
const LIMIT_BYTES: usize = ShortText::LIMIT_BYTES;

/// How to make the routing key of an event.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RoutingKey(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Text(Box<str>),
    Attribute(&'static str),
}

/// Why a template is none. Places are counted in characters from one.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("character {0}: `${{` without `}}`")]
    Open(usize),
    #[error(
        "character {at}: `{name}` is no attribute for a routing key: use {}",
        ATTRIBUTES.join(", ")
    )]
    Unknown { at: usize, name: String },
    #[error("longer than 255 bytes")]
    TooLong,
}

/// The routing key of a scenario: its own, that of the command line, or the type of the event.
pub(crate) fn routing_key(cli: &Cli, scenario: &Scenario) -> anyhow::Result<RoutingKey> {
    match &scenario.routing_key {
        Some(own) => RoutingKey::parse(own)
            .with_context(|| format!("scenario `{}`: routingKey", scenario.name)),
        None => common_routing_key(cli),
    }
}

/// The routing key of whatever has none of its own.
pub(crate) fn common_routing_key(cli: &Cli) -> anyhow::Result<RoutingKey> {
    match &cli.routing_key {
        Some(common) => RoutingKey::parse(common).context("--routing-key"),
        None => Ok(RoutingKey(vec![Part::Attribute("type")])),
    }
}

impl RoutingKey {
    /// The key itself, where it takes nothing from events.
    pub(crate) fn constant(&self) -> Option<String> {
        let mut key = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => key.push_str(text),
                Part::Attribute(_) => return None,
            }
        }
        Some(key)
    }

    /// Reads a template such as `${type}.${subject}`.
    pub(crate) fn parse(template: &str) -> Result<Self, TemplateError> {
        let place = |rest: &str| {
            let read = template.len() - rest.len();
            template[..read].chars().count() + 1
        };
        let mut parts = Vec::new();
        let mut rest = template;
        while let Some(start) = rest.find("${") {
            let (text, from_here) = rest.split_at(start);
            let Some((name, after)) = from_here["${".len()..].split_once('}') else {
                return Err(TemplateError::Open(place(from_here)));
            };
            let known = ATTRIBUTES.into_iter().find(|&known| known == name);
            let known = known.ok_or_else(|| {
                let at = place(from_here);
                TemplateError::Unknown { at, name: name.to_owned() }
            })?;
            parts.extend((!text.is_empty()).then(|| Part::Text(text.into())));
            parts.push(Part::Attribute(known));
            rest = after;
        }
        if !rest.is_empty() || parts.is_empty() {
            parts.push(Part::Text(rest.into()));
        }
        let text = |part: &Part| if let Part::Text(text) = part { text.len() } else { 0 };
        if parts.iter().map(text).sum::<usize>() > LIMIT_BYTES {
            return Err(TemplateError::TooLong);
        }
        Ok(Self(parts))
    }

    /// The key of an event, or why it has none.
    pub(crate) fn of<'a>(&'a self, event: &'a Event) -> Result<ShortText<'a>, String> {
        let key = match self.0.as_slice() {
            // Nearly all keys are one of these.
            [Part::Attribute("type")] => ShortText::new(event.event_type()),
            [Part::Text(text)] => ShortText::new(&**text),
            parts => {
                let mut key = String::new();
                for part in parts {
                    match part {
                        Part::Text(text) => key += text,
                        Part::Attribute(name) => key += &attribute(event, name)?,
                    }
                }
                ShortText::new(key)
            }
        };
        key.ok_or_else(|| format!("its routing key is longer than {LIMIT_BYTES} bytes"))
    }
}

fn attribute<'e>(event: &'e Event, name: &str) -> Result<Cow<'e, str>, String> {
    match name {
        "id" => Ok(event.id().into()),
        "source" => Ok(event.source().into()),
        "type" => Ok(event.event_type().into()),
        other => match ce_event::attribute(event.body(), other) {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(format!("it has no `{other}` for its routing key")),
            Err(err) => Err(err.to_string()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        let body =
            r#"{"specversion":"1.0","id":"7","source":"/s","type":"a.b","subject":"x\u00e9"}"#;
        Event::new(body.as_bytes().to_vec().into()).unwrap()
    }

    #[test]
    fn a_template_takes_attributes_from_the_event() {
        let check = |template: &str, key: &str| {
            let (template, event) = (RoutingKey::parse(template).unwrap(), event());
            assert_eq!(template.of(&event).unwrap().as_str(), key, "{template:?}");
        };
        check("", "");
        check("plain", "plain");
        check("${type}", "a.b");
        check("${type}.${subject}", "a.b.xé");
        check("é.${id}${source}.end", "é.7/s.end");
        check("$type.$$.{id}", "$type.$$.{id}");
    }

    #[test]
    fn a_wrong_template_is_told_with_its_place_and_the_remedy() {
        let says = |template: &str| RoutingKey::parse(template).unwrap_err().to_string();
        assert_eq!(
            says("é.${id}.${kind}"),
            "character 9: `kind` is no attribute for a routing key: \
             use type, source, subject, id, time, datacontenttype, dataschema"
        );
        assert_eq!(says("a.${type"), "character 3: `${` without `}`");
        assert!(says("${}").starts_with("character 1: `` is no attribute"));
        assert_eq!(says(&"x".repeat(256)), "longer than 255 bytes");
    }

    #[test]
    fn an_event_without_a_key_says_why() {
        let event = event();
        let says = |template: &str| RoutingKey::parse(template).unwrap().of(&event).unwrap_err();
        assert_eq!(says("${dataschema}"), "it has no `dataschema` for its routing key");
        let long = format!("{}${{type}}", "x".repeat(253));
        assert_eq!(says(&long), "its routing key is longer than 255 bytes");
    }
}
