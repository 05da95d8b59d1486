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
    recorder: Recorder,
}

#[derive(Debug)]
struct Attempt {
    job: Job,
    sent_ns: u64,
}

impl Pending {
    pub(super) fn new(recorder: Recorder) -> Self {
        Self { slots: Vec::new(), free: Vec::new(), recorder }
    }

    /// Takes a job over, which counts as sent from now on; returns its slot.
    pub(super) fn begin(&mut self, job: Job) -> usize {
        let attempt = Some(Attempt { job, sent_ns: self.recorder.now_ns() });
        if let Some(slot) = self.free.pop() {
            self.slots[slot] = attempt;
            slot
        } else {
            self.slots.push(attempt);
            self.slots.len() - 1
        }
    }

    /// The job in a slot.
    pub(super) fn job(&self, slot: usize) -> &Job {
        &self.slots[slot].as_ref().expect("the attempt has not ended").job
    }

    pub(super) fn now_ns(&self) -> u64 {
        self.recorder.now_ns()
    }

    /// Records the end of an attempt.
    pub(super) fn end(&mut self, slot: usize, ended_ns: u64, answer: Answer) {
        let attempt = self.slots[slot].take().expect("an attempt ends once");
        self.free.push(slot);
        self.recorder.answered(attempt.job, attempt.sent_ns, ended_ns, answer);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.free.len() == self.slots.len()
    }

    /// Gives up what is still under way.
    pub(super) fn finish(&mut self) -> Tally {
        let now_ns = self.now_ns();
        for slot in 0..self.slots.len() {
            if self.slots[slot].is_some() {
                self.end(slot, now_ns, Answer::new(Outcome::Unfinished));
            }
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
            // The schedule sets it before it closes our channel; nobody asks before that.
            None => tokio::time::sleep(std::time::Duration::from_millis(10)).await,
        }
    }
}
