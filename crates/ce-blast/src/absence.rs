//! When the thread that keeps a schedule was to run and did not: its machine had no processor time
//! for it, or something had stopped it. What became due meanwhile is late for that reason, whatever
//! it has to wait for afterwards.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A thread that runs so much too late may have been busy with other events. Longer is an absence.
const LATE: Duration = Duration::from_millis(20);
/// Absences that are told apart. With more of them, the last becomes longer.
const MOST: usize = 1000;

/// The absences of a schedule.
#[derive(Debug)]
pub(crate) struct Absences {
    /// How much later than it was to run is no absence.
    tolerance: Duration,
    /// When it is to run again.
    expected: Option<Instant>,
    /// From and to, in order; those before the last event that was asked about are gone.
    spans: VecDeque<(Instant, Instant)>,
}

impl Absences {
    /// For a thread that may be late by `slack`.
    pub(crate) fn new(slack: Duration) -> Self {
        Self { tolerance: LATE + slack, expected: None, spans: VecDeque::new() }
    }

    /// The thread leaves, and is to run again then.
    pub(crate) fn begin(&mut self, expected: Instant) {
        self.expected = Some(expected);
    }

    /// It runs.
    pub(crate) fn end(&mut self, now: Instant) {
        let Some(from) = self.expected.take() else { return };
        if now.saturating_duration_since(from) <= self.tolerance {
            return;
        }
        let is_full = self.spans.len() == MOST;
        match self.spans.back_mut() {
            Some((_, to)) if is_full => *to = now,
            _ => self.spans.push_back((from, now)),
        }
    }

    /// Whether an event became due in one of them. Due times never go back.
    pub(crate) fn cover(&mut self, due: Instant) -> bool {
        while self.spans.front().is_some_and(|&(_, to)| to <= due) {
            self.spans.pop_front();
        }
        self.spans.front().is_some_and(|&(from, _)| from <= due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs at these times, in milliseconds, when it was to run at those before them.
    fn absences(runs: &[(u64, u64)]) -> (Absences, impl Fn(u64) -> Instant) {
        let start = Instant::now();
        let at = move |ms| start + Duration::from_millis(ms);
        let mut absences = Absences::new(Duration::from_millis(10));
        for &(expected, ran) in runs {
            absences.begin(at(expected));
            absences.end(at(ran));
        }
        (absences, at)
    }

    #[test]
    fn what_was_due_in_an_absence_is_told_from_what_was_due_before_and_after() {
        let (mut absences, at) = absences(&[(100, 130), (200, 231), (300, 250), (400, 900)]);
        let due = [99, 115, 199, 200, 230, 231, 399, 400, 899, 900];
        let covered: Vec<u64> = due.into_iter().filter(|&ms| absences.cover(at(ms))).collect();
        assert_eq!(covered, [200, 230, 400, 899]);
        assert!(absences.spans.is_empty());
    }

    #[test]
    fn absences_without_end_take_no_memory_without_end() {
        let runs: Vec<(u64, u64)> = (0..2000).map(|nth| (nth * 100, nth * 100 + 50)).collect();
        let (mut absences, at) = absences(&runs);
        assert_eq!(absences.spans.len(), MOST);
        assert!(absences.cover(at(150_000)) && !absences.cover(at(199_950)));
    }
}
