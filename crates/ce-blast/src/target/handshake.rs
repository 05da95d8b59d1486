//! From a TCP connection to `Connection.OpenOk`, and on to a channel; or to what became of it instead.

use std::borrow::Cow;
use std::cell::Cell;
use std::io;
use std::time::Duration;

use ce_amqp::{ExchangeName, FrameError, Said, ShortText};
use ce_record::Outcome;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::job::Answer;

/// Before anything is agreed on, frames are smaller than this; a larger one is no AMQP.
const LIMIT_BYTES: usize = 128 * 1024;

/// How long the broker may take to agree to the end; it may have thousands of them to agree to.
pub(super) const CLOSE: Duration = Duration::from_secs(10);
/// What a broker says while it agrees to the end is shorter.
const READ_BYTES: usize = 256;

/// Who logs in, where, and what we ask for.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) vhost: String,
    /// What the broker shows as the name of the connection.
    pub(crate) name: String,
    /// How often to hear from each other, in seconds, where the broker's word is not to be taken.
    pub(crate) heartbeat_s: Option<u16>,
    /// The largest frame, in bytes; it is what a broker reserves for us.
    pub(crate) frame_max: u32,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("vhost", &self.vhost).finish_non_exhaustive()
    }
}

/// What was agreed on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tuned {
    /// The largest frame, in bytes.
    pub(super) frame_max: u32,
    /// How often to hear from each other, in seconds, zero for never.
    pub(super) heartbeat_s: u16,
}

/// How far a connection has come: what a timeout says depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Connecting,
    Securing,
    Accepted,
    Started,
    Tuned,
    Open,
}

impl Stage {
    /// What did not come in time.
    pub(super) fn missing(self) -> &'static str {
        match self {
            Self::Connecting => "no TCP connection",
            Self::Securing => "accepted, and no TLS handshake",
            Self::Accepted => "accepted, and no Connection.Start",
            Self::Started => "no answer to the login",
            Self::Tuned => "no Connection.OpenOk",
            Self::Open => "no channel",
        }
    }
}

/// A conversation with a broker, one question at a time.
pub(super) struct Talk<'a, S> {
    stream: &'a mut S,
    stage: &'a Cell<Stage>,
    /// What has come and was not understood yet.
    bytes: Vec<u8>,
    /// What was said besides, and matters to who uses the connection.
    aside: Vec<u8>,
}

impl<'a, S: AsyncRead + AsyncWrite + Unpin> Talk<'a, S> {
    /// Begins with what had come before and was not understood.
    pub(super) fn new(stream: &'a mut S, stage: &'a Cell<Stage>, heard: Vec<u8>) -> Self {
        Self { stream, stage, bytes: heard, aside: Vec::new() }
    }

    /// What has come and was not asked for: a broker may say more than that.
    pub(super) fn rest(self) -> Vec<u8> {
        [self.aside, self.bytes].concat()
    }

    /// Opens a connection to a virtual host.
    pub(super) async fn shake_hands(&mut self, login: &Login) -> Result<Tuned, Answer> {
        self.stage.set(Stage::Accepted);
        self.say(&ce_amqp::PROTOCOL).await?;
        self.expect(|said| matches!(said, Said::Start).then_some(())).await?;
        self.stage.set(Stage::Started);
        self.say(&ce_amqp::start_ok(&login.name, &login.user, &login.password)).await?;
        let tune = self.expect(|said| match *said {
            Said::Tune { channel_max, frame_max, heartbeat_s } => {
                Some((channel_max, frame_max, heartbeat_s))
            }
            _ => None,
        });
        let (channel_max, frame_max, heartbeat_s) = tune.await?;
        self.stage.set(Stage::Tuned);
        let ours = login.frame_max;
        // Zero means that the broker has no limit of its own.
        let frame_max = if frame_max == 0 { ours } else { frame_max.min(ours) };
        let heartbeat_s = login.heartbeat_s.unwrap_or(heartbeat_s);
        self.say(&ce_amqp::tune_ok(channel_max, frame_max, heartbeat_s)).await?;
        self.say(&ce_amqp::open(&login.vhost)).await?;
        self.expect(|said| matches!(said, Said::OpenOk).then_some(())).await?;
        self.stage.set(Stage::Open);
        Ok(Tuned { frame_max, heartbeat_s })
    }

    pub(super) async fn open_channel(&mut self, channel: u16) -> Result<(), Answer> {
        self.say(&ce_amqp::open_channel(channel)).await?;
        self.expect(|said| matches!(said, Said::ChannelOpen).then_some(())).await
    }

    /// Looks whether an exchange exists.
    pub(super) async fn look_for_exchange(
        &mut self,
        channel: u16,
        exchange: &ExchangeName,
    ) -> Result<(), Answer> {
        self.say(&ce_amqp::look_for_exchange(channel, exchange)).await?;
        self.expect(|said| matches!(said, Said::ExchangeFound).then_some(())).await
    }

    /// Asks for publisher confirms.
    pub(super) async fn confirm_mode(&mut self, channel: u16) -> Result<(), Answer> {
        self.say(&ce_amqp::confirm_select(channel)).await?;
        self.expect(|said| matches!(said, Said::ConfirmMode).then_some(())).await
    }

    async fn say(&mut self, bytes: &[u8]) -> Result<(), Answer> {
        self.stream.write_all(bytes).await.map_err(|err| self.lost(&err))?;
        self.stream.flush().await.map_err(|err| self.lost(&err))
    }

