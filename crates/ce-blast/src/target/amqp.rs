//! AMQP 0.9.1 with publisher confirms and the mandatory flag.
//!
//! This opens and closes the connection; the publisher uses it.

use std::future::pending;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use anyhow::{Context, anyhow};
use ce_cli::masked_url;
use ce_event::amqp::Dialect;
use ce_tls::TlsClient;
use ce_tls::amqp::Endpoint;
use futures_util::{Stream, StreamExt};
use lapin::options::{ConfirmSelectOptions, ExchangeDeclareOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, Event, ExchangeKind};
use tokio::time::timeout;

use super::dial::{Line, dial};
use super::publisher::Publisher;
use super::republish::Policy;
use super::{Limits, Seat};
use crate::jobs::Jobs;
use crate::record::Tally;
use crate::routing::RoutingKey;

/// Closing hangs while the broker has blocked the connection; then the socket is dropped.
const CLOSE: Duration = Duration::from_secs(2);

/// An exchange on a broker, and how to publish to it.
#[derive(Debug, Clone)]
pub(crate) struct AmqpTarget {
    pub(crate) url: String,
    /// Where its host was found when it was checked.
    pub(crate) addresses: Vec<SocketAddr>,
    pub(crate) tls: Option<TlsClient>,
    /// What the broker shows as the name of the connection.
    pub(crate) name: String,
    pub(crate) exchange: ShortString,
    pub(crate) routing_key: RoutingKey,
    /// How to name headers in binary mode; `None` is structured mode.
    pub(crate) binary: Option<Dialect>,
    pub(crate) persistent: bool,
    pub(crate) republish: Policy,
    /// Which of the connections to the broker it is, from one.
    pub(crate) number: u16,
}

/// An open channel in confirm mode, and the connection that it lives on.
pub(super) struct Link {
    connection: Connection,
    /// Dropped last, so that an orderly end comes first.
    _line: Line,
    events: Pin<Box<dyn Stream<Item = Event>>>,
    pub(super) channel: Channel,
}

/// What happens to a connection, be it in use or not.
#[derive(Debug)]
pub(super) enum News {
    /// The broker reads nothing from it any more; why.
    Blocked(String),
    Unblocked,
    /// Why it is no more.
    Lost(String),
}

impl Link {
    /// The next thing that happens to the connection.
    pub(super) async fn news(&mut self) -> News {
        while let Some(event) = self.events.next().await {
            match event {
                Event::ConnectionBlocked(reason) => return News::Blocked(reason),
                Event::ConnectionUnblocked => return News::Unblocked,
                Event::Error(err) => return News::Lost(err.to_string()),
                _ => {}
            }
        }
        pending().await
    }
}

impl AmqpTarget {
    /// Connects and makes sure that the exchange is there.
    pub(super) async fn open(&self, patience: Duration) -> anyhow::Result<Link> {
        let open = async {
            let properties =
                ConnectionProperties::default().with_connection_name(self.name.as_str().into());
            let (addresses, tls) = (self.addresses.clone(), self.tls.clone());
            let to = Endpoint { uri: uri_of(&self.url)?, addresses, tls, patience };
            let (connection, line) = dial(to, properties).await?;
            let events = Box::pin(connection.events_listener());
            let channel = connection.create_channel().await?;
            self.look_for_exchange(&channel).await?;
            confirm_mode(&channel).await?;
            anyhow::Ok(Link { connection, _line: line, events, channel })
        };
        let opened = timeout(patience, open).await;
        let opened = opened.with_context(|| format!("no connection within {patience:?}"))?;
        opened.with_context(|| masked_url(&self.url))
    }

    /// Looks whether the exchange exists: a typing error should not become thousands of failed
    /// events. Errors do not name the URL, which may hold a password.
    async fn look_for_exchange(&self, channel: &Channel) -> anyhow::Result<()> {
        if self.exchange.as_str().is_empty() {
            return Ok(());
        }
        let passive = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
        let exchange = self.exchange.clone();
        let declare =
            channel.exchange_declare(exchange, ExchangeKind::Topic, passive, FieldTable::default());
        declare.await.map_err(|err| {
            let remedy = "declare it, or name another with --exchange";
            anyhow!("exchange `{}`: {err}; {remedy}", self.exchange)
        })
    }

    /// Publishes until the channel of jobs is closed and everything is confirmed or given up.
    pub(super) async fn send(self, jobs: Jobs, seat: Seat, limits: &Limits) -> Tally {
        let opened = self.open(limits.timeout).await;
        let Some((link, recorder)) = seat.take(opened) else { return Tally::default() };
        let (tally, link) = Publisher::new(&self, limits, link, recorder).run(jobs).await;
        drop(timeout(CLOSE, link.connection.close(200, "done".into())).await);
        tally
    }
}

/// The URL, as lapin reads it. The parser's own message may show it, password included.
pub(crate) fn uri_of(url: &str) -> anyhow::Result<AMQPUri> {
    url.parse().map_err(|_| anyhow!("not an AMQP URL: write, e.g., amqp://127.0.0.1:5672/%2f"))
}

/// Asks for publisher confirms. A broker that has none would let every event look like a success, or
/// like none; so there is no run without them.
async fn confirm_mode(channel: &Channel) -> anyhow::Result<()> {
    let why = "the broker grants no publisher confirms, and without them no outcome is known";
    channel.confirm_select(ConfirmSelectOptions::default()).await.context(why)?;
    if channel.status().confirm() { Ok(()) } else { Err(anyhow!(why)) }
}
