//! HTTP/1.1 with keep-alive, or HTTP/2: one POST per event, in structured or binary mode, or per
//! batch.

mod batch;
mod body;
mod check;
mod connection;
mod exchange;
mod request;
mod retry;
mod turn;

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use ce_record::Outcome;
use hyper::Uri;
use hyper::header::HeaderMap;
use tokio::time::sleep;

use super::patience::within;
use super::pending::{Pending, Ticket, grace_is_over, now_and_then};
use super::{Limits, Route, Seat};
pub(crate) use batch::BatchSize;
pub(crate) use body::Body;
pub(crate) use retry::Retry;
pub(super) use turn::if_free;

use crate::cli::ContentMode;
use crate::cli::check::Check;
use crate::cli::http::Codes;
use crate::event::Event;
use crate::job::{Answer, Job, Opened};
use crate::jobs::Jobs;
use crate::record::Tally;
use batch::{Added, Batch};
use check::{Checks, Seen};
pub(crate) use connection::{Connection, Connector, One};
use exchange::{Exchange, Reply};
use request::{Outgoing, Requests};

/// An HTTP endpoint, resolved.
#[derive(Debug, Clone)]
pub(crate) struct HttpTarget {
    connector: Connector,
    requests: Requests,
    batch: Option<BatchSize>,
    success: Codes,
    checks: Vec<Check>,
    retry: Option<Retry>,
}

/// How events are sent to an endpoint, and which answers are good.
#[derive(Debug, Clone)]
pub(crate) struct Manner {
    pub(crate) mode: ContentMode,
    /// By prior knowledge, or ALPN where there is TLS.
    pub(crate) http2: bool,
    /// Events leave together; for batched mode.
    pub(crate) batch: Option<BatchSize>,
    /// Of every request; they come before ours.
    pub(crate) headers: HeaderMap,
    pub(crate) success: Codes,
    pub(crate) checks: Vec<Check>,
    /// Whether and when an event is sent again.
    pub(crate) retry: Option<Retry>,
}

impl HttpTarget {
    /// An endpoint at `uri`, which is reached by a route.
    pub(crate) fn new(uri: &Uri, route: Route, manner: Manner) -> anyhow::Result<Self> {
        let Manner { mode, http2, batch, headers, success, checks, retry } = manner;
        let connector = Connector::new(route, http2)?;
        let requests = Requests::new(uri, headers, mode, http2)?;
        Ok(Self { connector, requests, batch, success, checks, retry })
    }
}

/// What the requests of one sender share.
struct Shared {
    requests: Requests,
    retry: Option<Retry>,
    batch: Option<RefCell<Batch>>,
    checks: RefCell<Checks>,
    exchange: Exchange,
    pending: Rc<RefCell<Pending>>,
    limits: Limits,
    emptied: tokio::sync::Notify,
}

