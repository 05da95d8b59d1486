//! Opens a connection, and can let go of it whatever the broker does.
//!
//! lapin gives every connection a thread, which waits for the broker for as long as that keeps
//! silent, be it in a handshake that nobody waits for any more or in one that closes. So we keep a
//! second handle of the socket: who lets go shuts the socket down, and that ends the thread.

use std::net::{Shutdown, TcpStream};
use std::os::fd::BorrowedFd;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::anyhow;
use ce_tls::amqp::{Endpoint, connect};
use lapin::{Connection, ConnectionProperties};

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

/// Connects and logs in. The endpoint's patience is for the socket and its TLS; the caller limits the
/// rest.
pub(super) async fn dial(
    to: Endpoint,
    properties: ConnectionProperties,
) -> anyhow::Result<(Connection, Line)> {
    let line = Line::default();
    let slot = Arc::clone(&line.0);
    let hold = move |socket: BorrowedFd<'_>| Line::hold(&slot, socket);
    let connection = connect(to, properties, hold).await.map_err(|err| {
        // What goes wrong with TLS has a remedy of its own.
        match ce_tls::remedy(&err) {
            Some(remedy) => anyhow!("cannot connect: {err}; {remedy}"),
            None => anyhow::Error::from(err).context("cannot connect; is the broker running?"),
        }
    })?;
    Ok((connection, line))
}
