//! Which bucket a value falls into: the layout of `HdrHistogram` for 1 µs … 1 h and three digits.
//!
//! Up to 2,047 each microsecond has a bucket of its own; from there on each doubling of the value
//! is divided into 1,024 buckets, so a bucket is never wider than 1/1024 of its value.

/// The smallest value that can be told from zero: one microsecond.
pub(crate) const LOWEST_US: u64 = 1;

/// The largest value that a bucket stands for: one hour.
pub const HIGHEST_US: u64 = 3_600_000_000;

/// Significant digits.
pub(crate) const DIGITS: u8 = 3;

/// Buckets of the layout, the same number that `HdrHistogram` allocates.
pub const BUCKETS: usize = 23_552;

/// Buckets per doubling.
pub(crate) const HALF: u64 = 1024;
/// Values that have a bucket of their own: 2 × `HALF`.
const HALF_BITS: u32 = 10;

/// The bucket of a value in microseconds, or `None` beyond [`HIGHEST_US`].
pub fn bucket_of(us: u64) -> Option<u16> {
    if us > HIGHEST_US {
        return None;
    }
    let doublings = (us | (2 * HALF - 1)).ilog2() - HALF_BITS;
    let bucket = (u64::from(doublings) << HALF_BITS) + (us >> doublings);
    Some(u16::try_from(bucket).expect("BUCKETS is below 65,536"))
}

/// The smallest value of a bucket.
pub fn lowest_us(bucket: u16) -> u64 {
    let (doublings, position) = parts(bucket);
    position << doublings
}

/// The largest value of a bucket.
pub fn highest_us(bucket: u16) -> u64 {
    let (doublings, position) = parts(bucket);
    ((position + 1) << doublings) - 1
}

fn parts(bucket: u16) -> (u32, u64) {
    let bucket = u64::from(bucket);
    let doublings = (bucket >> HALF_BITS).saturating_sub(1);
    (u32::try_from(doublings).expect("at most 64"), bucket - (doublings << HALF_BITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The crate `hdrhistogram` is the reference for the layout.
    #[test]
    fn buckets_are_those_of_hdr_histogram() {
        let oracle =
            hdrhistogram::Histogram::<u64>::new_with_bounds(LOWEST_US, HIGHEST_US, DIGITS).unwrap();
        assert_eq!(oracle.distinct_values(), BUCKETS);
        let around = |us: u64| us.saturating_sub(3)..=(us + 3).min(HIGHEST_US);
        let values = (0..32).flat_map(|bit| around(1 << bit)).chain(around(HIGHEST_US));
        for us in values.chain((1..4000).map(|step| step * 899_993)) {
            let bucket = bucket_of(us).unwrap();
            assert_eq!(lowest_us(bucket), oracle.lowest_equivalent(us), "lowest of {us}");
            assert_eq!(highest_us(bucket), oracle.highest_equivalent(us), "highest of {us}");
        }
        assert_eq!(bucket_of(HIGHEST_US + 1), None);
    }

    #[test]
    fn buckets_follow_each_other_without_a_gap() {
        let last = bucket_of(HIGHEST_US).unwrap();
        for bucket in 0..last {
            assert_eq!(highest_us(bucket) + 1, lowest_us(bucket + 1));
            assert_eq!(bucket_of(lowest_us(bucket)), Some(bucket));
            assert_eq!(bucket_of(highest_us(bucket)), Some(bucket));
        }
    }
}
