//! AMQP 0.9.1 with publisher confirms and the mandatory flag.
//!
//! One task owns a channel, because lapin credits confirms to the wrong message when tasks share
//! one. Within that task many publishes are under way at a time.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, anyhow};
use bytes::Bytes;
use ce_cli::masked_url;
use ce_record::Outcome;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{
    BasicProperties, Channel, Confirmation, Connection, ConnectionProperties, ExchangeKind,
};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::confirms::{Confirms, ReturnedMessage, Verdict};
use super::pending::{Pending, grace_is_over};
use super::{Limits, Seat};
use crate::job::{Answer, Job};
use crate::record::Tally;

/// A round of polling ends at least this often while verdicts are held back.
const ROUND: Duration = Duration::from_millis(1);
/// Closing hangs while the broker has blocked the connection; then the socket is dropped.
const CLOSE: Duration = Duration::from_secs(2);
/// The longest short string of AMQP, in bytes.
const SHORT_STRING: usize = 255;

/// An exchange on a broker, and how to publish to it.
#[derive(Debug, Clone)]
pub(crate) struct AmqpTarget {
    pub(crate) url: String,
    pub(crate) exchange: String,
    /// Of every message; without it, the type of the event.
    pub(crate) routing_key: Option<String>,
    pub(crate) persistent: bool,
}

/// What came of one publish.
enum Confirmed {
    Ack(Option<ReturnedMessage>),
    /// With what was returned in its company.
    Other(Answer, Option<ReturnedMessage>),
}

impl AmqpTarget {
    async fn open(&self, patience: Duration) -> anyhow::Result<(Connection, Channel)> {
        let open = async {
            let properties =
                ConnectionProperties::default().with_connection_name("ce-blast".into());
            let connection = Connection::connect(&self.url, properties).await?;
            let channel = connection.create_channel().await?;
            self.look_for_exchange(&channel).await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            anyhow::Ok((connection, channel))
        };
        let opened = timeout(patience, open).await;
        let opened = opened.with_context(|| format!("no connection within {patience:?}"))?;
        opened.with_context(|| masked_url(&self.url))
    }

    /// Looks whether the exchange exists: a typing error should not become thousands of failed
    /// events. Errors do not name the URL, which may hold a password.
    async fn look_for_exchange(&self, channel: &Channel) -> anyhow::Result<()> {
        if self.exchange.is_empty() {
            return Ok(());
        }
        let passive = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
        let exchange = self.exchange.as_str().into();
        let declare =
            channel.exchange_declare(exchange, ExchangeKind::Topic, passive, FieldTable::default());
        declare.await.map_err(|err| {
            let remedy = "declare it, or name another with --exchange";
            anyhow!("exchange `{}`: {err}; {remedy}", self.exchange)
        })
    }

    /// Publishes until the channel of jobs is closed and everything is confirmed or given up.
    pub(super) async fn send(
        self,
        jobs: UnboundedReceiver<Job>,
        seat: Seat,
        limits: &Limits,
    ) -> Tally {
        let opened = self.open(limits.timeout).await;
        let Some(((connection, channel), recorder)) = seat.take(opened) else {
            return Tally::default();
        };
        let publisher = Publisher {
            target: &self,
            channel: &channel,
            limits,
            pending: Pending::new(recorder),
            confirms: Confirms::default(),
        };
        let tally = publisher.run(jobs).await;
        drop(timeout(CLOSE, connection.close(200, "done".into())).await);
        tally
    }
}

struct Publisher<'a> {
    target: &'a AmqpTarget,
    channel: &'a Channel,
    limits: &'a Limits,
    pending: Pending,
    confirms: Confirms,
}

