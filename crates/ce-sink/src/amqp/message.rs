//! From a message to its receipt.

use std::borrow::Cow;

use ce_event::{Event, EventError, Mode, amqp};
use ce_record::Receipt;
use lapin::message::Delivery;
use lapin::types::{AMQPValue, FieldTable, ShortString};

use crate::amqp::Door;
use crate::intake;

/// Set by the broker when it moves a message to a dead-letter exchange for the first time.
const FIRST_REASON: &str = "x-first-death-reason";

/// Every such move, the latest first.
const DEATHS: &str = "x-death";

/// What is said of a message in a dead-letter queue that does not tell how it got there.
const UNKNOWN_REASON: &str = "unknown";

pub(crate) fn receipt(
    delivery: &Delivery,
    recv_ns: u64,
    door: &Door,
) -> Result<Receipt<'static>, EventError> {
    let mut receipt = intake::receipt(event(delivery)?, recv_ns, &door.queue);
    receipt.redelivered = delivery.redelivered;
    receipt.dead_lettered = headers(delivery)
        .and_then(death_reason)
        .or(door.dead_letters.then_some(UNKNOWN_REASON.into()))
        .map(|reason| reason.into_owned().into());
    Ok(receipt)
}

/// Why the broker gave the message up, at first. Brokers that do not say so have a list.
fn death_reason(headers: &FieldTable) -> Option<Cow<'_, str>> {
    let headers = headers.inner();
    let listed = || match headers.get(DEATHS)?.as_array()?.as_slice().last()? {
        AMQPValue::FieldTable(death) => death.inner().get("reason"),
        _ => None,
    };
    headers.get(FIRST_REASON).or_else(listed).and_then(text)
}

fn event(delivery: &Delivery) -> Result<Event<'_>, EventError> {
    let content_type = delivery.properties.content_type().as_ref().map(ShortString::as_str);
    if Mode::of(content_type) == Mode::Structured {
        return Event::from_json(&delivery.data);
    }
    let headers = headers(delivery).into_iter().flat_map(FieldTable::inner);
    let headers = headers.filter_map(|(name, value)| Some((name.as_str(), text(value)?)));
    amqp::event(headers, content_type, &delivery.data)
}

fn headers(delivery: &Delivery) -> Option<&FieldTable> {
    delivery.properties.headers().as_ref()
}

/// The canonical text of a header's value; `None` for types that no attribute has.
fn text(value: &AMQPValue) -> Option<Cow<'_, str>> {
    Some(match value {
        AMQPValue::LongString(text) => std::str::from_utf8(text.as_bytes()).ok()?.into(),
        AMQPValue::ShortString(text) => text.as_str().into(),
        AMQPValue::Boolean(value) => value.to_string().into(),
        AMQPValue::ShortShortInt(number) => number.to_string().into(),
        AMQPValue::ShortShortUInt(number) => number.to_string().into(),
        AMQPValue::ShortInt(number) => number.to_string().into(),
        AMQPValue::ShortUInt(number) => number.to_string().into(),
        AMQPValue::LongInt(number) => number.to_string().into(),
        AMQPValue::LongUInt(number) => number.to_string().into(),
        AMQPValue::LongLongInt(number) => number.to_string().into(),
        AMQPValue::Timestamp(seconds) => {
            let seconds = i64::try_from(*seconds).ok()?;
            jiff::Timestamp::from_second(seconds).ok()?.to_string().into()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use lapin::BasicProperties;

    use super::*;

    fn delivery(content_type: &str, headers: FieldTable, body: &[u8]) -> Delivery {
        let mut delivery = Delivery::mock(1, "x".into(), "k".into(), true, body.into());
        delivery.properties =
            BasicProperties::default().with_content_type(content_type.into()).with_headers(headers);
        delivery
    }

    fn door(queue: &str, dead_letters: bool) -> Door {
        Door { queue: queue.into(), dead_letters }
    }

    #[test]
    fn native_values_are_read_like_their_text() {
        let mut headers = FieldTable::default();
        let mut set = |name: &str, value| _ = headers.insert(name.into(), value);
        for (name, value) in [("specversion", "1.0"), ("id", "7"), ("source", "/s"), ("type", "t")]
        {
            set(name, AMQPValue::LongString(value.into()));
        }
        set("time", AMQPValue::Timestamp(1_522_949_460));
        set("sequence", AMQPValue::LongLongInt(42));
        set("flag", AMQPValue::Boolean(true));
        set("x-first-death-reason", AMQPValue::LongString("expired".into()));
        set("x-death", AMQPValue::FieldTable(FieldTable::default()));
        let delivery = delivery("text/plain", headers, b"hello");
        let event = event(&delivery).unwrap();
        assert_eq!(event.time.as_deref(), Some("2018-04-05T17:31:00Z"));
        assert_eq!(event.extension("flag").unwrap().to_string(), "true");
        let receipt = receipt(&delivery, 5, &door("q", false)).unwrap();
        assert_eq!((receipt.seq, receipt.recv_ns, &*receipt.door), (Some(42), 5, "q"));
        assert_eq!(
            (receipt.redelivered, receipt.dead_lettered.as_deref()),
            (true, Some("expired"))
        );
    }

    #[test]
    fn the_reason_of_the_first_death_is_told() {
        let reason = |headers: FieldTable, dead_letters| {
            let body = br#"{"specversion":"1.0","id":"1","source":"s","type":"t"}"#;
            let delivery = delivery("application/cloudevents+json", headers, body);
            receipt(&delivery, 5, &door("q", dead_letters)).unwrap().dead_lettered
        };
        let table = |name: &str, value: AMQPValue| {
            let mut table = FieldTable::default();
            table.insert(name.into(), value);
            table
        };
        let long = |text: &str| AMQPValue::LongString(text.into());
        let death = |why: &str| AMQPValue::FieldTable(table("reason", long(why)));
        let deaths = AMQPValue::FieldArray(vec![death("maxlen"), death("rejected")].into());
        let mut both = table("x-death", deaths.clone());
        both.insert("x-first-death-reason".into(), long("expired"));
        assert_eq!(reason(both, false).as_deref(), Some("expired"));
        assert_eq!(reason(table("x-death", deaths), true).as_deref(), Some("rejected"));
        for other in [FieldTable::default(), table("x-death", long("?"))] {
            assert_eq!(reason(other.clone(), true).as_deref(), Some("unknown"));
            assert_eq!(reason(other, false), None);
        }
    }

    #[test]
    fn the_content_type_decides_the_mode() {
        let body = br#"{"specversion":"1.0","id":"1","source":"s","type":"t"}"#;
        let structured = "application/cloudevents+json; charset=utf-8";
        let read =
            |content_type| event(&delivery(content_type, FieldTable::default(), body)).map(|_| ());
        assert_eq!(read(structured), Ok(()));
        for other in ["application/json", "application/cloudevents-batch+json", ""] {
            assert_eq!(read(other), Err(EventError::Missing("specversion")), "{other}");
        }
    }
}
