//! A stream's clock: nanoseconds since its start, anchored once to the wall.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// How often the clocks are read to have one reading that nothing came between.
const READINGS: u32 = 16;

/// Where a stream's clock starts, as other streams can understand it.
#[derive(Debug, Clone)]
pub struct Anchor {
    /// Nanoseconds since 1970 (UTC).
    pub wall_ns: u64,
    /// Nanoseconds on the host's monotonic clock.
    pub monotonic_ns: u64,
    /// Names the boot that the monotonic clock counts in; `None` where the system does not tell.
    pub boot_id: Option<String>,
}

/// Counts nanoseconds from its creation. Never steps, whatever happens to the wall clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts a clock now.
    pub fn start() -> (Self, Anchor) {
        Self::start_in(Duration::ZERO)
    }

    /// Starts a clock a little later, so that there is time to prepare what is due at zero. Until
    /// then it shows zero.
    pub fn start_in(lead: Duration) -> (Self, Anchor) {
        let lead_ns = u64::try_from(lead.as_nanos()).expect("a lead is short");
        let (now, anchor) = read_clocks();
        let wall_ns = anchor.wall_ns.saturating_add(lead_ns);
        let monotonic_ns = anchor.monotonic_ns.saturating_add(lead_ns);
        (Self { start: now + lead }, Anchor { wall_ns, monotonic_ns, ..anchor })
    }

    /// Starts a clock at an agreed instant of the wall clock, in nanoseconds since 1970 (UTC). Its
    /// anchor is that instant exactly, so that all who agreed on it have the same.
    pub fn start_at(wall_ns: u64) -> (Self, Anchor) {
        let (now, seen) = read_clocks();
        let lead_ns = wall_ns.saturating_sub(seen.wall_ns);
        let monotonic_ns = seen.monotonic_ns.saturating_add(lead_ns);
        let anchor = Anchor { wall_ns, monotonic_ns, ..seen };
        (Self { start: now + Duration::from_nanos(lead_ns) }, anchor)
    }

    /// Nanoseconds since the start.
    pub fn now_ns(&self) -> u64 {
        self.ns_at(Instant::now())
    }

    /// An instant on this clock; zero for one before the start.
    fn ns_at(&self, instant: Instant) -> u64 {
        let elapsed = instant.saturating_duration_since(self.start);
        u64::try_from(elapsed.as_nanos()).expect("a run is shorter than 584 years")
    }

    /// The instant at which this clock shows `ns`.
    pub fn instant(&self, ns: u64) -> Instant {
        self.start + Duration::from_nanos(ns)
    }
}

/// The same instant on all clocks. Between two readings the thread may have to wait for a core, and
/// every time that is compared with another stream's would be wrong by that; so the reading that took
/// the shortest counts.
fn read_clocks() -> (Instant, Anchor) {
    let boot_id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    let boot_id = boot_id.ok().map(|text| text.trim().to_owned());
    let read = || {
        let now = Instant::now();
        let (wall_ns, monotonic_ns) = (now_ns(ClockId::Realtime), now_ns(ClockId::Monotonic));
        (now.elapsed(), (now, wall_ns, monotonic_ns))
    };
    let best = (0..READINGS).map(|_| read()).min_by_key(|&(took, _)| took);
    let (_, (now, wall_ns, monotonic_ns)) = best.expect("there are some");
    (now, Anchor { wall_ns, monotonic_ns, boot_id })
}

fn now_ns(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_that_start_one_after_the_other_agree_on_what_time_it_is() {
        let mut apart: Vec<u64> = (0..100)
            .map(|_| {
                let [first, second] = [(); 2].map(|()| Clock::start());
                let now = |(clock, anchor): &(Clock, Anchor)| anchor.monotonic_ns + clock.now_ns();
                now(&second).abs_diff(now(&first))
            })
            .collect();
        apart.sort_unstable();
        assert!(apart[50] < 5000, "{} ns apart", apart[50]);
    }

    #[test]
    fn a_start_in_centuries_is_no_panic() {
        for (clock, _) in
            [Clock::start_in(Duration::from_nanos(u64::MAX)), Clock::start_at(u64::MAX)]
        {
            assert_eq!(clock.now_ns(), 0);
        }
    }

    #[test]
    fn an_agreed_instant_is_the_anchor_of_all_who_agreed() {
        let agreed_ns = Clock::start().1.wall_ns + 1_000_000_000;
        let [(early, first), (_, second)] = [(); 2].map(|()| Clock::start_at(agreed_ns));
        assert_eq!((first.wall_ns, second.wall_ns), (agreed_ns, agreed_ns));
        assert_eq!(early.now_ns(), 0, "it has not begun");
        // The same instant on the other clock, as well as two clocks can be read at once.
        assert!(first.monotonic_ns.abs_diff(second.monotonic_ns) < 500_000_000);
    }
}