    /// What is `wanted` of the next word that has it; a refusal is answered and told.
    async fn expect<T>(&mut self, wanted: impl Fn(&Said) -> Option<T>) -> Result<T, Answer> {
        loop {
            let parsed = ce_amqp::parse(&self.bytes, LIMIT_BYTES);
            let Some((said, taken)) = parsed.map_err(|err| broken(&err))? else {
                self.read().await?;
                continue;
            };
            let frame = self.bytes.drain(..taken);
            if let Some(found) = wanted(&said) {
                return Ok(found);
            }
            if matches!(said, Said::Blocked(_) | Said::Unblocked) {
                self.aside.extend(frame);
                continue;
            }
            drop(frame);
            let (goodbye, code, text) = match said {
                Said::Close { code, text } => (ce_amqp::close_ok(), code, text),
                Said::ChannelClose { code, text } => (ce_amqp::close(), code, text),
                _ => continue,
            };
            // Only a courtesy: this is the end of the connection anyway.
            let _ = self.say(&goodbye).await;
            return Err(Answer { code: Some(code), ..Answer::text(Outcome::Rejected, &text) });
        }
    }

    async fn read(&mut self) -> Result<(), Answer> {
        let read = self.stream.read_buf(&mut self.bytes).await.map_err(|err| self.lost(&err))?;
        if read == 0 {
            return Err(self.lost(&io::ErrorKind::UnexpectedEof.into()));
        }
        Ok(())
    }

    /// The connection has ended before it was open.
    fn lost(&self, err: &io::Error) -> Answer {
        let missing = self.stage.get().missing();
        let why = match err.kind() {
            io::ErrorKind::UnexpectedEof => "the broker closed the connection".to_owned(),
            _ => ce_tls::explain(err),
        };
        Answer::text(Outcome::ConnectError, &format!("{missing}: {why}"))
    }
}

fn broken(err: &FrameError) -> Answer {
    Answer::error(Outcome::ProtocolError, err)
}

/// Closes in an orderly way; false if the broker did not agree to it in time. What has come before may
/// end in the middle of a frame.
pub(super) async fn close<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    mut bytes: Vec<u8>,
) -> bool {
    let close = async {
        stream.write_all(&ce_amqp::close()).await?;
        stream.flush().await?;
        let mut room = [0; READ_BYTES];
        loop {
            match stream.read(&mut room).await? {
                0 => return io::Result::Ok(false),
                count => bytes.extend_from_slice(&room[..count]),
            }
            while let Some((said, taken)) =
                ce_amqp::parse(&bytes, LIMIT_BYTES).map_err(io::Error::other)?
            {
                bytes.drain(..taken);
                if said == Said::CloseOk {
                    return Ok(true);
                }
            }
        }
    };
    matches!(timeout(CLOSE, close).await, Ok(Ok(true)))
}

/// A text that AMQP can carry as one of its short ones.
pub(crate) fn short<'a>(
    what: &str,
    text: impl Into<Cow<'a, str>>,
) -> Result<ShortText<'a>, String> {
    let limit = ShortText::LIMIT_BYTES;
    ShortText::new(text).ok_or_else(|| format!("{what} is longer than {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_close_is_clean_if_the_broker_agrees_in_time() {
        let check = async |heard: Vec<u8>, answer: Vec<u8>, clean: bool| {
            let (mut ours, mut theirs) = duplex(1024);
            theirs.write_all(&answer).await.unwrap();
            assert_eq!(close(&mut ours, heard).await, clean, "{answer:?}");
        };
        let heartbeat = ce_amqp::heartbeat();
        check(Vec::new(), [&heartbeat[..], &ce_amqp::close_ok()].concat(), true).await;
        let (heard, rest) = heartbeat.split_at(3);
        check(heard.to_vec(), [rest, &ce_amqp::close_ok()].concat(), true).await;
        check(Vec::new(), heartbeat.clone(), false).await;
        check(Vec::new(), b"garbage, and no frame".to_vec(), false).await;
        let (mut ours, theirs) = duplex(1024);
        drop(theirs);
        assert!(!close(&mut ours, Vec::new()).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_told_and_answered_by_what_ends_the_connection() {
        let check = async |(channel, class, method): (u8, u8, u8), answer: Vec<u8>| {
            let (mut ours, mut theirs) = duplex(1024);
            // Code 404, a text, and no method that was the reason.
            let fields = [&404_u16.to_be_bytes()[..], b"\x07no such\0\0\0\0"].concat();
            let size = u8::try_from(fields.len() + 4).unwrap();
            let head = [1, 0, channel, 0, 0, 0, size, 0, class, 0, method];
            theirs.write_all(&[&head[..], &fields, &[0xCE]].concat()).await.unwrap();
            let asked = ce_amqp::open_channel(1);
            let stage = Cell::new(Stage::Open);
            let refused =
                Talk::new(&mut ours, &stage, Vec::new()).open_channel(1).await.unwrap_err();
            assert_eq!((refused.outcome, refused.code), (Outcome::Rejected, Some(404)));
            assert_eq!(refused.error.as_deref(), Some("no such"));
            let mut said = vec![0; asked.len() + answer.len()];
            theirs.read_exact(&mut said).await.unwrap();
            assert_eq!(said, [asked, answer].concat());
        };
        check((0, 10, 50), ce_amqp::close_ok()).await;
        check((1, 20, 40), ce_amqp::close()).await;
    }
}
