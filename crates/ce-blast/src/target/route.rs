//! The way to a target whose name may have several addresses: any of them will do.

use std::cell::Cell;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use ce_tls::TlsClient;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Where a target is, and how to get there.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    /// For TLS, and for people.
    pub(crate) host: String,
    pub(crate) addresses: Addresses,
    pub(crate) tls: Option<TlsClient>,
}

/// The addresses of a name, as they were checked: nothing else is connected to.
#[derive(Debug, Clone)]
pub(crate) struct Addresses {
    all: Vec<SocketAddr>,
    /// The one that answered last. Who comes next need not find out again that others do not.
    good: Cell<usize>,
    patience: Duration,
}

impl Addresses {
    /// `patience` is how long a connection may take, whichever address it is.
    pub(crate) fn new(all: Vec<SocketAddr>, patience: Duration) -> Self {
        Self { all, good: Cell::new(0), patience }
    }

    /// The address that is tried first.
    pub(crate) fn first(&self) -> SocketAddr {
        self.all[self.good.get()]
    }

    /// Connects to the first address that answers. All share the time there is, so that one which
    /// keeps silent leaves some to the others.
    pub(super) async fn connect(&self) -> io::Result<TcpStream> {
        let deadline = Instant::now() + self.patience;
        let (first, count) = (self.good.get(), self.all.len());
        let mut turns = (0..count).map(|turn| (first + turn) % count).peekable();
        let mut left = u32::try_from(count).unwrap_or(u32::MAX);
        while let Some(turn) = turns.next() {
            let connect = TcpStream::connect(self.all[turn]);
            let connected = if turns.peek().is_none() {
                // Whoever asked has a deadline.
                connect.await
            } else {
                let share = deadline.saturating_duration_since(Instant::now()) / left;
                timeout(share, connect).await.unwrap_or_else(|late| Err(late.into()))
            };
            left -= 1;
            match connected {
                Ok(socket) => {
                    self.good.set(turn);
                    return Ok(socket);
                }
                Err(err) if turns.peek().is_none() => return Err(err),
                Err(_) => {}
            }
        }
        Err(io::Error::new(io::ErrorKind::NotFound, "the name has no address"))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    fn listener(host: &str) -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((host, 0)).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        (listener, address)
    }

    /// An address that nobody listens on.
    fn closed() -> SocketAddr {
        listener("127.0.0.1").1
    }

    #[tokio::test]
    async fn the_next_address_is_tried_and_remembered() {
        let (_listener, open) = listener("127.0.0.1");
        let addresses = Addresses::new(vec![closed(), open, closed()], Duration::from_secs(9));
        let peer = addresses.connect().await.and_then(|socket| socket.peer_addr());
        assert_eq!((peer.ok(), addresses.first()), (Some(open), open));
        assert!(addresses.connect().await.is_ok());
    }

    #[tokio::test]
    async fn the_one_that_was_good_may_change() {
        let (first, then) = (listener("127.0.0.1"), listener("127.0.0.1"));
        let addresses = Addresses::new(vec![first.1, then.1], Duration::from_secs(9));
        assert!(addresses.connect().await.is_ok() && addresses.first() == first.1);
        drop(first.0);
        assert!(addresses.connect().await.is_ok() && addresses.first() == then.1);
    }

    #[tokio::test]
    async fn where_none_answers_the_last_says_why() {
        let addresses = Addresses::new(vec![closed(), closed()], Duration::from_secs(9));
        let err = addresses.connect().await.expect_err("nobody listens");
        assert_eq!(err.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[tokio::test]
    async fn one_that_keeps_silent_leaves_time_to_the_others() {
        // A full backlog: the kernel lets a further client wait.
        let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
        socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
        let silent = socket.listen(1).expect("it listens");
        let silent_at = silent.local_addr().expect("it is bound");
        let mut waiting = Vec::new();
        while let Ok(connected) =
            timeout(Duration::from_millis(200), TcpStream::connect(silent_at)).await
            && waiting.len() < 64
        {
            waiting.push(connected);
        }
        let (_listener, open) = listener("127.0.0.1");
        let addresses = Addresses::new(vec![silent_at, open], Duration::from_secs(4));
        let connected = timeout(Duration::from_secs(4), addresses.connect()).await;
        assert!(connected.is_ok_and(|connected| connected.is_ok()));
    }
}
