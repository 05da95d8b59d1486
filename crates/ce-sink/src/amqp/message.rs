//! From a message to its receipt.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as STANDARD;
use ce_event::amqp::{self, Field};
use ce_event::{Event, EventError, Mode, Pointer};
use ce_record::Receipt;
use jiff::Timestamp;
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
    correlate: Option<&Pointer>,
) -> Result<Receipt<'static>, EventError> {
    let mut receipt = intake::receipt(event(delivery)?, recv_ns, &door.queue, correlate);
    receipt.redelivered = delivery.redelivered;
    receipt.dead_lettered = headers(delivery)
        .and_then(death_reason)
        .or(door.dead_letters.then_some(UNKNOWN_REASON))
        .map(|reason| reason.to_owned().into());
    Ok(receipt)
}

/// Why the broker gave the message up, at first. Brokers that do not say so have a list.
fn death_reason(headers: &FieldTable) -> Option<&str> {
    let headers = headers.inner();
    let listed = || match headers.get(DEATHS)?.as_array()?.as_slice().last()? {
        AMQPValue::FieldTable(death) => death.inner().get("reason"),
        _ => None,
    };
    match headers.get(FIRST_REASON).or_else(listed)? {
        AMQPValue::LongString(reason) => std::str::from_utf8(reason.as_bytes()).ok(),
        AMQPValue::ShortString(reason) => Some(reason.as_str()),
        _ => None,
    }
}

fn event(delivery: &Delivery) -> Result<Event<'_>, EventError> {
    let content_type = delivery.properties.content_type().as_ref().map(ShortString::as_str);
    if Mode::of(content_type) == Mode::Structured {
        return Event::from_json(&delivery.data);
    }
    let headers = headers(delivery).into_iter().flat_map(FieldTable::inner);
    let headers = headers.filter_map(|(name, value)| Some((name.as_str(), field(value)?)));
    amqp::event(headers, content_type, &delivery.data)
}

fn headers(delivery: &Delivery) -> Option<&FieldTable> {
    delivery.properties.headers().as_ref()
}

/// The value of a header; `None` for the one that says that there is none, like `null` in JSON.
fn field(value: &AMQPValue) -> Option<Field<'_>> {
    Some(match value {
        AMQPValue::Void => return None,
        AMQPValue::LongString(text) => Field::Bytes(text.as_bytes()),
        AMQPValue::ShortString(text) => Field::Text(text.as_str().into()),
        AMQPValue::Boolean(value) => Field::Text(value.to_string().into()),
        AMQPValue::ShortShortInt(number) => integer(*number),
        AMQPValue::ShortShortUInt(number) => integer(*number),
        AMQPValue::ShortInt(number) => integer(*number),
        AMQPValue::ShortUInt(number) => integer(*number),
        AMQPValue::LongInt(number) => integer(*number),
        AMQPValue::LongUInt(number) => integer(*number),
        AMQPValue::LongLongInt(number) => integer(*number),
        AMQPValue::Timestamp(seconds) => time(*seconds),
        AMQPValue::ByteArray(bytes) => Field::Text(STANDARD.encode(bytes.as_slice()).into()),
        AMQPValue::Float(_)
        | AMQPValue::Double(_)
        | AMQPValue::DecimalValue(_)
        | AMQPValue::FieldArray(_)
        | AMQPValue::FieldTable(_) => Field::Other,
    })
}

/// Integers of events have 32 bits, whatever the type of the number in the message.
fn integer(number: impl TryInto<i32>) -> Field<'static> {
    number.try_into().map_or(Field::Other, |number| Field::Text(number.to_string().into()))
}

fn time(seconds: u64) -> Field<'static> {
    let time = i64::try_from(seconds).ok().and_then(|time| Timestamp::from_second(time).ok());
    time.map_or(Field::Other, |time| Field::Text(time.to_string().into()))
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
        let receipt = receipt(&delivery, 5, &door("q", false), None).unwrap();
        assert_eq!((receipt.seq, receipt.recv_ns, &*receipt.door), (Some(42), 5, "q"));
        assert_eq!(
            (receipt.redelivered, receipt.dead_lettered.as_deref()),
            (true, Some("expired"))
        );
    }

    #[test]
    fn what_no_attribute_can_be_is_refused_with_its_name() {
        let with = |value: AMQPValue| {
            let mut headers = FieldTable::default();
            for name in ["specversion", "id", "source", "type"] {
                headers.insert(name.into(), AMQPValue::LongString("1.0".into()));
            }
            headers.insert("ext".into(), value);
            let delivery = delivery("text/plain", headers, b"");
            let event = event(&delivery)?;
            Ok(event.extension("ext").map(ToString::to_string))
        };
        let table = || FieldTable::default();
        for value in [
            AMQPValue::Float(1.5),
            AMQPValue::Double(1.0),
            AMQPValue::FieldTable(table()),
            AMQPValue::FieldArray(vec![AMQPValue::Boolean(true)].into()),
            AMQPValue::LongUInt(u32::MAX),
            AMQPValue::LongLongInt(i64::from(i32::MIN) - 1),
            AMQPValue::Timestamp(u64::MAX),
        ] {
            assert_eq!(with(value.clone()), Err(EventError::NotScalar("ext".into())), "{value:?}");
        }
        let not_utf8 = AMQPValue::LongString(vec![b'a', 0xff].into());
        assert_eq!(with(not_utf8), Err(EventError::NotUtf8("ext".into())));
        let bytes = AMQPValue::ByteArray(b"Ma".to_vec().into());
        assert_eq!(with(bytes), Ok(Some("TWE=".into())));
        assert_eq!(with(AMQPValue::Void), Ok(None));
    }

    #[test]
    fn the_reason_of_the_first_death_is_told() {
        let reason = |headers: FieldTable, dead_letters| {
            let body = br#"{"specversion":"1.0","id":"1","source":"s","type":"t"}"#;
            let delivery = delivery("application/cloudevents+json", headers, body);
            receipt(&delivery, 5, &door("q", dead_letters), None).unwrap().dead_lettered
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
