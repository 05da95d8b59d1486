//! A second opinion: events of another implementation are read here, and valid events are read
//! there, with the same result. It accepts more than the specification does, so it is no judge of
//! what is invalid.

use ce_event::{Event, Value};
use cloudevents::event::ExtensionValue;
use cloudevents::{AttributesReader, EventBuilder, EventBuilderV10};
use proptest::prelude::*;

use crate::{REQUIRED, with};

/// What the other implementation writes.
fn written(event: &cloudevents::Event) -> String {
    serde_json::to_string(event).expect("it can write what it has built")
}

#[track_caller]
fn same(ours: &Event<'_>, theirs: &cloudevents::Event) {
    assert_eq!(ours.id, theirs.id());
    assert_eq!(ours.event_type, theirs.ty());
    assert_eq!(ours.source, theirs.source().as_str());
    assert_eq!(ours.subject.as_deref(), theirs.subject());
    assert_eq!(ours.datacontenttype.as_deref(), theirs.datacontenttype());
    assert_eq!(ours.time.is_some(), theirs.time().is_some());
    assert_eq!(ours.data.is_some(), theirs.data().is_some());
    assert_eq!(ours.extensions.len(), theirs.iter_extensions().count());
    for (name, value) in &ours.extensions {
        match (value, theirs.extension(name)) {
            (Value::String(ours), Some(ExtensionValue::String(theirs))) => assert_eq!(ours, theirs),
            (Value::Boolean(ours), Some(ExtensionValue::Boolean(theirs))) => {
                assert_eq!(ours, theirs);
            }
            (Value::Integer(ours), Some(ExtensionValue::Integer(theirs))) => {
                assert_eq!(i64::from(*ours), *theirs);
            }
            (ours, theirs) => panic!("`{name}`: {ours:?} and {theirs:?}"),
        }
    }
}

#[test]
fn valid_events_are_read_alike() {
    for members in [
        r#""subject":"a \"b\" é😀""#,
        r#""time":"2018-04-05T17:31:00.25+01:00","datacontenttype":"text/plain","data":"text""#,
        r#""datacontenttype":"application/json","data":{"b":1.50,"a":[null]}"#,
        r#""datacontenttype":"image/png","data_base64":"TWE=""#,
        r#""exta":true,"extb":-2147483648,"extc":"text","extd":2147483647"#,
        r#""subject":null,"time":null,"datacontenttype":null"#,
    ] {
        let event = with(members);
        let theirs = serde_json::from_str(&event).expect("it can read valid events");
        same(&Event::from_json(event.as_bytes()).expect("a valid event"), &theirs);
    }
    let event = format!("{{{REQUIRED}}}");
    let theirs = serde_json::from_str(&event).expect("it can read valid events");
    same(&Event::from_json(event.as_bytes()).expect("a valid event"), &theirs);
}

proptest! {
    #[test]
    fn what_another_implementation_writes_is_read_here(
        id in "[ -~é€😀]{1,20}",
        event_type in "[a-z.]{1,30}",
        subject in proptest::option::of("[ -~\u{a1}-\u{ffd}]{1,20}"),
        text in "[ -~é]{0,20}",
        flag: bool,
        number: i32,
        payload in proptest::option::of("\\PC{0,40}"),
    ) {
        let mut builder = EventBuilderV10::new()
            .id(id)
            .ty(event_type)
            .source("https://example.com/a%20b?c#d")
            .extension("exttext", text.as_str())
            .extension("extflag", flag)
            .extension("extnumber", i64::from(number));
        if let Some(subject) = subject {
            builder = builder.subject(subject);
        }
        if let Some(payload) = payload {
            builder = builder.data("application/json", serde_json::json!({ "text": payload }));
        }
        let theirs = builder.build().expect("everything is set");
        let json = written(&theirs);
        same(&Event::from_json(json.as_bytes()).expect("what it writes is valid"), &theirs);
    }
}
