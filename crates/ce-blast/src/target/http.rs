//! HTTP/1.1 with keep-alive: one POST per event, in structured or binary mode.
//!
//! Each request has a connection to itself while it is under way. An idle connection is taken where
//! there is one, the most recently used first; else a new one is opened. So there are never more
//! connections than events in flight.

mod connection;
mod request;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;

use ce_record::Outcome;
use http_body_util::BodyExt;
use hyper::header::HeaderMap;
use hyper::{Response, Uri, body::Incoming};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;

use super::pending::{Pending, Ticket, grace_is_over};
use super::{Limits, Seat};
use crate::cli::ContentMode;
use crate::cli::http::Success;
use crate::job::{Answer, Job};
use crate::record::Tally;
use connection::{Connection, Connector};
use request::{Outgoing, Requests};

/// An HTTP endpoint, resolved.
#[derive(Debug, Clone)]
pub(crate) struct HttpTarget {
    connector: Connector,
    requests: Requests,
    success: Success,
}

/// How events are sent to an endpoint, and which answers are good.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    pub(crate) mode: ContentMode,
    /// Of every request; they come before ours.
    pub(crate) headers: HeaderMap,
    pub(crate) success: Success,
}

impl HttpTarget {
    /// An endpoint at `uri`, whose `host` resolved to `address`.
    pub(crate) fn new(
        uri: &Uri,
        host: &str,
        is_tls: bool,
        address: SocketAddr,
        manner: Manner,
    ) -> anyhow::Result<Self> {
        let Manner { mode, headers, success } = manner;
        let connector = Connector::new(address, host, is_tls)?;
        Ok(Self { connector, requests: Requests::new(uri, headers, mode)?, success })
    }
}

/// What the requests of one sender share.
struct Shared {
    target: HttpTarget,
    idle: RefCell<Vec<Connection>>,
    pending: RefCell<Pending>,
    limits: Limits,
    emptied: tokio::sync::Notify,
}

/// Sends each job in a task of its own, then waits for the answers. The first connection is opened
/// before the schedule starts: a target that is not there is one error and not thousands.
pub(super) async fn send(
    target: HttpTarget,
    mut jobs: UnboundedReceiver<Job>,
    seat: Seat,
    limits: Limits,
) -> Tally {
    let Some((first, recorder)) = seat.take(target.connector.open(limits.timeout).await) else {
        return Tally::default();
    };
    let shared = Rc::new(Shared {
        target,
        idle: RefCell::new(vec![first]),
        pending: RefCell::new(Pending::new(recorder)),
        limits,
        emptied: tokio::sync::Notify::new(),
    });
    while let Some(job) = jobs.recv().await {
        // Before the event counts as sent: what this takes is not the target's.
        let request = shared.target.requests.of(&job.event);
        let ticket = shared.pending.borrow_mut().begin(job);
        match request {
            Ok(request) => {
                let shared = Rc::clone(&shared);
                tokio::task::spawn_local(async move { shared.attempt(ticket, request).await });
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
    shared.pending.borrow_mut().finish()
}

impl Shared {
    async fn attempt(&self, ticket: Ticket, request: Outgoing) {
        let answer = timeout(self.limits.timeout, self.exchange(request)).await;
        self.end(ticket, answer.unwrap_or_else(|_| Answer::new(Outcome::Timeout)));
    }

    fn end(&self, ticket: Ticket, answer: Answer) {
        let mut pending = self.pending.borrow_mut();
        let ended_ns = pending.now_ns();
        pending.end(ticket, ended_ns, answer);
        if pending.is_empty() {
            self.emptied.notify_one();
        }
    }

    /// Sends one request and reads the whole answer.
    async fn exchange(&self, mut request: Outgoing) -> Answer {
        loop {
            let idle = self.idle.borrow_mut().pop();
            let is_new = idle.is_none();
            let mut connection = match idle {
                // Ready at once, apart from the moment between an answer and its last byte.
                Some(mut connection) => match connection.ready().await {
                    Ok(()) => connection,
                    Err(_closed) => continue,
                },
                // Boxed, because it is large and rare, and would be a part of every attempt's task.
                None => match Box::pin(self.target.connector.connect()).await {
                    Ok(connection) => connection,
                    Err(answer) => return answer,
                },
            };
            match connection.try_send_request(request).await {
                Ok(response) => return self.read(connection, response).await,
                Err(mut err) => match err.take_message() {
                    // The peer closed an idle connection before the request left: not an attempt.
                    Some(unsent) if !is_new => request = unsent,
                    _ => return Answer::error(Outcome::ProtocolError, err.error()),
                },
            }
        }
    }

    /// Reads the body to its end, so that the connection can be used again.
    async fn read(&self, connection: Connection, response: Response<Incoming>) -> Answer {
        let status = response.status();
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            if let Err(err) = frame {
                return Answer::error(Outcome::ProtocolError, &err);
            }
        }
        self.idle.borrow_mut().push(connection);
        let code = status.as_u16();
        let is_success = self.target.success.includes(code);
        Answer::code(if is_success { Outcome::Ok } else { Outcome::Rejected }, code)
    }
}
