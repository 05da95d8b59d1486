//! Counts per bucket for a whole run, with the exact figures beside them.

use crate::layout::{BUCKETS, bucket_of, highest_us, lowest_us};
use crate::{Quantile, Window};

/// Buckets that are looked at together.
const BLOCK: usize = 64;
const BLOCKS: usize = BUCKETS / BLOCK;

/// A distribution of spans of time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    /// Empty until the first value, so that a metric that never occurs costs nothing.
    counts: Vec<u64>,
    /// A bit for each block of buckets that holds values. Most hold none, and whoever reads a
    /// second of a run passes over them.
    used: [u64; BLOCKS.div_ceil(64)],
    exact: Exact,
}

/// What is known of the values without rounding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Exact {
    /// Values recorded, those beyond the range included.
    pub count: u64,
    /// Values beyond the range of the buckets.
    pub overflow: u64,
    /// Sum of the values.
    pub sum_ns: u128,
    /// Smallest value; zero when there is none.
    pub min_ns: u64,
    /// Largest value; zero when there is none.
    pub max_ns: u64,
}

impl Exact {
    pub(crate) fn record(&mut self, ns: u64) {
        self.min_ns = if self.count == 0 { ns } else { self.min_ns.min(ns) };
        self.max_ns = self.max_ns.max(ns);
        self.sum_ns += u128::from(ns);
        self.count += 1;
    }

    fn add(&mut self, other: &Self) {
        if other.count > 0 {
            self.min_ns =
                if self.count == 0 { other.min_ns } else { self.min_ns.min(other.min_ns) };
            self.max_ns = self.max_ns.max(other.max_ns);
            self.sum_ns += other.sum_ns;
            self.count += other.count;
            self.overflow += other.overflow;
        }
    }
}

impl Histogram {
    /// Records one value, in nanoseconds.
    pub fn record(&mut self, ns: u64) {
        self.exact.record(ns);
        match bucket_of(ns.div_ceil(1000)) {
            Some(bucket) => self.add_count(bucket, 1),
            None => self.exact.overflow += 1,
        }
    }

    /// What [`Histogram::exact`] and [`Histogram::buckets`] said of a histogram, as that histogram.
    pub fn of(exact: Exact, buckets: impl IntoIterator<Item = (u16, u64)>) -> Self {
        let mut histogram = Self { exact, ..Self::default() };
        for (bucket, count) in buckets {
            histogram.add_count(bucket, count);
        }
        histogram
    }

    /// What is known of the values without rounding.
    pub fn exact(&self) -> Exact {
        self.exact
    }

    /// Adds `count` values of which only the bucket is known, by its lowest value in microseconds;
    /// beyond the range they count as overflow of that size. Minimum and maximum become the ends of
    /// the bucket, and the sum takes each value at the bucket's upper end: what is read back from a
    /// log is not exact.
    pub fn add_bucket(&mut self, lowest_us: u64, count: u64) {
        if count == 0 {
            return;
        }
        let bucket = bucket_of(lowest_us);
        let max_ns = bucket.map_or(lowest_us, highest_us).saturating_mul(1000);
        self.exact.add(&Exact {
            count,
            overflow: if bucket.is_none() { count } else { 0 },
            sum_ns: u128::from(max_ns) * u128::from(count),
            min_ns: lowest_us.saturating_mul(1000),
            max_ns,
        });
        if let Some(bucket) = bucket {
            self.add_count(bucket, count);
        }
    }

    /// Adds the values of another histogram.
    pub fn add(&mut self, other: &Self) {
        self.exact.add(&other.exact);
        for (bucket, count) in other.buckets() {
            self.add_count(bucket, count);
        }
    }

    /// Adds the values of a window.
    pub fn add_window(&mut self, window: &Window) {
        self.exact.add(window.exact());
        window.each_count(|bucket, count| self.add_count(bucket, count));
    }

    /// Forgets all values and keeps the memory.
    pub fn clear(&mut self) {
        for block in blocks(self.used) {
            self.counts[block * BLOCK..][..BLOCK].fill(0);
        }
        self.used = Default::default();
        self.exact = Exact::default();
    }

    /// Values recorded, those beyond the range included.
    pub fn count(&self) -> u64 {
        self.exact.count
    }

    /// Values beyond the range of the buckets.
    pub fn overflow(&self) -> u64 {
        self.exact.overflow
    }

    /// Smallest value, exact; `None` when there is none.
    pub fn min_ns(&self) -> Option<u64> {
        (self.exact.count > 0).then_some(self.exact.min_ns)
    }

    /// Largest value, exact; `None` when there is none.
    pub fn max_ns(&self) -> Option<u64> {
        (self.exact.count > 0).then_some(self.exact.max_ns)
    }

    /// Sum of the values, exact.
    pub fn sum_ns(&self) -> u128 {
        self.exact.sum_ns
    }

    /// The value at a quantile, in microseconds: the upper end of the bucket that holds the value of
    /// that rank, or the exact maximum where that is smaller or beyond the range.
    pub fn quantile_us(&self, quantile: Quantile) -> Option<u64> {
        let max_us = self.max_ns()?.div_ceil(1000);
        let rank = quantile.rank(self.exact.count);
        let mut seen = 0;
        for (bucket, count) in self.buckets() {
            seen += count;
            if seen >= rank {
                return Some(highest_us(bucket).min(max_us));
            }
        }
        Some(max_us)
    }

