//! Opens connections to an endpoint, at the address that was checked and at no other.

use std::cell::Cell;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use ce_record::Outcome;
use http_body_util::Full;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::job::{Answer, Opened};
use crate::target::tls;

/// How long a target may take to start up.
const STARTING: Duration = Duration::from_secs(1);
const ASK_AGAIN: Duration = Duration::from_millis(20);

pub(super) type Connection = SendRequest<Full<Bytes>>;

/// An endpoint to connect to. Its name was resolved once: what was checked is what is loaded.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    address: SocketAddr,
    tls: Option<(TlsOut, ServerName<'static>)>,
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
    /// Connects to `address`, where `host` was found.
    pub(super) fn new(address: SocketAddr, host: &str, is_tls: bool) -> anyhow::Result<Self> {
        let tls = if is_tls {
            let name = ServerName::try_from(host.to_owned()).context("the target's host")?;
            Some((TlsOut(tls::connector()?), name))
        } else {
            None
        };
        Ok(Self { address, tls })
    }

    /// Opens a connection, and notes how long that took as soon as it is known.
    pub(super) async fn connect(
        &self,
        opened: &Cell<Option<Opened>>,
    ) -> Result<Connection, Answer> {
        let refuse = |err: &dyn std::error::Error| Answer::error(Outcome::ConnectError, err);
        let begun = Instant::now();
        let socket = TcpStream::connect(self.address).await.map_err(|err| refuse(&err))?;
        socket.set_nodelay(true).map_err(|err| refuse(&err))?;
        let connect_ns = ns(begun.elapsed());
        opened.set(Some(Opened { connect_ns, tls_ns: None }));
        match &self.tls {
            None => drive(TokioIo::new(socket)).await,
            Some((connector, name)) => {
                let begun = Instant::now();
                let stream = connector.0.connect(name.clone(), socket).await;
                let stream = stream.map_err(|err| refuse(&err))?;
                opened.set(Some(Opened { connect_ns, tls_ns: Some(ns(begun.elapsed())) }));
                drive(TokioIo::new(stream)).await
            }
        }
    }

    /// Opens the first connection. A target that refuses may have been started a moment ago, in the
    /// line above ours, so it is asked again for a short while.
    pub(super) async fn open(&self, patience: Duration) -> anyhow::Result<Connection> {
        let address = self.address;
        let deadline = Instant::now() + STARTING.min(patience);
        loop {
            match timeout(patience, self.connect(&Cell::new(None))).await {
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
}

fn ns(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_address_that_was_checked_is_the_one_that_is_connected_to() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        // A name that no resolver knows: nobody asks one.
        let connector = Connector::new(address, "nowhere.invalid", false).expect("no TLS");
        let opened = Cell::new(None);
        let open = connector.connect(&opened);
        let connection = tokio::task::LocalSet::new().run_until(open).await;
        assert!(connection.is_ok());
        assert!(opened.get().is_some_and(|it| it.connect_ns > 0 && it.tls_ns.is_none()));
        let (_, peer) = listener.accept().expect("somebody has connected");
        assert!(peer.ip().is_loopback());
    }
}
