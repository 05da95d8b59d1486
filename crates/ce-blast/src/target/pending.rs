//! The attempts of one sender that wait for an answer. What is still here when the grace period is
//! over is unfinished, which is an outcome like any other.

use std::time::Instant;

use ce_record::Outcome;

use crate::job::{Answer, Job};
use crate::record::{Recorder, Tally};
use crate::target::Limits;

/// Attempts under way, each in a slot of its own.
#[derive(Debug)]
pub(super) struct Pending {
    slots: Vec<Option<Attempt>>,
    free: Vec<usize>,
    begun: u64,
    recorder: Recorder,
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
    sent_ns: u64,
}

impl Pending {
    pub(super) fn new(recorder: Recorder) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), begun: 0, recorder }
    }

    /// Takes a job over, which counts as sent from now on.
    pub(super) fn begin(&mut self, job: Job) -> Ticket {
        let number = self.begun;
        self.begun += 1;
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.slots[slot] = Some(Attempt { number, job, sent_ns: self.recorder.now_ns() });
        Ticket { slot, number }
    }

    /// Whether an attempt has not ended.
    pub(super) fn is_open(&self, ticket: Ticket) -> bool {
        let attempt = &self.slots[ticket.slot];
        attempt.as_ref().is_some_and(|attempt| attempt.number == ticket.number)
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
        if let Some(attempt) = self.slots[slot].take() {
            self.free.push(slot);
            self.recorder.answered(attempt.job, attempt.sent_ns, ended_ns, answer);
        }
    }

    /// Attempts that have not ended.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Gives up what is still under way.
    pub(super) fn finish(&mut self) -> Tally {
        let now_ns = self.now_ns();
        self.recorder.be_patient();
        for slot in 0..self.slots.len() {
            self.end_slot(slot, now_ns, Answer::new(Outcome::Unfinished));
        }
        self.recorder.finish()
    }
}

/// Returns when no answer is worth waiting for any longer.
pub(super) async fn grace_is_over(limits: &Limits) {
    loop {
        let now = Instant::now();
        match limits.last_answer.get() {
            Some(&end) if end <= now => return,
            Some(&end) => tokio::time::sleep_until(end.into()).await,
            // It is set at once when our channel has been closed, and nobody asks before that.
            None => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
}
