//! Where events go. Each kind of target is a sender: it takes jobs as they are due, sends many at
//! a time, and hands every one to its recorder when it has ended.

mod amqp;
mod backoff;
mod confirms;
mod connections;
mod dial;
mod handshake;
mod headers;
mod http;
mod link;
pub(crate) mod management;
mod message;
mod null;
mod patience;
mod pending;
mod publisher;
mod reopen;
mod republish;
mod route;
mod standing;
mod url;

use std::sync::mpsc::{Receiver, SyncSender};
use std::time::Duration;

use anyhow::Context;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::LocalSet;

pub(crate) use amqp::AmqpTarget;
pub(crate) use connections::{ConnectionsTarget, allow_files};
pub(crate) use dial::Broker;
pub(crate) use handshake::{Login, short};
pub(crate) use headers::collect as collect_headers;
pub(crate) use http::{BatchSize, HttpTarget, Manner, Retry};
pub(crate) use management::ManagementTarget;
pub(crate) use republish::Policy;
pub(crate) use route::{Addresses, Route};
pub(crate) use url::{Target, check_allowed, refuse_production};

use crate::grace::LastAnswers;
use crate::jobs::{Jobs, Work};
use crate::record::{Recorder, Tally};

/// What every sender is told.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// The longest wait for an answer, connecting included.
    pub(crate) timeout: Duration,
    /// By how much events may leave late, so that they leave together.
    pub(crate) timer_slack: Duration,
    /// When to stop waiting for outstanding answers.
    pub(crate) last_answers: LastAnswers,
}

/// A sender's place in the run: it says when it is connected, and is then given its recorder.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) ready: SyncSender<anyhow::Result<()>>,
    pub(crate) recorder: Receiver<Recorder>,
}

impl Seat {
    /// Reports whether the target is open, and waits for the recorder. `None` means that there will
    /// be no run.
    fn take<T>(self, opened: anyhow::Result<T>) -> Option<(T, Recorder)> {
        let (opened, result) = match opened {
            Ok(opened) => (Some(opened), Ok(())),
            Err(err) => (None, Err(err)),
        };
        self.ready.send(result).ok()?;
        opened.zip(self.recorder.recv().ok())
    }
}

/// One sender, before it has connected.
#[derive(Debug)]
pub(crate) enum Sender {
    Http(Box<HttpTarget>),
    Amqp(AmqpTarget),
    Connections(ConnectionsTarget),
    Management(ManagementTarget),
    Null,
}

impl Sender {
    /// Connects, then sends until there is no more work and everything is answered or given up.
    /// Runs on a thread of its own, with a runtime for that thread alone: nothing that a sender owns
    /// ever moves to another core.
    pub(crate) fn run(self, work: UnboundedReceiver<Work>, seat: Seat, limits: &Limits) -> Tally {
        let built = runtime().and_then(|runtime| {
            let jobs = runtime.block_on(async { Jobs::new(work, limits.timer_slack) })?;
            Ok((runtime, jobs))
        });
        let (runtime, jobs) = match built.context("cannot start a runtime") {
            Ok(built) => built,
            Err(err) => {
                seat.take::<()>(Err(err));
                return Tally::default();
            }
        };
        match self {
            Self::Http(target) => {
                block_on(&runtime, limits, http::send(*target, jobs, seat, limits.clone()))
            }
            Self::Connections(target) => {
                block_on(&runtime, limits, target.send(jobs, seat, limits.clone()))
            }
            Self::Amqp(target) => runtime.block_on(target.send(jobs, seat, limits)),
            Self::Management(target) => {
                block_on(&runtime, limits, target.send(jobs, seat, limits.clone()))
            }
            Self::Null => runtime.block_on(null::send(jobs, seat)),
        }
    }
}

/// Runs what has tasks of its own. It is asked before these, and whenever one of them has been, which
/// makes it punctual. With slack it is one of them, and asked when its time has come: else events
/// would leave one by one, with every answer.
fn block_on(
    runtime: &Runtime,
    limits: &Limits,
    send: impl Future<Output = Tally> + 'static,
) -> Tally {
    let local = LocalSet::new();
    if limits.timer_slack.is_zero() {
        return local.block_on(runtime, send);
    }
    let send = local.spawn_local(send);
    local.block_on(runtime, send).expect("senders do not panic")
}

/// A runtime for the calling thread.
pub(crate) fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}
