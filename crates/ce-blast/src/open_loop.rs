//! The open loop: hands each event over when it is due, and never waits for an answer.

use std::time::{Duration, Instant};

use ce_cli::{Clock, Interrupt};
use ce_record::{Outcome, Stop};
use load_plan::Schedule;
use tokio::sync::mpsc::UnboundedSender;

use crate::cli::Saturation;
use crate::event::Event;
use crate::gate::Gate;
use crate::job::Job;
use crate::pace;
use crate::read::{Next, Supply};
use crate::record::Recorder;

/// How long a wait may go without looking whether it is still wanted.
const LOOK_UP: Duration = Duration::from_millis(50);

/// What the schedule needs of the run.
#[derive(Debug)]
pub(crate) struct OpenLoop<'a> {
    pub(crate) schedule: &'a Schedule,
    pub(crate) clock: Clock,
    pub(crate) gate: &'a Gate,
    pub(crate) on_saturation: Saturation,
    /// How long events that are late may still leave after the last due time.
    pub(crate) grace: Duration,
    pub(crate) interrupt: &'a Interrupt,
    /// The channels of the senders, served in turn. The gate limits what they hold.
    pub(crate) senders: Vec<UnboundedSender<Job>>,
}

/// How the schedule went.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Course {
    pub(crate) stopped: Stop,
    /// Events that became due before the input had supplied them.
    pub(crate) starved: u64,
    /// Events that had to wait because the in-flight limit was reached.
    pub(crate) held_back: u64,
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
    pub(crate) fn run(self, supply: &mut Supply, recorder: &mut Recorder) -> Course {
        pace::sharpen_sleep();
        let mut course = Course { stopped: Stop::Done, starved: 0, held_back: 0 };
        for seq in 0.. {
            let Some(due_ns) = self.schedule.due_ns(seq) else { break };
            let due = self.clock.instant(due_ns);
            let Some(event) = self.next_event(supply, due, &mut course) else { break };
            let job = Job { seq, due_ns, event, done: None };
            if !pace::wait_until(due, || self.interrupt.asked()) {
                course.stopped = Stop::Interrupted;
                break;
            }
            match self.enter(due_ns, &mut course) {
                Ok(true) => self.hand_over(job),
                Ok(false) => recorder.not_sent(job, Outcome::Dropped),
                Err(halt) => {
                    course.stopped = match halt {
                        Halt::Saturated => Stop::Failed,
                        Halt::Over if self.interrupt.asked() => Stop::Interrupted,
                        Halt::Over => Stop::Done,
                    };
                    recorder.not_sent(job, Outcome::Unsent);
                    self.leave_unsent(seq + 1, supply, recorder);
                    break;
                }
            }
        }
        course
    }

    /// The next event of the input. An input that is late when the event is due is starving us.
    fn next_event(&self, supply: &mut Supply, due: Instant, course: &mut Course) -> Option<Event> {
        let mut starved = false;
        let mut patience = Duration::ZERO;
        loop {
            match supply.next_within(patience) {
                Next::Event(event) => {
                    course.starved += u64::from(starved);
                    return Some(event);
                }
                Next::End => {
                    let planned = self.schedule.events().is_some();
                    course.stopped = if planned { Stop::InputEnded } else { Stop::Done };
                    return None;
                }
                Next::NotYet if self.interrupt.asked() => {
                    course.stopped = Stop::Interrupted;
                    return None;
                }
                Next::NotYet => {}
            }
            let left = due.saturating_duration_since(Instant::now());
            starved = left.is_zero();
            patience = if starved { LOOK_UP } else { left.min(LOOK_UP) };
        }
    }

    /// Takes a place in flight; `Ok(false)` means that the event is to be dropped.
    fn enter(&self, due_ns: u64, course: &mut Course) -> Result<bool, Halt> {
        // A schedule that is behind and never catches up never waits either, and has to look here.
        if self.interrupt.asked() && Instant::now() > self.clock.instant(due_ns) + LOOK_UP {
            return Err(Halt::Over);
        }
        if self.gate.try_enter() {
            return Ok(true);
        }
        match self.on_saturation {
            Saturation::Drop => return Ok(false),
            Saturation::Abort => return Err(Halt::Saturated),
            Saturation::Queue => course.held_back += 1,
        }
        let deadline = self.last_departure(due_ns);
        while Instant::now() < deadline && !self.interrupt.asked() {
            if self.gate.enter_until(deadline) {
                return Ok(true);
            }
        }
        Err(Halt::Over)
    }

    /// Late events may leave until the grace period after the last due time is over. An endless
    /// schedule has no last due time; there the grace counts from the event itself.
    fn last_departure(&self, due_ns: u64) -> Instant {
        let last = self.schedule.events().and_then(|events| events.checked_sub(1));
        let last_ns = last.and_then(|last| self.schedule.due_ns(last)).unwrap_or(due_ns);
        self.clock.instant(last_ns) + self.grace
    }

    fn hand_over(&self, job: Job) {
        let turn = usize::try_from(job.seq % self.senders.len() as u64).expect("a small number");
        // A sender that has failed records what it was sent; its channel stays open until then.
        let sent = self.senders[turn].send(job);
        assert!(sent.is_ok(), "senders outlive the schedule");
    }

    /// Records the events that are due by now and did not leave, as far as the input has them.
    fn leave_unsent(&self, from: u64, supply: &mut Supply, recorder: &mut Recorder) {
        let now_ns = recorder.now_ns();
        recorder.be_patient();
        for seq in from.. {
            if recorder.is_unheard() {
                return;
            }
            let Some(due_ns) = self.schedule.due_ns(seq).filter(|&due| due <= now_ns) else {
                return;
            };
            let Next::Event(event) = supply.next_within(Duration::from_secs(1)) else { return };
            recorder.not_sent(Job { seq, due_ns, event, done: None }, Outcome::Unsent);
        }
    }
}
