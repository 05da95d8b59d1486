//! Events that wait for each other, to leave as one request.

use std::time::Duration;

use crate::job::Job;

/// A batch that has this many bytes leaves before it is full.
const BYTES: usize = 1 << 20;

/// How many events leave together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchSize {
    /// The most events in a batch.
    pub(crate) events: usize,
    /// How long the first of them waits for others.
    pub(crate) wait: Duration,
}

/// What became of a job that was added.
#[derive(Debug)]
pub(super) enum Added {
    /// It is the first of the batch with this number, which has to leave when its time is over.
    First(u64),
    /// It waits with others.
    Waits,
    /// The batch is full and leaves.
    Full(Vec<Job>),
}

/// The batch that is being filled.
#[derive(Debug)]
pub(super) struct Batch {
    size: BatchSize,
    number: u64,
    jobs: Vec<Job>,
    bytes: usize,
}

impl Batch {
    pub(super) fn new(size: BatchSize) -> Self {
        Self { size, number: 0, jobs: Vec::new(), bytes: 0 }
    }

    pub(super) fn wait(&self) -> Duration {
        self.size.wait
    }

    pub(super) fn add(&mut self, job: Job) -> Added {
        self.bytes += job.event.body().len();
        self.jobs.push(job);
        if self.jobs.len() >= self.size.events || self.bytes >= BYTES {
            Added::Full(self.take())
        } else if self.jobs.len() == 1 {
            Added::First(self.number)
        } else {
            Added::Waits
        }
    }

    /// The events of the batch with this number, unless it has left.
    pub(super) fn expire(&mut self, number: u64) -> Option<Vec<Job>> {
        (self.number == number).then(|| self.take())
    }

    /// The events that wait; those that come next belong to another batch.
    pub(super) fn take(&mut self) -> Vec<Job> {
        self.number += 1;
        self.bytes = 0;
        std::mem::take(&mut self.jobs)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::event::Event;

    fn job(seq: u64, padding: usize) -> Job {
        let id = "7".repeat(padding + 1);
        let body = format!(r#"{{"specversion":"1.0","type":"t","source":"/s","id":"{id}"}}"#);
        let event = Event::new(Bytes::from(body)).expect("it is valid");
        Job { scenario: 0, seq, due_ns: 0, event, done: None }
    }

    fn batch(events: usize) -> Batch {
        Batch::new(BatchSize { events, wait: Duration::ZERO })
    }

    #[test]
    fn a_batch_leaves_when_it_is_full_or_its_time_is_over() {
        let mut batch = batch(3);
        assert!(matches!(batch.add(job(0, 0)), Added::First(0)));
        assert!(matches!(batch.add(job(1, 0)), Added::Waits));
        let Added::Full(jobs) = batch.add(job(2, 0)) else { panic!("three are enough") };
        assert!(jobs.iter().map(|job| job.seq).eq(0..3));
        assert!(batch.expire(0).is_none(), "it has left");
        assert!(matches!(batch.add(job(3, 0)), Added::First(1)));
        assert_eq!(batch.expire(1).map(|jobs| jobs.len()), Some(1));
        assert!(batch.take().is_empty());
    }

    #[test]
    fn large_events_leave_earlier() {
        let mut batch = batch(1000);
        assert!(matches!(batch.add(job(0, BYTES / 2)), Added::First(0)));
        assert!(matches!(batch.add(job(1, BYTES / 2)), Added::Full(_)));
        assert!(matches!(batch.add(job(2, BYTES)), Added::Full(_)));
    }
}
