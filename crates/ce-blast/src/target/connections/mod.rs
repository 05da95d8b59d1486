//! Opens connections to a broker and holds them, to find out how many it takes.
//!
//! There are as many connections as the broker allows, so each has to be cheap: no thread and no
//! buffers of its own as those of a client library, but a task that knows the few frames which it
//! takes to open a connection and to keep it alive.
//!
//! A connection counts as open once the broker has said so, and not when its socket is: a broker
//! without file descriptors accepts and then keeps silent.

mod files;
mod held;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use anyhow::bail;
use ce_record::{Held, Outcome};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

pub(crate) use files::allow as allow_files;

use super::dial::{Broker, Progress, explained};
use super::handshake::{CLOSE as CLOSE_ONE, close};
use super::pending::{Pending, Ticket, grace_is_over, now_and_then};
use super::{Limits, Seat};
use crate::job::{Answer, Job};
use crate::jobs::Jobs;
use crate::tally::Tally;

/// How long all connections together may take to close.
const CLOSE: Duration = CLOSE_ONE.saturating_add(Duration::from_secs(1));
/// Lost connections that have a mark of their own; all are counted.
const MARKS: u64 = 100;

/// A broker, and how long to stay.
#[derive(Debug, Clone)]
pub(crate) struct ConnectionsTarget {
    pub(crate) broker: Broker,
    /// The scenario, for people.
    pub(crate) scenario: String,
    /// When all connections are closed, on the run's clock.
    pub(crate) until_ns: u64,
}

impl ConnectionsTarget {
    /// Opens one connection and closes it again: a wrong name or password is one error, and not
    /// thousands.
    async fn try_one(&self, patience: Duration) -> anyhow::Result<()> {
        let progress = Progress::new();
        match self.broker.open_within(patience, &progress).await {
            Ok((mut stream, _, heard)) => {
                close(&mut stream, heard).await;
                Ok(())
            }
            Err(answer) => {
                let address = self.broker.route.addresses.first();
                let why = explained(answer, &progress);
                bail!("{address}: cannot open a connection: {why}")
            }
        }
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
            held: RefCell::new(held),
        });
        let watched = Rc::clone(&shared);
        let watch = tokio::task::spawn_local(now_and_then(move || {
            watched.pending.borrow_mut().give_up(&watched.limits.last_answers);
            watched.changed.notify_one();
        }));
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
        watch.abort();
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
        tally.held = vec![held];
        tally
    }
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
        let (result, opened) = {
            let progress = Progress::new();
            let open = self.target.broker.open_within(self.limits.timeout, &progress);
            (Box::pin(open).await, progress.opened.take())
        };
        let (answer, open) = match result {
            Ok(open) => (Answer::new(Outcome::Ok), Some(open)),
            Err(answer) => (answer, None),
        };
        let counts = self.end(ticket, Answer { opened: opened.map(Box::new), ..answer });
        let Some((mut stream, tuned, heard)) = open else { return };
        if !counts {
            // Given up meanwhile: the run has ended.
            close(&mut stream, heard).await;
            return;
        }
        self.opened();
        match held::hold(&mut stream, tuned.heartbeat_s, heard, &mut closing).await {
            Ok(rest) => {
                let clean = close(&mut stream, rest).await;
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
