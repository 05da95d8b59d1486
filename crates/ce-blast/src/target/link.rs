//! An open channel in confirm mode, on a connection of its own.
//!
//! What is published gathers in a buffer and leaves together, as does everything that is ready at one
//! time. The task that owns it is its only user, and no other thread has a part in it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use ce_amqp::{ExchangeName, Said, ShortText};
use ce_record::Outcome;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use super::amqp::AmqpTarget;
use super::confirms::Name;
use super::dial::{Stream, error_of};
use super::handshake::{Talk, Tuned, close};
use super::message::Message;
use crate::event::Event;
use crate::job::Answer;

/// The only channel of the connection.
pub(super) const CHANNEL: u16 = 1;
/// What is read at a time: some hundred confirms.
const READ_BYTES: usize = 16 * 1024;
const NO_CONFIRMS: &str =
    "the broker grants no publisher confirms, and without them no outcome is known";
/// A broker that is silent for so many heartbeats is gone.
const SILENT: u32 = 2;

pub(super) struct Link {
    stream: Box<dyn Stream>,
    frame_max: usize,
    /// How often to hear from each other; `None` is never.
    heartbeat: Option<Duration>,
    /// What has still to be written, from `written` on.
    output: Vec<u8>,
    written: usize,
    /// What has come, and is understood up to `heard`.
    input: Vec<u8>,
    heard: usize,
    /// Whether something had come before the first look.
    has_rest: bool,
    room: Box<[u8; READ_BYTES]>,
    last_read: Instant,
    last_write: Instant,
    last_look: Instant,
    /// Whether the broker takes nothing from us for the time being.
    is_blocked: bool,
}

impl Link {
    /// What has come by now on the stream is `input`.
    pub(super) fn new(stream: Box<dyn Stream>, tuned: Tuned, input: Vec<u8>) -> Self {
        let now = Instant::now();
        let heartbeat = Duration::from_secs(tuned.heartbeat_s.into());
        Self {
            stream,
            frame_max: usize::try_from(tuned.frame_max).unwrap_or(usize::MAX),
            heartbeat: (!heartbeat.is_zero()).then_some(heartbeat),
            output: Vec::new(),
            written: 0,
            has_rest: !input.is_empty(),
            input,
            heard: 0,
            room: Box::new([0; READ_BYTES]),
            last_read: now,
            last_write: now,
            last_look: now,
            is_blocked: false,
        }
    }

    /// What has still to be written, in bytes.
    pub(super) fn unwritten(&self) -> usize {
        self.output.len() - self.written
    }

    pub(super) fn set_blocked(&mut self, is_blocked: bool) {
        self.is_blocked = is_blocked;
    }

