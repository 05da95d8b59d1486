//! What a scenario has at hand while it runs, open loop or closed: events in, jobs out.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use ce_cli::{Clock, Interrupt};
use ce_record::{Outcome, Stop};

use crate::gate::Gate;
use crate::job::Job;
use crate::read::{Next, Supply, Timed};
use crate::record::{Recorder, Tally};

/// How long to wait for input that tells what else has not been sent.
const LAST_INPUT: Duration = Duration::from_secs(1);

/// A running scenario.
#[derive(Debug)]
pub(crate) struct Lane {
    /// Its number in the plan.
    pub(crate) scenario: u16,
    pub(crate) clock: Clock,
    pub(crate) interrupt: Interrupt,
    /// One for each scenario.
    pub(crate) gates: Arc<[Gate]>,
    pub(crate) supply: Supply,
    pub(crate) recorder: Recorder,
    /// Where to say that the scenario has ended.
    pub(crate) ended: mpsc::Sender<Ended>,
}

/// A scenario that sends no more.
#[derive(Debug)]
pub(crate) struct Ended {
    lane: Lane,
    course: Course,
    /// The first of the events that were due and will not leave.
    unsent: Option<Job>,
}

/// How a scenario went.
#[derive(Debug)]
pub(crate) struct Course {
    pub(crate) stopped: Stop,
    /// Events that became due before the input had supplied them.
    pub(crate) starved: u64,
    /// Events that had to wait because the in-flight limit was reached.
    pub(crate) held_back: u64,
    /// Events that became due while the thread of the schedule did not run.
    pub(crate) overslept: u64,
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
            overslept: 0,
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
        self.overslept += other.overslept;
        self.failure = self.failure.take().or(other.failure);
        self.tally.add(&other.tally);
    }
}

impl Lane {
    pub(crate) fn job(&self, timed: Timed) -> Job {
        let Timed { seq, due_ns, event } = timed;
        Job { scenario: self.scenario, seq, due_ns, event, done: None }
    }

    pub(crate) fn gate(&self) -> &Gate {
        &self.gates[usize::from(self.scenario)]
    }

    /// Gives everything back to who put the run together. With `unsent`, that and the events after
    /// it which are due by now will not leave.
    pub(crate) fn finish(self, course: Course, unsent: Option<Job>) {
        let ended = self.ended.clone();
        // If nobody is there to listen, the run has failed.
        let _ = ended.send(Ended { lane: self, course, unsent });
    }
}

impl Ended {
    /// Which scenario it is.
    pub(crate) fn scenario(&self) -> u16 {
        self.lane.scenario
    }

    /// Records what has not left, and puts the figures of the scenario together.
    pub(crate) fn conclude(mut self) -> Course {
        if let Some(first) = self.unsent.take() {
            self.record_unsent(first);
        }
        let Self { mut lane, mut course, .. } = self;
        course.tally = lane.recorder.finish();
        course.failure = lane.supply.into_failure();
        course
    }

    /// Records this event and those that are due by now and did not leave, as far as the input has
    /// them.
    fn record_unsent(&mut self, first: Job) {
        let Self { lane, .. } = self;
        let now_ns = lane.clock.now_ns();
        lane.recorder.not_sent(first, Outcome::Unsent);
        lane.recorder.be_patient();
        while !lane.recorder.is_unheard() {
            let Next::Event(timed) = lane.supply.next_within(LAST_INPUT) else { return };
            if timed.due_ns > now_ns {
                return;
            }
            let job = lane.job(timed);
            lane.recorder.not_sent(job, Outcome::Unsent);
        }
    }
}
