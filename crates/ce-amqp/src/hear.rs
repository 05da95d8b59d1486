//! What a broker says.

use crate::fields::Fields;
use crate::frame::{BODY, FrameError, HEADER, HEARTBEAT, METHOD, split};
use crate::publish::fingerprint;

/// Which of the properties of a message are there, from the first bit down.
const PROPERTIES: u16 = 14;
/// The place of the message id among them, and of the table of headers.
const MESSAGE_ID: u16 = 8;
const HEADERS: u16 = 2;
/// Those of a fixed size: delivery mode, priority, timestamp.
const BYTES: [u16; 2] = [3, 4];
const TIMESTAMP: u16 = 9;

/// One thing that a broker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// `Connection.Start`.
    Start,
    /// `Connection.Tune`: what it wants to agree on.
    Tune {
        /// Channels of a connection, zero for any number.
        channel_max: u16,
        /// Bytes of a frame, zero for any number.
        frame_max: u32,
        /// How often to hear from each other, zero for never.
        heartbeat_s: u16,
    },
    /// `Connection.OpenOk`.
    OpenOk,
    /// `Connection.Close`: the end of the connection, and why.
    Close {
        /// The reply code.
        code: u16,
        /// In words.
        text: String,
    },
    /// `Connection.CloseOk`.
    CloseOk,
    /// `Connection.Blocked`, and why: it reads nothing from us any more.
    Blocked(String),
    /// `Connection.Unblocked`.
    Unblocked,
    /// `Channel.OpenOk`.
    ChannelOpen,
    /// `Channel.Close`: the end of a channel, and why.
    ChannelClose {
        /// The reply code.
        code: u16,
        /// In words.
        text: String,
    },
    /// `Exchange.DeclareOk`.
    ExchangeFound,
    /// `Confirm.SelectOk`.
    ConfirmMode,
    /// `Basic.Ack` of the publish with this number, or of all up to it.
    Ack {
        /// The delivery tag; publishes of a channel count from one.
        tag: u64,
        /// Whether those before it are meant as well.
        multiple: bool,
    },
    /// `Basic.Nack` of the publish with this number, or of all up to it.
    Nack {
        /// The delivery tag; publishes of a channel count from one.
        tag: u64,
        /// Whether those before it are meant as well.
        multiple: bool,
    },
    /// `Basic.Return`: a message that comes back follows, and why it does.
    Return {
        /// The reply code.
        code: u16,
        /// In words.
        text: String,
        /// The key that it was published with.
        routing_key: String,
    },
    /// The header of such a message.
    Header {
        /// The message id, if it has one.
        message_id: Option<String>,
        /// That of its properties, which were published with the same.
        fingerprint: u64,
    },
    /// A part of its body.
    Body,
    /// A heartbeat.
    Heartbeat,
    /// Anything else.
    Other,
}

/// Reads the first frame, whose payload may have so many bytes; `None` while it is not whole. The number
/// is how many bytes it took.
pub fn parse(bytes: &[u8], limit_bytes: usize) -> Result<Option<(Said, usize)>, FrameError> {
    let Some((frame, taken)) = split(bytes, limit_bytes)? else { return Ok(None) };
    let said = match frame.kind {
        METHOD => method(frame.payload).ok_or(FrameError::Broken)?,
        HEADER => header(frame.payload).ok_or(FrameError::Broken)?,
        BODY => Said::Body,
        HEARTBEAT if frame.channel == 0 => Said::Heartbeat,
        _ => Said::Other,
    };
    Ok(Some((said, taken)))
}

/// Reads a method; `None` if it is cut short.
fn method(payload: &[u8]) -> Option<Said> {
    let mut fields = Fields(payload);
    let method = (fields.u16()?, fields.u16()?);
    Some(match method {
        (60, 80) => Said::Ack { tag: fields.u64()?, multiple: fields.u8()? & 1 != 0 },
        (60, 120) => Said::Nack { tag: fields.u64()?, multiple: fields.u8()? & 1 != 0 },
        (60, 50) => {
            let (code, text) = (fields.u16()?, fields.short_text()?);
            let _exchange = fields.short_text()?;
            Said::Return { code, text, routing_key: fields.short_text()? }
        }
        (10, 10) => Said::Start,
        (10, 30) => Said::Tune {
            channel_max: fields.u16()?,
            frame_max: fields.u32()?,
            heartbeat_s: fields.u16()?,
        },
        (10, 41) => Said::OpenOk,
        (10, 50) => Said::Close { code: fields.u16()?, text: fields.short_text()? },
        (10, 51) => Said::CloseOk,
        (10, 60) => Said::Blocked(fields.short_text()?),
        (10, 61) => Said::Unblocked,
        (20, 11) => Said::ChannelOpen,
        (20, 40) => Said::ChannelClose { code: fields.u16()?, text: fields.short_text()? },
        (40, 11) => Said::ExchangeFound,
        (85, 11) => Said::ConfirmMode,
        _ => Said::Other,
    })
}

/// Reads the header of a message as far as its id; `None` if it is cut short.
fn header(payload: &[u8]) -> Option<Said> {
    let mut fields = Fields(payload);
    let (_class, _weight, _size) = (fields.u16()?, fields.u16()?, fields.u64()?);
    let fingerprint = fingerprint(fields.0);
    let flags = fields.u16()?;
    let has = |property: u16| flags & (1 << (15 - property)) != 0;
    for property in (0..PROPERTIES).filter(|&property| has(property)) {
        match property {
            MESSAGE_ID => {
                let message_id = Some(fields.short_text()?);
                return Some(Said::Header { message_id, fingerprint });
            }
            HEADERS => drop(fields.long_bytes()?),
            TIMESTAMP => drop(fields.u64()?),
            property if BYTES.contains(&property) => drop(fields.u8()?),
            _ => drop(fields.short_text()?),
        }
    }
    Some(Said::Header { message_id: None, fingerprint })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{close_ok, heartbeat, tune_ok};

    const LIMIT: usize = 1000;

    #[test]
    fn several_frames_are_taken_one_by_one() {
        let bytes = [heartbeat(), close_ok()].concat();
        let (first, taken) = parse(&bytes, LIMIT).unwrap().unwrap();
        let (second, _) = parse(&bytes[taken..], LIMIT).unwrap().unwrap();
        assert_eq!((first, second), (Said::Heartbeat, Said::CloseOk));
    }

    #[test]
    fn what_is_no_frame_is_told() {
        let check = |bytes: &[u8], why| assert_eq!(parse(bytes, LIMIT), Err(why), "{bytes:?}");
        check(b"AMQP\x00\x01\x00\x00", FrameError::Version);
        check(b"HTTP/1.1 400 Bad Request", FrameError::Broken);
        check(b"220", FrameError::Broken);
        check(&[1, 0, 0, 255, 255, 255, 255], FrameError::TooLong(4_294_967_295));
        check(&[1, 0, 0, 0, 0, 3, 233], FrameError::TooLong(1001));
        // Another mark at the end.
        check(&[1, 0, 0, 0, 0, 0, 1, 0, 7], FrameError::Broken);
        // A method whose fields are cut short: a Tune of two bytes.
        let mut bytes = tune_ok(1, 2, 3);
        bytes.splice(3..7, [0, 0, 0, 6]);
        bytes[10] = 30;
        bytes.splice(13.., [0xCE]);
        check(&bytes, FrameError::Broken);
    }
}
