//! Connections to AMQP brokers: to an address that is known already, and with our TLS.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use lapin::tcp::{AsyncTcpStream, RustlsConnector};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties, ErrorKind, runtime};
use tokio::time::timeout;

use crate::TlsClient;

/// A broker, and how to reach it. Has no `Debug`, which would show the password.
pub struct Endpoint {
    /// Who logs in, and where. Its host is only a name for TLS and is not resolved again: what was
    /// checked is what is connected to.
    pub uri: AMQPUri,
    /// Where the host was found; the first that answers is taken.
    pub addresses: Vec<SocketAddr>,
    /// Needed for `amqps:`.
    pub tls: Option<TlsClient>,
    /// How long the socket and its TLS may take.
    pub patience: Duration,
}

/// Connects and logs in.
pub async fn connect(
    endpoint: Endpoint,
    properties: ConnectionProperties,
) -> lapin::Result<Connection> {
    let Endpoint { uri, addresses, tls, patience } = endpoint;
    let is_nameless = tls.as_ref().is_some_and(|tls| !tls.has_certificate());
    let connected = Connection::connector(
        uri,
        runtime::default_runtime()?,
        async move |uri, runtime| {
            let open = async {
                let stream = AsyncTcpStream::connect(&runtime, addresses.clone()).await?;
                match &tls {
                    Some(tls) if uri.scheme == AMQPScheme::AMQPS => {
                        let connector = RustlsConnector::from(tls.config());
                        stream.into_rustls(&connector, tls.name(&uri.authority.host)).await
                    }
                    _ => Ok(stream),
                }
            };
            Ok(timeout(patience, open).await.map_err(io::Error::from)??)
        },
        properties,
    );
    connected.await.map_err(|err| if is_nameless { maybe_nameless(err) } else { err })
}

/// With TLS 1.3 a server refuses a client without a certificate after the handshake, and when it
/// closes the connection, that may overtake the alert which says why.
fn maybe_nameless(err: lapin::Error) -> lapin::Error {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let ErrorKind::IOError(cause) = err.kind() else { return err };
    let kind = cause.kind();
    if ![BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof].contains(&kind) {
        return err;
    }
    let text = format!(
        "{cause}; if the server wants a client certificate, give one with --client-cert and \
         --client-key"
    );
    io::Error::new(kind, text).into()
}
