//! Events that must be accepted, and what is read from them.

use std::borrow::Cow;

use ce_event::{Data, Event, Identity, Value};

use crate::{REQUIRED, with};

#[track_caller]
fn read(event: &str) -> Event<'_> {
    Event::from_json(event.as_bytes()).unwrap_or_else(|err| panic!("{event}: {err}"))
}

#[test]
fn an_event_needs_four_attributes_only() {
    let text = format!("{{{REQUIRED}}}");
    let event = read(&text);
    assert_eq!((&*event.id, &*event.source, &*event.event_type), ("7", "/s", "t"));
    assert_eq!((&event.subject, &event.time), (&None, &None));
    assert_eq!((&event.datacontenttype, &event.dataschema), (&None, &None));
    assert_eq!((event.extensions.len(), &event.data), (0, &None));
    assert!(matches!(event.id, Cow::Borrowed(_)), "plain text is not copied");
}

#[test]
fn all_attributes_are_read() {
    let text = with(
        r#""subject":"a b","time":"2018-04-05T17:31:00Z","datacontenttype":"text/plain",
           "dataschema":"https://example.com/s""#,
    );
    let event = read(&text);
    assert_eq!(event.subject.as_deref(), Some("a b"));
    assert_eq!(event.time.as_deref(), Some("2018-04-05T17:31:00Z"));
    assert_eq!(event.datacontenttype.as_deref(), Some("text/plain"));
    assert_eq!(event.dataschema.as_deref(), Some("https://example.com/s"));
}

#[test]
fn null_means_not_set() {
    let text = with(
        r#""subject":null,"time":null,"datacontenttype":null,"dataschema":null,"ext":null,
           "data_base64":null"#,
    );
    assert_eq!(read(&text), read(&format!("{{{REQUIRED}}}")));
}

#[test]
fn a_time_in_year_one_means_not_set() {
    let text = with(r#""time":"0001-01-01T00:00:00Z""#);
    assert_eq!(read(&text), read(&format!("{{{REQUIRED}}}")));
    let text = with(r#""time":"1001-01-01T00:00:00Z""#);
    assert_eq!(read(&text).time.as_deref(), Some("1001-01-01T00:00:00Z"));
}

#[test]
fn extensions_keep_their_type() {
    let text = with(
        r#""extinteger":10,"extboolean":true,"extstring":"text","extbinary":"TWE=","empty":"",
           "min":-2147483648,"max":2147483647,"zero":-0,"no":false"#,
    );
    let event = read(&text);
    let check = |name: &str, value: Value<'_>| assert_eq!(event.extension(name), Some(&value));
    check("extinteger", Value::Integer(10));
    check("extboolean", Value::Boolean(true));
    check("extstring", Value::String("text".into()));
    check("extbinary", Value::String("TWE=".into()));
    check("empty", Value::String("".into()));
    check("min", Value::Integer(i32::MIN));
    check("max", Value::Integer(i32::MAX));
    check("zero", Value::Integer(0));
    check("no", Value::Boolean(false));
    assert_eq!(event.extension("missing"), None);
}

#[test]
fn a_number_and_its_text_look_the_same() {
    let [number, text] = [with(r#""sequence":5"#), with(r#""sequence":"5""#)];
    let shown = |event: &str| read(event).extension("sequence").map(ToString::to_string);
    assert_eq!(shown(&number), shown(&text));
    assert_eq!(Value::Boolean(true).to_string(), "true");
}

#[test]
fn json_data_stays_as_it_came() {
    let check = |members: &str, json: &str| {
        assert_eq!(read(&with(members)).data, Some(Data::Json(json)), "{members}");
    };
    check(r#""data":{"b":1.50, "a":1e2}"#, r#"{"b":1.50, "a":1e2}"#);
    check(r#""data":"text""#, r#""text""#);
    check(r#""data":null"#, "null");
    check(r#""data":[]"#, "[]");
    check(r#""data":"{}","datacontenttype":"application/geo+json; a=b""#, r#""{}""#);
    // Only a string is text; anything else is kept, whatever the content type says.
    check(r#""data":{"a":1},"datacontenttype":"text/xml""#, r#"{"a":1}"#);
}

#[test]
fn other_data_is_text_or_base64() {
    let text = with(r#""data":"<a b=\"c\"/>","datacontenttype":"text/xml""#);
    assert_eq!(read(&text).data, Some(Data::Text(r#"<a b="c"/>"#.into())));
    let text = with(r#""datacontenttype":"text/plain","data":"plain""#);
    assert!(matches!(read(&text).data, Some(Data::Text(Cow::Borrowed("plain")))));
    let text = with(r#""data_base64":"TWE=""#);
    assert_eq!(read(&text).data, Some(Data::Base64("TWE=".into())));
}

#[test]
fn deep_nesting_costs_no_stack() {
    let depth = 100_000;
    let text = with(&format!(r#""data":{}{}"#, "[".repeat(depth), "]".repeat(depth)));
    assert!(read(&text).data.is_some());
    assert!(Identity::from_json(text.as_bytes()).is_ok());
}

#[test]
fn payloads_around_the_limit_of_intermediaries_are_fine() {
    for size in [65_535, 65_536, 65_537] {
        let text = with(&format!(r#""data":"{}""#, "x".repeat(size)));
        let Some(Data::Json(json)) = read(&text).data else { panic!("{size}") };
        assert_eq!(json.len(), size + 2);
    }
}

#[test]
fn names_may_be_written_with_escapes() {
    let text = with(r#""\u0073ubject":"caf\u00e9 \ud83d\ude00""#);
    assert_eq!(read(&text).subject.as_deref(), Some("café 😀"));
}

#[test]
fn batches_hold_any_number_of_events() {
    assert_eq!(Event::batch_from_json(b" [] "), Ok(vec![]));
    let batch = format!("[{{{REQUIRED}}}, {{{REQUIRED}}},{}]", with(r#""data":[1]"#));
    let events = Event::batch_from_json(batch.as_bytes()).unwrap();
    assert_eq!(events.len(), 3);
    assert_eq!(events[0], events[1]);
    assert_eq!(events[2].data, Some(Data::Json("[1]")));
}
