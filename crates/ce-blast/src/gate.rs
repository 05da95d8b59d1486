//! The limit on events in flight, and what the run shares about its progress.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// Counts the events of a scenario in flight. Its schedule enters, senders leave.
#[derive(Debug)]
pub(crate) struct Gate {
    limit: u64,
    /// A schedule that waits is woken when so few are left in flight, and not for each place that
    /// becomes free: to wake a thread costs about as much as to send an event.
    wake_at: u64,
    in_flight: AtomicU64,
    peak: AtomicU64,
    waiting: AtomicBool,
    /// The thread that enters, and so the only one that ever waits.
    schedule: OnceLock<Thread>,
}

impl Gate {
    /// A gate that nobody enters yet.
    pub(crate) fn new(limit: u64) -> Self {
        Self {
            limit,
            wake_at: limit.saturating_sub((limit / 8).max(1)),
            in_flight: AtomicU64::new(0),
            peak: AtomicU64::new(0),
            waiting: AtomicBool::new(false),
            schedule: OnceLock::new(),
        }
    }

    /// Takes a place if there is one.
    pub(crate) fn try_enter(&self) -> bool {
        // Only the schedule adds, so nobody can take the place in between.
        if self.in_flight.load(SeqCst) >= self.limit {
            return false;
        }
        let now = self.in_flight.fetch_add(1, SeqCst) + 1;
        self.peak.fetch_max(now, Relaxed);
        true
    }

    /// Waits for a place until `deadline`, and looks up at least every millisecond, so that a place
    /// which stays the only one is not left empty.
    pub(crate) fn enter_until(&self, deadline: Instant) -> bool {
        self.schedule.get_or_init(thread::current);
        self.waiting.store(true, SeqCst);
        let entered = self.try_enter() || {
            let left = deadline.saturating_duration_since(Instant::now());
            thread::park_timeout(left.min(Duration::from_millis(1)));
            self.try_enter()
        };
        self.waiting.store(false, SeqCst);
        entered
    }

    /// Gives a place back.
    pub(crate) fn leave(&self) {
        let left = self.in_flight.fetch_sub(1, SeqCst) - 1;
        if left <= self.wake_at && self.waiting.load(SeqCst) {
            self.schedule.get().expect("who waits has said who it is").unpark();
        }
    }

    /// Events in flight now.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Relaxed)
    }

    /// The most events that were in flight.
    pub(crate) fn peak(&self) -> u64 {
        self.peak.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_and_a_place_is_passed_on() {
        let gate = Gate::new(2);
        assert!(gate.try_enter() && gate.try_enter() && !gate.try_enter());
        gate.leave();
        assert!(gate.enter_until(Instant::now()));
        assert_eq!((gate.in_flight(), gate.peak()), (2, 2));
        assert!(!gate.enter_until(Instant::now()), "the deadline has passed");
    }

    #[test]
    fn a_waiting_schedule_is_woken() {
        let gate = Gate::new(1);
        assert!(gate.try_enter());
        thread::scope(|scope| {
            scope.spawn(|| gate.leave());
            let deadline = Instant::now() + Duration::from_secs(30);
            while !gate.enter_until(deadline) {
                assert!(Instant::now() < deadline, "never woken");
            }
        });
        assert_eq!(gate.in_flight(), 1);
    }
}
