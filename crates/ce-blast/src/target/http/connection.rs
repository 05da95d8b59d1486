//! Opens connections to an endpoint, at the address that was checked and at no other.

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

use crate::job::Answer;
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

    /// Opens a connection.
    pub(super) async fn connect(&self) -> Result<Connection, Answer> {
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
    pub(super) async fn open(&self, patience: Duration) -> anyhow::Result<Connection> {
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
