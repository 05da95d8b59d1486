//! Frames: a type, a channel, a size, so many bytes, and a mark at the end.

use crate::fields::put_with_length;

/// What a client says first.
pub const PROTOCOL: [u8; 8] = *b"AMQP\x00\x00\x09\x01";
/// What a frame has besides its payload: type, channel and size before it, and a mark behind it.
pub const HEAD: usize = 8;

pub(crate) const METHOD: u8 = 1;
pub(crate) const HEADER: u8 = 2;
pub(crate) const BODY: u8 = 3;
pub(crate) const HEARTBEAT: u8 = 8;
const END: u8 = 0xCE;

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// It says so by its own header.
    #[error("the broker speaks another version of AMQP")]
    Version,
    /// Longer than was agreed on.
    #[error("a frame of {0} bytes")]
    TooLong(usize),
    /// No frame, or one that ends within a field.
    #[error("what came is not AMQP")]
    Broken,
}

/// A frame as it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) kind: u8,
    pub(crate) channel: u16,
    pub(crate) payload: &'a [u8],
}

/// Splits the first frame off, whose payload may have so many bytes; `None` while it is not whole. The
/// number is how many bytes it took.
pub(crate) fn split(
    bytes: &[u8],
    limit_bytes: usize,
) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    if bytes.starts_with(b"AMQP") {
        return Err(FrameError::Version);
    }
    // What is no AMQP, such as a line of text, may be shorter than a head and never go on.
    let Some(&kind) = bytes.first() else { return Ok(None) };
    if ![METHOD, HEADER, BODY, HEARTBEAT].contains(&kind) {
        return Err(FrameError::Broken);
    }
    let Some((head, rest)) = bytes.split_first_chunk::<7>() else { return Ok(None) };
    let [_, c0, c1, size @ ..] = *head;
    let size = usize::try_from(u32::from_be_bytes(size)).unwrap_or(usize::MAX);
    if size > limit_bytes {
        return Err(FrameError::TooLong(size));
    }
    let Some((payload, rest)) = rest.split_at_checked(size) else { return Ok(None) };
    match rest.first() {
        None => Ok(None),
        Some(&END) => {
            let frame = Frame { kind, channel: u16::from_be_bytes([c0, c1]), payload };
            Ok(Some((frame, HEAD + size)))
        }
        Some(_) => Err(FrameError::Broken),
    }
}

/// Writes a frame.
pub(crate) fn put(to: &mut Vec<u8>, kind: u8, channel: u16, payload: impl FnOnce(&mut Vec<u8>)) {
    to.push(kind);
    to.extend(channel.to_be_bytes());
    put_with_length(to, payload);
    to.push(END);
}

/// Writes a frame with a method.
pub(crate) fn put_method(
    to: &mut Vec<u8>,
    channel: u16,
    (class, method): (u16, u16),
    fields: impl FnOnce(&mut Vec<u8>),
) {
    put(to, METHOD, channel, |to| {
        to.extend(class.to_be_bytes());
        to.extend(method.to_be_bytes());
        fields(to);
    });
}
