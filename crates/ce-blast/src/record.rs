//! Turns finished attempts into records: counted where they end, written by one thread.
//!
//! The queue to the writer has a limit and nobody waits for it, so a slow reader of stdout never
//! changes the load. What finds the queue full is dropped, counted, and makes the run incomplete.
//!
//! An event ends with its last attempt: that one has the outcome, and gives the place in flight back.
//! Attempts before it are records that say so, and count as retried.

mod writer;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use ce_cli::Clock;
use ce_record::{Mark, Outcome};

use crate::gate::Gate;
use crate::job::{Answer, Finished, Job};
use crate::queue::{Inlet, Outlet, Refusal, queue};
use crate::tally::AtWork;
pub(crate) use crate::tally::Tally;
pub(crate) use writer::write;

/// Finished attempts that may wait to be written.
const QUEUE: usize = 65_536;

/// What the writer is handed.
#[derive(Debug)]
pub(crate) enum Entry {
    Attempt(Finished),
    /// Too rare to be large.
    Mark(Box<Mark<'static>>),
}

/// Where senders and the schedule hand in what has ended. Each has its own.
#[derive(Debug)]
pub(crate) struct Recorder {
    clock: Clock,
    /// One for each scenario.
    gates: Arc<[Gate]>,
    live: Arc<Live>,
    to_writer: Inlet<Entry>,
    /// Whether it may wait for the writer.
    patient: bool,
    /// Whether the writer has left, because stdout takes no more.
    unheard: bool,
    tally: Tally,
    at_work: Option<AtWork>,
}

/// Figures that may be read while the run goes on.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) ended: AtomicU64,
    pub(crate) ok: AtomicU64,
}

impl Recorder {
    /// A recorder and the queue that it fills; clone the recorder for each further thread.
    pub(crate) fn new(clock: Clock, gates: Arc<[Gate]>) -> (Self, Outlet<Entry>) {
        let (to_writer, queue) = queue(QUEUE);
        let live = Arc::default();
        let tally = Tally::default();
        let (patient, unheard, at_work) = (false, false, None);
        (Self { clock, gates, live, to_writer, patient, unheard, tally, at_work }, queue)
    }

    /// Another one, with counts of its own.
    pub(crate) fn fork(&self) -> Self {
        Self {
            clock: self.clock,
            gates: Arc::clone(&self.gates),
            live: Arc::clone(&self.live),
            to_writer: self.to_writer.clone(),
            patient: false,
            unheard: false,
            tally: Tally::default(),
            at_work: None,
        }
    }

    pub(crate) fn live(&self) -> Arc<Live> {
        Arc::clone(&self.live)
    }

    pub(crate) fn now_ns(&self) -> u64 {
        self.clock.now_ns()
    }

    /// Waits for the writer from now on: the load has ended, and nothing is late any more. Whatever
    /// is still to be recorded comes all at once.
    pub(crate) fn be_patient(&mut self) {
        self.patient = true;
    }

    /// Whether nobody writes any more what it records.
    pub(crate) fn is_unheard(&self) -> bool {
        self.unheard
    }

    /// The only attempt of an event began at `sent_ns` and ended at `ended_ns`.
    pub(crate) fn answered(&mut self, job: Job, sent_ns: u64, ended_ns: u64, answer: Answer) {
        self.ended(job, (1, sent_ns), ended_ns, answer);
    }

    /// An event has ended with an attempt: its number, and when it began and ended.
    pub(crate) fn ended(&mut self, job: Job, begun: (u32, u64), ended_ns: u64, answer: Answer) {
        self.gates[usize::from(job.scenario)].leave();
        AtWork::goes_on(&mut self.at_work, ended_ns);
        let finished = self.attempt(job, begun, ended_ns, answer);
        self.record(finished);
    }

    /// An attempt has ended that another follows. Its event stays in flight.
    pub(crate) fn superseded(
        &mut self,
        job: &Job,
        begun: (u32, u64),
        ended_ns: u64,
        answer: Answer,
    ) {
        let Job { scenario, seq, due_ns, ref event, .. } = *job;
        let job = Job { scenario, seq, due_ns, event: event.clone(), done: None };
        let mut finished = self.attempt(job, begun, ended_ns, answer);
        finished.superseded = true;
        self.tally.retried += 1;
        self.write(Entry::Attempt(finished));
    }

    /// Something happened to `name` at `at_ns`.
    pub(crate) fn mark(
        &mut self,
        at_ns: u64,
        what: &'static str,
        name: &str,
        labels: BTreeMap<String, String>,
    ) {
        let mark = Mark { at_ns, what: what.into(), name: name.to_owned().into(), labels };
        self.write(Entry::Mark(Box::new(mark)));
    }

    fn attempt(
        &mut self,
        job: Job,
        (attempt, sent_ns): (u32, u64),
        ended_ns: u64,
        answer: Answer,
    ) -> Finished {
        let lag_ns = sent_ns.saturating_sub(job.due_ns);
        if attempt == 1 {
            self.tally.lag.record(lag_ns);
        }
        if let Some(limit) = answer.own_limit {
            self.tally.own_limits.count(limit);
        }
        let service_ns = ended_ns.saturating_sub(sent_ns);
        Finished { job, attempt, superseded: false, lag_ns, service_ns, answer }
    }

