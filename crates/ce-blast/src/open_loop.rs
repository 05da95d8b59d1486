//! The open loop: lets each event go when it is due, and never waits for an answer.
//!
//! It does not wait by itself: it is asked what is to be done now, and tells what or when. So any
//! number of schedules can share the thread that sends for them.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ce_record::{Outcome, Stop};

use crate::absence::Absences;
use crate::cli::Saturation;
use crate::job::Job;
use crate::lane::{Course, Lane};
use crate::pace::Wake;
use crate::read::Timed;

/// How long a wait may go without looking whether it is still wanted.
const LOOK_UP: Duration = Duration::from_millis(50);
/// The same while the gate is full: not every place that becomes free is told.
const LOOK_FOR_PLACE: Duration = Duration::from_millis(1);

/// The schedule of one scenario.
#[derive(Debug)]
pub(crate) struct OpenLoop {
    lane: Lane,
    terms: Terms,
    course: Course,
    /// The event whose turn it is.
    next: Option<Timed>,
    /// Whether it has to be waited for.
    waited: bool,
    /// When the input last brought what had been waited for.
    came_ns: u64,
    /// When to look again for a place in flight, if it waits for one.
    look_at: Option<Instant>,
    /// When the last event that had waited for a place got it.
    free_ns: u64,
    absences: Absences,
}

/// What a schedule does when events cannot leave.
#[derive(Debug)]
pub(crate) struct Terms {
    pub(crate) on_saturation: Saturation,
    /// When the last event is due; an endless schedule has none.
    pub(crate) end_ns: Option<u64>,
    /// How long events that are late may still leave after that.
    pub(crate) grace: Duration,
    /// When the scenario ends, where that is later than its last event.
    pub(crate) lasts_until_ns: u64,
    /// How late its thread may be woken.
    pub(crate) timer_slack: Duration,
}

/// How many events are dropped at once; the thread has answers to look after.
const DROPS: u32 = 64;

/// What is to be done.
#[derive(Debug)]
pub(crate) enum Step {
    /// This is due, and has its place in flight.
    Send(Job),
    /// Nothing before then, unless the task is woken.
    Wait(Wake),
    /// Never again anything.
    Over,
}

/// Why a schedule ends before its time.
enum Halt {
    /// The in-flight limit was reached, and the policy is to end the run.
    Saturated,
    /// Somebody asked for the end, or the grace period is over.
    Over,
}

impl OpenLoop {
    pub(crate) fn new(lane: Lane, terms: Terms) -> Self {
        let course = Course::default();
        let (next, waited, look_at) = (None, false, None);
        let absences = Absences::new(terms.timer_slack);
        Self { lane, terms, course, next, waited, came_ns: 0, look_at, free_ns: 0, absences }
    }

    /// What is to be done now. Events go so much earlier than they are due as `lead` says.
    pub(crate) fn step(&mut self, lead: Duration, cx: &mut Context<'_>) -> Step {
        let now = Instant::now();
        self.absences.end(now);
        let step = self.step_at(now, lead, cx);
        self.absences.begin(match &step {
            Step::Wait(wake) => wake.time().max(now),
            Step::Send(_) | Step::Over => now,
        });
        step
    }

    fn step_at(&mut self, now: Instant, lead: Duration, cx: &mut Context<'_>) -> Step {
        let lead_ns = u64::try_from(lead.as_nanos()).unwrap_or(0);
        for _ in 0..DROPS {
            let timed = match self.poll_next(cx) {
                Poll::Ready(Some(timed)) => timed,
                Poll::Ready(None) => return self.end_of_supply(now),
                Poll::Pending if self.lane.interrupt.asked() => return self.interrupted(),
                Poll::Pending => return Step::Wait(Wake::About(now + LOOK_UP)),
            };
            let due = self.lane.clock.instant(timed.due_ns.saturating_sub(lead_ns));
            if due > now && self.lane.interrupt.asked() {
                return self.interrupted();
            }
            if due > now {
                self.next = Some(timed);
                let look_up = now + LOOK_UP;
                let is_soon = due < look_up;
                return Step::Wait(if is_soon { Wake::At(due) } else { Wake::About(look_up) });
            }
            match self.enter(timed.due_ns, now, cx) {
                Ok(Poll::Ready(true)) => return Step::Send(self.lane.job(timed)),
                Ok(Poll::Ready(false)) => {
                    self.was_overslept(timed.due_ns);
                    let job = self.lane.job(timed);
                    self.lane.recorder.not_sent(job, Outcome::Dropped);
                }
                Ok(Poll::Pending) => {
                    self.next = Some(timed);
                    return Step::Wait(Wake::About(self.look_at.unwrap_or(now)));
                }
                Err(halt) => return self.halt(&halt, timed),
            }
        }
        Step::Wait(Wake::About(now))
    }

