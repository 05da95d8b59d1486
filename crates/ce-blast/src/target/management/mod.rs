//! `RabbitMQ`'s management API as a door: one POST for each event, to be published by the plugin.
//!
//! For those who can reach a broker over HTTP only. The plugin opens a connection and a channel of
//! its own for each message, so this measures the plugin and not how the broker takes messages.

mod api;
mod publish;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use anyhow::bail;
use ce_record::Outcome;
use hyper::Uri;
use tokio::sync::Notify;

pub(crate) use api::{Api, encoded, vhost_of};
pub(crate) use publish::Publish;

use self::api::read;
pub(crate) use super::http::One;
use super::http::if_free;
use super::pending::{Pending, Ticket, grace_is_over, now_and_then};
use super::{Limits, Seat};
use crate::job::{Answer, Opened};
use crate::jobs::Jobs;
use crate::record::Tally;
use crate::target::patience::within;

/// What the user is told, once.
pub(crate) const WARNING: &str = "rabbitmq+http: measures the management plugin, which opens a \
                                  connection for each message, and not the broker; for that, use \
                                  amqp:";

/// An exchange behind a management API.
#[derive(Debug, Clone)]
pub(crate) struct ManagementTarget {
    api: Api,
    publish: Publish,
    /// Where the API describes the exchange, and below that where it publishes to it.
    exchange: String,
    to: Uri,
    /// For people.
    names: String,
}

impl ManagementTarget {
    pub(crate) fn new(api: Api, vhost: &str, exchange: &str, publish: Publish) -> Self {
        // What AMQP calls the empty name.
        let name = if exchange.is_empty() { "amq.default" } else { exchange };
        let path = format!("/api/exchanges/{}/{}", encoded(vhost), encoded(name));
        let to = format!("{path}/publish").parse().expect("an encoded path is a URI");
        let names = format!("exchange `{exchange}` in virtual host `{vhost}`");
        Self { api, publish, exchange: path, to, names }
    }

    /// Connects and looks for the exchange: a wrong name or password is one error, and not thousands.
    async fn open(&self, patience: Duration) -> anyhow::Result<One> {
        let mut connection = self.api.open(patience).await?;
        let (status, body) = self.api.get(&mut connection, &self.exchange, patience).await?;
        match status {
            200 => Ok(connection),
            404 => {
                let (shown, names) = (self.api.shown(), &self.names);
                bail!("{shown}: there is no {names}: declare it, or name another with --exchange")
            }
            status => bail!(self.api.refusal(status, &body)),
        }
    }

    /// Publishes until there are no more jobs and everything is answered or given up.
    pub(super) async fn send(self, mut jobs: Jobs, seat: Seat, limits: Limits) -> Tally {
        let Some((first, recorder)) = seat.take(self.open(limits.timeout).await) else {
            return Tally::default();
        };
        let shared = Rc::new(Shared {
            target: self,
            idle: RefCell::new(vec![first]),
            pending: RefCell::new(Pending::new(recorder)),
            limits,
            emptied: Notify::new(),
        });
        let watched = Rc::clone(&shared);
        let watch = tokio::task::spawn_local(now_and_then(move || watched.give_up()));
        while let Some(job) = jobs.recv().await {
            let body = shared.target.publish.body(&job.event);
            let ticket = shared.pending.borrow_mut().begin(job);
            match body {
                Ok(body) => {
                    let shared = Rc::clone(&shared);
                    tokio::task::spawn_local(async move { shared.attempt(ticket, body).await });
                }
                Err(why) => shared.end(ticket, Answer::text(Outcome::ProtocolError, &why)),
            }
        }
        while !shared.pending.borrow().is_empty() {
            tokio::select! {
                () = shared.emptied.notified() => {}
                () = grace_is_over(&shared.limits) => break,
            }
        }
        watch.abort();
        shared.pending.borrow_mut().finish()
    }
}

/// What the requests of one sender share.
struct Shared {
    target: ManagementTarget,
    idle: RefCell<Vec<One>>,
    pending: RefCell<Pending>,
    limits: Limits,
    emptied: Notify,
}

impl Shared {
    async fn attempt(&self, ticket: Ticket, body: bytes::Bytes) {
        let opened = Cell::new(None);
        let answer = within(self.limits.timeout, self.publish(body, &opened)).await;
        let answer = answer.unwrap_or_else(|| Answer::new(Outcome::Timeout));
        self.end(ticket, Answer { opened: opened.take().map(Box::new), ..answer });
    }

    fn end(&self, ticket: Ticket, answer: Answer) {
        let mut pending = self.pending.borrow_mut();
        let ended_ns = pending.now_ns();
        pending.end(ticket, ended_ns, answer);
        if pending.is_empty() {
            self.emptied.notify_one();
        }
    }

    /// Gives up what is not waited for any longer.
    fn give_up(&self) {
        let mut pending = self.pending.borrow_mut();
        pending.give_up(&self.limits.last_answers);
        if pending.is_empty() {
            self.emptied.notify_one();
        }
    }

    /// Sends one request over an idle connection, or over a new one where there is none.
    async fn publish(&self, body: bytes::Bytes, opened: &Cell<Option<Opened>>) -> Answer {
        let mut request = self.target.api.post(&self.target.to, body);
        loop {
            let idle = self.idle.borrow_mut().pop();
            let is_new = idle.is_none();
            let mut connection = match idle {
                Some(connection) => match if_free(connection).await {
                    Some(connection) => connection,
                    None => continue,
                },
                None => match Box::pin(self.target.api.connect(opened)).await {
                    Ok(connection) => connection,
                    Err(answer) => return answer,
                },
            };
            let response = match connection.try_send_request(request).await {
                Ok(response) => response,
                Err(mut err) => match err.take_message() {
                    // The API closed an idle connection before the request left.
                    Some(unsent) if !is_new => {
                        request = unsent;
                        continue;
                    }
                    _ => return Answer::error(Outcome::ProtocolError, err.error()),
                },
            };
            return match read(response).await {
                Ok((status, body)) => {
                    self.idle.borrow_mut().push(connection);
                    publish::judge(status, &body)
                }
                Err(why) => Answer::text(Outcome::ProtocolError, &why),
            };
        }
    }
}
