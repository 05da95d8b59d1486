//! The loop from the `start` to the `end` record. Everything that happens is a message or a tick.

use std::sync::mpsc::{self, Receiver, SyncSender};
use std::time::{Duration, Instant};

use anyhow::Context;
use ce_cli::{Clock, DataOut, Exit, Interrupt, StdoutError, Ticks, say};
use ce_record::{Record, Stop};

use crate::TOOL;
use crate::host::Host;
use crate::journal::Journal;
use crate::plan::Plan;
use crate::proc::Processes;
use crate::rabbitmq::{LONGEST_LOOK, Rabbitmq};

/// Messages that may wait. The broker's thread waits for room; nobody else sends often.
const INBOX: usize = 4;

/// What other threads tell the loop.
#[derive(Debug)]
pub(crate) enum Message {
    /// A look at the broker, and how many have been skipped so far.
    Rabbitmq { records: Vec<Record<'static>>, skipped: u64 },
    /// There are no more looks at the broker.
    RabbitmqDone,
    /// Wakes the loop up: the end was asked for.
    Interrupted,
}

/// Watches what `plan` names. What cannot be watched shows before the first record is written.
pub(crate) fn watch(plan: &Plan, out: &mut DataOut) -> anyhow::Result<Exit> {
    let local = Local::open(plan)?;
    let rabbitmq = Rabbitmq::open(plan)?;
    let interrupt = Interrupt::install().context("cannot listen for signals")?;
    let (to, inbox) = mpsc::sync_channel(INBOX);
    wake_on_signal(&interrupt, to.clone());

    let journal = Journal::start(out, &plan.run)?;
    let broker = if rabbitmq.is_some() { BrokerWatch::Runs } else { BrokerWatch::None };
    if let Some(rabbitmq) = rabbitmq {
        rabbitmq.watch(journal.clock(), to)?;
    }
    let ticks = Ticks::new(plan.interval_ns, plan.duration_ns);
    let mut session = Session { journal, ticks, local, broker, broker_skipped: 0, inbox };
    let stopped = session.run(&interrupt)?;
    session.say_what_was_skipped();
    session.journal.end(stopped)?;
    Ok(Exit::Yes)
}

/// A full inbox needs no further message to wake the loop up.
fn wake_on_signal(interrupt: &Interrupt, to: SyncSender<Message>) {
    interrupt.on_first(move || drop(to.try_send(Message::Interrupted)));
}

/// What can be read on this machine, at once.
#[derive(Debug)]
struct Local {
    processes: Option<Processes>,
    host: Option<Host>,
}

impl Local {
    fn open(plan: &Plan) -> anyhow::Result<Self> {
        let named = (!plan.processes.is_empty()).then_some(&plan.processes);
        Ok(Self {
            processes: named.map(|targets| Processes::open(targets)).transpose()?,
            host: plan.host.then(Host::open).transpose()?,
        })
    }

    fn look(&mut self, clock: &Clock) -> Vec<Record<'static>> {
        let host = self.host.as_mut().map(|host| host.look(clock));
        let processes = self.processes.as_mut().map(|processes| processes.look(clock));
        host.into_iter().chain(processes).flatten().collect()
    }

    /// Whether no look will ever see anything.
    fn is_over(&self) -> bool {
        self.host.is_none() && self.processes.as_ref().is_none_or(Processes::all_ended)
    }
}

/// How far the watch of the broker has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BrokerWatch {
    None,
    Runs,
    Done,
}

struct Session<'a> {
    journal: Journal<'a>,
    ticks: Ticks,
    local: Local,
    broker: BrokerWatch,
    broker_skipped: u64,
    inbox: Receiver<Message>,
}

impl Session<'_> {
    /// Goes on until a signal, the last look, or the end of all that is watched.
    fn run(&mut self, interrupt: &Interrupt) -> Result<Stop, StdoutError> {
        while !interrupt.asked() {
            let Some(wait) = self.wait() else { return Ok(Stop::Done) };
            match self.inbox.recv_timeout(wait) {
                Ok(Message::Rabbitmq { records, skipped }) => {
                    self.journal.write(&records)?;
                    self.broker_skipped = skipped;
                }
                Ok(Message::RabbitmqDone) => self.broker = BrokerWatch::Done,
                Ok(Message::Interrupted) => {}
                Err(_) if self.ticks.due_ns().is_some() => self.look()?,
                // The last look at the broker did not come back in time.
                Err(_) => return Ok(Stop::Done),
            }
        }
        Ok(Stop::Interrupted)
    }

    /// How long nothing is due; `None` when nothing will be due any more.
    fn wait(&self) -> Option<Duration> {
        if self.broker == BrokerWatch::None && self.local.is_over() {
            return None;
        }
        match self.ticks.due_ns() {
            Some(due_ns) => {
                let due = self.journal.clock().instant(due_ns);
                Some(due.saturating_duration_since(Instant::now()))
            }
            None => (self.broker == BrokerWatch::Runs).then_some(LONGEST_LOOK),
        }
    }

    fn look(&mut self) -> Result<(), StdoutError> {
        let clock = self.journal.clock();
        let records = self.local.look(&clock);
        self.journal.write(&records)?;
        self.ticks.advance(clock.now_ns());
        Ok(())
    }

    fn say_what_was_skipped(&self) {
        let skipped = self.ticks.skipped() + self.broker_skipped;
        if skipped > 0 {
            let why = "because those before them took too long";
            say(TOOL, &format!("{skipped} looks were left out, {why}"));
        }
    }
}
