//! Waits that grow.

use std::time::Duration;

/// The longest wait before attempt `nth` + 1: twice as long each time, and never longer than
/// `longest`.
pub(super) fn doubled(first: Duration, nth: u32, longest: Duration) -> Duration {
    let times = 1_u32.checked_shl(nth.saturating_sub(1)).unwrap_or(u32::MAX);
    first.saturating_mul(times).min(longest)
}
