//! Reads the interval log back, line by line: a log of eight hours is never held in memory, and a
//! payload is only decoded when it is asked for.
//!
//! What a log cannot tell: sum, minimum and maximum are exact in `summary.json` and no better than
//! their buckets here, and values beyond the range of the buckets are not in the log at all.

use std::io::{self, BufRead, Read};

use crate::Histogram;
use crate::hlog_counts::COUNT_MAX;
use crate::hlog_payload::{self, PayloadError};
use crate::layout::lowest_us;

/// The payload of a full histogram, every count in nine bytes, is 283 kB in base64.
const LINE_LIMIT_BYTES: u64 = 1 << 20;

/// Why a log could not be read. Each message starts with the number of the line, from one.
#[derive(Debug, thiserror::Error)]
pub enum HlogReadError {
    /// The operating system refused.
    #[error("{0}: cannot read")]
    Io(u64, #[source] io::Error),
    /// No log of ours has such a line.
    #[error("{0}: not an interval of a histogram log: write [Tag=NAME,]START,LENGTH,MAX,PAYLOAD")]
    Malformed(u64),
    /// The payload is none of our histograms.
    #[error("{0}: cannot decode the histogram: {1}")]
    Payload(u64, PayloadError),
}

/// One line of the log: the values of one tag in one span of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interval {
    /// The number of its line, from one.
    pub line: u64,
    /// What was measured; empty where the line has no tag.
    pub tag: String,
    /// When it began, on the log's clock.
    pub start_ns: u64,
    /// How long it lasted.
    pub length_ns: u64,
    payload: String,
}

/// The intervals of a log, in the order of its lines. `HlogReader::new(text.as_bytes())` reads one
/// that is in memory.
#[derive(Debug)]
pub struct HlogReader<R> {
    input: R,
    line: u64,
    torn: Option<u64>,
}

impl Interval {
    /// The metric of a tag such as `spike.latency`, where the scenario comes before it.
    pub fn metric(&self) -> &str {
        self.tag.rsplit('.').next().unwrap_or_default()
    }
}

impl<R: BufRead> HlogReader<R> {
    /// Reads from `input`.
    pub fn new(input: R) -> Self {
        Self { input, line: 0, torn: None }
    }

    /// The line that the log was cut short in, once the intervals before it have been read. That
    /// line is not among the intervals.
    pub fn torn_line(&self) -> Option<u64> {
        self.torn
    }

    /// The next line without its end; `None` at the end of the log, or where it is torn.
    fn next_line(&mut self) -> Result<Option<String>, HlogReadError> {
        self.line += 1;
        let mut bytes = Vec::new();
        let mut limited = (&mut self.input).take(LINE_LIMIT_BYTES);
        limited.read_until(b'\n', &mut bytes).map_err(|err| HlogReadError::Io(self.line, err))?;
        let full = u64::try_from(bytes.len()).is_ok_and(|length| length == LINE_LIMIT_BYTES);
        if bytes.pop_if(|byte| *byte == b'\n').is_some() {
            bytes.pop_if(|byte| *byte == b'\r');
            let line = String::from_utf8(bytes);
            return line.map(Some).map_err(|_| HlogReadError::Malformed(self.line));
        }
        if full {
            return Err(HlogReadError::Malformed(self.line));
        }
        self.torn = (!bytes.is_empty()).then_some(self.line);
        Ok(None)
    }
}

impl<R: BufRead> Iterator for HlogReader<R> {
    type Item = Result<Interval, HlogReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.torn.is_none() {
            match self.next_line().transpose()? {
                // Comments and the legend.
                Ok(line) if line.starts_with(['#', '"']) => {}
                Ok(line) => {
                    let interval = parse(&line, self.line);
                    return Some(interval.ok_or(HlogReadError::Malformed(self.line)));
                }
                Err(err) => return Some(Err(err)),
            }
        }
        None
    }
}

impl Interval {
    /// Adds the counts of this interval to a histogram, or leaves it as it was.
    pub fn add_to(&self, histogram: &mut Histogram) -> Result<(), HlogReadError> {
        let damaged = |err| HlogReadError::Payload(self.line, err);
        let buckets = hlog_payload::decode(&self.payload).map_err(damaged)?;
        let values: u64 = buckets.iter().map(|(_, count)| count).sum();
        if histogram.count().checked_add(values).is_none_or(|sum| sum > COUNT_MAX) {
            return Err(damaged(PayloadError::Count));
        }
        for (bucket, count) in buckets {
            histogram.add_bucket(lowest_us(bucket), count);
        }
        Ok(())
    }
}

fn parse(line: &str, number: u64) -> Option<Interval> {
    let (tag, rest) = match line.strip_prefix("Tag=") {
        Some(tagged) => tagged.split_once(',')?,
        None => ("", line),
    };
    let mut fields = rest.split(',');
    let (start, length, _max, payload) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some() {
        return None;
    }
    Some(Interval {
        line: number,
        tag: tag.to_owned(),
        start_ns: nanoseconds(start)?,
        length_ns: nanoseconds(length)?,
        payload: payload.to_owned(),
    })
}

