//! Opens connections to an endpoint, at the address that was checked and at no other.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use ce_record::Outcome;
use hyper::client::conn::{http1, http2};
use hyper::rt::{Executor, Read, Write};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::body::Body;
use super::exchange::OpenedCell;
use crate::job::{Answer, Opened};
use crate::target::{Addresses, Route};

/// How long a target may take to start up.
const STARTING: Duration = Duration::from_secs(1);
const ASK_AGAIN: Duration = Duration::from_millis(20);

/// A connection that carries one request at a time.
pub(crate) struct One {
    requests: http1::SendRequest<Body>,
    task: AbortHandle,
}

impl One {
    /// Closes it, whatever is under way on it.
    pub(super) fn cut(self) {
        self.task.abort();
    }
}

impl Deref for One {
    type Target = http1::SendRequest<Body>;

    fn deref(&self) -> &Self::Target {
        &self.requests
    }
}

impl DerefMut for One {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.requests
    }
}

/// A connection that carries many, over HTTP/2.
pub(crate) type Two = http2::SendRequest<Body>;

/// A connection of either kind.
pub(crate) enum Connection {
    One(One),
    Two(Two),
}

/// How many requests a peer takes at a time, before it has said so, where that is waited for. No peer
/// can say just that: what it says has 32 bits, and if it names no limit there is none.
const UNHEARD: usize = usize::MAX - 1;
/// The same, where it is not waited for: no peer should take fewer.
const UNTIL_HEARD: usize = 100;
/// Between two looks whether it has.
const LOOK: Duration = Duration::from_millis(1);
/// A peer that vanished without a word is found out by asking, and its connection given up.
const PING_EVERY: Duration = Duration::from_secs(10);
const NO_HTTP2: &str = "the server does not speak HTTP/2; leave out --http2";

/// An endpoint to connect to. Its name was resolved once: what was checked is what is loaded.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    addresses: Addresses,
    tls: Option<(TlsOut, ServerName<'static>)>,
    http2: bool,
}

/// A connector without its certificates in debug output.
#[derive(Clone)]
struct TlsOut(TlsConnector);

impl std::fmt::Debug for TlsOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TLS")
    }
}

impl Connector {
    /// Connects by a route; HTTP/2 is agreed on where there is TLS.
    pub(crate) fn new(Route { host, addresses, tls }: Route, http2: bool) -> anyhow::Result<Self> {
        let tls = match tls {
            Some(tls) => {
                let name = tls.server_name(&host).context("the target's host")?;
                let mut config = tls.config();
                if http2 {
                    let mut with_alpn = ClientConfig::clone(&config);
                    with_alpn.alpn_protocols = vec![b"h2".to_vec()];
                    config = Arc::new(with_alpn);
                }
                Some((TlsOut(TlsConnector::from(config)), name))
            }
            None => None,
        };
        Ok(Self { addresses, tls, http2 })
    }

    pub(super) fn is_http2(&self) -> bool {
        self.http2
    }

    /// Opens a connection for one request at a time.
    pub(crate) async fn connect_one(&self, opened: &OpenedCell) -> Result<One, Answer> {
        match self.socket(opened).await? {
            Socket::Plain(socket) => one(TokioIo::new(socket)).await,
            Socket::Tls(stream) => one(TokioIo::new(stream)).await,
        }
    }

    /// Opens a connection for many requests. The first is not ready before the peer has shown that it
    /// speaks HTTP/2.
    pub(super) async fn connect_two(
        &self,
        is_first: bool,
        opened: &OpenedCell,
    ) -> Result<Two, Answer> {
        match self.socket(opened).await? {
            Socket::Plain(socket) => two(TokioIo::new(socket), is_first).await,
            Socket::Tls(stream) if stream.get_ref().1.alpn_protocol() != Some(b"h2") => {
                Err(Answer::text(Outcome::ConnectError, NO_HTTP2))
            }
            Socket::Tls(stream) => two(TokioIo::new(stream), is_first).await,
        }
    }

    async fn connect_first(&self) -> Result<Connection, Answer> {
        let opened = Cell::new(None);
        if self.http2 {
            self.connect_two(true, &opened).await.map(Connection::Two)
        } else {
            self.connect_one(&opened).await.map(Connection::One)
        }
    }

