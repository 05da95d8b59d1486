//! The events of one sender that wait for an answer. What is still here when the grace period is
//! over is unfinished, which is an outcome like any other.
//!
//! An event may take several attempts. One that has ended so that another is meant to follow is put
//! aside: only when the next begins is it certain that it was not the last.

use std::collections::BTreeMap;
use std::hint;
use std::rc::Rc;
use std::time::{Duration, Instant};

use ce_record::Outcome;
use tokio::time::{sleep, sleep_until};

use crate::event::Event;
use crate::grace::LastAnswers;
use crate::job::{Answer, Job};
use crate::pace::Lead;
use crate::record::{Recorder, Tally};
use crate::target::Limits;

/// An attempt that begins this much after it was due has had all the lead that there is.
const PUNCTUAL_NS: u64 = 3000;

/// Events under way, each in a slot of its own.
#[derive(Debug)]
pub(super) struct Pending {
    slots: Vec<Option<Attempt>>,
    free: Vec<usize>,
    begun: u64,
    recorder: Recorder,
    lead: Rc<Lead>,
}

/// Names one attempt, also after it has ended and its slot has gone to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    slot: usize,
    number: u64,
}

#[derive(Debug)]
struct Attempt {
    number: u64,
    job: Job,
    /// Counts the attempts for its event, from one.
    nth: u32,
    sent_ns: u64,
    /// Whether the target has said that this is when it left.
    has_left: bool,
    /// When and how it has ended, while it is put aside.
    aside: Option<Box<(u64, Answer)>>,
}

impl Pending {
    pub(super) fn new(recorder: Recorder) -> Self {
        Self::leading(recorder, Rc::default())
    }

    /// For a target that says when attempts leave. They may begin earlier than they are due, and wait
    /// when they have come that far.
    pub(super) fn leading(recorder: Recorder, lead: Rc<Lead>) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), begun: 0, recorder, lead }
    }

    /// Takes a job over, which counts as sent from now on, unless the target says when it leaves.
    pub(super) fn begin(&mut self, job: Job) -> Ticket {
        let number = self.number();
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        let sent_ns = self.now_ns();
        let attempt = Attempt { number, job, nth: 1, sent_ns, has_left: false, aside: None };
        self.slots[slot] = Some(attempt);
        Ticket { slot, number }
    }

    fn number(&mut self) -> u64 {
        self.begun += 1;
        self.begun
    }

    /// Notes that an attempt leaves now, or at its due time if that is about to come; what is said of
    /// it later does not count.
    pub(super) fn sent(&mut self, ticket: Ticket) {
        let mut now_ns = self.now_ns();
        if let Some(attempt) = &mut self.slots[ticket.slot]
            && attempt.number == ticket.number
            && !attempt.has_left
        {
            let due_ns = attempt.job.due_ns;
            if attempt.sent_ns < due_ns + PUNCTUAL_NS {
                self.lead.learn(now_ns <= due_ns);
            }
            while now_ns < due_ns {
                hint::spin_loop();
                now_ns = self.recorder.now_ns();
            }
            (attempt.sent_ns, attempt.has_left) = (now_ns, true);
        }
    }

    /// Whether an attempt has not ended.
    pub(super) fn is_open(&self, ticket: Ticket) -> bool {
        self.get(ticket).is_some_and(|attempt| attempt.aside.is_none())
    }

    fn get(&self, ticket: Ticket) -> Option<&Attempt> {
        self.slots[ticket.slot].as_ref().filter(|attempt| attempt.number == ticket.number)
    }

    /// When an attempt that has not ended has begun.
    pub(super) fn sent_ns(&self, ticket: Ticket) -> Option<u64> {
        self.get(ticket).map(|attempt| attempt.sent_ns)
    }

    /// Writes a mark: something happened to `name` at `at_ns`.
    pub(super) fn mark(
        &mut self,
        at_ns: u64,
        what: &'static str,
        name: &str,
        labels: BTreeMap<String, String>,
    ) {
        self.recorder.mark(at_ns, what, name, labels);
    }

    pub(super) fn now_ns(&self) -> u64 {
        self.recorder.now_ns()
    }

    /// Records the end of an attempt; whatever comes after it does not count.
    pub(super) fn end(&mut self, ticket: Ticket, ended_ns: u64, answer: Answer) {
        if self.is_open(ticket) {
            self.end_slot(ticket.slot, ended_ns, answer);
        }
    }

    fn end_slot(&mut self, slot: usize, ended_ns: u64, answer: Answer) {
        if let Some(Attempt { job, nth, sent_ns, aside, .. }) = self.slots[slot].take() {
            self.free.push(slot);
            let (ended_ns, answer) = aside.map_or((ended_ns, answer), |aside| *aside);
            self.recorder.ended(job, (nth, sent_ns), ended_ns, answer);
        }
    }

    /// Puts an attempt aside that has ended, and is to be followed by another for its event. Until
    /// that begins, the event stays in flight, and should none follow, this is how it has ended.
    pub(super) fn put_aside(&mut self, ticket: Ticket, ended_ns: u64, answer: Answer) {
        if self.is_open(ticket)
            && let Some(attempt) = &mut self.slots[ticket.slot]
        {
            attempt.aside = Some(Box::new((ended_ns, answer)));
        }
    }

    /// The event of an attempt that has not ended, or is put aside, and which attempt it is.
    pub(super) fn event(&self, ticket: Ticket) -> Option<(&Event, u32)> {
        self.get(ticket).map(|attempt| (&attempt.job.event, attempt.nth))
    }

    /// Begins the next attempt for the event of one that was put aside.
    pub(super) fn begin_again(&mut self, ticket: Ticket) -> Option<Ticket> {
        let (sent_ns, number) = (self.now_ns(), self.number());
        let attempt = self.slots[ticket.slot].as_mut();
        let attempt = attempt.filter(|attempt| attempt.number == ticket.number)?;
        let (ended_ns, answer) = *attempt.aside.take()?;
        let begun = (attempt.nth, attempt.sent_ns);
        self.recorder.superseded(&attempt.job, begun, ended_ns, answer);
        (attempt.number, attempt.sent_ns, attempt.nth) = (number, sent_ns, begun.0 + 1);
        attempt.has_left = false;
        Some(Ticket { slot: ticket.slot, number })
    }

    /// Events that have not ended.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives up the attempts of scenarios that are not waited for any longer.
    pub(super) fn give_up(&mut self, last_answers: &LastAnswers) {
        let now = Instant::now();
        if !last_answers.is_any_over(now) {
            return;
        }
        if last_answers.last().is_some_and(|end| end <= now) {
            // The load has ended. What was never sent may just have filled the queue of the writer.
            self.recorder.be_patient();
        }
        let now_ns = self.now_ns();
        for slot in 0..self.slots.len() {
            let attempt = self.slots[slot].as_ref();
            if attempt.is_some_and(|it| last_answers.is_over(it.job.scenario, now)) {
                self.end_slot(slot, now_ns, Answer::new(Outcome::Unfinished));
            }
        }
    }

    /// Until when an attempt and those after it are waited for, if that is known.
    pub(super) fn until(&self, ticket: Ticket, last_answers: &LastAnswers) -> Option<Instant> {
        last_answers.until(self.get(ticket)?.job.scenario)
    }

    /// Gives up what is still under way; what is put aside ends as it was.
    pub(super) fn finish(&mut self) -> Tally {
        let now_ns = self.now_ns();
        self.recorder.be_patient();
        for slot in 0..self.slots.len() {
            self.end_slot(slot, now_ns, Answer::new(Outcome::Unfinished));
        }
        self.recorder.finish()
    }
}

