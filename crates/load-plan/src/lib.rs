//! When each event is due: pure arithmetic, with no clock, no sleep and no I/O.
//!
//! The schedule is open-loop. Event `k` gets its due time from `k` alone, so a slow target cannot
//! push later events back, and latency counted from the due time cannot leave out the wait that a
//! stall causes (coordinated omission). At 100 events per second, with a stall until 35 ms:
//!
//! ```text
//! due   0   10   20   30   40   50 ms
//! sent  0   10   35   35   40   50 ms   event 2 has a lag of 15 ms, and it counts as latency
//! ```
//!
//! Nor is a due time the one before plus a gap: rounding off 0.3 ns per event would put a run of a
//! billion events 0.3 s off its schedule.

pub mod document;
mod dues;
mod duration;
mod fields;
mod options;
mod random;
mod rate;
mod scenario;
mod schedule;
mod shard;
mod stage;
pub mod suggest;
mod timeline;
mod users;

pub use dues::Dues;
pub use duration::{DurationError, parse_duration};
pub use options::read_plan;
pub use random::random_share;
pub use rate::{Rate, RateError};
pub use scenario::{Executor, Plan, Scenario, Spacing};
pub use schedule::Schedule;
pub use shard::{Shard, ShardError};
pub use stage::{Ramp, Stage, StageError, parse_stages};
pub use timeline::{Due, Timeline};
pub use users::{VuStage, constant_users, first_start_ns, most_users, users_at};
