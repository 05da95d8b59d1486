//! Binary mode over HTTP.

use ce_event::{Data, Event, EventError, Value, http};

const REQUIRED: [(&str, &[u8]); 4] =
    [("ce-specversion", b"1.0"), ("ce-id", b"7"), ("ce-source", b"/s"), ("ce-type", b"t")];

fn read<'a>(header: (&'a str, &'a [u8]), body: &'a [u8]) -> Result<Event<'a>, EventError> {
    http::event(REQUIRED.into_iter().chain([header]), body)
}

#[test]
fn headers_are_attributes_and_the_body_is_the_data() {
    let event = read(("Content-Type", b"text/plain"), b"hello").unwrap();
    assert_eq!((&*event.id, &*event.source, &*event.event_type), ("7", "/s", "t"));
    assert_eq!(event.datacontenttype.as_deref(), Some("text/plain"));
    assert_eq!(event.data, Some(Data::Bytes(b"hello")));
    assert_eq!(event.extensions, []);
}

#[test]
fn other_headers_are_not_attributes() {
    for header in ["traceparent", "host", "c", "cé-id", "xce-id"] {
        let event = read((header, b"x"), b"").unwrap();
        assert_eq!((event.extensions.len(), event.data), (0, None), "{header}");
    }
}

#[test]
fn names_have_no_case_and_values_are_decoded() {
    let event = read(("CE-Subject", b"Euro%20%E2%82%AC"), b"").unwrap();
    assert_eq!(event.subject.as_deref(), Some("Euro €"));
    let event = read(("Ce-MyExt", b"\"a b\""), b"").unwrap();
    assert_eq!(event.extension("myext"), Some(&Value::String("a b".into())));
}

#[test]
fn what_breaks_a_rule_is_refused() {
    let check = |header: (&str, &[u8]), says: &str| {
        let error = read(header, b"").expect_err(says).to_string();
        assert!(error.contains(says), "{header:?}: {error}");
    };
    check(("ce-subject", b"%C0%A0"), "`subject` is not UTF-8");
    check(("content-type", b"\xff"), "`datacontenttype` is not UTF-8");
    check(("content-type", b"xyz"), "write a media type");
    check(("ce-datacontenttype", b"a/b"), "`ce-datacontenttype` is not allowed");
    check(("ce-id", b"8"), "`id` is set more than once");
    check(("CE-ID", b"8"), "`id` is set more than once");
    check(("ce-my_ext", b"x"), "attribute name `my_ext` is not allowed");
    check(("ce-data", b"x"), "attribute name `data` is not allowed");
    check(("ce-", b"x"), "attribute name `` is not allowed");
    check(("ce-subject", b""), "`subject` is empty");
    check(("ce-subject", b"a%00b"), "`subject` holds a control character");
    check(("ce-time", b"noon"), "`time` is `noon`");
    let missing = http::event(REQUIRED.into_iter().skip(1), b"");
    assert_eq!(missing, Err(EventError::Missing("specversion")));
}