/// Sends each job in a task of its own, then waits for the answers. The first connection is opened
/// before the schedule starts: a target that is not there is one error and not thousands.
pub(super) async fn send(target: HttpTarget, mut jobs: Jobs, seat: Seat, limits: Limits) -> Tally {
    let Some((first, recorder)) = seat.take(target.connector.open(limits.timeout).await) else {
        return Tally::default();
    };
    let HttpTarget { connector, requests, batch, success, checks, retry } = target;
    let checks = Checks::new(checks);
    let shared = Rc::new(Shared {
        exchange: Exchange::new(connector, first, success, checks.need_body()),
        checks: RefCell::new(checks),
        batch: batch.map(|size| RefCell::new(Batch::new(size))),
        requests,
        retry,
        pending: Rc::new(RefCell::new(Pending::leading(recorder, jobs.lead()))),
        limits,
        emptied: tokio::sync::Notify::new(),
    });
    // It has another use: while a timer is set that ends sooner, the timeout of an attempt costs no
    // system call, since the runtime wakes itself for the timer that is the first to end.
    let watched = Rc::clone(&shared);
    let watch = tokio::task::spawn_local(now_and_then(move || watched.give_up()));
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
    watch.abort();
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
                    sleep(wait).await;
                    let jobs = shared.batch.as_ref().and_then(|it| it.borrow_mut().expire(number));
                    shared.depart(jobs);
                });
            }
        }
    }

    fn send_alone(self: &Rc<Self>, job: Job) {
        // Before the event counts as sent: what this takes is not the target's.
        let request = self.requests.of(&job.event);
        let ticket = self.pending.borrow_mut().begin(job);
        match request {
            Ok(request) => self.spawn([ticket], request),
            Err(why) => {
                let answer = Answer::text(Outcome::ProtocolError, &why);
                self.end(&[ticket], &answer.into(), None);
            }
        }
    }

    /// Sends several events in one request.
    fn depart(self: &Rc<Self>, jobs: Option<Vec<Job>>) {
        let jobs = jobs.unwrap_or_default();
        if jobs.is_empty() {
            return;
        }
        let request = self.requests.of_batch(jobs.iter().map(|job| &job.event));
        let mut pending = self.pending.borrow_mut();
        let tickets: Vec<Ticket> = jobs.into_iter().map(|job| pending.begin(job)).collect();
        self.spawn(tickets, request);
    }

    fn spawn(self: &Rc<Self>, tickets: impl AsMut<[Ticket]> + 'static, request: Outgoing) {
        let shared = Rc::clone(self);
        let (mut tickets, mut request) = (tickets, Some(request));
        tokio::task::spawn_local(async move {
            shared.deliver(tickets.as_mut(), &mut request).await;
        });
    }

    /// Sends a request, and again where that is wanted.
    async fn deliver(&self, tickets: &mut [Ticket], request: &mut Option<Outgoing>) {
        loop {
            if let Some(request) = request {
                request.body_mut().belongs_to(&self.pending, tickets);
            }
            let opened = Cell::new(None);
            let reply = within(self.limits.timeout, self.exchange.send(request, &opened)).await;
            let reply = reply.unwrap_or_else(|| Answer::new(Outcome::Timeout).into());
            let Some(wait) = self.wait_before_next(tickets[0], &reply) else {
                return self.end(tickets, &reply, opened.get());
            };
            self.put_aside(tickets, &reply, opened.get());
            sleep(wait).await;
            match self.begin_again(tickets) {
                Some(again) => *request = Some(again),
                // The grace period is over.
                None => return,
            }
        }
    }

    /// How long to wait before the next attempt, if there is to be one.
    fn wait_before_next(&self, ticket: Ticket, reply: &Reply) -> Option<Duration> {
        let retry = self.retry.as_ref()?;
        let pending = self.pending.borrow();
        let (event, nth) = pending.event(ticket)?;
        let wait = retry.wait(&reply.answer, reply.retry_after, nth, event.id())?;
        let until = pending.until(ticket, &self.limits.last_answers);
        until.is_none_or(|until| Instant::now() + wait < until).then_some(wait)
    }

    fn put_aside(&self, tickets: &[Ticket], reply: &Reply, opened: Option<Opened>) {
        let mut pending = self.pending.borrow_mut();
        let ended_ns = pending.now_ns();
        for (&ticket, answer) in tickets.iter().zip(reply.answers(opened)) {
            pending.put_aside(ticket, ended_ns, answer);
        }
    }

    /// Begins the next attempt for events that were put aside.
    fn begin_again(&self, tickets: &mut [Ticket]) -> Option<Outgoing> {
        let mut pending = self.pending.borrow_mut();
        let events: Option<Vec<&Event>> =
            tickets.iter().map(|&ticket| pending.event(ticket).map(|(event, _)| event)).collect();
        let request = match events?.as_slice() {
            // It was a request once.
            [event] if self.batch.is_none() => self.requests.of(event).ok()?,
            events => self.requests.of_batch(events.iter().copied()),
        };
        for ticket in tickets {
            *ticket = pending.begin_again(*ticket)?;
        }
        Some(request)
    }

    /// Gives up what is not waited for any longer.
    fn give_up(&self) {
        let mut pending = self.pending.borrow_mut();
        pending.give_up(&self.limits.last_answers);
        if pending.is_empty() {
            self.emptied.notify_one();
        }
    }

    /// Records how a request ended, for each of its events.
    fn end(&self, tickets: &[Ticket], reply: &Reply, opened: Option<Opened>) {
        let mut pending = self.pending.borrow_mut();
        let mut checks = self.checks.borrow_mut();
        let ended_ns = pending.now_ns();
        // Afterwards: what this takes is not the target's.
        let json = reply.body.as_ref().and_then(|body| serde_json::from_slice(body).ok());
        for (&ticket, mut answer) in tickets.iter().zip(reply.answers(opened)) {
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
}
