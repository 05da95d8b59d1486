//! Writes events in binary mode: what goes into the headers of a message and what into its body.

use std::borrow::Cow;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};

use crate::{Data, Event, EventError};

/// As lenient about unused bits as the check of the specification's form is.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// An event in binary mode, before a binding has named its headers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binary<'a> {
    /// Names and values of all attributes but the content type; values in their canonical text.
    pub attributes: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// The content type of the message.
    pub content_type: Option<Cow<'a, str>>,
    /// The payload, byte for byte; empty if there is none.
    pub body: Cow<'a, [u8]>,
}

impl<'a> TryFrom<Event<'a>> for Binary<'a> {
    type Error = EventError;

    /// JSON data without a content type gets one, as a receiver could no longer tell what it is.
    /// Fails if the data is not the base64 that it says it is.
    fn try_from(event: Event<'a>) -> Result<Self, EventError> {
        let is_bare_json = matches!(event.data, Some(Data::Json(_)));
        let stand_in = is_bare_json.then_some(Cow::Borrowed("application/json"));
        let required = [
            ("specversion", Some(Cow::Borrowed("1.0"))),
            ("id", Some(event.id)),
            ("source", Some(event.source)),
            ("type", Some(event.event_type)),
            ("subject", event.subject),
            ("time", event.time),
            ("dataschema", event.dataschema),
        ];
        let core = required.into_iter().filter_map(|(name, value)| Some((name.into(), value?)));
        let extensions =
            event.extensions.into_iter().map(|(name, value)| (name, value.into_text()));
        Ok(Self {
            attributes: core.chain(extensions).collect(),
            content_type: event.datacontenttype.or(stand_in),
            body: match event.data {
                None => Cow::Borrowed(&[]),
                Some(Data::Json(text) | Data::Text(Cow::Borrowed(text))) => {
                    Cow::Borrowed(text.as_bytes())
                }
                Some(Data::Bytes(bytes)) => Cow::Borrowed(bytes),
                Some(Data::Text(Cow::Owned(text))) => Cow::Owned(text.into_bytes()),
                Some(Data::Base64(text)) => {
                    Cow::Owned(BASE64.decode(text.as_bytes()).map_err(|_| EventError::Base64)?)
                }
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Value;
    use crate::amqp::{self, Dialect};

    /// Reads what was written, as a receiver does.
    fn read_back<'a>(binary: &'a Binary<'a>, headers: &'a [String]) -> Event<'a> {
        let values =
            binary.attributes.iter().map(|(_, value)| amqp::Field::Text((&**value).into()));
        let headers = headers.iter().map(String::as_str).zip(values);
        amqp::event(headers, binary.content_type.as_deref(), &binary.body).unwrap()
    }

    fn data() -> impl Strategy<Value = Option<(&'static str, Vec<u8>)>> {
        let bytes = prop::collection::vec(any::<u8>(), 1..40);
        prop_oneof![
            Just(None),
            Just(Some(("json", br#"{"a": [1.0, "x"]}"#.to_vec()))),
            bytes.prop_map(|bytes| Some(("base64", bytes))),
            "[a-zé\\n]{1,20}".prop_map(|text| Some(("text", text.into_bytes()))),
        ]
    }

    proptest! {
        #[test]
        fn every_dialect_brings_back_what_was_sent(
            id in "[!-~é€]{1,20}",
            subject in prop::option::of("[ -~é😀]{1,20}"),
            extension in "[a-z][a-z0-9]{3,12}x",
            number: i32,
            data in data(),
        ) {
            let base64 = data.as_ref().map(|(_, bytes)| BASE64.encode(bytes));
            let text = data.as_ref().map(|(_, bytes)| String::from_utf8_lossy(bytes).into_owned());
            let event = Event {
                id: id.as_str().into(),
                source: "/s".into(),
                event_type: "t".into(),
                subject: subject.as_deref().map(Cow::Borrowed),
                time: Some("2030-01-31T03:00:00.5Z".into()),
                datacontenttype: matches!(data, Some(("text", _))).then(|| "text/plain".into()),
                dataschema: Some("x:y".into()),
                extensions: vec![(extension.as_str().into(), Value::Integer(number))],
                data: data.as_ref().map(|(kind, _)| match *kind {
                    "json" => Data::Json(text.as_deref().unwrap()),
                    "text" => Data::Text(text.as_deref().unwrap().into()),
                    _ => Data::Base64(base64.as_deref().unwrap().into()),
                }),
            };
            let binary = Binary::try_from(event.clone()).unwrap();
            for dialect in Dialect::ALL {
                let names = binary.attributes.iter().map(|(name, _)| dialect.header(name));
                let headers: Vec<String> = names.collect();
                prop_assert_eq!(Dialect::of(headers.iter().map(String::as_str)), Some(dialect));
                let is_json = matches!(event.data, Some(Data::Json(_)));
                let expected = Event {
                    datacontenttype: event
                        .datacontenttype
                        .clone()
                        .or(is_json.then(|| "application/json".into())),
                    extensions: vec![(
                        extension.as_str().into(),
                        Value::String(number.to_string().into()),
                    )],
                    data: data.as_ref().map(|(_, bytes)| Data::Bytes(bytes)),
                    ..event.clone()
                };
                prop_assert_eq!(read_back(&binary, &headers), expected);
            }
        }
    }

    #[test]
    fn what_is_not_base64_is_not_sent() {
        let json =
            br#"{"specversion":"1.0","id":"1","source":"/s","type":"t","data_base64":"TR=="}"#;
        let mut event = Event::from_json(json).unwrap();
        assert_eq!(Binary::try_from(event.clone()).unwrap().body.as_ref(), b"M");
        event.data = Some(Data::Base64("T".into()));
        assert_eq!(Binary::try_from(event), Err(EventError::Base64));
    }
}
