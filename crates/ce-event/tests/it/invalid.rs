//! Texts that must be refused. Each message names what is wrong.

use ce_event::{Event, EventError, Identity};

use crate::{REQUIRED, with};

#[track_caller]
fn refused(event: &str, says: &str) {
    let error = Event::from_json(event.as_bytes()).expect_err(event).to_string();
    assert!(error.contains(says), "{event}: {error}");
}

#[test]
fn what_is_no_json_object_is_refused() {
    refused("", "EOF");
    refused("null", "expected a JSON object");
    refused(r#""event""#, "expected a JSON object");
    refused(&format!("[{{{REQUIRED}}}]"), "expected a JSON object");
    refused(&format!("{{{REQUIRED}"), "EOF");
    refused(&format!("{{{REQUIRED}}}}}"), "trailing characters at column");
    refused(&format!("{{{REQUIRED},}}"), "trailing comma");
    refused(&with(r#""data":{"a":}"#), "expected value");
    refused(&with(r#""data":'x'"#), "expected value");
    refused(&with(r#""data":01"#), "number");
    refused(&with("\"data\":\"line\nbreak\""), "control character");
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    for members in [&b"\"subject\":\"\xff\""[..], b"\"data\":\"\xc0\xa0\"", b"\"\xff\":1"] {
        let event = [b"{", REQUIRED.as_bytes(), b",", members, b"}"].concat();
        assert!(matches!(Event::from_json(&event), Err(EventError::Json(_))), "{members:?}");
    }
}

#[test]
fn required_attributes_must_be_there() {
    refused("{}", "`specversion` is missing");
    refused(r#"{"specversion":"1.0","source":"s","type":"t"}"#, "`id` is missing");
    refused(r#"{"specversion":"1.0","id":"1","type":"t"}"#, "`source` is missing");
    refused(r#"{"specversion":"1.0","id":"1","source":"s"}"#, "`type` is missing");
    refused(r#"{"id":"1","source":"s","type":"t"}"#, "`specversion` is missing");
    refused(r#"{"specversion":"1.0","id":null,"source":"s","type":"t"}"#, "`id` is missing");
}

#[test]
fn attributes_must_not_be_empty() {
    refused(r#"{"id":""}"#, "`id` is empty");
    refused(r#"{"source":""}"#, "`source` is empty");
    refused(r#"{"type":""}"#, "`type` is empty");
    refused(r#"{"specversion":""}"#, "`specversion` is empty");
    refused(r#"{"subject":""}"#, "`subject` is empty");
    refused(r#"{"time":""}"#, "`time` is empty");
    refused(r#"{"dataschema":""}"#, "`dataschema` is empty");
    refused(r#"{"datacontenttype":""}"#, "`datacontenttype` is empty");
}

#[test]
fn only_version_1_0_is_known() {
    for version in ["0.9", "0.3", "1", "1.0.2", "1.1", " 1.0"] {
        let event = format!(r#"{{"specversion":"{version}","id":"1","source":"s","type":"t"}}"#);
        refused(&event, &format!("`specversion` is `{version}`"));
        let identity = Identity::from_json(event.as_bytes());
        assert_eq!(identity, Err(EventError::SpecVersion(version.into())));
    }
}

#[test]
fn core_attributes_are_strings() {
    refused(r#"{"id":25}"#, "`id` is not a string");
    refused(r#"{"specversion":1.0}"#, "`specversion` is not");
    refused(r#"{"specversion":1}"#, "`specversion` is not a string");
    refused(r#"{"subject":true}"#, "`subject` is not a string");
    refused(r#"{"id":{"xyz":"abc"}}"#, "`id` is not a string");
    refused(r#"{"time":1522949460}"#, "`time` is not a string");
    refused(r#"{"time":1522949460000}"#, "`time` is not a string");
}

#[test]
fn extensions_are_strings_booleans_or_32_bit_integers() {
    for value in [
        "1.5",
        "1.0",
        "1e2",
        "1E0",
        "-0.0",
        "2147483648",
        "-2147483649",
        "1e400",
        "[]",
        "{}",
        "[1]",
        "99999999999999999999",
    ] {
        refused(&with(&format!(r#""ext":{value}"#)), "`ext` is not a string, a boolean or");
    }
}

#[test]
fn names_are_lower_case_letters_and_digits() {
    for name in ["MyExtension", "my.extension", "my_ext", "my-ext", "", "ümlaut", "a b", "ID"] {
        for value in ["\"bad\"", "1", "1.5"] {
            let event = with(&format!(r#""{name}":{value}"#));
            refused(&event, &format!("attribute name `{name}` is not allowed"));
        }
    }
}

#[test]
fn each_attribute_is_set_once() {
    refused(&with(r#""id":"7""#), "`id` is set more than once");
    refused(&with(r#""id":null"#), "`id` is set more than once");
    refused(&with(r#""subject":null,"subject":"x""#), "`subject` is set more than once");
    refused(&with(r#""ext":1,"ext":1"#), "`ext` is set more than once");
    refused(&with(r#""ext":1,"\u0065xt":2"#), "`ext` is set more than once");
    refused(&with(r#""data":1,"data":2"#), "`data` is set more than once");
    refused(&with(r#""data_base64":"","data_base64":"""#), "`data_base64` is set more than once");
}

#[test]
fn strings_exclude_what_cannot_be_shown() {
    let escapes = [
        r"\u0000",
        r"\n",
        r"\t",
        r"\u001f",
        r"\u007f",
        r"\u009f",
        r"\ufdd0",
        r"\uffff",
        r"\ud83f\udffe",
        r"\ud800",
        r"\udc00",
        r"\ud800x",
    ];
    for escape in escapes {
        refused(&with(&format!(r#""subject":"a{escape}""#)), "`subject` holds a control character");
        refused(&with(&format!(r#""ext":"{escape}""#)), "`ext` holds a control character");
    }
    refused(&with("\"subject\":\"\u{7f}\""), "`subject` holds a control character");
}

#[test]
fn values_have_the_form_of_their_type() {
    refused(&with(r#""time":"lunchtime""#), "`time` is `lunchtime`");
    refused(&with(r#""time":"2018-04-05T18:31Z""#), "write it as RFC 3339 does");
    refused(&with(r#""datacontenttype":"xyz""#), "write a media type");
    refused(&with(r#""dataschema":"schema.json""#), "write an absolute URI");
    refused(r#"{"source":"a b"}"#, "`source` is `a b`, not a URI reference");
    refused(&with(r#""data_base64":"TWE""#), "`data_base64` is not base64");
    refused(&with(r#""data_base64":5"#), "`data_base64` is not base64");
    refused(&with(r#""data":1,"data_base64":"TWE=""#), "both set");
    refused(&with(r#""data":null,"data_base64":"TWE=""#), "both set");
}

#[test]
fn a_batch_names_the_event_that_is_wrong() {
    let refused = |batch: &str, says: &str| {
        let error = Event::batch_from_json(batch.as_bytes()).expect_err(batch).to_string();
        assert!(error.contains(says), "{batch}: {error}");
    };
    refused("{}", "expected a sequence");
    refused("[", "EOF");
    refused(r#"["not an object"]"#, "event 0 of the batch: not a CloudEvent in JSON");
    refused(&format!("[{{{REQUIRED}}},{{}}]"), "event 1 of the batch: attribute `specversion`");
    refused(&format!("[{{{REQUIRED}}}] x"), "trailing characters");
}