impl Publisher<'_> {
    async fn run(mut self, mut jobs: UnboundedReceiver<Job>) -> Tally {
        let mut publishes = FuturesUnordered::new();
        let mut open = true;
        while open || !publishes.is_empty() || self.confirms.is_holding() {
            tokio::select! {
                biased;
                Some((slot, confirmed)) = publishes.next(), if !publishes.is_empty() => {
                    self.confirmed(slot, confirmed);
                    // What is ready already belongs to the same round.
                    continue;
                }
                job = jobs.recv(), if open => match job {
                    Some(job) => publishes.push(self.publish(job)),
                    None => open = false,
                },
                () = tokio::time::sleep(ROUND), if self.confirms.is_holding() => {}
                () = grace_is_over(self.limits), if !open => break,
            }
            self.settle();
        }
        self.settle();
        self.settle();
        self.pending.finish()
    }

    /// Begins an attempt; the future ends with its confirm.
    fn publish(&mut self, job: Job) -> impl Future<Output = (usize, Confirmed)> + use<> {
        let key = self.target.routing_key.as_deref().unwrap_or(job.event.event_type());
        let fits = job.event.id().len() <= SHORT_STRING && key.len() <= SHORT_STRING;
        let (id, key) = (ShortString::from(job.event.id()), ShortString::from(key));
        let body = job.event.body().clone();
        let message_id = job.event.id().to_owned();
        let slot = self.pending.begin(job);
        self.confirms.published(&message_id, slot);
        let exchange = ShortString::from(self.target.exchange.as_str());
        let persistent = self.target.persistent;
        let (channel, patience) = (self.channel.clone(), self.limits.timeout);
        async move {
            if !fits {
                return (slot, Confirmed::refused("id or routing key is longer than 255 bytes"));
            }
            let publish = publish(&channel, exchange, key, &body, properties(id, persistent));
            let confirmed = timeout(patience, publish).await;
            let timed_out = |_| Confirmed::Other(Answer::new(Outcome::Timeout), None);
            (slot, confirmed.unwrap_or_else(timed_out))
        }
    }

    fn confirmed(&mut self, slot: usize, confirmed: Confirmed) {
        let ended_ns = self.pending.now_ns();
        let message_id = self.pending.job(slot).event.id();
        let returned = match confirmed {
            Confirmed::Ack(returned) => {
                self.confirms.acknowledged(message_id, slot, ended_ns);
                returned
            }
            Confirmed::Other(answer, returned) => {
                self.confirms.forget(message_id, slot);
                self.pending.end(slot, ended_ns, answer);
                returned
            }
        };
        if let Some(returned) = returned {
            self.confirms.returned(returned);
        }
    }

    fn settle(&mut self) {
        let pending = &mut self.pending;
        self.confirms.settle(|slot, ended_ns, verdict| {
            let answer = match verdict {
                Verdict::Routed => Answer::new(Outcome::Ok),
                Verdict::Returned(code, text) => Answer {
                    outcome: Outcome::Returned,
                    code: Some(code),
                    error: Some(text.into()),
                },
            };
            pending.end(slot, ended_ns, answer);
        });
    }
}

impl Confirmed {
    fn refused(why: &str) -> Self {
        let answer =
            Answer { outcome: Outcome::ProtocolError, code: None, error: Some(why.into()) };
        Self::Other(answer, None)
    }
}

/// Publishes one message and waits for its confirm.
async fn publish(
    channel: &Channel,
    exchange: ShortString,
    key: ShortString,
    body: &Bytes,
    properties: BasicProperties,
) -> Confirmed {
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let confirm = match channel.basic_publish(exchange, key, options, body, properties).await {
        Ok(confirm) => confirm,
        // Not written to the socket, as far as lapin knows.
        Err(err) => return Confirmed::Other(Answer::error(Outcome::ConnectError, &err), None),
    };
    match confirm.await {
        Ok(Confirmation::Ack(message)) => Confirmed::Ack(message.as_ref().map(returned)),
        Ok(Confirmation::Nack(message)) => {
            Confirmed::Other(Answer::new(Outcome::Rejected), message.as_ref().map(returned))
        }
        Ok(Confirmation::NotRequested) => Confirmed::refused("the channel is not in confirm mode"),
        Err(err) => Confirmed::Other(Answer::error(Outcome::InDoubt, &err), None),
    }
}

fn returned(message: &lapin::message::BasicReturnMessage) -> ReturnedMessage {
    let message_id = message.delivery.properties.message_id().as_ref();
    ReturnedMessage {
        message_id: message_id.map(ToString::to_string).unwrap_or_default(),
        code: message.reply_code,
        text: message.reply_text.to_string(),
    }
}

fn properties(id: ShortString, persistent: bool) -> BasicProperties {
    BasicProperties::default()
        .with_content_type("application/cloudevents+json".into())
        .with_message_id(id)
        .with_delivery_mode(if persistent { 2 } else { 1 })
}
