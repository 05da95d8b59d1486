//! From a request to its answer, over whichever connection there is.
//!
//! Over HTTP/1.1 each request has a connection to itself while it is under way. An idle connection is
//! taken where there is one, the most recently used first; else a new one is opened. So there are
//! never more connections than requests under way. Over HTTP/2 all requests of a sender share one
//! connection, and one is opened when that has gone.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use bytes::Bytes;
use ce_record::Outcome;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Response, client::conn};
use jiff::Timestamp;
use tokio::sync::Mutex;

use super::check::BODY_LIMIT;
use super::connection::{Connection, Connector, One, Two};
use super::request::Outgoing;
use super::retry::retry_after;
use super::turn::{handed_over, if_free};
use crate::cli::http::Codes;
use crate::job::{Answer, Opened};

/// The connections of a sender, and what it looks for in answers.
pub(super) struct Exchange {
    connector: Connector,
    success: Codes,
    /// Whether bodies of answers are kept to be checked.
    keep_bodies: bool,
    idle: RefCell<Vec<One>>,
    shared: RefCell<Option<Two>>,
    /// Held by who opens the shared connection, so that nobody opens another.
    opening: Mutex<()>,
}

/// How a request ended.
pub(super) struct Reply {
    pub(super) answer: Answer,
    /// The body of the answer, if somebody wants to look at it.
    pub(super) body: Option<Vec<u8>>,
    /// When the target wants to be asked again.
    pub(super) retry_after: Option<Duration>,
}

impl Reply {
    /// The answer for each of the events of a request. A connection is opened once, for the first, and
    /// fails to open once.
    pub(super) fn answers(&self, opened: Option<Opened>) -> impl Iterator<Item = Answer> {
        let (mut opened, mut own_limit) = (opened.map(Box::new), self.answer.own_limit);
        std::iter::repeat_with(move || Answer {
            opened: opened.take(),
            own_limit: own_limit.take(),
            ..self.answer.clone()
        })
    }
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self { answer, body: None, retry_after: None }
    }
}

/// Where it is noted that a connection was opened. A request that is given up has opened it, too.
pub(super) type OpenedCell = Cell<Option<Opened>>;

impl Exchange {
    /// Begins with a connection that is open.
    pub(super) fn new(
        connector: Connector,
        first: Connection,
        success: Codes,
        keep_bodies: bool,
    ) -> Self {
        let (one, two) = match first {
            Connection::One(one) => (Some(one), None),
            Connection::Two(two) => (None, Some(two)),
        };
        Self {
            connector,
            success,
            keep_bodies,
            idle: RefCell::new(one.into_iter().collect()),
            shared: RefCell::new(two),
            opening: Mutex::const_new(()),
        }
    }

    /// Sends one request and reads the whole answer. The request is taken from its place only to be
    /// sent: each function that it is handed through would have room for it in every task.
    pub(super) async fn send(&self, request: &mut Option<Outgoing>, opened: &OpenedCell) -> Reply {
        if self.connector.is_http2() {
            // Boxed, so that a task of HTTP/1.1 is no larger than it needs.
            Box::pin(self.send_shared(request, opened)).await
        } else {
            self.send_alone(request, opened).await
        }
    }

    async fn send_alone(&self, request: &mut Option<Outgoing>, opened: &OpenedCell) -> Reply {
        loop {
            let idle = self.idle.borrow_mut().pop();
            let is_new = idle.is_none();
            let mut connection = match idle {
                Some(connection) => match if_free(connection).await {
                    Some(connection) => connection,
                    None => continue,
                },
                // Boxed, because it is large and rare, and would be a part of every attempt's task.
                None => match Box::pin(self.open(request, opened)).await {
                    Ok(connection) => connection,
                    Err(answer) => return answer.into(),
                },
            };
            match connection.try_send_request(take(request)).await {
                Ok(mut response) => {
                    let reply = self.read(&mut response).await;
                    if reply.answer.code.is_some() {
                        self.idle.borrow_mut().push(connection);
                    }
                    return reply;
                }
                Err(err) => match unsent(err, is_new) {
                    Ok(unsent) => *request = Some(unsent),
                    Err(answer) => return answer.into(),
                },
            }
        }
    }

