//! The run over HTTP: a live page, its events, and the figures for Prometheus.
//!
//! The server has a thread of its own. It is handed whole snapshots and keeps only the newest, so a
//! slow reader misses some and never slows the collector.

mod answer;
mod events;
mod metrics;
mod page;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use ce_cli::say;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;

use crate::TOOL;
use crate::live::Snapshot;
use answer::Answerer;

/// Connections at a time; more wait until one ends.
const CONNECTIONS: usize = 64;
/// How long a connection may take for a request, or be idle between two.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
/// The longest head of a request.
const HEAD_LIMIT: usize = 16 << 10;
/// No connection lives longer: a reader that stopped reading gives its place back. A page that is
/// still open connects again.
const CONNECTION_LIFE: Duration = Duration::from_mins(10);
/// The pause after a connection could not be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The newest snapshot; none before the first.
pub(crate) type Newest = Option<Arc<Snapshot>>;

/// Serves in the background until the process ends.
#[derive(Debug)]
pub(crate) struct Server {
    newest: watch::Sender<Newest>,
}

impl Server {
    /// Binds the address and starts to serve.
    pub(crate) fn start(address: SocketAddr, remote: bool) -> anyhow::Result<Self> {
        if !address.ip().is_loopback() && !remote {
            bail!(
                "{address}: other machines could read it without a password; give --serve-remote \
                 if they may, or serve on 127.0.0.1"
            );
        }
        let listener = std::net::TcpListener::bind(address)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .with_context(|| format!("{address}: cannot listen; choose another --serve"))?;
        let local = listener.local_addr()?;
        let (newest, seen) = watch::channel(None);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::Builder::new().name("serve".into()).spawn(move || {
            let tasks = tokio::task::LocalSet::new();
            tasks.block_on(&runtime, async {
                match TcpListener::from_std(listener) {
                    Ok(listener) => serve(listener, local, seen).await,
                    Err(err) => say(TOOL, &format!("{local}: cannot serve: {err}")),
                }
            });
        })?;
        say(TOOL, &format!("live page at http://{local}/, for Prometheus http://{local}/metrics"));
        Ok(Self { newest })
    }

    /// Hands a snapshot over; costs the same however many look at it.
    pub(crate) fn publish(&self, snapshot: Snapshot) {
        self.newest.send_replace(Some(Arc::new(snapshot)));
    }
}

async fn serve(listener: TcpListener, local: SocketAddr, newest: watch::Receiver<Newest>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let answerer = Rc::new(Answerer::new(newest, local.ip().is_loopback()));
    loop {
        let slot = Arc::clone(&slots).acquire_owned().await;
        match listener.accept().await {
            Ok((socket, _)) => {
                let answerer = Rc::clone(&answerer);
                tokio::task::spawn_local(async move {
                    // How a connection ends is the reader's business.
                    let _ = timeout(CONNECTION_LIFE, connection(socket, answerer)).await;
                    drop(slot);
                });
            }
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

async fn connection(socket: TcpStream, answerer: Rc<Answerer>) {
    // Fails only if the peer is gone already.
    let _ = socket.set_nodelay(true);
    let service = service_fn(|request| {
        let answer = answerer.answer(&request);
        async move { Ok::<_, Infallible>(answer) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
    builder.max_header_size(HEAD_LIMIT);
    let _ = builder.serve_connection(TokioIo::new(socket), service).await;
}
