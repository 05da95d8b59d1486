//! An event on its way through: the bytes as they came, and where in them its identity stands.

use std::borrow::Cow;
use std::str;

use bytes::Bytes;
use ce_event::{Binary, EventError, Identity, Pointer};

/// One event. The body is a slice of the block that was read, so nothing is copied.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    body: Bytes,
    id: Text,
    source: Text,
    kind: Text,
    key: Option<Box<Text>>,
}

/// A text of the event: where it stands in the body, or a copy if it is escaped there.
#[derive(Debug, Clone)]
enum Text {
    InBody(u32, u32),
    Unescaped(Box<str>),
}

impl Event {
    /// Reads the identity of a structured CloudEvent. The rest of it is not looked at.
    pub(crate) fn new(body: Bytes) -> Result<Self, EventError> {
        let Identity { id, source, event_type, .. } = Identity::from_json(&body)?;
        let (id, source, kind) =
            (Text::of(id, &body), Text::of(source, &body), Text::of(event_type, &body));
        Ok(Self { body, id, source, kind, key: None })
    }

    /// Looks for what the event has in common with the one that answers it.
    pub(crate) fn correlate(&mut self, by: &Pointer) {
        self.key = by.in_event(&self.body).map(|key| Box::new(Text::of(key, &self.body)));
    }

    /// What stands for a connection: nothing of it is sent, its names are for the records only.
    pub(crate) fn connection(scenario: &str, number: u64) -> Self {
        let text = |text: String| Text::Unescaped(text.into());
        Self {
            body: Bytes::new(),
            id: text(number.to_string()),
            source: text(format!("ce-blast/{scenario}")),
            kind: text("connection".to_owned()),
            key: None,
        }
    }

    /// Whether it stands for a connection. No event is empty.
    pub(crate) fn is_connection(&self) -> bool {
        self.body.is_empty()
    }

    /// The event as it came.
    pub(crate) fn body(&self) -> &Bytes {
        &self.body
    }

    /// The event in binary mode, whole and checked.
    pub(crate) fn to_binary(&self) -> Result<Binary<'_>, EventError> {
        ce_event::Event::from_json(&self.body).and_then(Binary::try_from)
    }

    /// Bytes that were found in the event: a part of it, unless they had to be unescaped.
    pub(crate) fn part(&self, found: Cow<'_, [u8]>) -> Bytes {
        match found {
            Cow::Borrowed(part) if self.body.as_ptr_range().contains(&part.as_ptr()) => {
                self.body.slice_ref(part)
            }
            other => Bytes::from(other.into_owned()),
        }
    }

    pub(crate) fn id(&self) -> &str {
        self.id.read(&self.body)
    }

    pub(crate) fn source(&self) -> &str {
        self.source.read(&self.body)
    }

    pub(crate) fn event_type(&self) -> &str {
        self.kind.read(&self.body)
    }

    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_ref().map(|key| key.read(&self.body))
    }
}

impl Text {
    fn of(text: Cow<'_, str>, body: &Bytes) -> Self {
        match text {
            Cow::Owned(text) => Self::Unescaped(text.into()),
            Cow::Borrowed(text) => {
                let start = text.as_ptr().addr() - body.as_ptr().addr();
                let range = u32::try_from(start).ok().zip(u32::try_from(start + text.len()).ok());
                let (start, end) = range.expect("a line is limited to far less than 4 GiB");
                Self::InBody(start, end)
            }
        }
    }

    fn read<'a>(&'a self, body: &'a [u8]) -> &'a str {
        match self {
            Self::Unescaped(text) => text,
            Self::InBody(start, end) => {
                let bytes = &body[*start as usize..*end as usize];
                str::from_utf8(bytes).expect("the parser has checked it")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_is_found_plain_and_escaped() {
        let body = br#"{"specversion":"1.0","type":"a.b","source":"/s\u0041","id":"7"}"#;
        let event = Event::new(Bytes::from_static(body)).unwrap();
        assert_eq!((event.id(), event.source(), event.event_type()), ("7", "/sA", "a.b"));
        assert_eq!((event.body().as_ref(), event.key()), (body.as_slice(), None));
    }

    #[test]
    fn the_key_is_found_plain_and_escaped() {
        let body = br#"{"specversion":"1.0","type":"a.b","source":"/s","id":"7","data":{"c":"x","d":"\u0041"}}"#;
        let mut event = Event::new(Bytes::from_static(body)).unwrap();
        for (pointer, key) in [("/data/c", Some("x")), ("/data/d", Some("A")), ("/data/e", None)] {
            event.correlate(&pointer.parse().unwrap());
            assert_eq!(event.key(), key);
        }
    }

    #[test]
    fn data_is_copied_only_where_it_must_be() {
        let check = |members: &str, expected: &'static str, is_shared: bool| {
            let text =
                format!(r#"{{"specversion":"1.0","id":"7","source":"/s","type":"t"{members}}}"#);
            let event = Event::new(Bytes::from(text)).unwrap();
            let part = event.part(event.to_binary().unwrap().body);
            let shared = event.body.as_ptr_range().contains(&part.as_ptr());
            assert_eq!((part, shared), (expected.into(), is_shared), "{members}");
        };
        check(r#","data":{"a":1}"#, r#"{"a":1}"#, true);
        check(r#","datacontenttype":"text/plain","data":"plain""#, "plain", true);
        check(r#","datacontenttype":"text/plain","data":"a\nb""#, "a\nb", false);
        check(r#","data_base64":"TWE=""#, "Ma", false);
        check("", "", false);
    }
}
