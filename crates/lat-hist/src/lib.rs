//! One histogram configuration for the whole suite, so that everything merges with everything.
//!
//! Values are spans of time, recorded in nanoseconds and counted in buckets of microseconds: from
//! 1 µs to one hour with three significant digits, the layout of `HdrHistogram`. A value is rounded
//! up to the next microsecond, and a quantile is the upper end of its bucket, so a figure is never
//! better than what was measured and at most 0.1 % worse. Count, sum, minimum and maximum are exact.
//! Values beyond the range are counted and never clamped.
//!
//! - [`Histogram`]: dense counts for a whole run;
//! - [`Window`]: the same for one second of it, small enough to hold hundreds of them;
//! - [`Quantile`]: a fraction held as a ratio of integers, so that ranks are exact;
//! - [`hlog`]: the interval log that the Java and Python tools of `HdrHistogram` read;
//! - [`hgrm`]: the percentile distribution that its plotters draw.

pub mod hgrm;
mod histogram;
pub mod hlog;
mod hlog_counts;
mod hlog_encode;
mod hlog_payload;
mod hlog_read;
mod layout;
mod quantile;
mod window;

pub use histogram::{Exact, Histogram};
pub use layout::{BUCKETS, HIGHEST_US, bucket_of, highest_us, lowest_us};
pub use quantile::{Quantile, QuantileError};
pub use window::Window;