/// Seconds with decimals, in integers: `1.001` in floating point is a nanosecond short.
fn nanoseconds(seconds: &str) -> Option<u64> {
    let (whole, decimals) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 9 {
        return None;
    }
    let below: u64 = format!("{decimals:0<9}").parse().ok()?;
    whole.parse::<u64>().ok()?.checked_mul(1_000_000_000)?.checked_add(below)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::HIGHEST_US;
    use crate::hlog::{HlogEncoder, header};

    fn histogram(values_us: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for us in values_us {
            histogram.record(us * 1000);
        }
        histogram
    }

    fn log(intervals: &[(&str, &[u64])]) -> String {
        let mut log = header(1_700_000_000_000_000_000);
        let mut encoder = HlogEncoder::default();
        for (second, (tag, values)) in (0..).zip(intervals) {
            let start_ns = second * 1_000_000_000;
            encoder.interval(&mut log, tag, start_ns, 500_000_000, &histogram(values)).unwrap();
        }
        log
    }

    fn error(log: &str) -> String {
        let read = HlogReader::new(log.as_bytes()).find_map(Result::err);
        read.expect("this log is damaged").to_string()
    }

    #[test]
    fn intervals_come_back_with_their_tags_and_times() {
        let log = log(&[("a.latency", &[1, 1, 70_000]), ("b.c.e2e", &[])]);
        let mut reader = HlogReader::new(log.as_bytes());
        let read: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
        let facts: Vec<_> =
            read.iter().map(|i| (i.line, i.tag.as_str(), i.start_ns, i.length_ns)).collect();
        let half = 500_000_000;
        assert_eq!(facts, [(6, "a.latency", 0, half), (7, "b.c.e2e", 1_000_000_000, half)]);
        assert_eq!(reader.torn_line(), None);
        let mut sum = Histogram::default();
        for interval in &read {
            interval.add_to(&mut sum).unwrap();
        }
        let buckets: Vec<_> = sum.buckets().collect();
        assert_eq!(buckets, histogram(&[1, 1, 70_000]).buckets().collect::<Vec<_>>());
    }

    #[test]
    fn a_torn_last_line_is_reported_and_left_out() {
        let log = log(&[("a.latency", &[1]), ("a.latency", &[2])]);
        let mut reader = HlogReader::new(&log.as_bytes()[..log.len() - 1]);
        assert_eq!(reader.by_ref().map(Result::unwrap).count(), 1);
        assert_eq!(reader.torn_line(), Some(7));
        assert!(reader.next().is_none());
    }

    #[test]
    fn an_empty_log_has_no_intervals() {
        let mut reader = HlogReader::new(&b""[..]);
        assert!(reader.next().is_none());
        assert_eq!(reader.torn_line(), None);
    }

    #[test]
    fn a_line_that_is_no_interval_is_named() {
        for line in ["", "Tag=a", "0.000,1.000,2.000", "0.0,1.0,2.0,x,y", "-1,1,1,x", "Tag=a,b,c"] {
            let message = error(&format!("#comment\n{line}\n"));
            assert!(message.starts_with("2: not an interval"), "{line}: {message}");
        }
        let endless = "x".repeat(2 << 20);
        assert!(error(&endless).starts_with("1: not an interval"));
    }

    #[test]
    fn a_payload_that_cannot_be_used_is_named() {
        let add = |payload: &str, histogram: &mut Histogram| {
            let line = format!("Tag=a,0.000,1.000,0.001,{payload}\n");
            let interval = HlogReader::new(line.as_bytes()).next().unwrap().unwrap();
            interval.add_to(histogram).unwrap_err().to_string()
        };
        let refused = add("AAAAAAAA", &mut Histogram::default());
        assert!(refused.starts_with("1: cannot decode the histogram: it is not a"), "{refused}");
        let log = log(&[("a", &[1])]);
        let (_, payload) = log.trim_end().rsplit_once(',').unwrap();
        let mut full = Histogram::default();
        full.add_bucket(1, COUNT_MAX);
        let refused = add(payload, &mut full);
        assert_eq!(refused, "1: cannot decode the histogram: it counts more than 2^53 values");
        assert_eq!(full.count(), COUNT_MAX);
    }

    proptest! {
        #[test]
        fn buckets_and_quantiles_survive_the_log(
            values in prop::collection::vec(0..=HIGHEST_US, 1..300),
            quantile in 0_u64..=1000,
        ) {
            let log = log(&[("a.latency", &values)]);
            let mut read = Histogram::default();
            for interval in HlogReader::new(log.as_bytes()) {
                interval.unwrap().add_to(&mut read).unwrap();
            }
            let quantile = crate::Quantile::new(quantile, 1000);
            let (direct, largest) = (histogram(&values), *values.iter().max().unwrap());
            prop_assert_eq!(read.buckets().collect::<Vec<_>>(), direct.buckets().collect::<Vec<_>>());
            // The exact maximum is not in the log: the caller has it from the summary.
            let from_log = read.quantile_us(quantile).map(|us| us.min(largest));
            prop_assert_eq!(from_log, direct.quantile_us(quantile));
        }
    }
}
