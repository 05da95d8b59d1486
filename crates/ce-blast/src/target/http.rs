//! HTTP/1.1 with keep-alive: one POST per event, in structured or binary mode, or per batch.
//!
//! Each request has a connection to itself while it is under way. An idle connection is taken where
//! there is one, the most recently used first; else a new one is opened. So there are never more
//! connections than events in flight.

mod batch;
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
pub(crate) use batch::BatchSize;

use crate::cli::ContentMode;
use crate::cli::http::Success;
use crate::job::{Answer, Job};
use crate::record::Tally;
use batch::{Added, Batch};
use connection::{Connection, Connector};
use request::{Outgoing, Requests};

/// An HTTP endpoint, resolved.
#[derive(Debug, Clone)]
pub(crate) struct HttpTarget {
    connector: Connector,
    requests: Requests,
    batch: Option<BatchSize>,
    success: Success,
}

/// How events are sent to an endpoint, and which answers are good.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    pub(crate) mode: ContentMode,
    /// Events leave together; for batched mode.
    pub(crate) batch: Option<BatchSize>,
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
        let Manner { mode, batch, headers, success } = manner;
        let connector = Connector::new(address, host, is_tls)?;
        Ok(Self { connector, requests: Requests::new(uri, headers, mode)?, batch, success })
    }
}

/// What the requests of one sender share.
struct Shared {
    target: HttpTarget,
    batch: Option<RefCell<Batch>>,
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
        batch: target.batch.map(|size| RefCell::new(Batch::new(size))),
        target,
        idle: RefCell::new(vec![first]),
        pending: RefCell::new(Pending::new(recorder)),
        limits,
        emptied: tokio::sync::Notify::new(),
    });
    while let Some(job) = jobs.recv().await {
        shared.take(job);
    }
    shared.depart(shared.batch.as_ref().map(|batch| batch.borrow_mut().take()));
    while !shared.pending.borrow().is_empty() {
        tokio::select! {
            () = shared.emptied.notified() => {}
            () = grace_is_over(&shared.limits) => break,
        }
    }
    shared.pending.borrow_mut().finish()
}

impl Shared {
    /// Sends an event, or lets it wait for others that leave with it.
    fn take(self: &Rc<Self>, job: Job) {
        let Some(batch) = &self.batch else { return self.send_alone(job) };
        let mut batch = batch.borrow_mut();
        match batch.add(job) {
            Added::Waits => {}
            Added::Full(jobs) => self.depart(Some(jobs)),
            Added::First(number) => {
                let (shared, wait) = (Rc::clone(self), batch.wait());
                tokio::task::spawn_local(async move {
                    tokio::time::sleep(wait).await;
                    let jobs = shared.batch.as_ref().and_then(|it| it.borrow_mut().expire(number));
                    shared.depart(jobs);
                });
            }
        }
    }

    fn send_alone(self: &Rc<Self>, job: Job) {
        // Before the event counts as sent: what this takes is not the target's.
        let request = self.target.requests.of(&job.event);
        let ticket = self.pending.borrow_mut().begin(job);
        match request {
            Ok(request) => self.spawn([ticket], request),
            Err(why) => self.end(&[ticket], &Answer::text(Outcome::ProtocolError, &why)),
        }
    }

    /// Sends several events in one request.
    fn depart(self: &Rc<Self>, jobs: Option<Vec<Job>>) {
        let jobs = jobs.unwrap_or_default();
        if jobs.is_empty() {
            return;
        }
        let request = self.target.requests.of_batch(jobs.iter().map(|job| &job.event));
        let mut pending = self.pending.borrow_mut();
        let tickets: Vec<Ticket> = jobs.into_iter().map(|job| pending.begin(job)).collect();
        self.spawn(tickets, request);
    }

    fn spawn(self: &Rc<Self>, tickets: impl AsRef<[Ticket]> + 'static, request: Outgoing) {
        let shared = Rc::clone(self);
        tokio::task::spawn_local(async move { shared.attempt(tickets.as_ref(), request).await });
    }

    async fn attempt(&self, tickets: &[Ticket], request: Outgoing) {
        let answer = timeout(self.limits.timeout, self.exchange(request)).await;
        self.end(tickets, &answer.unwrap_or_else(|_| Answer::new(Outcome::Timeout)));
    }

    /// Records how a request ended, for each of its events.
    fn end(&self, tickets: &[Ticket], answer: &Answer) {
        let mut pending = self.pending.borrow_mut();
        let ended_ns = pending.now_ns();
        for &ticket in tickets {
            pending.end(ticket, ended_ns, answer.clone());
        }
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