    /// An event that was due and did not leave. Its wait so far is a lower bound of its latency.
    pub(crate) fn not_sent(&mut self, job: Job, outcome: Outcome) {
        let lag_ns = self.now_ns().saturating_sub(job.due_ns);
        let answer = Answer::new(outcome);
        let superseded = false;
        self.record(Finished { job, attempt: 1, superseded, lag_ns, service_ns: 0, answer });
    }

    fn record(&mut self, mut finished: Finished) {
        let outcome = finished.answer.outcome;
        self.tally.outcomes[outcome] += 1;
        self.live.ended.fetch_add(1, Relaxed);
        if outcome == Outcome::Ok {
            self.live.ok.fetch_add(1, Relaxed);
        }
        if let Some(done) = finished.job.done.take() {
            // A virtual user that has left does not wait.
            let _ = done.send(());
        }
        self.write(Entry::Attempt(finished));
    }

    fn write(&mut self, entry: Entry) {
        let sent = if self.patient {
            self.to_writer.put(entry)
        } else {
            self.to_writer.offer(entry).map_err(|(refusal, _)| refusal)
        };
        self.unheard = sent == Err(Refusal::Closed);
        self.tally.dropped_records += u64::from(sent.is_err());
    }

    /// Hands over what it has counted.
    pub(crate) fn finish(&mut self) -> Tally {
        self.tally.busiest = self.at_work.take().map_or(0.0, |it| it.share());
        std::mem::take(&mut self.tally)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use bytes::Bytes;
    use ce_record::Sample;

    use super::writer::sample;
    use super::*;
    use crate::event::Event;

    fn recorder() -> (Recorder, Outlet<Entry>) {
        Recorder::new(Clock::start().0, Arc::new([Gate::new(1)]))
    }

    fn job(seq: u64) -> Job {
        let body = br#"{"specversion":"1.0","type":"t","source":"/s","id":"7"}"#;
        let event = Event::new(Bytes::from_static(body)).expect("it is valid");
        Job { scenario: 0, seq, due_ns: 0, event, done: None }
    }

    fn leave_out(recorder: &mut Recorder, count: usize) {
        for seq in 0..count as u64 {
            recorder.not_sent(job(seq), Outcome::Unsent);
        }
    }

    #[test]
    fn an_event_ends_with_its_last_attempt() {
        let (mut recorder, queue) = recorder();
        assert!(recorder.gates[0].try_enter());
        let (done, mut told) = tokio::sync::oneshot::channel();
        let job = Job { done: Some(done), ..job(3) };
        recorder.superseded(&job, (1, 5_000), 7_000, Answer::new(Outcome::InDoubt));
        assert!(told.try_recv().is_err(), "its user goes on waiting");
        assert_eq!(recorder.gates[0].in_flight(), 1, "and so it keeps its place");
        recorder.ended(job, (2, 900_000), 950_000, Answer::new(Outcome::Ok));
        assert!(told.try_recv().is_ok());
        assert_eq!(recorder.gates[0].in_flight(), 0);

        let tally = recorder.finish();
        assert_eq!(
            (tally.outcomes.planned(), tally.outcomes[Outcome::Ok], tally.retried),
            (1, 1, 1)
        );
        assert_eq!((tally.lag.count(), tally.lag.max_ns()), (1, Some(5_000)));
        let finished = queue.all().into_iter().map(|entry| match entry {
            Entry::Attempt(finished) => finished,
            Entry::Mark(mark) => panic!("{mark:?}"),
        });
        let finished: Vec<Finished> = finished.collect();
        let scenarios = ["s".to_owned()];
        let samples: Vec<Sample<'_>> = finished.iter().map(|it| sample(it, &scenarios)).collect();
        let told = |it: &Sample<'_>| (it.seq, it.attempt, it.superseded, it.latency_ns());
        assert_eq!(
            samples.iter().map(told).collect::<Vec<_>>(),
            [(3, 1, true, 7_000), (3, 2, false, 950_000)]
        );
    }

    #[test]
    fn what_finds_the_queue_full_is_counted_and_waits_for_nobody() {
        let (mut recorder, queue) = recorder();
        leave_out(&mut recorder, QUEUE + 5);
        let tally = recorder.finish();
        assert_eq!(tally.outcomes[Outcome::Unsent], QUEUE as u64 + 5);
        assert_eq!((tally.dropped_records, queue.all().len()), (5, QUEUE));
        assert!(!recorder.is_unheard());
    }

    #[test]
    fn a_patient_recorder_waits_for_the_writer() {
        let (mut recorder, queue) = recorder();
        recorder.be_patient();
        let reader = thread::spawn(move || {
            let (mut entries, mut count) = (Vec::new(), 0);
            while queue.take(&mut entries) {
                count += entries.drain(..).count();
            }
            count
        });
        leave_out(&mut recorder, 2 * QUEUE);
        assert_eq!(recorder.finish().dropped_records, 0);
        drop(recorder);
        assert_eq!(reader.join().expect("it only counts"), 2 * QUEUE);
    }

    #[test]
    fn a_writer_that_has_left_is_noticed() {
        let (mut recorder, queue) = recorder();
        recorder.be_patient();
        drop(queue);
        leave_out(&mut recorder, 1);
        assert!(recorder.is_unheard());
        assert_eq!(recorder.finish().dropped_records, 1);
    }
}