    async fn send_shared(&self, request: &mut Option<Outgoing>, opened: &OpenedCell) -> Reply {
        loop {
            let mut is_new = false;
            let open = self.shared.borrow().clone().filter(|connection| !connection.is_closed());
            let mut connection = match open {
                Some(connection) => connection,
                None => match Box::pin(self.reopen(request, opened)).await {
                    Ok(connection) => {
                        is_new = opened.get().is_some();
                        connection
                    }
                    Err(answer) => return answer.into(),
                },
            };
            let owner = request.as_ref().and_then(|request| request.body().owner());
            match handed_over(connection.try_send_request(take(request)), owner).await {
                Ok(mut response) => return self.read(&mut response).await,
                Err(err) => match unsent(err, is_new) {
                    Ok(unsent) => *request = Some(unsent),
                    Err(answer) => return answer.into(),
                },
            }
        }
    }

    /// A connection for a request. How long that takes is up to the target, so the request counts as
    /// sent.
    async fn open(
        &self,
        request: &mut Option<Outgoing>,
        opened: &OpenedCell,
    ) -> Result<One, Answer> {
        leave(request);
        self.connector.connect_one(opened).await
    }

    /// The shared connection, opened again by whoever comes first.
    async fn reopen(
        &self,
        request: &mut Option<Outgoing>,
        opened: &OpenedCell,
    ) -> Result<Two, Answer> {
        leave(request);
        let _turn = self.opening.lock().await;
        let open = self.shared.borrow().clone().filter(|connection| !connection.is_closed());
        if let Some(connection) = open {
            return Ok(connection);
        }
        let connection = self.connector.connect_two(false, opened).await?;
        *self.shared.borrow_mut() = Some(connection.clone());
        Ok(connection)
    }

    /// Reads the body to its end, so that the connection can be used again.
    async fn read(&self, response: &mut Response<Incoming>) -> Reply {
        let status = response.status();
        let retry_after = retry_after(response.headers(), Timestamp::now);
        let incoming = response.body_mut();
        let mut body = self.keep_bodies.then(Vec::new);
        while let Some(frame) = incoming.frame().await {
            match frame {
                Ok(frame) => keep(&mut body, frame.data_ref()),
                Err(err) => return Answer::error(Outcome::ProtocolError, &err).into(),
            }
        }
        let code = status.as_u16();
        let is_success = self.success.includes(code);
        let answer = Answer::code(if is_success { Outcome::Ok } else { Outcome::Rejected }, code);
        Reply { answer, body, retry_after }
    }
}

/// The events of a request count as sent.
fn leave(request: &mut Option<Outgoing>) {
    if let Some(request) = request {
        request.body_mut().leave();
    }
}

fn take(request: &mut Option<Outgoing>) -> Outgoing {
    request.take().expect("a request that has not been sent is in its place")
}

/// The request, if its connection was closed before it left: that is no attempt, unless the connection
/// was opened for it.
fn unsent(mut err: conn::TrySendError<Outgoing>, is_new: bool) -> Result<Outgoing, Answer> {
    match err.take_message() {
        Some(request) if !is_new => Ok(request),
        _ => Err(broken(err.error())),
    }
}

/// What hyper says of a request that a server's GOAWAY left out, in words that nobody would understand.
const LEFT_OUT: &str = "connection error received: not a result of an error";

/// How a request ends that has no answer.
fn broken(err: &hyper::Error) -> Answer {
    let answer = Answer::error(Outcome::ProtocolError, err);
    let is_left_out = answer.error.as_ref().is_some_and(|error| error.contains(LEFT_OUT));
    if is_left_out {
        return answer.hinted("the server said GOAWAY and has not taken the request");
    }
    answer
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
