//! The payload of an interval line: a V2 compressed histogram in base64.
//!
//! The bytes come from a file that anybody may have written, so nothing that they claim is believed:
//! no length is allocated, no count is added and no bucket is used before it was checked. Numbers
//! are big-endian.
//!
//! ```text
//! outer  cookie u32, length u32, and so many bytes of zlib, which hold
//! inner  cookie u32, length u32, normalizing offset u32, digits u32, lowest u64, highest u64,
//!        ratio f64, and so many bytes of counts
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::{Decompress, FlushDecompress, Status};

use crate::hlog_counts;
use crate::layout::{BUCKETS, DIGITS, HIGHEST_US, LOWEST_US};

pub(crate) const OUTER_COOKIE: u32 = 0x1c84_9314;
pub(crate) const INNER_COOKIE: u32 = 0x1c84_9313;
/// Writers may leave out this bit: a part of the size of a word, which V2 does not use.
const WORD_SIZE_BIT: u32 = 0x10;

/// What lies between the inner length and the counts.
pub(crate) const PARAMETER_BYTES: usize = 32;
/// The header, and every bucket with a count of the longest form.
const INNER_BYTES_MAX: usize = 8 + PARAMETER_BYTES + 9 * BUCKETS;

/// Why a payload is not one of our histograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The line was damaged.
    #[error("it is not base64")]
    NotBase64,
    /// It is something else, or of another version of the format.
    #[error("it is not a compressed histogram of format V2")]
    Cookie,
    /// Something is missing, or there is too much.
    #[error("it is not as long as it says")]
    Length,
    /// The compressed bytes were damaged, or hold more than a histogram can.
    #[error("it cannot be decompressed to a histogram")]
    Zlib,
    /// Counts of different buckets do not add up. Record again with `lat-collect`.
    #[error(
        "it was made with another configuration ({digits} digits, {lowest} to {highest}); \
         ours is {DIGITS} digits, {LOWEST_US} to {HIGHEST_US} µs"
    )]
    Configuration {
        /// Significant digits.
        digits: u32,
        /// The smallest value that can be told from zero.
        lowest: u64,
        /// The largest value.
        highest: u64,
    },
    /// Its values are shifted or scaled, which no writer of interval logs does.
    #[error("its values are shifted or scaled")]
    Scaled,
    /// The counts were damaged.
    #[error("it has more than {BUCKETS} buckets")]
    Buckets,
    /// The counts were damaged.
    #[error("it counts more than 2^53 values")]
    Count,
}

/// The buckets that hold values, from the smallest on, with their counts.
pub(crate) fn decode(base64: &str) -> Result<Vec<(u16, u64)>, PayloadError> {
    let outer = STANDARD.decode(base64).map_err(|_| PayloadError::NotBase64)?;
    let inner = inflate(framed(&outer, OUTER_COOKIE, 0)?)?;
    let mut counts = framed(&inner, INNER_COOKIE, PARAMETER_BYTES)?;
    check_parameters(&mut counts)?;
    hlog_counts::decode(counts)
}

/// What follows a cookie and a length. The length leaves out the first `uncounted` bytes of it.
fn framed(mut bytes: &[u8], cookie: u32, uncounted: usize) -> Result<&[u8], PayloadError> {
    if take_u32(&mut bytes)? | WORD_SIZE_BIT != cookie {
        return Err(PayloadError::Cookie);
    }
    let length = take_u32(&mut bytes)?;
    let counted = bytes.len().checked_sub(uncounted).ok_or(PayloadError::Length)?;
    if u32::try_from(counted) == Ok(length) { Ok(bytes) } else { Err(PayloadError::Length) }
}

