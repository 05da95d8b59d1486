//! From a TCP connection to `Connection.OpenOk`, or to what became of it instead.

use std::cell::Cell;
use std::io;

use ce_record::Outcome;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::frame::{self, Frame};
use crate::job::Answer;

/// The smallest that `RabbitMQ` agrees to, since 4.1. It is what a broker reserves for us.
const FRAME_MAX: u32 = 8192;

/// Who logs in, and where.
#[derive(Clone)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) vhost: String,
    /// What the broker shows as the name of the connection.
    pub(crate) name: String,
    /// How often to hear from each other, in seconds, where the broker's word is not to be taken.
    pub(crate) heartbeat_s: Option<u16>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("vhost", &self.vhost).finish_non_exhaustive()
    }
}

/// How far a connection has come: what a timeout says depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Connecting,
    Securing,
    Accepted,
    Started,
    Tuned,
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
        }
    }
}

/// Opens a connection to a virtual host; returns how often to hear from each other, in seconds, zero
/// for never.
pub(super) async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    login: &Login,
    stage: &Cell<Stage>,
) -> Result<u16, Answer> {
    let mut talk = Talk { stream, stage, bytes: Vec::new() };
    talk.stage.set(Stage::Accepted);
    talk.say(&frame::PROTOCOL).await?;
    talk.expect(|frame| matches!(frame, Frame::Start)).await?;
    talk.stage.set(Stage::Started);
    talk.say(&frame::start_ok(&login.name, &login.user, &login.password)).await?;
    let tuned = talk.expect(|frame| matches!(frame, Frame::Tune { .. })).await?;
    talk.stage.set(Stage::Tuned);
    let Frame::Tune { channel_max, frame_max, heartbeat_s } = tuned else {
        return Err(Answer::text(Outcome::ProtocolError, "no Connection.Tune"));
    };
    // Zero means that the broker has no limit of its own.
    let frame_max = if frame_max == 0 { FRAME_MAX } else { frame_max.min(FRAME_MAX) };
    let heartbeat_s = login.heartbeat_s.unwrap_or(heartbeat_s);
    talk.say(&frame::tune_ok(channel_max, frame_max, heartbeat_s)).await?;
    talk.say(&frame::open(&login.vhost)).await?;
    talk.expect(|frame| matches!(frame, Frame::OpenOk)).await?;
    Ok(heartbeat_s)
}

struct Talk<'a, S> {
    stream: &'a mut S,
    stage: &'a Cell<Stage>,
    /// What has come and was not understood yet.
    bytes: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Talk<'_, S> {
    async fn say(&mut self, bytes: &[u8]) -> Result<(), Answer> {
        self.stream.write_all(bytes).await.map_err(|err| self.lost(&err))?;
        self.stream.flush().await.map_err(|err| self.lost(&err))
    }

    /// The next frame that is `wanted`; a refusal is answered and told.
    async fn expect(&mut self, wanted: impl Fn(&Frame) -> bool) -> Result<Frame, Answer> {
        loop {
            let parsed = frame::parse(&self.bytes);
            match parsed.map_err(|err| Answer::error(Outcome::ProtocolError, &err))? {
                Some((frame, taken)) => {
                    self.bytes.drain(..taken);
                    if let Frame::Close { code, text } = frame {
                        // Only a courtesy: the broker closes the connection anyway.
                        let _ = self.stream.write_all(&frame::close_ok()).await;
                        let refusal = Answer::text(Outcome::Rejected, &text);
                        return Err(Answer { code: Some(code), ..refusal });
                    }
                    if wanted(&frame) {
                        return Ok(frame);
                    }
                }
                None => self.read().await?,
            }
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
