//! HTTP/1.1 with keep-alive: one POST per event, as a structured CloudEvent.
//!
//! Each request has a connection to itself while it is under way. An idle connection is taken where
//! there is one, the most recently used first; else a new one is opened. So there are never more
//! connections than events in flight.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use ce_record::Outcome;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Response, Uri, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::pending::{Pending, Ticket, grace_is_over};
use super::{Limits, Seat, tls};
use crate::cli::http::Success;
use crate::job::{Answer, Job};
use crate::record::Tally;

/// How long a target may take to start up.
const STARTING: Duration = Duration::from_secs(1);
const ASK_AGAIN: Duration = Duration::from_millis(20);

type Connection = SendRequest<Full<Bytes>>;

/// An HTTP endpoint, resolved.
#[derive(Debug, Clone)]
pub(crate) struct HttpTarget {
    address: SocketAddr,
    path: Uri,
    headers: HeaderMap,
    tls: Option<(TlsOut, ServerName<'static>)>,
    success: Success,
}

/// A connector without its certificates in debug output.
#[derive(Clone)]
struct TlsOut(TlsConnector);

impl std::fmt::Debug for TlsOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TLS")
    }
}

impl HttpTarget {
    /// An endpoint at `uri`, which resolved to `address`. The headers of the user come before ours.
    pub(crate) fn new(
        uri: &Uri,
        host: &str,
        is_tls: bool,
        address: SocketAddr,
        mut headers: HeaderMap,
        success: Success,
    ) -> anyhow::Result<Self> {
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let without_user = authority.rsplit('@').next().unwrap_or(authority);
        let host_header = HeaderValue::from_str(without_user).context("the target's host")?;
        headers.entry(HOST).or_insert(host_header);
        let structured = HeaderValue::from_static("application/cloudevents+json");
        headers.insert(CONTENT_TYPE, structured);
        let agent = concat!("ce-blast/", env!("CARGO_PKG_VERSION"));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(agent));
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let tls = if is_tls {
            let name = ServerName::try_from(host.to_owned()).context("the target's host")?;
            Some((TlsOut(tls::connector()?), name))
        } else {
            None
        };
        let path = path.parse().context("the target's path")?;
        Ok(Self { address, path, headers, tls, success })
    }

    async fn connect(&self) -> Result<Connection, Answer> {
        let refuse = |err: &dyn std::error::Error| Answer::error(Outcome::ConnectError, err);
        let socket = TcpStream::connect(self.address).await.map_err(|err| refuse(&err))?;
        socket.set_nodelay(true).map_err(|err| refuse(&err))?;
        match &self.tls {
            None => drive(TokioIo::new(socket)).await,
            Some((connector, name)) => {
                let stream = connector.0.connect(name.clone(), socket).await;
                drive(TokioIo::new(stream.map_err(|err| refuse(&err))?)).await
            }
        }
    }

    /// Opens the first connection. A target that refuses may have been started a moment ago, in the
    /// line above ours, so it is asked again for a short while.
    async fn open(&self, patience: Duration) -> anyhow::Result<Connection> {
        let address = self.address;
        let deadline = Instant::now() + STARTING.min(patience);
        loop {
            match timeout(patience, self.connect()).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(_)) if Instant::now() < deadline => tokio::time::sleep(ASK_AGAIN).await,
                Ok(Err(answer)) => {
                    let why = answer.error.unwrap_or_default();
                    bail!("{address}: cannot connect: {why}; is the target running?")
                }
                Err(_) => {
                    bail!("{address}: no connection within {patience:?}; is it the right port?")
                }
            }
        }
    }

    fn request(&self, body: Bytes) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

async fn drive<T>(io: T) -> Result<Connection, Answer>
where
    T: hyper::rt::Read + hyper::rt::Write + Unpin + 'static,
{
    let (sender, connection) =
        handshake(io).await.map_err(|err| Answer::error(Outcome::ConnectError, &err))?;
    // Its errors reach the request that is under way.
    tokio::task::spawn_local(async move { drop(connection.await) });
    Ok(sender)
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
    let Some((first, recorder)) = seat.take(target.open(limits.timeout).await) else {
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
        let body = job.event.body().clone();
        let ticket = shared.pending.borrow_mut().begin(job);
        let shared = Rc::clone(&shared);
        tokio::task::spawn_local(async move { shared.attempt(ticket, body).await });
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
    async fn attempt(&self, ticket: Ticket, body: Bytes) {
        let answer = timeout(self.limits.timeout, self.exchange(body)).await;
        let answer = answer.unwrap_or_else(|_| Answer::new(Outcome::Timeout));
        let mut pending = self.pending.borrow_mut();
        let ended_ns = pending.now_ns();
        pending.end(ticket, ended_ns, answer);
        if pending.is_empty() {
            self.emptied.notify_one();
        }
    }

    /// Sends one request and reads the whole answer.
    async fn exchange(&self, body: Bytes) -> Answer {
        let mut request = self.target.request(body);
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
                None => match Box::pin(self.target.connect()).await {
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
