//! AMQP 0.9.1 on the wire, as far as opening and holding a connection needs it. Pure: bytes in,
//! frames out, and the other way round.

/// What a client says first.
pub(super) const PROTOCOL: [u8; 8] = *b"AMQP\x00\x00\x09\x01";
/// Before anything is agreed on, frames are smaller than this; a larger one is no AMQP.
const LIMIT_BYTES: usize = 128 * 1024;
/// Type, channel and size; after the payload comes one more byte.
const HEAD: usize = 7;
const END: u8 = 0xCE;
const METHOD: u8 = 1;
const HEARTBEAT: u8 = 8;
/// The class of all methods here.
const CONNECTION: u16 = 10;

/// What the broker says on channel zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    Start,
    Tune {
        channel_max: u16,
        frame_max: u32,
        heartbeat_s: u16,
    },
    OpenOk,
    /// The end of the connection, and why.
    Close {
        code: u16,
        text: String,
    },
    CloseOk,
    Heartbeat,
    /// Anything else, such as `Connection.Blocked`.
    Other,
}

/// Why bytes are no frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    #[error("the broker speaks another version of AMQP")]
    Version,
    #[error("a frame of {0} bytes")]
    TooLong(usize),
    #[error("what came is not AMQP")]
    Broken,
}

/// Reads the first frame; `None` while it is not whole. The number is how many bytes it took.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Frame, usize)>, FrameError> {
    if bytes.starts_with(b"AMQP") {
        // A broker that wants another version says so by its header.
        return Err(FrameError::Version);
    }
    let Some((head, rest)) = bytes.split_at_checked(HEAD) else {
        // What is no AMQP, such as a line of text, may be shorter than a head and never go on.
        let known = bytes.first().is_none_or(|&kind| (1..=HEARTBEAT).contains(&kind));
        return if known { Ok(None) } else { Err(FrameError::Broken) };
    };
    if !(1..=HEARTBEAT).contains(&head[0]) {
        return Err(FrameError::Broken);
    }
    let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]);
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    if size > LIMIT_BYTES {
        return Err(FrameError::TooLong(size));
    }
    let Some((payload, rest)) = rest.split_at_checked(size) else { return Ok(None) };
    match rest.first() {
        None => Ok(None),
        Some(&END) => {
            let frame = match head[0] {
                METHOD => method(payload).ok_or(FrameError::Broken)?,
                HEARTBEAT => Frame::Heartbeat,
                _ => Frame::Other,
            };
            Ok(Some((frame, HEAD + size + 1)))
        }
        Some(_) => Err(FrameError::Broken),
    }
}

/// Reads a method; `None` if it is cut short.
fn method(payload: &[u8]) -> Option<Frame> {
    let mut fields = Fields(payload);
    let (class, method) = (fields.u16()?, fields.u16()?);
    Some(match (class, method) {
        (CONNECTION, 10) => Frame::Start,
        (CONNECTION, 30) => Frame::Tune {
            channel_max: fields.u16()?,
            frame_max: fields.u32()?,
            heartbeat_s: fields.u16()?,
        },
        (CONNECTION, 41) => Frame::OpenOk,
        (CONNECTION, 50) => Frame::Close { code: fields.u16()?, text: fields.short_text()? },
        (CONNECTION, 51) => Frame::CloseOk,
        _ => Frame::Other,
    })
}

struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    fn short_text(&mut self) -> Option<String> {
        let length = self.take(1)?[0];
        Some(String::from_utf8_lossy(self.take(length.into())?).into_owned())
    }
}

/// `Connection.StartOk`: who we are. The capabilities make the broker say why it refuses a login.
pub(super) fn start_ok(name: &str, user: &str, password: &str) -> Vec<u8> {
    let mut capabilities = Vec::new();
    for capability in ["authentication_failure_close", "connection.blocked"] {
        short_text(&mut capabilities, capability);
        capabilities.extend([b't', 1]);
    }
    let mut properties = Vec::new();
    for (property, value) in [("product", "ce-blast"), ("connection_name", name)] {
        short_text(&mut properties, property);
        properties.push(b'S');
        long_bytes(&mut properties, value.as_bytes());
    }
    short_text(&mut properties, "capabilities");
    properties.push(b'F');
    long_bytes(&mut properties, &capabilities);

    let mut fields = Vec::new();
    long_bytes(&mut fields, &properties);
    short_text(&mut fields, "PLAIN");
    long_bytes(&mut fields, format!("\0{user}\0{password}").as_bytes());
    short_text(&mut fields, "en_US");
    call(11, &fields)
}

/// `Connection.TuneOk`.
pub(super) fn tune_ok(channel_max: u16, frame_max: u32, heartbeat_s: u16) -> Vec<u8> {
    let mut fields = Vec::new();
    fields.extend(channel_max.to_be_bytes());
    fields.extend(frame_max.to_be_bytes());
    fields.extend(heartbeat_s.to_be_bytes());
    call(31, &fields)
}