    /// Gives back what it was made of, when it is over.
    pub(crate) fn finish(self) {
        let Self { lane, course, next, .. } = self;
        let unsent = next.map(|timed| lane.job(timed));
        lane.finish(course, unsent);
    }

    /// The event whose turn it is. If the input brought it when it was due already, it is that which
    /// is late.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Timed>> {
        if let Some(timed) = self.next.take() {
            return Poll::Ready(Some(timed));
        }
        let next = self.lane.supply.poll_next(cx);
        match &next {
            Poll::Pending => self.waited = true,
            Poll::Ready(Some(timed)) => {
                if std::mem::take(&mut self.waited) && self.lane.supply.was_awaited() {
                    self.came_ns = self.lane.clock.now_ns();
                }
                self.course.starved += u64::from(self.came_ns > timed.due_ns);
            }
            Poll::Ready(None) => {}
        }
        next
    }

    /// Takes a place in flight; false means that the event is to be dropped.
    fn enter(&mut self, due_ns: u64, now: Instant, cx: &Context<'_>) -> Result<Poll<bool>, Halt> {
        let lane = &self.lane;
        // A schedule that is behind and never catches up never waits either, and has to look here.
        if lane.interrupt.asked() && now > lane.clock.instant(due_ns) + LOOK_UP {
            return Err(Halt::Over);
        }
        if self.look_at.is_some_and(|look_at| now < look_at) && lane.gate().is_awaited() {
            // Something else has woken us. Whoever takes each place as it becomes free sends one at a
            // time, and pays for each as for many.
            return Ok(Poll::Pending);
        }
        if lane.gate().try_enter() {
            self.entered(due_ns);
            return Ok(Poll::Ready(true));
        }
        match self.terms.on_saturation {
            Saturation::Drop => return Ok(Poll::Ready(false)),
            Saturation::Abort => return Err(Halt::Saturated),
            Saturation::Queue => {}
        }
        // Without a last due time the grace counts from the event itself.
        let deadline = lane.clock.instant(self.terms.end_ns.unwrap_or(due_ns)) + self.terms.grace;
        if now >= deadline || lane.interrupt.asked() {
            return Err(Halt::Over);
        }
        if lane.gate().poll_enter(cx) {
            self.entered(due_ns);
            return Ok(Poll::Ready(true));
        }
        if self.look_at.is_none_or(|look_at| look_at <= now) {
            self.look_at = Some(deadline.min(now + LOOK_FOR_PLACE));
        }
        Ok(Poll::Pending)
    }

    /// Notes that an event has its place. It was held back if it, or one before it that it had to wait
    /// for, had none when it was due: places often become free many at a time.
    fn entered(&mut self, due_ns: u64) {
        if self.look_at.take().is_some() {
            self.free_ns = self.lane.clock.now_ns();
        }
        let held_back = !self.was_overslept(due_ns) && due_ns < self.free_ns;
        self.course.held_back += u64::from(held_back);
    }

    /// Whether an event became due while its thread did not run; counts it.
    fn was_overslept(&mut self, due_ns: u64) -> bool {
        let overslept = self.absences.cover(self.lane.clock.instant(due_ns));
        self.course.overslept += u64::from(overslept);
        overslept
    }

    fn end_of_supply(&mut self, now: Instant) -> Step {
        let until = self.lane.clock.instant(self.terms.lasts_until_ns);
        if now < until && self.lane.interrupt.asked() {
            return self.interrupted();
        }
        if now < until {
            return Step::Wait(Wake::About(until.min(now + LOOK_UP)));
        }
        if self.lane.supply.is_short() {
            self.course.stopped = Stop::InputEnded;
        }
        Step::Over
    }

    fn interrupted(&mut self) -> Step {
        self.course.stopped = Stop::Interrupted;
        Step::Over
    }

    fn halt(&mut self, halt: &Halt, timed: Timed) -> Step {
        self.course.held_back += u64::from(self.look_at.is_some());
        self.course.stopped = match halt {
            Halt::Saturated => Stop::Failed,
            Halt::Over if self.lane.interrupt.asked() => Stop::Interrupted,
            Halt::Over => Stop::Done,
        };
        self.next = Some(timed);
        Step::Over
    }
}