/// Looks after something every now and then, for ever.
pub(super) async fn now_and_then(look: impl Fn()) {
    loop {
        sleep(Duration::from_millis(100)).await;
        look();
    }
}

/// Returns when no answer is worth waiting for any longer.
pub(super) async fn grace_is_over(limits: &Limits) {
    loop {
        let now = Instant::now();
        match limits.last_answers.last() {
            Some(end) if end <= now => return,
            Some(end) => sleep_until(end.into()).await,
            // It is set at once when our channel has been closed, and nobody asks before that.
            None => sleep(Duration::from_millis(10)).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ce_cli::Clock;
    use ce_record::Outcome::{Ok, Rejected, Unfinished};

    use super::*;
    use crate::gate::Gate;
    use crate::queue::Outlet;
    use crate::record::Entry;

    fn pending() -> (Pending, Outlet<Entry>) {
        let gates = [Gate::new(9)];
        assert!(gates[0].try_enter());
        let (recorder, queue) = Recorder::new(Clock::start().0, Arc::new(gates));
        (Pending::new(recorder), queue)
    }

    fn job() -> Job {
        let body = br#"{"specversion":"1.0","type":"t","source":"/s","id":"7"}"#;
        let event = Event::new(bytes::Bytes::from_static(body)).expect("it is valid");
        Job { scenario: 0, seq: 0, due_ns: 0, event, done: None }
    }

    fn told(queue: &Outlet<Entry>) -> Vec<(u32, bool, Outcome)> {
        let attempt = |entry| match entry {
            Entry::Attempt(it) => (it.attempt, it.superseded, it.answer.outcome),
            Entry::Mark(mark) => panic!("{mark:?}"),
        };
        queue.all().into_iter().map(attempt).collect()
    }

    #[test]
    fn an_attempt_that_is_put_aside_is_recorded_when_the_next_begins() {
        let (mut pending, queue) = pending();
        let first = pending.begin(job());
        pending.put_aside(first, 1, Answer::new(Rejected));
        assert!(!pending.is_open(first) && !pending.is_empty());
        assert_eq!(told(&queue), []);
        assert_eq!(pending.event(first).map(|(_, attempt)| attempt), Some(1));
        let second = pending.begin_again(first).expect("it was put aside");
        assert_eq!(told(&queue), [(1, true, Rejected)]);
        assert_eq!(pending.event(second).map(|(_, attempt)| attempt), Some(2));
        pending.end(first, 2, Answer::new(Unfinished));
        assert!(pending.is_open(second), "what comes late for the first is not about the second");
        pending.end(second, 2, Answer::new(Ok));
        assert_eq!((told(&queue), pending.is_empty()), (vec![(2, false, Ok)], true));
        assert!(pending.begin_again(second).is_none());
    }

    #[test]
    fn an_attempt_that_none_has_followed_is_how_its_event_ends() {
        let (mut pending, queue) = pending();
        let first = pending.begin(job());
        pending.put_aside(first, 1, Answer::new(Rejected));
        let tally = pending.finish();
        assert_eq!(told(&queue), [(1, false, Rejected)]);
        assert_eq!((tally.outcomes.planned(), tally.retried), (1, 0));
    }
}