/// `Connection.Open` of a virtual host.
pub(super) fn open(vhost: &str) -> Vec<u8> {
    let mut fields = Vec::new();
    short_text(&mut fields, vhost);
    // Two fields that older versions had.
    fields.extend([0, 0]);
    call(40, &fields)
}

/// `Connection.Close`, for no particular reason.
pub(super) fn close() -> Vec<u8> {
    let mut fields = Vec::new();
    fields.extend(200_u16.to_be_bytes());
    short_text(&mut fields, "done");
    // The method that was the reason: none.
    fields.extend([0; 4]);
    call(50, &fields)
}

/// `Connection.CloseOk`.
pub(super) fn close_ok() -> Vec<u8> {
    call(51, &[])
}

/// A heartbeat.
pub(super) fn heartbeat() -> Vec<u8> {
    frame(HEARTBEAT, &[])
}

fn call(method: u16, fields: &[u8]) -> Vec<u8> {
    let mut payload = Vec::new();
    payload.extend(CONNECTION.to_be_bytes());
    payload.extend(method.to_be_bytes());
    payload.extend(fields);
    frame(METHOD, &payload)
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 0, 0];
    long_bytes(&mut bytes, payload);
    bytes.push(END);
    bytes
}

/// Text with its length in one byte; what is longer is cut.
fn short_text(to: &mut Vec<u8>, text: &str) {
    let length = u8::try_from(text.len()).unwrap_or(u8::MAX);
    to.push(length);
    to.extend(&text.as_bytes()[..length.into()]);
}

fn long_bytes(to: &mut Vec<u8>, bytes: &[u8]) {
    to.extend(u32::try_from(bytes.len()).expect("we send nothing of that size").to_be_bytes());
    to.extend(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame as a broker sends it.
    fn sent(method: u16, fields: &[u8]) -> Vec<u8> {
        call(method, fields)
    }

    #[track_caller]
    fn check(bytes: &[u8], expected: &Frame) {
        assert_eq!(parse(bytes), Ok(Some((expected.clone(), bytes.len()))));
        for cut in 0..bytes.len() {
            assert_eq!(parse(&bytes[..cut]), Ok(None), "the first {cut} bytes");
        }
    }

    #[test]
    fn frames_are_read_once_they_are_whole() {
        check(&sent(10, &[0, 9]), &Frame::Start);
        let tune = [7, 255, 0, 2, 0, 0, 0, 60];
        let expected = Frame::Tune { channel_max: 2047, frame_max: 131_072, heartbeat_s: 60 };
        check(&sent(30, &tune), &expected);
        check(&sent(41, &[0]), &Frame::OpenOk);
        let refusal = [&530_u16.to_be_bytes()[..], &[4], b"full", &[0; 4]].concat();
        check(&sent(50, &refusal), &Frame::Close { code: 530, text: "full".into() });
        check(&close_ok(), &Frame::CloseOk);
        check(&heartbeat(), &Frame::Heartbeat);
        check(&sent(60, b"\x03low"), &Frame::Other);
    }

    #[test]
    fn several_frames_are_taken_one_by_one() {
        let bytes = [heartbeat(), close_ok()].concat();
        let (first, taken) = parse(&bytes).unwrap().unwrap();
        assert_eq!(
            (first, parse(&bytes[taken..]).unwrap().unwrap().0),
            (Frame::Heartbeat, Frame::CloseOk)
        );
    }

    #[test]
    fn what_is_no_frame_is_told() {
        assert_eq!(parse(b"AMQP\x00\x01\x00\x00"), Err(FrameError::Version));
        assert_eq!(parse(b"HTTP/1.1 400 Bad Request"), Err(FrameError::Broken));
        assert_eq!(parse(b"220"), Err(FrameError::Broken));
        assert_eq!(parse(&[1, 0, 0, 255, 255, 255, 255]), Err(FrameError::TooLong(4_294_967_295)));
        assert_eq!(parse(&[1, 0, 0, 0, 0, 0, 1, 0, 7]), Err(FrameError::Broken));
        // A method whose fields are cut short.
        assert_eq!(parse(&sent(30, &[0])), Err(FrameError::Broken));
        assert_eq!(parse(&sent(50, &[2, 18, 9, b'x'])), Err(FrameError::Broken));
    }

    #[test]
    fn what_we_send_is_as_the_specification_has_it() {
        assert_eq!(close_ok(), [1, 0, 0, 0, 0, 0, 4, 0, 10, 0, 51, END]);
        assert_eq!(heartbeat(), [8, 0, 0, 0, 0, 0, 0, END]);
        assert_eq!(open("/"), [1, 0, 0, 0, 0, 0, 8, 0, 10, 0, 40, 1, b'/', 0, 0, END]);
        let login = start_ok("name", "guest", "s");
        let find = |part: &[u8]| login.windows(part.len()).any(|window| window == part);
        assert!(find(b"\x05PLAIN\x00\x00\x00\x08\x00guest\x00s\x05en_US"));
        assert!(find(b"\x0fconnection_nameS\x00\x00\x00\x04name"));
    }
}
