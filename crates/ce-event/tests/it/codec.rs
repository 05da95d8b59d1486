//! Events written in binary mode are read back as they were, whatever is in them.

use std::fmt::Write;

use ce_event::{Binary, Data, Event, http};
use proptest::prelude::*;

use crate::{REQUIRED, with};

/// What the specification allows in a string.
const TEXT: &str = "[ -~\u{a1}-\u{fd}€😀%\"\\\\]{1,30}";

/// An event in JSON as anybody might write it, with these values in it.
fn json(id: &str, subject: &str, text: &str, flag: bool, number: i32, payload: &str) -> String {
    let quote = |text: &str| serde_json::to_string(text).expect("text is JSON");
    let (id, subject, text) = (quote(id), quote(subject), quote(text));
    format!(
        r#"{{"specversion":"1.0","type":"a.b","source":"/s?a=%22#f","id":{id},"subject":{subject},
           "time":"2018-04-05T17:31:00+01:00","dataschema":"https://example.com/s",
           "exttext":{text},"extflag":{flag},"extnumber":{number}{payload}}}"#
    )
}

/// The event as a message, read back.
fn through_a_message<T>(event: &Event<'_>, see: impl FnOnce(Event<'_>) -> T) -> T {
    let binary = Binary::try_from(event.clone()).expect("an event that was read has base64");
    let headers: Vec<_> = http::headers(&binary).collect();
    for (name, value) in headers.iter().filter(|(name, _)| name != "content-type") {
        assert!(name.starts_with("ce-"), "{name}");
        assert!(value.bytes().all(|byte| byte.is_ascii_graphic()), "{name}: {value}");
    }
    let headers = headers.iter().map(|(name, value)| (name.as_ref(), value.as_bytes()));
    see(http::event(headers, &binary.body).expect("what was written can be read"))
}

/// Bindings without types deliver text.
fn as_text(event: &Event<'_>) -> Vec<(String, String)> {
    event.extensions.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

#[track_caller]
fn check_attributes(sent: &Event<'_>, received: &Event<'_>) {
    assert_eq!(
        (&sent.id, &sent.source, &sent.event_type),
        (&received.id, &received.source, &received.event_type)
    );
    assert_eq!((&sent.subject, &sent.time), (&received.subject, &received.time));
    assert_eq!(sent.dataschema, received.dataschema);
    assert_eq!(as_text(sent), as_text(received));
}

proptest! {
    #[test]
    fn every_attribute_survives(
        id in TEXT, subject in TEXT, text in TEXT, flag: bool, number: i32,
    ) {
        let json = json(&id, &subject, &text, flag, number, "");
        let event = Event::from_json(json.as_bytes()).expect("a valid event");
        prop_assert_eq!(&event.id, &id);
        through_a_message(&event, |received| {
            check_attributes(&event, &received);
            assert_eq!((received.datacontenttype, received.data), (None, None));
        });
    }

    #[test]
    fn text_and_bytes_survive(payload in "\\PC{1,60}", kind in "[a-z]{1,9}/[a-z]{1,9}") {
        let quoted = serde_json::to_string(&payload).expect("text is JSON");
        let members = format!(r#","datacontenttype":"{kind}x","data":{quoted}"#);
        let json = json("7", "s", "t", true, 1, &members);
        let event = Event::from_json(json.as_bytes()).expect("a valid event");
        through_a_message(&event, |received| {
            check_attributes(&event, &received);
            assert_eq!(received.datacontenttype, event.datacontenttype);
            assert_eq!(received.data, Some(Data::Bytes(payload.as_bytes())));
        });
    }

    #[test]
    fn a_value_is_encoded_as_by_a_loop_over_its_bytes(value: String) {
        let mut expected = String::new();
        for byte in value.bytes() {
            match byte {
                b'"' | b'%' => write!(expected, "%{byte:02X}").unwrap(),
                0x21..=0x7e => expected.push(char::from(byte)),
                _ => write!(expected, "%{byte:02X}").unwrap(),
            }
        }
        prop_assert_eq!(http::encode(&value), expected);
    }
}

#[test]
fn each_kind_of_payload_has_its_body_and_content_type() {
    let check = |members: &str, content_type: Option<&str>, body: &[u8]| {
        let json = with(members);
        let event = Event::from_json(json.as_bytes()).unwrap();
        let binary = Binary::try_from(event).unwrap();
        let found = http::headers(&binary).find(|(name, _)| name == "content-type");
        assert_eq!(found.as_ref().map(|(_, value)| value.as_ref()), content_type, "{members}");
        assert_eq!(binary.body, body, "{members}");
    };
    // Without a content type, data is JSON, and says so from now on; base64 could be anything.
    check(
        r#""data":{"b":1.50, "a":[null]}"#,
        Some("application/json"),
        br#"{"b":1.50, "a":[null]}"#,
    );
    check(r#""data":"text""#, Some("application/json"), br#""text""#);
    check(r#""data":null"#, Some("application/json"), b"null");
    check(r#""data_base64":"TWE=""#, None, b"Ma");
    check(r#""datacontenttype":"a/x+json","data":"7""#, Some("a/x+json"), br#""7""#);
    check(r#""datacontenttype":"text/plain","data":"a\n\"b""#, Some("text/plain"), b"a\n\"b");
    check(r#""datacontenttype":"text/plain","data":[1]"#, Some("text/plain"), b"[1]");
    // Bits that do not matter may be set.
    check(r#""datacontenttype":"image/png","data_base64":"/+9=""#, Some("image/png"), b"\xff\xef");
}

#[test]
fn names_are_those_of_the_binding() {
    let json = with(r#""subject":"a b","datacontenttype":"text/plain","myext":true"#);
    let event = Event::from_json(json.as_bytes()).unwrap();
    let binary = Binary::try_from(event).unwrap();
    let headers: Vec<_> =
        http::headers(&binary).map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(
        headers,
        [
            "content-type: text/plain",
            "ce-specversion: 1.0",
            "ce-id: 7",
            "ce-source: /s",
            "ce-type: t",
            "ce-subject: a%20b",
            "ce-myext: true"
        ]
    );
    let json = format!("{{{REQUIRED}}}");
    let event = Event::from_json(json.as_bytes()).unwrap();
    assert_eq!(http::headers(&Binary::try_from(event).unwrap()).count(), 4);
}