    /// Puts the message of an event with those that leave next; returns what tells it from others, or
    /// why AMQP cannot carry the event.
    pub(super) fn publish(&mut self, target: &AmqpTarget, event: &Event) -> Result<Name, String> {
        let Message { routing_key, properties, body } = Message::new(target, event)?;
        let to: (&ShortText<'_>, _) = (&target.exchange, &routing_key);
        let output = &mut self.output;
        let print = ce_amqp::publish(output, CHANNEL, to, &properties, &body, self.frame_max);
        let print = print.map_err(|err| err.to_string())?;
        Ok(Name::new(event.id(), routing_key.as_str(), print))
    }

    /// Writes what the broker takes, and reads what has come; whether something has.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), String>> {
        self.look();
        self.beat();
        self.write(cx)?;
        if std::mem::take(&mut self.has_rest) {
            return Poll::Ready(Ok(()));
        }
        let mut room = ReadBuf::new(&mut self.room[..]);
        let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut room));
        read.map_err(|err| ce_tls::explain(&err))?;
        if room.filled().is_empty() {
            return Poll::Ready(Err("the broker closed the connection".to_owned()));
        }
        self.input.drain(..self.heard);
        self.heard = 0;
        self.input.extend_from_slice(room.filled());
        self.last_read = Instant::now();
        Poll::Ready(Ok(()))
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), String> {
        let lost = |err| ce_tls::explain(&err);
        while self.written < self.output.len() {
            let left = &self.output[self.written..];
            match Pin::new(&mut self.stream).poll_write(cx, left) {
                Poll::Ready(Ok(0)) => return Err("the broker takes nothing any more".to_owned()),
                Poll::Ready(Ok(count)) => self.written += count,
                Poll::Ready(Err(err)) => return Err(lost(err)),
                Poll::Pending => break,
            }
            self.last_write = Instant::now();
        }
        if self.written == self.output.len() {
            self.output.clear();
            self.written = 0;
        } else if self.written > self.output.len() / 2 {
            // A broker that takes little must not leave what it has taken with us. To move the rest costs
            // no more than to have written what goes.
            self.output.drain(..self.written);
            self.written = 0;
        }
        match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Ready(Err(err)) => Err(lost(err)),
            _ => Ok(()),
        }
    }

    /// The next thing that the broker has said.
    pub(super) fn next(&mut self) -> Result<Option<Said>, String> {
        let parsed = ce_amqp::parse(&self.input[self.heard..], self.frame_max);
        let Some((said, taken)) = parsed.map_err(|err| err.to_string())? else { return Ok(None) };
        self.heard += taken;
        Ok(Some(said))
    }

    /// Notes that somebody listens now. Time in which nobody did is not the broker's silence: what it
    /// said then is read only after the runtime has had a turn as well.
    fn look(&mut self) {
        let before = std::mem::replace(&mut self.last_look, Instant::now());
        let away = self.last_look - before;
        if self.heartbeat.is_some_and(|heartbeat| away >= heartbeat / 2) {
            self.last_read += away;
        }
    }

    /// Says that we are there, if nothing else has said so for half of the time.
    fn beat(&mut self) {
        let Some(heartbeat) = self.heartbeat else { return };
        if self.last_write.elapsed() >= heartbeat / 2 && self.output.is_empty() {
            self.output.extend(ce_amqp::heartbeat());
        }
    }

    /// When to look at it again if nothing happens before.
    pub(super) fn next_beat(&self) -> Option<Instant> {
        let heartbeat = self.heartbeat?;
        // While the broker takes nothing, there is no use in saying more.
        let write = self.output.is_empty().then(|| self.last_write + heartbeat / 2);
        let read = (!self.is_blocked).then(|| self.last_read + heartbeat * SILENT);
        write.into_iter().chain(read).min()
    }

    /// Whether the broker has not been heard of for too long. One that has blocked us may say nothing.
    pub(super) fn is_silent(&self) -> bool {
        let is_late = |heartbeat| self.last_read.elapsed() >= heartbeat * SILENT;
        !self.is_blocked && self.heartbeat.is_some_and(is_late)
    }

    /// Closes in an orderly way, if the broker takes what is left, and agrees in time.
    pub(super) async fn close(mut self) {
        if self.stream.write_all(&self.output[self.written..]).await.is_ok() {
            close(&mut self.stream, self.input.split_off(self.heard)).await;
        }
    }
}

/// Opens the channel, after a look for the exchange: a typing error should not become thousands of
/// failed events. A broker that grants no confirms would let every event look like a success, or like
/// none; so there is no run without them. Returns what the broker has said besides.
pub(super) async fn open_channel(
    mut talk: Talk<'_, Box<dyn Stream>>,
    exchange: &ExchangeName,
) -> anyhow::Result<Vec<u8>> {
    talk.open_channel(CHANNEL).await.map_err(error_of)?;
    // The default exchange is always there, and may not be asked for.
    if !exchange.as_str().is_empty() {
        find_exchange(&mut talk, exchange).await?;
    }
    talk.confirm_mode(CHANNEL).await.map_err(|answer| {
        let is_refused = is_refused(&answer);
        let why = anyhow::Error::new(error_of(answer));
        if is_refused { why.context(NO_CONFIRMS) } else { why }
    })?;
    Ok(talk.rest())
}

