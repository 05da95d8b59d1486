//! Being a bad target on purpose, so that what measures targets can be tested.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use hyper::StatusCode;

use crate::cli::{HttpArgs, Stall};
use crate::intake::Intake;
use crate::session::TOOL;

/// How long a frozen sink takes to notice that its end is asked for.
const SLICE: Duration = Duration::from_millis(10);

/// What the flags ask for, and how far it is.
pub(crate) struct Simulation {
    reject_every: u64,
    reject_status: StatusCode,
    delay: Duration,
    events: AtomicU64,
}

impl Simulation {
    pub(crate) fn new(args: &HttpArgs) -> Self {
        Self {
            reject_every: args.reject_every,
            reject_status: StatusCode::from_u16(args.reject_status)
                .expect("the command line checks the range"),
            delay: args.delay,
            events: AtomicU64::new(0),
        }
    }

    /// Counts `events` more; the status that refuses them if an Nth one is among them.
    pub(crate) fn rejects(&self, events: usize) -> Option<StatusCode> {
        let before = self.events.fetch_add(events as u64, Ordering::Relaxed);
        let turns = |count: u64| count.checked_div(self.reject_every);
        (turns(before) != turns(before + events as u64)).then_some(self.reject_status)
    }

    /// Makes an answer late.
    pub(crate) async fn delay(&self) {
        if !self.delay.is_zero() {
            tokio::time::sleep(self.delay).await;
        }
    }
}

/// Freezes the thread that reads and answers, as a collecting garbage collector would: nothing is
/// read, nothing answered, nothing accepted. Ends early when the end is asked for.
pub(crate) async fn freeze(stall: Stall, intake: &Intake) {
    intake.first_arrival().await;
    tokio::time::sleep(stall.at).await;
    let mark = |what| intake.mark(what, TOOL, BTreeMap::new());
    mark("stall_begin");
    let end = Instant::now() + stall.length;
    while intake.stop.why().is_none() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        thread::sleep(left.min(SLICE));
    }
    mark("stall_end");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simulation(reject_every: u64) -> Simulation {
        Simulation {
            reject_every,
            reject_status: StatusCode::SERVICE_UNAVAILABLE,
            delay: Duration::ZERO,
            events: AtomicU64::new(0),
        }
    }

    #[test]
    fn every_nth_event_is_rejected() {
        let simulation = simulation(3);
        let rejected: Vec<bool> = (0..7).map(|_| simulation.rejects(1).is_some()).collect();
        assert_eq!(rejected, [false, false, true, false, false, true, false]);
    }

    #[test]
    fn a_batch_is_rejected_if_an_nth_event_is_in_it() {
        let simulation = simulation(4);
        let rejected: Vec<bool> =
            [0, 3, 1, 3, 0, 9].map(|events| simulation.rejects(events).is_some()).into();
        assert_eq!(rejected, [false, false, true, false, false, true]);
    }

    #[test]
    fn zero_rejects_nothing() {
        assert!((0..100).all(|_| simulation(0).rejects(1).is_none()));
    }
}
