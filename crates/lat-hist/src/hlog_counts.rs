//! The counts of a V2 histogram: signed numbers of one to nine bytes. A number that is not negative
//! counts the values of the next bucket; a negative one says how many buckets in a row are empty.
//!
//! Bytes that are read may say anything, so no sum goes unchecked.

use crate::hlog_payload::PayloadError;
use crate::layout::BUCKETS;

/// More values than any run counts, and few enough that thousands of histograms can be added.
pub(crate) const COUNT_MAX: u64 = 1 << 53;

/// The buckets that hold values, from the smallest on, with their counts. Together these are at
/// most [`COUNT_MAX`].
pub(crate) fn decode(mut counts: &[u8]) -> Result<Vec<(u16, u64)>, PayloadError> {
    let (mut found, mut bucket, mut total) = (Vec::new(), 0_usize, 0_u64);
    while !counts.is_empty() {
        let number = take_number(&mut counts)?;
        let (wide, count) = match u64::try_from(number) {
            Ok(count) => (1, count),
            Err(_) => (usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX), 0),
        };
        let next = bucket.checked_add(wide).filter(|next| *next <= BUCKETS);
        let next = next.ok_or(PayloadError::Buckets)?;
        let sum = total.checked_add(count).filter(|sum| *sum <= COUNT_MAX);
        total = sum.ok_or(PayloadError::Count)?;
        if count > 0 {
            found.push((u16::try_from(bucket).expect("BUCKETS is below 65,536"), count));
        }
        bucket = next;
    }
    Ok(found)
}

/// Appends the counts of the buckets that hold values, from the smallest on. An empty histogram has
/// one bucket, as in the other implementations.
pub(crate) fn encode(out: &mut Vec<u8>, buckets: impl Iterator<Item = (u16, u64)>) {
    let mut next = 0;
    for (bucket, count) in buckets {
        match i64::from(bucket - next) {
            0 => {}
            1 => push_number(out, 0),
            empty => push_number(out, -empty),
        }
        push_number(out, i64::try_from(count).unwrap_or(i64::MAX));
        next = bucket + 1;
    }
    if next == 0 {
        push_number(out, 0);
    }
}

/// The other way round of [`take_number`].
fn push_number(out: &mut Vec<u8>, number: i64) {
    let mut zigzag = ((number << 1) ^ (number >> 63)).cast_unsigned();
    for _ in 0..8 {
        let [byte, ..] = zigzag.to_le_bytes();
        if zigzag < 0x80 {
            return out.push(byte);
        }
        out.push(byte | 0x80);
        zigzag >>= 7;
    }
    out.push(zigzag.to_le_bytes()[0]);
}

/// Seven bits per byte, the lowest first, as long as the eighth is set; the ninth byte, always the
/// last, holds eight. The sign is in the lowest bit.
fn take_number(bytes: &mut &[u8]) -> Result<i64, PayloadError> {
    let mut zigzag = 0_u64;
    for position in 0..9 {
        let (&byte, rest) = bytes.split_first().ok_or(PayloadError::Length)?;
        *bytes = rest;
        let bits = if position < 8 { byte & 0x7f } else { byte };
        zigzag |= u64::from(bits) << (7 * position);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Ok((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(value: i64) -> Vec<u8> {
        let mut bytes = Vec::new();
        push_number(&mut bytes, value);
        bytes
    }

    fn decode_numbers(numbers: &[i64]) -> Result<Vec<(u16, u64)>, PayloadError> {
        let counts: Vec<u8> = numbers.iter().flat_map(|&value| number(value)).collect();
        decode(&counts)
    }

    #[test]
    fn counts_and_runs_of_empty_buckets_are_read() {
        assert_eq!(decode_numbers(&[]), Ok(vec![]));
        assert_eq!(decode_numbers(&[0, 5, -3, 1, -1, 300]), Ok(vec![(1, 5), (5, 1), (7, 300)]));
        assert_eq!(decode_numbers(&[-23_551, 1 << 53]), Ok(vec![(23_551, 1 << 53)]));
    }

    #[test]
    fn counts_that_no_histogram_has_are_refused() {
        let check = |numbers: &[i64], err| assert_eq!(decode_numbers(numbers), Err(err));
        check(&[i64::MIN], PayloadError::Buckets);
        check(&[1, i64::MIN, i64::MIN], PayloadError::Buckets);
        check(&[-23_553], PayloadError::Buckets);
        check(&[-23_552, 0], PayloadError::Buckets);
        check(&vec![1; BUCKETS + 1], PayloadError::Buckets);
        check(&[i64::MAX], PayloadError::Count);
        check(&[1 << 53, 1], PayloadError::Count);
    }

    #[test]
    fn a_number_that_is_cut_off_is_refused() {
        assert_eq!(decode(&[2, 0x80]), Err(PayloadError::Length));
        assert_eq!(decode(&[0xff; 8]), Err(PayloadError::Length));
    }

    proptest! {
        #[test]
        fn any_number_is_read_back(value in any::<i64>()) {
            let bytes = number(value);
            prop_assert_eq!(take_number(&mut bytes.as_slice()), Ok(value));
        }
    }
}
