//! HTTP/1.1 with keep-alive: one POST per event, in structured or binary mode, or per batch.
//!
//! Each request has a connection to itself while it is under way. An idle connection is taken where
//! there is one, the most recently used first; else a new one is opened. So there are never more
//! connections than events in flight.

mod batch;
mod check;
mod connection;
mod request;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;

use bytes::Bytes;
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
use crate::cli::check::Check;
use crate::cli::http::Codes;
use crate::job::{Answer, Job, Opened};
use crate::record::Tally;
use batch::{Added, Batch};
use check::{BODY_LIMIT, Checks, Seen};
use connection::{Connection, Connector};
use request::{Outgoing, Requests};

/// An HTTP endpoint, resolved.
#[derive(Debug, Clone)]
pub(crate) struct HttpTarget {
    connector: Connector,
    requests: Requests,
    batch: Option<BatchSize>,
    success: Codes,
    checks: Vec<Check>,
}

/// How events are sent to an endpoint, and which answers are good.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    pub(crate) mode: ContentMode,
    /// Events leave together; for batched mode.
    pub(crate) batch: Option<BatchSize>,
    /// Of every request; they come before ours.
    pub(crate) headers: HeaderMap,
    pub(crate) success: Codes,
    pub(crate) checks: Vec<Check>,
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
        let Manner { mode, batch, headers, success, checks } = manner;
        let connector = Connector::new(address, host, is_tls)?;
        Ok(Self { connector, requests: Requests::new(uri, headers, mode)?, batch, success, checks })
    }
}

/// What the requests of one sender share.
struct Shared {
    target: HttpTarget,
    batch: Option<RefCell<Batch>>,
    checks: RefCell<Checks>,
    /// Whether bodies of answers are kept to be checked.
    keep_bodies: bool,
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
    let checks = Checks::new(target.checks.clone());
    let shared = Rc::new(Shared {
        keep_bodies: checks.need_body(),
        checks: RefCell::new(checks),
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
    let mut tally = shared.pending.borrow_mut().finish();
    tally.checks = shared.checks.take().into_counts();
    tally
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
            Err(why) => self.end(&[ticket], &Answer::text(Outcome::ProtocolError, &why).into()),
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
        let opened = Cell::new(None);
        let reply = timeout(self.limits.timeout, self.exchange(request, &opened)).await;
        let mut reply = reply.unwrap_or_else(|_| Answer::new(Outcome::Timeout).into());
        reply.opened = opened.get();
        self.end(tickets, &reply);
    }

    /// Records how a request ended, for each of its events.
    fn end(&self, tickets: &[Ticket], reply: &Reply) {
        let mut pending = self.pending.borrow_mut();
        let mut checks = self.checks.borrow_mut();
        let json = reply.body.as_ref().and_then(|body| serde_json::from_slice(body).ok());
        let ended_ns = pending.now_ns();
        // A connection is opened once, for the first of several events.
        let mut opened = reply.opened.map(Box::new);
        for &ticket in tickets {
            let mut answer = Answer { opened: opened.take(), ..reply.answer.clone() };
            if !checks.is_empty()
                && let Some(sent_ns) = pending.sent_ns(ticket)
            {
                let service_ns = ended_ns.saturating_sub(sent_ns);
                checks.judge(&mut answer, Seen { service_ns, json: json.as_ref() });
            }
            pending.end(ticket, ended_ns, answer);
        }
        if pending.is_empty() {
            self.emptied.notify_one();
        }
    }

    /// Sends one request and reads the whole answer.
    async fn exchange(&self, mut request: Outgoing, opened: &Cell<Option<Opened>>) -> Reply {
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
                None => match Box::pin(self.target.connector.connect(opened)).await {
                    Ok(connection) => connection,
                    Err(answer) => return answer.into(),
                },
            };
            match connection.try_send_request(request).await {
                Ok(response) => return self.read(connection, response).await,
                Err(mut err) => match err.take_message() {
                    // The peer closed an idle connection before the request left: not an attempt.
                    Some(unsent) if !is_new => request = unsent,
                    _ => return Answer::error(Outcome::ProtocolError, err.error()).into(),
                },
            }
        }
    }

    /// Reads the body to its end, so that the connection can be used again.
    async fn read(&self, connection: Connection, response: Response<Incoming>) -> Reply {
        let status = response.status();
        let mut incoming = response.into_body();
        let mut body = self.keep_bodies.then(Vec::new);
        while let Some(frame) = incoming.frame().await {
            match frame {
                Ok(frame) => keep(&mut body, frame.data_ref()),
                Err(err) => return Answer::error(Outcome::ProtocolError, &err).into(),
            }
        }
        self.idle.borrow_mut().push(connection);
        let code = status.as_u16();
        let is_success = self.target.success.includes(code);
        let answer = Answer::code(if is_success { Outcome::Ok } else { Outcome::Rejected }, code);
        Reply { answer, body, opened: None }
    }
}

/// Adds to a body that is kept, until it is too long to be looked at.
fn keep(body: &mut Option<Vec<u8>>, data: Option<&Bytes>) {
    if let (Some(kept), Some(data)) = (&mut *body, data) {
        if kept.len() + data.len() > BODY_LIMIT {
            *body = None;
        } else {
            kept.extend_from_slice(data);
        }
    }
}

/// How a request ended.
struct Reply {
    answer: Answer,
    /// The body of the answer, if somebody wants to look at it.
    body: Option<Vec<u8>>,
    /// The connection that was opened for it.
    opened: Option<Opened>,
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self { answer, body: None, opened: None }
    }
}
