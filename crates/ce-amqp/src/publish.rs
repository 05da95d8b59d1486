//! Publishing a message: a method, a header, and the body in as many parts as it takes.

use std::borrow::Cow;
use std::hash::{DefaultHasher, Hasher};

use crate::fields::{ShortText, put_long, put_with_length};
use crate::frame::{BODY, HEAD, HEADER, put, put_method};

/// The bits that say which properties follow.
const CONTENT_TYPE: u16 = 1 << 15;
const HEADERS: u16 = 1 << 13;
const DELIVERY_MODE: u16 = 1 << 12;
const MESSAGE_ID: u16 = 1 << 7;
/// A message that no queue takes comes back.
const MANDATORY: u8 = 1;

/// The properties that we use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Properties<'a> {
    /// The media type of the body.
    pub content_type: Option<ShortText<'a>>,
    /// Headers, all of them text.
    pub headers: Vec<(ShortText<'a>, Cow<'a, str>)>,
    /// Whether the message survives the broker.
    pub persistent: bool,
    /// Tells messages apart.
    pub message_id: ShortText<'a>,
}

/// Why a message cannot be written: its properties have to fit into one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its attributes take a frame of {bytes} bytes, and {frame_max} were agreed on")]
pub struct HeaderTooLong {
    bytes: usize,
    frame_max: usize,
}

/// Writes a message with the mandatory flag, in frames of so many bytes at most, or nothing. Returns the
/// fingerprint of its properties.
pub fn publish(
    to: &mut Vec<u8>,
    channel: u16,
    (exchange, routing_key): (&ShortText<'_>, &ShortText<'_>),
    properties: &Properties<'_>,
    body: &[u8],
    frame_max: usize,
) -> Result<u64, HeaderTooLong> {
    let before = to.len();
    put_method(to, channel, (60, 40), |to| {
        to.extend([0, 0]);
        exchange.put(to);
        routing_key.put(to);
        to.push(MANDATORY);
    });
    let (header, mut print) = (to.len(), 0);
    put(to, HEADER, channel, |to| {
        // The class, and a weight that is always zero.
        to.extend([0, 60, 0, 0]);
        to.extend((body.len() as u64).to_be_bytes());
        let start = to.len();
        properties.put(to);
        print = fingerprint(&to[start..]);
    });
    let bytes = to.len() - header;
    if bytes > frame_max {
        to.truncate(before);
        return Err(HeaderTooLong { bytes, frame_max });
    }
    for part in body.chunks(frame_max.saturating_sub(HEAD).max(1)) {
        put(to, BODY, channel, |to| to.extend(part));
    }
    Ok(print)
}

/// Tells the properties of a message from those of most others, as they are on the wire.
pub(crate) fn fingerprint(properties: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    hasher.write(properties);
    hasher.finish()
}

impl Properties<'_> {
    fn put(&self, to: &mut Vec<u8>) {
        let Self { content_type, headers, persistent, message_id } = self;
        let mut flags = DELIVERY_MODE | MESSAGE_ID;
        flags |= if content_type.is_some() { CONTENT_TYPE } else { 0 };
        flags |= if headers.is_empty() { 0 } else { HEADERS };
        to.extend(flags.to_be_bytes());
        if let Some(content_type) = content_type {
            content_type.put(to);
        }
        if !headers.is_empty() {
            put_with_length(to, |to| {
                for (name, value) in headers {
                    name.put(to);
                    to.push(b'S');
                    put_long(to, value.as_bytes());
                }
            });
        }
        to.push(if *persistent { 2 } else { 1 });
        message_id.put(to);
    }
}
