//! What is counted where events end, and how busy the thread was that they ended on.

use std::time::Duration;

use ce_record::{CheckCount, Held, OutcomeCounts};
use lat_hist::Histogram;
use rustix::time::{ClockId, clock_gettime};

use crate::own_limit::OwnLimits;

/// What a recorder has counted; tallies add up.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// How events ended.
    pub(crate) outcomes: OutcomeCounts,
    /// Attempts that were followed by another.
    pub(crate) retried: u64,
    /// How late events left for the first time. That later attempts are late is not ours.
    pub(crate) lag: Histogram,
    pub(crate) dropped_records: u64,
    /// How often the checks of answers held; each once, by its name.
    pub(crate) checks: Vec<CheckCount>,
    /// The longest time for which the broker blocked any one connection, all in all.
    pub(crate) blocked_ns: u64,
    /// Connections that were lost.
    pub(crate) losses: u64,
    /// Connections that could not be opened because this machine has no more.
    pub(crate) own_limits: OwnLimits,
    /// What became of the connections that were held.
    pub(crate) held: Vec<Held>,
    /// The part of the time for which the busiest thread was at work, of those that send.
    pub(crate) busiest: f64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: &Self) {
        self.outcomes.add(&other.outcomes);
        self.retried += other.retried;
        self.lag.add(&other.lag);
        self.dropped_records += other.dropped_records;
        CheckCount::add(&mut self.checks, &other.checks);
        self.blocked_ns = self.blocked_ns.max(other.blocked_ns);
        self.losses += other.losses;
        self.own_limits.add(&other.own_limits);
        Held::add(&mut self.held, &other.held);
        self.busiest = self.busiest.max(other.busiest);
    }
}

/// The time that the calling thread spends between the ends of its first event and its last.
#[derive(Debug)]
pub(crate) struct AtWork {
    /// Processor time of the thread at the first.
    began: Duration,
    first_ns: u64,
    last_ns: u64,
}

impl AtWork {
    /// An event ended at `ended_ns` on the run's clock.
    pub(crate) fn goes_on(this: &mut Option<Self>, ended_ns: u64) {
        let begin = || Self { began: thread_time(), first_ns: ended_ns, last_ns: ended_ns };
        this.get_or_insert_with(begin).last_ns = ended_ns;
    }

    /// Which part of that time was processor time.
    pub(crate) fn share(&self) -> f64 {
        let elapsed = Duration::from_nanos(self.last_ns.saturating_sub(self.first_ns));
        let busy = thread_time().saturating_sub(self.began);
        if elapsed.is_zero() { 0.0 } else { busy.as_secs_f64() / elapsed.as_secs_f64() }
    }
}

fn thread_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_thread_that_waits_is_not_busy_and_one_that_spins_is() {
        let begin = Instant::now();
        let ns = |at: Instant| u64::try_from(at.duration_since(begin).as_nanos()).unwrap();
        let mut at_work = None;
        AtWork::goes_on(&mut at_work, 0);
        std::thread::sleep(Duration::from_millis(50));
        AtWork::goes_on(&mut at_work, ns(Instant::now()));
        let share = at_work.take().unwrap().share();
        assert!(share < 0.5, "it slept: {share}");
        AtWork::goes_on(&mut at_work, 0);
        while at_work
            .as_ref()
            .is_some_and(|it| thread_time() < it.began + Duration::from_millis(50))
        {
            std::hint::spin_loop();
        }
        // As if nobody had taken the core away meanwhile.
        AtWork::goes_on(&mut at_work, 50_000_000);
        assert!(at_work.unwrap().share() >= 1.0);
    }
}
