//! A server that speaks HTTP/2 and nothing else, on a port of its own.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// How long an answer waits for requests that do not come.
pub(crate) const QUIET: Duration = Duration::from_millis(500);

/// Requests that a connection takes at a time, where the test does not say.
const AT_A_TIME: u32 = 200;

/// What to do with a request that was read whole.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// Answers with this status.
    Reply(u16),
    /// The same, once so many more requests have come, or no more come.
    ReplyAfter(usize, u16),
    /// Answers, and asks the client to go to another connection.
    GoAway(u16),
    /// Resets the stream.
    Reset,
    /// Cuts the connection, with all that is under way on it.
    Cut,
    /// Never answers.
    Silence,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) head: hyper::http::request::Parts,
    pub(crate) body: Bytes,
    /// The number of its connection, from one.
    pub(crate) connection: u64,
}

/// A running server; its thread ends with the test process.
pub(crate) struct Http2Server {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    script: Box<dyn Fn(usize) -> Act + Send + Sync>,
    at_a_time: u32,
    seen: Mutex<Vec<Seen>>,
    /// How many they are.
    count: watch::Sender<usize>,
    connections: AtomicU64,
}

impl Http2Server {
    /// Serves by a script that is given the number of the request, from zero.
    pub(crate) fn start(script: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        Self::listen(None, AT_A_TIME, script)
    }

    /// The same, and it takes so many requests at a time on a connection.
    pub(crate) fn start_taking(
        at_a_time: u32,
        script: impl Fn(usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::listen(None, at_a_time, script)
    }

    /// The same over TLS, for clients that ask for HTTP/2 by ALPN.
    pub(crate) fn start_tls(
        config: &ServerConfig,
        script: impl Fn(usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        let mut config = config.clone();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Self::listen(Some(TlsAcceptor::from(Arc::new(config))), AT_A_TIME, script)
    }

    fn listen(
        tls: Option<TlsAcceptor>,
        at_a_time: u32,
        script: impl Fn(usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let shared = Arc::new(Shared {
            script: Box::new(script),
            at_a_time,
            seen: Mutex::default(),
            count: watch::Sender::new(0),
            connections: AtomicU64::new(0),
        });
        let this = Self { address: listener.local_addr().unwrap(), shared: Arc::clone(&shared) };
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                while let Ok((socket, _)) = listener.accept().await {
                    tokio::spawn(Arc::clone(&shared).greet(tls.clone(), socket));
                }
            });
        });
        this
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/in?a=b", self.address)
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> u64 {
        self.shared.connections.load(SeqCst)
    }

    /// Requests so far, in the order in which they were read.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().unwrap().clone()
    }
}

impl Shared {
    async fn greet(self: Arc<Self>, tls: Option<TlsAcceptor>, socket: TcpStream) {
        let Some(tls) = tls else { return self.serve(TokioIo::new(socket)).await };
        if let Ok(stream) = tls.accept(socket).await {
            self.serve(TokioIo::new(stream)).await;
        }
    }

    async fn serve(self: Arc<Self>, io: impl Read + Write + Unpin + 'static) {
        let number = self.connections.fetch_add(1, SeqCst) + 1;
        let [go_away, cut] = [(); 2].map(|()| Arc::new(Notify::new()));
        let service = service_fn(|request| {
            let ends = [Arc::clone(&go_away), Arc::clone(&cut)];
            Arc::clone(&self).answer(request, number, ends)
        });
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.max_concurrent_streams(self.at_a_time);
        let mut connection = pin!(builder.serve_connection(io, service));
        loop {
            tokio::select! {
                _ = connection.as_mut() => return,
                () = go_away.notified() => connection.as_mut().graceful_shutdown(),
                () = cut.notified() => return,
            }
        }
    }

    async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        connection: u64,
        [go_away, cut]: [Arc<Notify>; 2],
    ) -> std::io::Result<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
        let number = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(Seen { head, body, connection });
            self.count.send_replace(seen.len());
            seen.len() - 1
        };
        let status = match (self.script)(number) {
            Act::Reply(status) => status,
            Act::ReplyAfter(more, status) => {
                let mut count = self.count.subscribe();
                let _ = timeout(QUIET, count.wait_for(|&count| count > number + more)).await;
                status
            }
            Act::GoAway(status) => {
                go_away.notify_one();
                status
            }
            Act::Reset => return Err(std::io::Error::other("a fault that is meant")),
            Act::Cut => {
                cut.notify_one();
                std::future::pending().await
            }
            Act::Silence => std::future::pending().await,
        };
        let mut response = Response::new(Full::from("body"));
        *response.status_mut() = status.try_into().unwrap();
        Ok(response)
    }
}