/// Decompresses no more than a histogram can be. One byte of room is left over, so that a stream
/// which fills the rest can still reach its end.
fn inflate(zlib: &[u8]) -> Result<Vec<u8>, PayloadError> {
    let mut inner = Vec::with_capacity(INNER_BYTES_MAX + 1);
    let mut decompress = Decompress::new(true);
    let status = decompress.decompress_vec(zlib, &mut inner, FlushDecompress::Finish);
    let read_whole = u64::try_from(zlib.len()) == Ok(decompress.total_in());
    match status {
        Ok(Status::StreamEnd) if read_whole => Ok(inner),
        Ok(Status::StreamEnd) => Err(PayloadError::Length),
        _ => Err(PayloadError::Zlib),
    }
}

fn check_parameters(bytes: &mut &[u8]) -> Result<(), PayloadError> {
    let (offset, digits) = (take_u32(bytes)?, take_u32(bytes)?);
    let (lowest, highest) = (take_u64(bytes)?, take_u64(bytes)?);
    let ratio = take_u64(bytes)?;
    if offset != 0 || ratio != 1.0_f64.to_bits() {
        return Err(PayloadError::Scaled);
    }
    if (digits, lowest, highest) != (DIGITS.into(), LOWEST_US, HIGHEST_US) {
        return Err(PayloadError::Configuration { digits, lowest, highest });
    }
    Ok(())
}

fn take_u32(bytes: &mut &[u8]) -> Result<u32, PayloadError> {
    take(bytes).map(u32::from_be_bytes)
}