    /// The buckets that hold values, from the smallest on.
    pub fn buckets(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        blocks(self.used).flat_map(|block| {
            let first = block * BLOCK;
            let numbered = self.counts[first..][..BLOCK].iter().zip(first..);
            numbered.filter(|&(&count, _)| count > 0).map(|(&count, bucket)| {
                (u16::try_from(bucket).expect("BUCKETS is below 65,536"), count)
            })
        })
    }

    /// The values below or equal to a limit in microseconds, by buckets: those whose bucket begins
    /// at or below it.
    pub fn count_up_to_us(&self, limit_us: u64) -> u64 {
        let within = self.buckets().take_while(|&(bucket, _)| lowest_us(bucket) <= limit_us);
        within.map(|(_, count)| count).sum()
    }

    fn add_count(&mut self, bucket: u16, count: u64) {
        if self.counts.is_empty() {
            self.counts.resize(BUCKETS, 0);
        }
        let bucket = usize::from(bucket);
        self.counts[bucket] += count;
        self.used[bucket / BLOCK / 64] |= 1 << (bucket / BLOCK % 64);
    }
}

/// The numbers of the blocks whose bit is set.
fn blocks<const N: usize>(used: [u64; N]) -> impl Iterator<Item = usize> {
    used.into_iter().enumerate().flat_map(|(word, mut bits)| {
        std::iter::from_fn(move || {
            let bit = bits.trailing_zeros();
            bits &= bits.checked_sub(1)?;
            Some(word * 64 + bit as usize)
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::HIGHEST_US;

    fn of(values_ns: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for &ns in values_ns {
            histogram.record(ns);
        }
        histogram
    }

    /// Spans from zero to beyond the range.
    fn spans() -> impl Strategy<Value = Vec<u64>> {
        let span = prop_oneof![0_u64..3_000_000, 0_u64..5_000_000_000_000];
        prop::collection::vec(span, 1..200)
    }

    proptest! {
        /// A list of all values is the oracle: what is exact is equal, and a quantile is the value of
        /// its rank, rounded up by no more than its bucket.
        #[test]
        fn figures_are_those_of_the_sorted_values(mut values in spans(), per_mille in 0_u64..=1000) {
            let histogram = of(&values);
            values.sort_unstable();
            let count = values.len() as u64;
            let (smallest, largest) = (values[0], values[values.len() - 1]);
            prop_assert_eq!(histogram.count(), count);
            prop_assert_eq!(histogram.sum_ns(), values.iter().map(|&ns| u128::from(ns)).sum::<u128>());
            prop_assert_eq!(histogram.min_ns(), Some(smallest));
            prop_assert_eq!(histogram.max_ns(), Some(largest));
            let beyond = values.iter().filter(|ns| ns.div_ceil(1000) > HIGHEST_US).count();
            prop_assert_eq!(histogram.overflow(), beyond as u64);

            let rank = (u128::from(per_mille) * u128::from(count)).div_ceil(1000).max(1);
            let wanted_us = values[usize::try_from(rank).unwrap() - 1].div_ceil(1000);
            let found_us = histogram.quantile_us(Quantile::new(per_mille, 1000)).unwrap();
            let max_us = largest.div_ceil(1000);
            let bucket_end = bucket_of(wanted_us).map_or(max_us, |bucket| highest_us(bucket).min(max_us));
            prop_assert_eq!(found_us, bucket_end);
            prop_assert!(wanted_us <= found_us || bucket_of(wanted_us).is_none());
        }

        /// Whatever is added to what, in whichever order, nothing differs from one histogram of all.
        #[test]
        fn parts_add_up_in_any_order(a in spans(), b in spans(), c in spans()) {
            let whole = of(&[&a[..], &b, &c].concat());
            let mut left = of(&a);
            left.add(&of(&b));
            left.add(&of(&c));
            let mut right = of(&c);
            let mut inner = of(&b);
            inner.add(&of(&a));
            right.add(&inner);
            right.add(&Histogram::default());
            prop_assert_eq!(&left, &whole);
            prop_assert_eq!(&right, &whole);
        }
    }

    #[test]
    fn buckets_are_added_without_exact_values() {
        let mut histogram = Histogram::default();
        histogram.add_bucket(4096, 3);
        histogram.add_bucket(4_000_000_000, 1);
        histogram.add_bucket(7, 0);
        assert_eq!((histogram.count(), histogram.overflow()), (4, 1));
        assert_eq!(histogram.min_ns(), Some(4_096_000));
        assert_eq!(histogram.max_ns(), Some(4_000_000_000_000));
        assert_eq!(histogram.quantile_us(Quantile::new(3, 4)), Some(4099));
        assert_eq!(histogram.quantile_us(Quantile::new(1, 1)), Some(4_000_000_000));
        assert_eq!(histogram.buckets().collect::<Vec<_>>(), [(bucket_of(4096).unwrap(), 3)]);
    }
}
