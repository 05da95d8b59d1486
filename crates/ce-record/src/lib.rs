//! The records that the tools exchange: the only contract between them.
//!
//! A stream is NDJSON. It opens with [`Start`], which names the format, the writer and the wall
//! clock, holds any number of [`Sample`], [`Receipt`], [`Gauge`] and [`Mark`] records, and closes
//! with [`End`]. A stream without `end` was cut short.
//!
//! All times are whole nanoseconds counted from the stream's start, so they stay below 2^53 for 104
//! days and `jq` keeps every digit. Readers ignore unknown fields and unknown kinds, and refuse an
//! unknown format version.
//!
//! [`run_dir`] holds the other contract: the files of a run directory.

mod outcome;
mod read;
mod record;
pub mod run_dir;
mod shape;
mod stream;
pub mod totals;
mod write;

pub use outcome::{Outcome, OutcomeCounts, total};
pub use read::{Place, ReadError, RecordReader, json_cause, json_error};
pub use record::{Gauge, Mark, Receipt, Record, Sample, Window};
pub use stream::{Calibration, CheckCount, End, FORMAT, GeneratorReport, Held, Limit, Start, Stop};
pub use write::append;

/// Such a field is left out.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}
