//! Waits for due times: sleeps until shortly before, then spins.
//!
//! A sleeping thread is woken some 50 µs late, and tokio's timers are a millisecond coarse. Spinning
//! throughout would be precise, and would take a core that the target may need. So a wait spins for
//! a sixteenth of its length at most: at a low rate every event is on time, and at a high one, where
//! spinning would never end, being a few microseconds late is the smaller evil.

use std::hint;
use std::num::NonZeroU64;
use std::thread;
use std::time::{Duration, Instant};

/// How long before the due time the sleep ends, where the wait is long enough.
const SPIN: Duration = Duration::from_micros(60);
/// The part of a wait that may be spent spinning: one in so many.
const SPIN_PART: u32 = 16;
/// How long a wait may go without looking whether it is still wanted.
const LOOK_UP: Duration = Duration::from_millis(50);

/// Asks the kernel to end this thread's sleeps on time and not up to 50 µs later. Where it refuses,
/// lag shows it.
pub(crate) fn sharpen_sleep() {
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
}

/// Waits until `due`; false if `given_up` said so before.
pub(crate) fn wait_until(due: Instant, given_up: impl Fn() -> bool) -> bool {
    let mut left = due.saturating_duration_since(Instant::now());
    let spin = SPIN.min(left / SPIN_PART);
    while !left.is_zero() {
        let to_sleep = left.saturating_sub(spin);
        if to_sleep.is_zero() {
            hint::spin_loop();
        } else if given_up() {
            return false;
        } else {
            thread::sleep(to_sleep.min(LOOK_UP));
        }
        left = due.saturating_duration_since(Instant::now());
    }
    true
}
