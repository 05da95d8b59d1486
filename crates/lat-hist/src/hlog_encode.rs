//! Writes the payload that `hlog_payload` reads, straight from the buckets that hold values. To fill
//! a dense histogram of the crate `hdrhistogram` for each second of a run, as its serializer wants,
//! costs more than everything else that is done with the second.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compress, Compression, FlushCompress, Status};

use crate::hlog_counts;
use crate::hlog_payload::{INNER_COOKIE, OUTER_COOKIE, PARAMETER_BYTES};
use crate::layout::{DIGITS, HIGHEST_US, LOWEST_US};

/// A cookie and a length stand before everything.
const HEADER_BYTES: usize = 8;

/// Makes payloads, one after the other, in the same memory.
#[derive(Debug)]
pub(crate) struct PayloadEncoder {
    inner: Vec<u8>,
    outer: Vec<u8>,
    zlib: Compress,
}

impl Default for PayloadEncoder {
    fn default() -> Self {
        let zlib = Compress::new(Compression::default(), true);
        Self { inner: Vec::new(), outer: Vec::new(), zlib }
    }
}

impl PayloadEncoder {
    /// Appends the payload of these buckets, which hold values and come from the smallest on.
    pub(crate) fn append(
        &mut self,
        out: &mut String,
        buckets: impl Iterator<Item = (u16, u64)>,
    ) -> Result<(), String> {
        self.fill_inner(buckets);
        self.fill_outer()?;
        STANDARD.encode_string(&self.outer, out);
        Ok(())
    }

    fn fill_inner(&mut self, buckets: impl Iterator<Item = (u16, u64)>) {
        self.inner.clear();
        self.inner.extend_from_slice(&header(INNER_COOKIE));
        // The values are neither shifted nor scaled.
        for parameter in [0, u32::from(DIGITS)] {
            self.inner.extend_from_slice(&parameter.to_be_bytes());
        }
        for parameter in [LOWEST_US, HIGHEST_US, 1.0_f64.to_bits()] {
            self.inner.extend_from_slice(&parameter.to_be_bytes());
        }
        hlog_counts::encode(&mut self.inner, buckets);
        set_length(&mut self.inner, PARAMETER_BYTES);
    }

    fn fill_outer(&mut self) -> Result<(), String> {
        self.outer.clear();
        self.outer.extend_from_slice(&header(OUTER_COOKIE));
        self.zlib.reset();
        // What cannot be compressed grows by some bytes per block.
        self.outer.reserve(self.inner.len() + self.inner.len() / 256 + 64);
        match self.zlib.compress_vec(&self.inner, &mut self.outer, FlushCompress::Finish) {
            Ok(Status::StreamEnd) => {}
            Ok(_) => return Err("compressed, it is larger than before".to_owned()),
            Err(err) => return Err(err.to_string()),
        }
        set_length(&mut self.outer, 0);
        Ok(())
    }
}

/// A cookie, and a length that is not known yet.
fn header(cookie: u32) -> [u8; HEADER_BYTES] {
    (u64::from(cookie) << 32).to_be_bytes()
}

/// The length of what follows the header leaves out the first `uncounted` bytes of it.
fn set_length(bytes: &mut [u8], uncounted: usize) {
    let length = bytes.len() - HEADER_BYTES - uncounted;
    let length = u32::try_from(length).expect("BUCKETS counts are far below 4 GiB");
    bytes[4..HEADER_BYTES].copy_from_slice(&length.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::{Serializer, V2Serializer};
    use proptest::prelude::*;

    use super::*;
    use crate::layout::BUCKETS;
    use crate::{Histogram, hlog_payload, lowest_us};

    /// What the crate `hdrhistogram` writes before it compresses.
    fn oracle(values: impl IntoIterator<Item = (u64, u64)>) -> Vec<u8> {
        let mut counts =
            hdrhistogram::Histogram::<u64>::new_with_bounds(LOWEST_US, HIGHEST_US, DIGITS).unwrap();
        for (us, count) in values {
            counts.record_n(us, count).unwrap();
        }
        let mut bytes = Vec::new();
        V2Serializer::new().serialize(&counts, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn an_empty_histogram_and_a_full_one_are_written_as_hdr_histogram_does() {
        let mut encoder = PayloadEncoder::default();
        encoder.fill_inner(std::iter::empty());
        assert_eq!(encoder.inner, oracle([]));
        let full = || (0..u16::try_from(BUCKETS).unwrap()).map(|bucket| (bucket, 1 << 40));
        // The buckets beyond one hour are there and never used.
        let full = || full().filter(|&(bucket, _)| lowest_us(bucket) <= HIGHEST_US);
        encoder.fill_inner(full());
        assert_eq!(encoder.inner, oracle(full().map(|(bucket, n)| (lowest_us(bucket), n))));
        assert_eq!(encoder.fill_outer(), Ok(()));
    }

    proptest! {
        #[test]
        fn the_bytes_are_those_of_hdr_histogram(
            values in prop::collection::btree_map(0..=HIGHEST_US, 1..=1_u64 << 45, 0..200),
            narrow in prop::collection::btree_map(0_u64..300, 1_u64..1000, 0..200),
        ) {
            let mut encoder = PayloadEncoder::default();
            for values in [values, narrow] {
                let mut histogram = Histogram::default();
                for (&us, &count) in &values {
                    histogram.add_bucket(us, count);
                }
                let mut text = String::new();
                encoder.append(&mut text, histogram.buckets()).unwrap();
                prop_assert_eq!(&encoder.inner, &oracle(values));
                let read = hlog_payload::decode(&text).unwrap();
                prop_assert_eq!(read, histogram.buckets().collect::<Vec<_>>());
            }
        }
    }
}
