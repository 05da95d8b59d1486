//! An HTTPS server that answers 200 to everything.

use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::server::read_request;

/// A running server. Its threads end with the process.
pub(crate) struct TlsServer {
    address: SocketAddr,
    connections: Arc<AtomicU64>,
    requests: Arc<AtomicU64>,
}

impl TlsServer {
    pub(crate) fn start(config: Arc<ServerConfig>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let [connections, requests] = [(); 2].map(|()| Arc::new(AtomicU64::new(0)));
        let (accepted, counted) = (Arc::clone(&connections), Arc::clone(&requests));
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                accepted.fetch_add(1, SeqCst);
                let (config, counted) = (Arc::clone(&config), Arc::clone(&counted));
                thread::spawn(move || drop(serve(&socket, config, &counted)));
            }
        });
        Self { address, connections, requests }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}/", self.address)
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(SeqCst)
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(SeqCst)
    }
}

fn serve(
    mut socket: &TcpStream,
    config: Arc<ServerConfig>,
    requests: &AtomicU64,
) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).unwrap();
    let mut stream = BufReader::new(StreamOwned::new(connection, socket));
    while let Ok(Some(_)) = read_request(&mut stream) {
        requests.fetch_add(1, SeqCst);
        stream.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
    }
    // Closing at once would cut off the alert that says why, if anything is still unread.
    let _ = stream.get_mut().flush();
    socket.shutdown(Shutdown::Write)?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    while socket.read(&mut [0; 1024])? > 0 {}
    Ok(())
}
