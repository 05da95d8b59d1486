//! AMQP 0.9.1 with publisher confirms and the mandatory flag.
//!
//! This opens and closes the connection; the publisher uses it.

use std::time::Duration;

use anyhow::Context;
use ce_amqp::ExchangeName;
use ce_event::amqp::Dialect;
use tokio::time::timeout;

use super::dial::{Broker, Progress, explained};
use super::handshake::Talk;
use super::link::{Link, open_channel};
use super::publisher::Publisher;
use super::republish::Policy;
use super::{Limits, Seat};
use crate::jobs::Jobs;
use crate::record::Tally;
use crate::routing::RoutingKey;

/// A broker that has blocked the connection agrees to nothing, and its end is not waited for.
const CLOSE: Duration = Duration::from_secs(2);

/// An exchange on a broker, and how to publish to it.
#[derive(Debug, Clone)]
pub(crate) struct AmqpTarget {
    pub(crate) broker: Broker,
    /// The URL without a password.
    pub(crate) shown: String,
    pub(crate) exchange: ExchangeName,
    pub(crate) routing_key: RoutingKey,
    /// How to name headers in binary mode; `None` is structured mode.
    pub(crate) binary: Option<Dialect>,
    pub(crate) persistent: bool,
    pub(crate) republish: Policy,
    /// Which of the connections to the broker it is, from one.
    pub(crate) number: u16,
}

impl AmqpTarget {
    /// Connects and makes sure that the exchange is there.
    pub(super) async fn open(&self, patience: Duration) -> anyhow::Result<Link> {
        let progress = Progress::new();
        let open = async {
            let opened = self.broker.open(&progress).await;
            let opened = opened.map_err(|answer| explained(answer, &progress));
            let (mut stream, tuned, heard) = opened.context("cannot connect")?;
            let talk = Talk::new(&mut stream, &progress.stage, heard);
            let heard = open_channel(talk, &self.exchange).await?;
            anyhow::Ok(Link::new(stream, tuned, heard))
        };
        let opened = timeout(patience, open).await;
        let opened = opened.with_context(|| {
            let missing = progress.stage.get().missing();
            format!("no connection within {patience:?}: {missing}")
        })?;
        opened.with_context(|| self.shown.clone())
    }

    /// Publishes until there are no more jobs and everything is confirmed or given up.
    pub(super) async fn send(self, jobs: Jobs, seat: Seat, limits: &Limits) -> Tally {
        let opened = self.open(limits.timeout).await;
        let Some((link, recorder)) = seat.take(opened) else { return Tally::default() };
        let (tally, link) = Publisher::new(&self, limits, link, recorder).run(jobs).await;
        if let Some(link) = link {
            drop(timeout(CLOSE, link.close()).await);
        }
        tally
    }
}
