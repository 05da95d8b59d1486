//! A distribution for one second of a run. Hundreds of seconds stay open while late answers may
//! still come, so a window is a list of buckets while that is smaller than an array of counts.

use crate::histogram::Exact;
use crate::layout::{BUCKETS, bucket_of};

/// From this length on the list takes more memory than the counts.
const LIST_LIMIT: usize = BUCKETS * size_of::<u32>() / size_of::<u16>();

/// A small distribution of spans of time; add it to a [`Histogram`](crate::Histogram) to read it.
#[derive(Debug, Clone, Default)]
pub struct Window {
    counts: Counts,
    exact: Exact,
}

#[derive(Debug, Clone)]
enum Counts {
    /// The bucket of each value, in order of arrival.
    List(Vec<u16>),
    /// A count for each bucket.
    Dense(Box<[u32]>),
}

impl Default for Counts {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Window {
    /// Records one value, in nanoseconds.
    pub fn record(&mut self, ns: u64) {
        self.exact.record(ns);
        let Some(bucket) = bucket_of(ns.div_ceil(1000)) else {
            self.exact.overflow += 1;
            return;
        };
        match &mut self.counts {
            Counts::Dense(counts) => counts[usize::from(bucket)] += 1,
            Counts::List(list) => {
                list.push(bucket);
                if list.len() >= LIST_LIMIT {
                    self.counts = Counts::Dense(count(list));
                }
            }
        }
    }

    /// Values recorded.
    pub fn count(&self) -> u64 {
        self.exact.count
    }

    pub(crate) fn exact(&self) -> &Exact {
        &self.exact
    }

    /// Tells buckets and how many values to add to each; a bucket may be told of more than once.
    pub(crate) fn each_count(&self, mut each: impl FnMut(u16, u64)) {
        match &self.counts {
            Counts::List(list) => list.iter().for_each(|&bucket| each(bucket, 1)),
            Counts::Dense(dense) => {
                for (&count, bucket) in dense.iter().zip(0..).filter(|&(&count, _)| count > 0) {
                    each(bucket, count.into());
                }
            }
        }
    }
}

fn count(list: &[u16]) -> Box<[u32]> {
    let mut counts = vec![0_u32; BUCKETS].into_boxed_slice();
    for &bucket in list {
        counts[usize::from(bucket)] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::{Histogram, Window};

    proptest! {
        #[test]
        fn a_window_holds_what_a_histogram_would(
            values in prop::collection::vec(0..5_000_000_000_000_u64, 0..500),
            repeat in prop_oneof![Just(1_usize), Just(400)],
        ) {
            let (mut window, mut direct) = (Window::default(), Histogram::default());
            for _ in 0..repeat {
                for &ns in &values {
                    window.record(ns);
                    direct.record(ns);
                }
            }
            let mut read = Histogram::default();
            read.add_window(&window);
            prop_assert_eq!(read, direct);
        }
    }

    #[test]
    fn a_value_beyond_the_range_alone_fills_no_bucket() {
        let (mut window, mut direct, mut read) =
            (Window::default(), Histogram::default(), Histogram::default());
        window.record(3_600_000_000_001);
        direct.record(3_600_000_000_001);
        read.add_window(&window);
        assert_eq!(read, direct);
    }
}
