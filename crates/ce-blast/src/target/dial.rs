//! Opens a connection, and can let go of it whatever the broker does.
//!
//! lapin gives every connection a thread, which waits for the broker for as long as that keeps
//! silent, be it in a handshake that nobody waits for any more or in one that closes. So we keep a
//! second handle of the socket: who lets go shuts the socket down, and that ends the thread.

use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use lapin::runtime::default_runtime;
use lapin::tcp::{AMQPUriTcpExt, OwnedTLSConfig};
use lapin::uri::AMQPUri;
use lapin::{AsyncTcpStream, Connection, ConnectionProperties};
use tokio::time::timeout;

/// Shuts the socket of a connection down when it is dropped.
#[derive(Debug, Default)]
pub(super) struct Line(Arc<Mutex<Option<TcpStream>>>);

impl Line {
    /// Keeps a handle of the socket in `slot`.
    fn hold(slot: &Mutex<Option<TcpStream>>, socket: BorrowedFd<'_>) -> std::io::Result<()> {
        let handle = TcpStream::from(socket.try_clone_to_owned()?);
        slot.lock().unwrap_or_else(PoisonError::into_inner).replace(handle);
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let socket = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        // One that is closed already cannot be shut down, and need not be.
        let _ = socket.map(|socket| socket.shutdown(Shutdown::Both));
    }
}

/// Connects and logs in. `patience` is for the socket and its TLS; the caller limits the rest.
pub(super) async fn dial(
    url: &str,
    properties: ConnectionProperties,
    tls: OwnedTLSConfig,
    patience: Duration,
) -> anyhow::Result<(Connection, Line)> {
    // The parser's own message may show the URL, password included.
    let uri: AMQPUri = url.parse().map_err(|_| anyhow::anyhow!("not an AMQP URL"))?;
    let line = Line::default();
    let slot = Arc::clone(&line.0);
    let connecting = Connection::connector(
        uri,
        default_runtime()?,
        async move |uri, runtime| {
            let connected =
                timeout(patience, uri.connect_with_config_async(tls.as_ref(), &runtime));
            let stream = connected.await.map_err(std::io::Error::from)??;
            match &stream {
                AsyncTcpStream::Plain(socket) => Line::hold(&slot, socket.get_ref().as_fd())?,
                AsyncTcpStream::Rustls(tls) => {
                    Line::hold(&slot, tls.get_ref().0.get_ref().as_fd())?;
                }
                // No other kind is built in.
                _ => {}
            }
            Ok(stream)
        },
        properties,
    );
    let connection = connecting.await.context("cannot connect; is the broker running?")?;
    Ok((connection, line))
}
