//! What is posted for an event, and what the answer says about it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use ce_event::Binary;
use ce_event::amqp::Dialect;
use ce_record::Outcome;
use serde_json::{Map, Value, json};

use super::api::reason;
use crate::event::Event;
use crate::job::Answer;
use crate::routing::RoutingKey;
use crate::target::short;

/// How events are published.
#[derive(Debug, Clone)]
pub(crate) struct Publish {
    pub(crate) routing_key: RoutingKey,
    /// How to name headers in binary mode; `None` is structured mode.
    pub(crate) binary: Option<Dialect>,
    pub(crate) persistent: bool,
}

impl Publish {
    /// The body of the request, or why AMQP cannot carry the event.
    pub(super) fn body(&self, event: &Event) -> Result<Bytes, String> {
        let id = event.id();
        short("its id", id)?;
        let mut properties = json!({
            "message_id": id,
            "delivery_mode": if self.persistent { 2 } else { 1 },
        });
        let (payload, encoding) = match self.binary {
            None => {
                properties["content_type"] = "application/cloudevents+json".into();
                payload(event.body())
            }
            Some(dialect) => {
                let parsed = ce_event::Event::from_json(event.body()).and_then(Binary::try_from);
                let Binary { attributes, content_type, body } =
                    parsed.map_err(|err| err.to_string())?;
                let named = |(name, value): (std::borrow::Cow<'_, str>, _)| {
                    (dialect.header(&name), Value::from(String::from(value)))
                };
                let mut headers: Map<String, Value> = attributes.into_iter().map(named).collect();
                if let Some(content_type) = content_type {
                    // As over AMQP: Knative's dispatcher looks at the header.
                    if matches!(dialect, Dialect::Ce | Dialect::Bare) {
                        headers.insert("content-type".into(), content_type.as_ref().into());
                    }
                    properties["content_type"] = content_type.as_ref().into();
                }
                properties["headers"] = headers.into();
                payload(&body)
            }
        };
        let request = json!({
            "properties": properties,
            "routing_key": self.routing_key.of(event)?.as_str(),
            "payload": payload,
            "payload_encoding": encoding,
        });
        Ok(request.to_string().into())
    }
}

/// Text as it is, everything else as base64.
fn payload(bytes: &[u8]) -> (String, &'static str) {
    match str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), "string"),
        Err(_) => (STANDARD.encode(bytes), "base64"),
    }
}

/// What became of the message.
pub(super) fn judge(status: u16, body: &[u8]) -> Answer {
    let answer =
        |outcome, error: &str| Answer { code: Some(status), ..Answer::text(outcome, error) };
    if status != 200 {
        let said = reason(body).unwrap_or_default();
        return match status {
            400..=599 => answer(Outcome::Rejected, &said),
            _ => answer(Outcome::ProtocolError, "a status that the API does not have"),
        };
    }
    let said: Option<Value> = serde_json::from_slice(body).ok();
    match said.as_ref().and_then(|said| said.get("routed")).and_then(Value::as_bool) {
        Some(true) => Answer::code(Outcome::Ok, status),
        Some(false) => answer(Outcome::Returned, "no queue takes its routing key"),
        None => answer(Outcome::ProtocolError, "the answer does not say whether it was routed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(binary: Option<Dialect>, event: &str) -> Value {
        let event = Event::new(Bytes::copy_from_slice(event.as_bytes())).unwrap();
        let routing_key = RoutingKey::parse("${type}").unwrap();
        let publish = Publish { routing_key, binary, persistent: true };
        serde_json::from_slice(&publish.body(&event).unwrap()).unwrap()
    }

    #[test]
    fn a_structured_event_is_posted_as_it_came() {
        let event = r#"{"specversion":"1.0","type":"a.b","source":"/s","id":"7","data":"é\n"}"#;
        assert_eq!(
            body(None, event),
            json!({
                "properties": {"message_id": "7", "delivery_mode": 2,
                               "content_type": "application/cloudevents+json"},
                "routing_key": "a.b",
                "payload": event,
                "payload_encoding": "string",
            })
        );
    }

    #[test]
    fn a_binary_event_has_headers_and_its_data_as_the_payload() {
        let head = r#""specversion":"1.0","type":"a.b","source":"/s","id":"7""#;
        let json = body(Some(Dialect::Ce), &format!(r#"{{{head},"data":{{"n":1}}}}"#));
        assert_eq!(json["payload"], r#"{"n":1}"#);
        assert_eq!(json["properties"]["headers"]["ce-id"], "7");
        assert_eq!(json["properties"]["headers"]["content-type"], "application/json");
        let bytes = body(Some(Dialect::Bare), &format!(r#"{{{head},"data_base64":"/wA="}}"#));
        assert_eq!(
            (&bytes["payload"], &bytes["payload_encoding"]),
            (&json!("/wA="), &json!("base64"))
        );
        assert_eq!(bytes["properties"]["headers"]["id"], "7");
    }

    #[test]
    fn each_answer_has_an_outcome() {
        let check = |status, body: &str, outcome| {
            let answer = judge(status, body.as_bytes());
            assert_eq!((answer.outcome, answer.code), (outcome, Some(status)), "{body}");
        };
        check(200, r#"{"routed":true}"#, Outcome::Ok);
        check(200, r#"{"routed":false}"#, Outcome::Returned);
        check(200, "{}", Outcome::ProtocolError);
        check(200, "<html>", Outcome::ProtocolError);
        check(400, r#"{"error":"bad_request","reason":"rejected"}"#, Outcome::Rejected);
        check(503, "", Outcome::Rejected);
        check(302, "", Outcome::ProtocolError);
    }
}
