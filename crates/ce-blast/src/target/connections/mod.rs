//! Opens connections to a broker and holds them, to find out how many it takes.
//!
//! There are as many connections as the broker allows, so each has to be cheap: no thread and no
//! buffers of its own as those of a client library, but a task that knows the few frames which it
//! takes to open a connection and to keep it alive.
//!
//! A connection counts as open once the broker has said so, and not when its socket is: a broker
//! without file descriptors accepts and then keeps silent.

mod files;
mod frame;
mod handshake;
mod held;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::bail;
use ce_record::Outcome;
use ce_tls::TlsClient;
use rustix::io::Errno;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

pub(crate) use files::allow as allow_files;
pub(crate) use handshake::Login;
use handshake::{Stage, shake_hands};

use super::pending::{Pending, Ticket, grace_is_over};
use super::{Limits, Seat};
use crate::job::{Answer, Job, Opened};
use crate::jobs::Jobs;
use crate::tally::{Held, Tally};

/// How long all connections together may take to close.
const CLOSE: Duration = held::CLOSE.saturating_add(Duration::from_secs(1));
/// Lost connections that have a mark of their own; all are counted.
const MARKS: u64 = 100;

/// A broker, and how long to stay.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionsTarget {
    /// Where its host was found when it was checked.
    pub(crate) addresses: Vec<SocketAddr>,
    /// With the name that the certificate must have.
    pub(crate) tls: Option<(TlsClient, String)>,
    pub(crate) login: Login,
    /// The scenario, for people.
    pub(crate) scenario: String,
    /// When all connections are closed, on the run's clock.
    pub(crate) until_ns: u64,
}

/// A connection with or without TLS.
trait Stream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// An open connection, and how often the broker wants to hear from us.
type Open = (Box<dyn Stream>, u16);

/// How far a connection that is being opened has come.
struct Progress {
    stage: Cell<Stage>,
    opened: Cell<Option<Opened>>,
}

impl ConnectionsTarget {
    /// Opens one connection and closes it again: a wrong name or password is one error, and not
    /// thousands.
    async fn try_one(&self, patience: Duration) -> anyhow::Result<()> {
        match self.open_within(patience).await.0 {
            Ok((mut stream, _)) => {
                held::close(&mut stream).await;
                Ok(())
            }
            Err(answer) => {
                let why = answer.error.unwrap_or_default();
                let code = answer.code.map_or_else(String::new, |code| format!("{code} "));
                let address = self.addresses[0];
                bail!("{address}: cannot open a connection: {code}{why}; is it a broker, and well?")
            }
        }
    }

    /// Opens a connection, or says how far it came; and how long its socket and its TLS took.
    async fn open_within(&self, patience: Duration) -> (Result<Open, Answer>, Option<Opened>) {
        let progress = Progress { stage: Cell::new(Stage::Connecting), opened: Cell::new(None) };
        let result = timeout(patience, self.open(&progress)).await.unwrap_or_else(|_| {
            let missing = progress.stage.get().missing();
            Err(Answer::text(Outcome::Timeout, &format!("{missing} in time")))
        });
        (result, progress.opened.get())
    }

    async fn open(&self, progress: &Progress) -> Result<Open, Answer> {
        let begun = Instant::now();
        let socket = TcpStream::connect(&self.addresses[..]).await.map_err(|err| refused(&err))?;
        socket.set_nodelay(true).map_err(|err| refused(&err))?;
        let opened = Opened { connect_ns: ns_since(begun), tls_ns: None };
        progress.opened.set(Some(opened));
        let Some((tls, name)) = &self.tls else {
            let mut socket = socket;
            let heartbeat_s = shake_hands(&mut socket, &self.login, &progress.stage).await?;
            return Ok((Box::new(socket), heartbeat_s));
        };
        progress.stage.set(Stage::Securing);
        let begun = Instant::now();
        let name = tls.server_name(name);
        let name = name.map_err(|err| Answer::text(Outcome::ConnectError, &err.to_string()))?;
        let connect = TlsConnector::from(tls.config()).connect(name, socket);
        // Large, and only needed for a moment.
        let mut stream = Box::pin(connect).await.map_err(|err| refused(&err))?;
        progress.opened.set(Some(Opened { tls_ns: Some(ns_since(begun)), ..opened }));
        let heartbeat_s = shake_hands(&mut stream, &self.login, &progress.stage).await?;
        Ok((Box::new(stream), heartbeat_s))
    }