fn take_u64(bytes: &mut &[u8]) -> Result<u64, PayloadError> {
    take(bytes).map(u64::from_be_bytes)
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], PayloadError> {
    let (taken, rest) = bytes.split_first_chunk().ok_or(PayloadError::Length)?;
    *bytes = rest;
    Ok(*taken)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::ZlibEncoder};
    use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
    use proptest::prelude::*;

    use super::*;
    use crate::layout::lowest_us;

    fn frame(cookie: u32, length: usize, rest: &[u8]) -> Vec<u8> {
        let length = u32::try_from(length).unwrap();
        [&cookie.to_be_bytes(), &length.to_be_bytes(), rest].concat()
    }

    /// The bytes of a payload around any inner bytes.
    fn outer(inner: &[u8]) -> Vec<u8> {
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(inner).unwrap();
        let zlib = zlib.finish().unwrap();
        frame(OUTER_COOKIE, zlib.len(), &zlib)
    }

    fn parameters(offset: u32, digits: u32, highest: u64, ratio: f64) -> Vec<u8> {
        let lowest = LOWEST_US.to_be_bytes();
        let (offset, digits) = (offset.to_be_bytes(), digits.to_be_bytes());
        let (highest, ratio) = (highest.to_be_bytes(), ratio.to_be_bytes());
        [&offset[..], &digits, &lowest, &highest, &ratio].concat()
    }

    /// The inner bytes around any counts.
    fn inner(counts: &[u8]) -> Vec<u8> {
        let ours = parameters(0, 3, HIGHEST_US, 1.0);
        frame(INNER_COOKIE, counts.len(), &[&ours, counts].concat())
    }

    fn decode_bytes(outer: &[u8]) -> Result<Vec<(u16, u64)>, PayloadError> {
        decode(&STANDARD.encode(outer))
    }

    #[test]
    fn the_largest_payload_fits() {
        // Not the shortest form of zero, and yet a form of it.
        let zeros = [[0x80; 8].as_slice(), &[0]].concat().repeat(BUCKETS);
        assert_eq!(decode_bytes(&outer(&inner(&zeros))), Ok(vec![]));
    }

    #[test]
    fn more_than_a_histogram_is_not_decompressed() {
        let bomb = outer(&vec![0; 16 << 20]);
        assert!(bomb.len() < 1 << 18, "{}", bomb.len());
        assert_eq!(decode_bytes(&bomb), Err(PayloadError::Zlib));
    }

    #[test]
    fn lengths_and_cookies_are_not_believed() {
        let whole = inner(&[2, 4]);
        let check = |bytes: &[u8], err| assert_eq!(decode_bytes(bytes), Err(err));
        check(&frame(OUTER_COOKIE, 0xffff_ffff, &outer(&whole)[8..]), PayloadError::Length);
        check(&outer(&frame(INNER_COOKIE, 0xffff_ffff, &whole[8..])), PayloadError::Length);
        check(&frame(OUTER_COOKIE, 0xffff_ffff, &[]), PayloadError::Length);
        check(&frame(INNER_COOKIE, 2, &whole[8..]), PayloadError::Cookie);
        check(&outer(&frame(OUTER_COOKIE, 2, &whole[8..])), PayloadError::Cookie);
        let trailing = [&outer(&whole)[8..], b"x"].concat();
        check(&frame(OUTER_COOKIE, trailing.len(), &trailing), PayloadError::Length);
        assert_eq!(decode("!"), Err(PayloadError::NotBase64));
        let without_bit = outer(&frame(INNER_COOKIE & !WORD_SIZE_BIT, 2, &whole[8..]));
        assert_eq!(decode_bytes(&without_bit), Ok(vec![(0, 1), (1, 2)]));
    }

    #[test]
    fn a_payload_that_is_cut_off_anywhere_is_refused() {
        let inner = inner(&[2, 0xff, 0x83, 1, 4]);
        let outer_bytes = outer(&inner);
        for end in 0..outer_bytes.len() {
            assert!(decode_bytes(&outer_bytes[..end]).is_err(), "{end}");
            let zlib = outer_bytes.get(8..end).unwrap_or_default();
            assert!(decode_bytes(&frame(OUTER_COOKIE, zlib.len(), zlib)).is_err(), "{end}");
        }
        for end in 0..inner.len() {
            assert_eq!(decode_bytes(&outer(&inner[..end])), Err(PayloadError::Length), "{end}");
        }
    }

    #[test]
    fn another_configuration_is_refused_and_shown() {
        let check = |parameters: &[u8], text: &str| {
            let message = decode_bytes(&outer(&frame(INNER_COOKIE, 0, parameters))).unwrap_err();
            assert!(message.to_string().contains(text), "{message}");
        };
        check(&parameters(0, 2, HIGHEST_US, 1.0), "(2 digits, 1 to 3600000000); ours is 3 digits");
        check(&parameters(0, 3, u64::MAX, 1.0), "(3 digits, 1 to 18446744073709551615)");
        check(&parameters(1, 3, HIGHEST_US, 1.0), "shifted or scaled");
        check(&parameters(0, 3, HIGHEST_US, f64::NAN), "shifted or scaled");
    }

    proptest! {
        /// The crate `hdrhistogram` is the reference for the format.
        #[test]
        fn what_hdr_histogram_writes_is_read(
            values in prop::collection::btree_map(0..=HIGHEST_US, 1..=1_u64 << 45, 0..200),
        ) {
            let mut oracle =
                hdrhistogram::Histogram::<u64>::new_with_bounds(LOWEST_US, HIGHEST_US, DIGITS)
                    .unwrap();
            for (&us, &count) in &values {
                oracle.record_n(us, count).unwrap();
            }
            let mut bytes = Vec::new();
            V2DeflateSerializer::new().serialize(&oracle, &mut bytes).unwrap();
            let buckets = decode_bytes(&bytes).unwrap();
            let found: Vec<_> = buckets.iter().map(|&(b, count)| (lowest_us(b), count)).collect();
            let expected = oracle.iter_recorded().map(|step| {
                (oracle.lowest_equivalent(step.value_iterated_to()), step.count_at_value())
            });
            prop_assert_eq!(found, expected.collect::<Vec<_>>());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_bytes(&bytes);
            let _ = decode_bytes(&frame(OUTER_COOKIE, bytes.len(), &bytes));
            let _ = decode_bytes(&outer(&bytes));
            if let Ok(buckets) = decode_bytes(&outer(&inner(&bytes))) {
                prop_assert!(buckets.iter().all(|&(b, _)| usize::from(b) < BUCKETS));
            }
        }
    }
}
