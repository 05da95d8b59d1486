//! The open loop: hands each event over when it is due, and never waits for an answer.

use std::time::{Duration, Instant};

use ce_record::{Outcome, Stop};

use crate::cli::Saturation;
use crate::job::Job;
use crate::lane::{Course, Lane};
use crate::pace;
use crate::read::{Next, Timed};

/// How long a wait may go without looking whether it is still wanted.
const LOOK_UP: Duration = Duration::from_millis(50);

/// The schedule of one scenario.
#[derive(Debug)]
pub(crate) struct OpenLoop<'a> {
    pub(crate) lane: Lane<'a>,
    pub(crate) on_saturation: Saturation,
    /// When the last event is due; an endless schedule has none.
    pub(crate) end_ns: Option<u64>,
    /// How long events that are late may still leave after that.
    pub(crate) grace: Duration,
}

/// Why an event did not leave.
enum Halt {
    /// The in-flight limit was reached, and the policy is to end the run.
    Saturated,
    /// Somebody asked for the end, or the grace period is over.
    Over,
}

impl OpenLoop<'_> {
    /// Runs the schedule to its end, to that of the input, or until somebody asks for it.
    pub(crate) fn run(mut self) -> Course {
        pace::sharpen_sleep();
        let mut course = Course::default();
        while let Some(timed) = self.next_event(&mut course) {
            let due_ns = timed.due_ns;
            let job = self.lane.job(timed);
            let due = self.lane.clock.instant(due_ns);
            if !pace::wait_until(due, || self.lane.interrupt.asked()) {
                course.stopped = Stop::Interrupted;
                return self.lane.finish(course);
            }
            match self.enter(due_ns, &mut course) {
                Ok(true) => self.lane.hand_over(job),
                Ok(false) => self.lane.recorder.not_sent(job, Outcome::Dropped),
                Err(halt) => {
                    course.stopped = match halt {
                        Halt::Saturated => Stop::Failed,
                        Halt::Over if self.lane.interrupt.asked() => Stop::Interrupted,
                        Halt::Over => Stop::Done,
                    };
                    self.leave_unsent(job);
                    return self.lane.finish(course);
                }
            }
        }
        if course.stopped == Stop::Done && self.lane.supply.is_short() {
            course.stopped = Stop::InputEnded;
        }
        self.lane.finish(course)
    }

    /// The next event. One that comes after it was due has been waited for.
    fn next_event(&mut self, course: &mut Course) -> Option<Timed> {
        let mut waited = false;
        loop {
            match self.lane.supply.next_within(if waited { LOOK_UP } else { Duration::ZERO }) {
                Next::Event(timed) => {
                    let late = self.lane.clock.now_ns() > timed.due_ns;
                    course.starved += u64::from(waited && late);
                    return Some(timed);
                }
                Next::End => return None,
                Next::NotYet if self.lane.interrupt.asked() => {
                    course.stopped = Stop::Interrupted;
                    return None;
                }
                Next::NotYet => waited = true,
            }
        }
    }

    /// Takes a place in flight; `Ok(false)` means that the event is to be dropped.
    fn enter(&self, due_ns: u64, course: &mut Course) -> Result<bool, Halt> {
        let Lane { clock, gate, interrupt, .. } = &self.lane;
        // A schedule that is behind and never catches up never waits either, and has to look here.
        if interrupt.asked() && Instant::now() > clock.instant(due_ns) + LOOK_UP {
            return Err(Halt::Over);
        }
        if gate.try_enter() {
            return Ok(true);
        }
        match self.on_saturation {
            Saturation::Drop => return Ok(false),
            Saturation::Abort => return Err(Halt::Saturated),
            Saturation::Queue => course.held_back += 1,
        }
        // Without a last due time the grace counts from the event itself.
        let deadline = clock.instant(self.end_ns.unwrap_or(due_ns)) + self.grace;
        while Instant::now() < deadline && !interrupt.asked() {
            if gate.enter_until(deadline) {
                return Ok(true);
            }
        }
        Err(Halt::Over)
    }

    /// Records this event and those that are due by now and did not leave, as far as the input has
    /// them.
    fn leave_unsent(&mut self, first: Job) {
        let now_ns = self.lane.clock.now_ns();
        self.lane.recorder.not_sent(first, Outcome::Unsent);
        self.lane.recorder.be_patient();
        while !self.lane.recorder.is_unheard() {
            let Next::Event(timed) = self.lane.supply.next_within(Duration::from_secs(1)) else {
                return;
            };
            if timed.due_ns > now_ns {
                return;
            }
            let job = self.lane.job(timed);
            self.lane.recorder.not_sent(job, Outcome::Unsent);
        }
    }
}
