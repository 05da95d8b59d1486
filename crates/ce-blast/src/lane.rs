//! What a scenario has at hand while it runs, open loop or closed: events in, jobs out.

use std::cell::Cell;

use ce_cli::{Clock, Interrupt};
use ce_record::Stop;
use tokio::sync::mpsc::UnboundedSender;

use crate::gate::Gate;
use crate::job::Job;
use crate::read::{Supply, Timed};
use crate::record::{Recorder, Tally};

/// A running scenario.
#[derive(Debug)]
pub(crate) struct Lane<'a> {
    /// Its number in the plan.
    pub(crate) scenario: u16,
    pub(crate) clock: Clock,
    pub(crate) interrupt: &'a Interrupt,
    pub(crate) gate: &'a Gate,
    pub(crate) supply: Supply,
    pub(crate) recorder: Recorder,
    /// The channels of the senders, served in turn. The gate limits what they hold.
    pub(crate) senders: Vec<UnboundedSender<Job>>,
    /// The sender that is next.
    pub(crate) turn: Cell<usize>,
}

/// How a scenario went.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) stopped: Stop,
    /// Events that became due before the input had supplied them.
    pub(crate) starved: u64,
    /// Events that had to wait because the in-flight limit was reached.
    pub(crate) held_back: u64,
    /// Why the input could not be read to its end.
    pub(crate) failure: Option<anyhow::Error>,
    /// What the scenario itself has recorded.
    pub(crate) tally: Tally,
}

impl Default for Course {
    fn default() -> Self {
        Self {
            stopped: Stop::Done,
            starved: 0,
            held_back: 0,
            failure: None,
            tally: Tally::default(),
        }
    }
}

impl Course {
    /// Puts two scenarios together. What went wrong in one went wrong in the run.
    pub(crate) fn add(&mut self, other: Self) {
        let severity = |stop: Stop| match stop {
            Stop::Done => 0,
            Stop::InputEnded => 1,
            Stop::Interrupted => 2,
            Stop::Failed => 3,
        };
        if severity(other.stopped) > severity(self.stopped) {
            self.stopped = other.stopped;
        }
        self.starved += other.starved;
        self.held_back += other.held_back;
        self.failure = self.failure.take().or(other.failure);
        self.tally.add(&other.tally);
    }
}

impl Lane<'_> {
    pub(crate) fn job(&self, timed: Timed) -> Job {
        let Timed { seq, due_ns, event } = timed;
        Job { scenario: self.scenario, seq, due_ns, event, done: None }
    }

    /// Gives a job to the sender whose turn it is.
    pub(crate) fn hand_over(&self, job: Job) {
        // Not by the position in the schedule: a shard has only every so-manieth.
        let turn = self.turn.get();
        self.turn.set((turn + 1) % self.senders.len());
        // A sender that has failed records what it was sent; its channel stays open until then.
        let sent = self.senders[turn].send(job);
        assert!(sent.is_ok(), "senders outlive the schedule");
    }

    /// Ends the scenario: its share of the senders is given back.
    pub(crate) fn finish(mut self, mut course: Course) -> Course {
        course.tally = self.recorder.finish();
        course.failure = self.supply.into_failure();
        course
    }
}
