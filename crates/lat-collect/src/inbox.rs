//! Where the reading threads leave what they have read, and where it is taken in the order of the
//! run's time.
//!
//! Streams of one run belong together second by second: an event's sample and its receipt should
//! meet while both are young. Stored streams are read as fast as the disk allows, and without an
//! order the shorter one would be over while the longer one has hardly begun. So the stream that is
//! furthest back goes first, and is waited for. Not for long, though: a live stream may be silent
//! because nothing happens, and then the others go on without it until it speaks again.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Pieces of news that may wait to be taken, of each stream.
const QUEUE: usize = 32;
/// How long a stream that is furthest back holds up the others.
const PATIENCE: Duration = Duration::from_millis(50);

/// A queue for each stream.
#[derive(Debug)]
pub(crate) struct Inbox<T> {
    lanes: Mutex<Vec<Lane<T>>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Lane<T> {
    waiting: VecDeque<(u64, T)>,
    /// How far it has been taken.
    at_ns: u64,
    over: bool,
    /// Since when the others wait for it.
    awaited_since: Option<Instant>,
}

impl<T> Lane<T> {
    fn is_done(&self) -> bool {
        self.over && self.waiting.is_empty()
    }

    /// Whether the others have waited long enough and go on without it.
    fn is_silent(&self, now: Instant) -> bool {
        let given_up = self.awaited_since.is_some_and(|since| now >= since + PATIENCE);
        given_up && self.waiting.is_empty() && !self.over
    }
}

/// What there is to take.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    /// From the stream of this number.
    News(usize, T),
    /// Nothing yet.
    Nothing,
    /// Every stream is over and has been taken to its end.
    Over,
}

impl<T> Inbox<T> {
    pub(crate) fn new(streams: usize) -> Self {
        let lane = || Lane { waiting: VecDeque::new(), at_ns: 0, over: false, awaited_since: None };
        Self {
            lanes: Mutex::new(std::iter::repeat_with(lane).take(streams).collect()),
            changed: Condvar::new(),
        }
    }

    /// Leaves a piece of news that reaches until `at_ns` of a clock that all streams share more or
    /// less. Waits while too much of the stream has not been taken.
    pub(crate) fn leave(&self, stream: usize, at_ns: u64, news: T) {
        let mut lanes = self.lock();
        while lanes[stream].waiting.len() >= QUEUE {
            lanes = self.changed.wait(lanes).unwrap_or_else(PoisonError::into_inner);
        }
        lanes[stream].waiting.push_back((at_ns, news));
        lanes[stream].awaited_since = None;
        self.changed.notify_all();
    }

    /// Nothing more will come of a stream.
    pub(crate) fn close(&self, stream: usize) {
        self.lock()[stream].over = true;
        self.changed.notify_all();
    }

    /// The next piece of news; waits for it no longer than `patience`.
    pub(crate) fn next(&self, patience: Duration) -> Next<T> {
        let deadline = Instant::now() + patience;
        let mut lanes = self.lock();
        loop {
            if lanes.iter().all(Lane::is_done) {
                return Next::Over;
            }
            let now = Instant::now();
            let heard = lanes.iter_mut().enumerate().filter(|(_, lane)| {
                // Of what is over nothing comes, and of what is silent nobody knows when.
                !lane.is_done() && !lane.is_silent(now)
            });
            let until = match heard.min_by_key(|(_, lane)| lane.at_ns) {
                Some((stream, lane)) => {
                    if let Some((at_ns, news)) = lane.waiting.pop_front() {
                        lane.at_ns = lane.at_ns.max(at_ns);
                        self.changed.notify_all();
                        return Next::News(stream, news);
                    }
                    deadline.min(*lane.awaited_since.get_or_insert(now) + PATIENCE)
                }
                None => deadline,
            };
            if now >= deadline {
                return Next::Nothing;
            }
            let wait = self.changed.wait_timeout(lanes, until.saturating_duration_since(now));
            lanes = wait.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Lane<T>>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    /// Each stream's news is its own time; returned in the order in which it is taken.
    fn taken(streams: &[&[u64]]) -> Vec<(usize, u64)> {
        let inbox = Inbox::new(streams.len());
        for (stream, times) in streams.iter().enumerate() {
            for &at_ns in *times {
                inbox.leave(stream, at_ns, at_ns);
            }
            inbox.close(stream);
        }
        std::iter::from_fn(|| match inbox.next(LONG) {
            Next::News(stream, at_ns) => Some((stream, at_ns)),
            Next::Nothing | Next::Over => None,
        })
        .collect()
    }

    #[test]
    fn the_stream_that_is_furthest_back_goes_first() {
        let order = taken(&[&[1, 4, 5, 9], &[2, 3, 8], &[]]);
        assert_eq!(order, [(0, 1), (1, 2), (0, 4), (1, 3), (1, 8), (0, 5), (0, 9)]);
    }

    #[test]
    fn a_silent_stream_holds_up_the_others_once() {
        let inbox = Inbox::new(2);
        inbox.leave(1, 10, "a");
        inbox.leave(1, 20, "b");
        let before = Instant::now();
        assert_eq!(inbox.next(LONG), Next::News(1, "a"));
        assert!(before.elapsed() >= PATIENCE);
        assert_eq!(inbox.next(Duration::ZERO), Next::News(1, "b"));
        assert_eq!(inbox.next(Duration::ZERO), Next::Nothing);
        inbox.leave(0, 5, "late");
        assert_eq!(inbox.next(Duration::ZERO), Next::News(0, "late"));
    }

    #[test]
    fn a_full_queue_makes_its_own_reader_wait_and_loses_nothing() {
        let inbox = Arc::new(Inbox::new(1));
        let reader = Arc::clone(&inbox);
        let count = 10 * QUEUE as u64;
        thread::spawn(move || {
            for at_ns in 0..count {
                reader.leave(0, at_ns, at_ns);
            }
            reader.close(0);
        });
        for at_ns in 0..count {
            assert_eq!(inbox.next(LONG), Next::News(0, at_ns));
        }
        assert_eq!(inbox.next(LONG), Next::Over);
    }
}
