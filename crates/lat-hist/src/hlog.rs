//! The `HdrHistogram` interval log, version 1.3, with V2 compressed payloads.
//!
//! The log's clock is seconds since its `StartTime`; the informative maximum of each line is in
//! milliseconds, as the Java tools print it for values in microseconds.

use std::fmt::Write as _;

use crate::Histogram;
use crate::hlog_encode::PayloadEncoder;
use crate::hlog_payload;
use crate::layout::highest_us;

pub use crate::hlog_payload::PayloadError;
pub use crate::hlog_read::{HlogReadError, HlogReader, Interval};

/// Why a log could not be written.
#[derive(Debug, thiserror::Error)]
pub enum HlogError {
    /// A tag ends at the first comma, space or newline; rename the scenario.
    #[error("`{0}` cannot be a tag of a histogram log: it has a comma, a space or a line break")]
    Tag(String),
    /// The payload could not be made.
    #[error("cannot encode a histogram: {0}")]
    Encode(String),
}

/// Writes interval lines to text buffers of the caller's.
#[derive(Debug, Default)]
pub struct HlogEncoder {
    payload: PayloadEncoder,
}

/// The lines that open a log whose clock starts at `wall_start_ns` (Unix time).
pub fn header(wall_start_ns: u64) -> String {
    let seconds = seconds(wall_start_ns);
    format!(
        "#[Histogram log format version 1.3]\n\
         #[Values are microseconds]\n\
         #[StartTime: {seconds} (seconds since epoch)]\n\
         #[BaseTime: {seconds} (seconds since epoch)]\n\
         \"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"\n"
    )
}

impl HlogEncoder {
    /// Appends one interval line. Values beyond the range have no bucket and are not in the log.
    pub fn interval(
        &mut self,
        out: &mut String,
        tag: &str,
        start_ns: u64,
        length_ns: u64,
        histogram: &Histogram,
    ) -> Result<(), HlogError> {
        if tag.is_empty() || tag.contains([',', ' ', '\n', '\r']) {
            return Err(HlogError::Tag(tag.to_owned()));
        }
        let (start, length) = (seconds(start_ns), seconds(length_ns));
        let max_ms = millis(histogram.buckets().last().map_or(0, |(last, _)| highest_us(last)));
        write!(out, "Tag={tag},{start},{length},{max_ms},").expect("a String takes any text");
        self.payload.append(out, histogram.buckets()).map_err(HlogError::Encode)?;
        out.push('\n');
        Ok(())
    }
}

/// The payload of an interval line, alone.
pub fn payload(histogram: &Histogram) -> Result<String, HlogError> {
    let mut payload = String::new();
    let appended = PayloadEncoder::default().append(&mut payload, histogram.buckets());
    appended.map(|()| payload).map_err(HlogError::Encode)
}

/// The buckets of a payload, from the smallest on.
pub fn buckets(payload: &str) -> Result<Vec<(u16, u64)>, PayloadError> {
    hlog_payload::decode(payload)
}

/// Nanoseconds as seconds with the log's three decimals.
fn seconds(ns: u64) -> String {
    let ms = ns / 1_000_000;
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

pub(crate) fn millis(us: u64) -> String {
    format!("{}.{:03}", us / 1000, us % 1000)
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

    use super::*;

    #[test]
    fn a_line_is_read_back_by_hdr_histogram() {
        let mut histogram = Histogram::default();
        for us in [1, 1, 2047, 2048, 70_000, 3_600_000_000] {
            histogram.record(us * 1000);
        }
        let mut log = header(1_700_000_000_500_000_000);
        HlogEncoder::default()
            .interval(&mut log, "default.latency", 3_000_000_000, 1_000_000_000, &histogram)
            .unwrap();
        let entries: Vec<_> =
            IntervalLogIterator::new(log.as_bytes()).map(Result::unwrap).collect();
        let Some(LogEntry::Interval(line)) = entries.last() else { panic!("no interval: {log}") };
        assert_eq!(line.tag().unwrap().as_str(), "default.latency");
        assert_eq!((line.start_timestamp().as_secs(), line.duration().as_secs()), (3, 1));
        let payload = STANDARD.decode(line.encoded_histogram()).unwrap();
        let read: hdrhistogram::Histogram<u64> =
            Deserializer::new().deserialize(&mut payload.as_slice()).unwrap();
        assert_eq!((read.len(), read.count_at(1), read.count_at(70_000)), (6, 2, 1));
        assert_eq!(format!("{:.3}", line.max()), millis(read.max()));
    }

    #[test]
    fn a_tag_with_a_comma_is_refused() {
        let result =
            HlogEncoder::default().interval(&mut String::new(), "a,b", 0, 1, &Histogram::default());
        assert!(matches!(result, Err(HlogError::Tag(_))));
    }
}
