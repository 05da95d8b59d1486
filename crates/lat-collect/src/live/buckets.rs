//! Cumulative counts at fixed limits, as Prometheus wants histograms: the same limits in every
//! process, so that those of several shards can be added.

use lat_hist::{Histogram, lowest_us};

/// The upper limits, with their text in seconds. The limits of common objectives are among them.
pub(crate) const LIMITS: [(u64, &str); 20] = [
    (100, "0.0001"),
    (250, "0.00025"),
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1.0"),
    (2_000_000, "2.0"),
    (3_000_000, "3.0"),
    (5_000_000, "5.0"),
    (10_000_000, "10.0"),
    (15_000_000, "15.0"),
    (30_000_000, "30.0"),
    (60_000_000, "60.0"),
];

/// A distribution at the limits.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Buckets {
    /// Values at or below each limit.
    pub(crate) up_to: [u64; LIMITS.len()],
    pub(crate) count: u64,
    pub(crate) sum_s: f64,
}

impl Buckets {
    /// Counts in one pass. A bucket of the histogram belongs below a limit when it begins there, so
    /// a value of exactly the limit is in, and the error is at most 0.1 % of the limit.
    #[expect(clippy::cast_precision_loss, reason = "a sum to show; a double has 15 digits")]
    pub(crate) fn of(histogram: &Histogram) -> Self {
        let mut this = Self {
            count: histogram.count(),
            sum_s: histogram.sum_ns() as f64 / 1e9,
            ..Self::default()
        };
        let (mut limit, mut seen) = (0, 0);
        for (bucket, count) in histogram.buckets() {
            while limit < LIMITS.len() && lowest_us(bucket) > LIMITS[limit].0 {
                this.up_to[limit] = seen;
                limit += 1;
            }
            seen += count;
        }
        this.up_to[limit..].fill(seen);
        this
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counts_are_those_of_asking_limit_by_limit() {
        let mut histogram = Histogram::default();
        for step in 0..5000_u64 {
            histogram.record(step * step * 7_001);
        }
        histogram.record(4_000_000_000_000_000);
        let buckets = Buckets::of(&histogram);
        for (index, (limit_us, text)) in LIMITS.into_iter().enumerate() {
            assert_eq!(buckets.up_to[index], histogram.count_up_to_us(limit_us), "{text}");
        }
        assert_eq!(buckets.count, 5001);
        assert_eq!(Buckets::of(&Histogram::default()), Buckets::default());
    }

    #[test]
    fn a_value_of_exactly_the_limit_is_within() {
        for (index, (limit_us, text)) in LIMITS.into_iter().enumerate() {
            let mut histogram = Histogram::default();
            histogram.record(limit_us * 1000);
            assert_eq!(Buckets::of(&histogram).up_to[index], 1, "{text}");
            let seconds: f64 = text.parse().unwrap();
            assert_eq!(format!("{:.0}", seconds * 1e6), limit_us.to_string());
        }
    }
}
