//! Binary mode on AMQP 0.9.1: the same events as in JSON, whatever the dialect.

use std::borrow::Cow;

use ce_event::amqp::{self, Field};
use ce_event::{Event, EventError};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value};

const PREFIXES: [&str; 4] = ["ce-", "cloudEvents_", "cloudEvents:", ""];

/// Headers of other purposes, with values that no attribute can have.
const OTHERS: [&str; 6] = ["x-death", "CC", "BCC", "x-first-death-reason", "a_b", "x-opt"];

type Headers = Vec<(String, Field<'static>)>;

fn read(headers: &Headers) -> Result<Event<'_>, EventError> {
    let headers = headers.iter().map(|(name, field)| (name.as_str(), field.clone()));
    amqp::event(headers, None, b"")
}

/// Attributes of a valid event, each name once.
fn attributes() -> impl Strategy<Value = Vec<(String, String)>> {
    let required = ("[ -~é€😀]{1,12}", "/[a-z/]{0,8}", "[a-z.]{1,12}");
    let subject = proptest::option::of("[ -~\u{a1}-\u{ffd}]{1,12}");
    let extensions = proptest::collection::btree_map("ext[a-z0-9]{1,9}", "[ -~é😀]{0,12}", 0..5);
    (required, subject, extensions).prop_map(|((id, source, event_type), subject, extensions)| {
        let mut all: Vec<_> = extensions.into_iter().collect();
        let core = [("specversion", "1.0".into()), ("id", id), ("source", source)];
        all.extend(core.map(|(name, value)| (name.to_owned(), value)));
        all.push(("type".into(), event_type));
        all.extend(subject.map(|subject| ("subject".into(), subject)));
        all
    })
}

/// The attributes as headers, in any order, among others.
fn message() -> impl Strategy<Value = (Vec<(String, String)>, Headers)> {
    let shape = (select(&PREFIXES[..]), any::<bool>(), any::<bool>());
    (attributes(), shape).prop_flat_map(|(attributes, (prefix, upper, as_text))| {
        let header = |(name, value): &(String, String)| {
            let mut name = format!("{prefix}{name}");
            // The two names of the AMQP 1.0 binding have a case.
            if upper && !prefix.starts_with("cloud") {
                name.make_ascii_uppercase();
            }
            let bytes: &'static [u8] = Vec::leak(value.clone().into_bytes());
            let text = Field::Text(Cow::Owned(value.clone()));
            (name, if as_text { text } else { Field::Bytes(bytes) })
        };
        let mut headers: Headers = attributes.iter().map(header).collect();
        headers.extend(OTHERS.map(|name| (name.to_owned(), Field::Other)));
        (Just(attributes), Just(headers).prop_shuffle())
    })
}

/// The same attributes in JSON: another way to read them.
fn json(attributes: &[(String, String)]) -> String {
    let members: Map<String, Value> =
        attributes.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
    Value::Object(members).to_string()
}

/// All but the order of the extensions, which a message does not keep.
fn sorted(mut event: Event<'_>) -> Event<'_> {
    event.extensions.sort_by(|(one, _), (other, _)| one.cmp(other));
    event
}

fn is_attribute(header: &str) -> bool {
    !OTHERS.contains(&header)
}

proptest! {
    #[test]
    fn a_message_is_read_like_the_same_event_in_json((attributes, headers) in message()) {
        let json = json(&attributes);
        let expected = Event::from_json(json.as_bytes()).expect("the attributes are valid");
        prop_assert_eq!(sorted(read(&headers).unwrap()), sorted(expected));
    }

    #[test]
    fn no_attribute_vanishes(
        (_, mut headers) in message(),
        at: Index,
        wrong in select(vec![Field::Other, Field::Bytes(b"a\xff"), Field::Bytes(b"\xc0\xa0")]),
    ) {
        let (name, field) = at.get_mut(&mut headers);
        let attribute = is_attribute(name).then(|| {
            let name = name.to_ascii_lowercase();
            name.rsplit(['-', '_', ':']).next().unwrap().to_owned()
        });
        field.clone_from(&wrong);
        let expected = attribute.map(|name| match wrong {
            Field::Other => EventError::NotScalar(name),
            _ => EventError::NotUtf8(name),
        });
        prop_assert_eq!(read(&headers).err(), expected);
    }

    #[test]
    fn a_name_that_differs_in_case_only_is_the_same_name((_, mut headers) in message(), at: Index) {
        let attributes: Vec<_> = headers
            .iter()
            .filter(|(name, _)| is_attribute(name) && !name.starts_with("cloud"))
            .cloned()
            .collect();
        prop_assume!(!attributes.is_empty());
        let (name, field) = at.get(&attributes).clone();
        let upper = name.to_ascii_uppercase();
        let other = if upper == name { name.to_ascii_lowercase() } else { upper };
        headers.push((other, field));
        prop_assert!(matches!(read(&headers), Err(EventError::Duplicate(_))));
    }

    #[test]
    fn no_message_makes_reading_panic(
        names in proptest::collection::vec("(ce-|cloudEvents[_:]|)(specversion|id|\\PC{0,8})", 0..8),
        value in proptest::collection::vec(any::<u8>(), 0..12),
        content_type: Option<String>,
        body: Vec<u8>,
    ) {
        let headers = names.iter().map(|name| (name.as_str(), Field::Bytes(&value)));
        let _ = amqp::event(headers, content_type.as_deref(), &body);
    }
}