async fn find_exchange(
    talk: &mut Talk<'_, Box<dyn Stream>>,
    exchange: &ExchangeName,
) -> anyhow::Result<()> {
    talk.look_for_exchange(CHANNEL, exchange).await.map_err(|answer| {
        let is_refused = is_refused(&answer);
        let (name, why) = (exchange.as_str(), error_of(answer));
        let remedy = if is_refused { "; declare it, or name another with --exchange" } else { "" };
        anyhow!("exchange `{name}`: {why}{remedy}")
    })
}

/// Whether the broker has said no. A connection that is lost meanwhile says nothing about what was
/// asked for.
fn is_refused(answer: &Answer) -> bool {
    answer.outcome == Outcome::Rejected
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::poll_fn;

    use tokio::io::{DuplexStream, duplex};

    use super::*;
    use crate::target::handshake::Stage;

    /// A link whose broker was last heard of ten seconds ago, with a heartbeat of two.
    fn quiet(last_look: Duration) -> (Link, DuplexStream) {
        let (ours, theirs) = duplex(64);
        let tuned = Tuned { frame_max: 4096, heartbeat_s: 2 };
        let mut link = Link::new(Box::new(ours), tuned, Vec::new());
        link.last_read = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
        link.last_look = Instant::now().checked_sub(last_look).unwrap();
        (link, theirs)
    }

    #[tokio::test]
    async fn what_the_broker_says_beside_its_answers_is_not_lost() {
        let (ours, mut theirs) = duplex(1024);
        let method = |[class, method]: [u8; 2], fields: &[u8]| {
            let size = u8::try_from(fields.len() + 4).unwrap();
            [&[1, 0, 1, 0, 0, 0, size, 0, class, 0, method], fields, &[0xCE]].concat()
        };
        let ours: Box<dyn Stream> = Box::new(ours);
        let heartbeat = ce_amqp::heartbeat();
        let (first, second) = heartbeat.split_at(3);
        // Answers to all three questions, and between them that it takes nothing, and does again.
        let (blocked, free) = (method([10, 60], b"\x03low"), method([10, 61], &[]));
        let answers = [blocked, method([20, 11], &[0; 4]), method([40, 11], &[]), free];
        let answers = [&answers.concat()[..], &method([85, 11], &[]), first].concat();
        theirs.write_all(&answers).await.unwrap();
        let (stage, mut ours) = (Cell::new(Stage::Open), ours);
        let talk = Talk::new(&mut ours, &stage, Vec::new());
        let exchange = ExchangeName::new("e").unwrap();
        let rest = open_channel(talk, &exchange).await.unwrap();
        let mut link = Link::new(ours, Tuned { frame_max: 4096, heartbeat_s: 0 }, rest);
        poll_fn(|cx| link.poll(cx)).await.unwrap();
        assert_eq!(link.next(), Ok(Some(Said::Blocked("low".into()))));
        assert_eq!(link.next(), Ok(Some(Said::Unblocked)));
        assert_eq!(link.next(), Ok(None));
        theirs.write_all(second).await.unwrap();
        poll_fn(|cx| link.poll(cx)).await.unwrap();
        assert_eq!(link.next(), Ok(Some(Said::Heartbeat)));
    }

    #[tokio::test]
    async fn a_connection_that_is_lost_says_nothing_about_the_exchange() {
        let (ours, _) = duplex(1024);
        let mut ours: Box<dyn Stream> = Box::new(ours);
        let stage = Cell::new(Stage::Open);
        let mut talk = Talk::new(&mut ours, &stage, Vec::new());
        let exchange = ExchangeName::new("e").unwrap();
        let lost = find_exchange(&mut talk, &exchange).await.unwrap_err().to_string();
        assert!(lost.starts_with("exchange `e`: no channel: "), "{lost}");
        assert!(!lost.contains("--exchange"), "{lost}");
    }

    #[tokio::test]
    async fn silence_is_what_was_listened_to() {
        for (last_look, is_silent) in [(100, true), (9500, false)] {
            let (mut link, _theirs) = quiet(Duration::from_millis(last_look));
            let heard = poll_fn(|cx| Poll::Ready(link.poll(cx))).await;
            assert!(heard.is_pending());
            assert_eq!(link.is_silent(), is_silent, "{last_look}");
        }
    }
}
