//! The limit on events in flight, and what the run shares about its progress.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::task::Context;

use futures_util::task::AtomicWaker;

/// Counts the events of a scenario in flight. Its schedule enters, senders leave.
#[derive(Debug)]
pub(crate) struct Gate {
    limit: u64,
    /// A schedule that waits is woken when so few are left in flight, and not for each place that
    /// becomes free: it may wait on another thread, and to wake one costs about as much as to send
    /// an event.
    wake_at: u64,
    in_flight: AtomicU64,
    peak: AtomicU64,
    waiting: AtomicBool,
    /// The task that enters, and so the only one that ever waits.
    schedule: AtomicWaker,
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
            schedule: AtomicWaker::new(),
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

    /// Takes a place, or sees to it that the task is woken when there are some. A place which stays
    /// the only one wakes nobody: look again after a while.
    pub(crate) fn poll_enter(&self, cx: &Context<'_>) -> bool {
        if self.try_enter() {
            return true;
        }
        self.schedule.register(cx.waker());
        self.waiting.store(true, SeqCst);
        // One may have become free before anybody could know of the wait.
        self.try_enter()
    }

    /// Whether the task that asked for a place has not been woken yet.
    pub(crate) fn is_awaited(&self) -> bool {
        self.waiting.load(SeqCst)
    }

    /// Gives a place back.
    pub(crate) fn leave(&self) {
        let left = self.in_flight.fetch_sub(1, SeqCst) - 1;
        if left <= self.wake_at && self.waiting.load(SeqCst) && self.waiting.swap(false, SeqCst) {
            self.schedule.wake();
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
    use std::sync::Arc;
    use std::task::{Poll, Wake, Waker};
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Waits as a schedule does, for half a minute at most.
    fn enter(gate: &Gate) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let entered =
            std::future::poll_fn(
                |cx| {
                    if gate.poll_enter(cx) { Poll::Ready(()) } else { Poll::Pending }
                },
            );
        let patience = Duration::from_secs(30);
        runtime.block_on(async { tokio::time::timeout(patience, entered).await }).expect("woken");
    }

    #[test]
    fn the_limit_holds_and_a_place_is_passed_on() {
        let gate = Gate::new(2);
        assert!(gate.try_enter() && gate.try_enter() && !gate.try_enter());
        gate.leave();
        enter(&gate);
        assert_eq!((gate.in_flight(), gate.peak()), (2, 2));
    }

    #[test]
    fn a_waiting_schedule_is_woken() {
        let gate = Gate::new(1);
        assert!(gate.try_enter());
        thread::scope(|scope| {
            scope.spawn(|| gate.leave());
            enter(&gate);
        });
        assert_eq!(gate.in_flight(), 1);
    }

    #[test]
    fn a_waiting_schedule_is_woken_once_there_is_room_for_several() {
        let gate = Gate::new(16);
        assert!((0..16).all(|_| gate.try_enter()));
        let woken = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&woken));
        assert!(!gate.poll_enter(&Context::from_waker(&waker)));
        gate.leave();
        assert_eq!(woken.0.load(SeqCst), 0, "one place is not worth it");
        gate.leave();
        gate.leave();
        assert_eq!(woken.0.load(SeqCst), 1);
    }

    #[derive(Default)]
    struct Count(AtomicU64);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, SeqCst);
        }
    }
}