    /// Connects, and notes how long that took as soon as it is known.
    async fn socket(&self, opened: &OpenedCell) -> Result<Socket, Answer> {
        let begun = Instant::now();
        let socket = self.addresses.connect().await.map_err(|err| Answer::refused(&err))?;
        socket.set_nodelay(true).map_err(|err| Answer::refused(&err))?;
        let connect_ns = ns(begun.elapsed());
        opened.set(Some(Opened { connect_ns, tls_ns: None }));
        let Some((connector, name)) = &self.tls else { return Ok(Socket::Plain(socket)) };
        let begun = Instant::now();
        let stream = connector.0.connect(name.clone(), socket).await;
        let stream = stream.map_err(|err| Answer::refused(&err))?;
        opened.set(Some(Opened { connect_ns, tls_ns: Some(ns(begun.elapsed())) }));
        Ok(Socket::Tls(Box::new(stream)))
    }

    /// Opens the first connection. A target that refuses may have been started a moment ago, in the
    /// line above ours, so it is asked again for a short while.
    pub(crate) async fn open(&self, patience: Duration) -> anyhow::Result<Connection> {
        let address = self.addresses.first();
        let deadline = Instant::now() + STARTING.min(patience);
        loop {
            match timeout(patience, self.connect_first()).await {
                Ok(Ok(connection)) => return Ok(connection),
                Ok(Err(answer)) if Instant::now() < deadline && !answer.says_what_helps() => {
                    tokio::time::sleep(ASK_AGAIN).await;
                }
                Ok(Err(answer)) => {
                    let why = answer.hinted("is the target running?").error.unwrap_or_default();
                    bail!("{address}: cannot connect: {why}")
                }
                Err(_) => {
                    bail!("{address}: no connection within {patience:?}; is it the right port?")
                }
            }
        }
    }
}

fn ns(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

pub(super) async fn one<T: Read + Write + Unpin + 'static>(io: T) -> Result<One, Answer> {
    let (requests, connection) =
        http1::handshake(io).await.map_err(|err| Answer::error(Outcome::ConnectError, &err))?;
    // Its errors reach the request that is under way.
    let task = tokio::task::spawn_local(async move { drop(connection.await) });
    Ok(One { requests, task: task.abort_handle() })
}

async fn two<T: Read + Write + Unpin + 'static>(io: T, is_first: bool) -> Result<Two, Answer> {
    let mut builder = http2::Builder::new(Local);
    builder
        .initial_max_send_streams(if is_first { UNHEARD } else { UNTIL_HEARD })
        .timer(TokioTimer::new())
        .keep_alive_interval(PING_EVERY)
        // An answer that comes after its event was given up is no fault of the peer's.
        .max_local_error_reset_streams(None::<usize>);
    let (sender, mut connection) =
        builder.handshake(io).await.map_err(|err| Answer::error(Outcome::ConnectError, &err))?;
    while is_first && connection.current_max_send_streams() == UNHEARD {
        tokio::select! {
            _ = &mut connection => return Err(Answer::text(Outcome::ConnectError, NO_HTTP2)),
            () = tokio::time::sleep(LOOK) => {}
        }
    }
    // Its errors reach the requests that are under way.
    tokio::task::spawn_local(async move { drop(connection.await) });
    Ok(sender)
}

/// Runs the parts of an HTTP/2 connection on the thread of its sender.
#[derive(Debug, Clone, Copy)]
struct Local;

impl<F: Future<Output: 'static> + 'static> Executor<F> for Local {
    fn execute(&self, part: F) {
        tokio::task::spawn_local(part);
    }
}

/// A socket that is connected.
enum Socket {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_address_that_was_checked_is_the_one_that_is_connected_to() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        // A name that no resolver knows: nobody asks one.
        let addresses = Addresses::new(vec![address], Duration::from_secs(9));
        let route = Route { host: "nowhere.invalid".into(), addresses, tls: None };
        let connector = Connector::new(route, false).expect("no TLS");
        let opened = Cell::new(None);
        let open = connector.connect_one(&opened);
        let connection = tokio::task::LocalSet::new().run_until(open).await;
        assert!(connection.is_ok());
        assert!(opened.get().is_some_and(|it| it.connect_ns > 0 && it.tls_ns.is_none()));
        let (_, peer) = listener.accept().expect("somebody has connected");
        assert!(peer.ip().is_loopback());
    }
}