    /// Opens a connection for each job, and holds all that are open until the time is over.
    pub(super) async fn send(self, mut jobs: Jobs, seat: Seat, limits: Limits) -> Tally {
        let opened = self.try_one(limits.timeout).await;
        let Some(((), recorder)) = seat.take(opened) else { return Tally::default() };
        let (close, closing) = watch::channel(false);
        let held = Held { scenario: self.scenario.clone(), ..Held::default() };
        let shared = Rc::new(Shared {
            target: self,
            pending: RefCell::new(Pending::new(recorder)),
            limits,
            changed: Notify::new(),
            open: Cell::new(0),
            own_limits: Cell::new(0),
            held: RefCell::new(held),
        });
        let over = shared.time_is_over();
        tokio::pin!(over);
        let mut is_over = false;
        loop {
            tokio::select! {
                job = jobs.recv() => match job {
                    Some(job) => shared.begin(job, closing.clone()),
                    None => break,
                },
                () = &mut over, if !is_over => {
                    is_over = true;
                    close.send_replace(true);
                }
            }
        }
        close.send_replace(true);
        while !shared.pending.borrow().is_empty() {
            tokio::select! {
                () = shared.changed.notified() => {}
                () = grace_is_over(&shared.limits) => break,
            }
        }
        let mut tally = shared.pending.borrow_mut().finish();
        let all_closed = async {
            while shared.open.get() > 0 {
                shared.changed.notified().await;
            }
        };
        // What is still open then is closed with the process.
        let _ = timeout(CLOSE, all_closed).await;
        let mut held = shared.held.take();
        held.cut += shared.open.get();
        tally.own_limits = shared.own_limits.get();
        tally.held = vec![held];
        tally
    }
}

fn ns_since(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// No connection, for a reason that the operating system gives.
fn refused(err: &std::io::Error) -> Answer {
    let mut answer = Answer::error(Outcome::ConnectError, err);
    if is_own_limit(err) {
        let text = answer.error.unwrap_or_default();
        answer.error = Some(format!("{OWN_LIMIT}: {text}").into());
    }
    answer
}

/// What the error of a connection begins with that this machine did not open.
const OWN_LIMIT: &str = "this machine is the limit";

/// Whether it is this machine that has no more: open files, or ports for this address.
fn is_own_limit(err: &std::io::Error) -> bool {
    let code = err.raw_os_error().map(Errno::from_raw_os_error);
    [Errno::MFILE, Errno::NFILE, Errno::ADDRNOTAVAIL, Errno::NOBUFS, Errno::NOMEM]
        .into_iter()
        .any(|limit| code == Some(limit))
}

/// What the connections of one scenario share.
struct Shared {
    target: ConnectionsTarget,
    pending: RefCell<Pending>,
    limits: Limits,
    /// An attempt has ended, or a connection.
    changed: Notify,
    /// Connections that are open now.
    open: Cell<u64>,
    /// Connections that this machine could not open.
    own_limits: Cell<u64>,
    held: RefCell<Held>,
}

impl Shared {
    /// Returns when all connections are to be closed.
    async fn time_is_over(&self) {
        let now_ns = self.pending.borrow().now_ns();
        sleep(Duration::from_nanos(self.target.until_ns.saturating_sub(now_ns))).await;
    }

    fn begin(self: &Rc<Self>, job: Job, closing: watch::Receiver<bool>) {
        let ticket = self.pending.borrow_mut().begin(job);
        let shared = Rc::clone(self);
        tokio::task::spawn_local(async move { shared.connection(ticket, closing).await });
    }

    /// The life of one connection.
    async fn connection(&self, ticket: Ticket, mut closing: watch::Receiver<bool>) {
        // Boxed, so that what it takes to open is not kept for as long as the connection lasts.
        let (result, opened) = Box::pin(self.target.open_within(self.limits.timeout)).await;
        let (answer, open) = match result {
            Ok(open) => (Answer::new(Outcome::Ok), Some(open)),
            Err(answer) => (answer, None),
        };
        let counts = self.end(ticket, Answer { opened: opened.map(Box::new), ..answer });
        let Some((mut stream, heartbeat_s)) = open else { return };
        if !counts {
            // Given up meanwhile: the run has ended.
            held::close(&mut stream).await;
            return;
        }
        self.opened();
        match held::hold(&mut stream, heartbeat_s, &mut closing).await {
            Ok(()) => {
                let clean = held::close(&mut stream).await;
                let mut held = self.held.borrow_mut();
                *(if clean { &mut held.closed } else { &mut held.cut }) += 1;
            }
            Err(why) => self.lost(why),
        }
        self.open.set(self.open.get() - 1);
        self.changed.notify_one();
    }

    /// Records how an attempt has ended; false if it was given up before.
    fn end(&self, ticket: Ticket, answer: Answer) -> bool {
        let mut pending = self.pending.borrow_mut();
        let counts = pending.is_open(ticket);
        if counts && answer.error.as_ref().is_some_and(|error| error.starts_with(OWN_LIMIT)) {
            self.own_limits.set(self.own_limits.get() + 1);
        }
        let ended_ns = pending.now_ns();
        pending.end(ticket, ended_ns, answer);
        self.changed.notify_one();
        counts
    }

    fn opened(&self) {
        self.open.set(self.open.get() + 1);
        let mut held = self.held.borrow_mut();
        held.opened += 1;
        held.peak = held.peak.max(self.open.get());
    }

    fn lost(&self, why: String) {
        let mut held = self.held.borrow_mut();
        held.lost += 1;
        if held.lost <= MARKS {
            let mut pending = self.pending.borrow_mut();
            let at_ns = pending.now_ns();
            let labels = BTreeMap::from([("reason".to_owned(), why)]);
            pending.mark(at_ns, "connection_lost", &held.scenario, labels);
        }
    }
}
