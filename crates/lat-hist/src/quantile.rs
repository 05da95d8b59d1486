//! A quantile as a ratio of integers. 99.9 / 100 in floating point is 0.9990000000000001, and that
//! is enough to pick the wrong one of a thousand values.

use std::str::FromStr;

/// A fraction of the values, from 0 to 1, in lowest terms: 95 / 100 equals 19 / 20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quantile {
    numerator: u64,
    denominator: u64,
}

/// Why a text is not a percentile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QuantileError {
    /// Write a decimal number, e.g., `99.9`.
    #[error("`{0}` is not a percentile: write a number from 0 to 100 such as 99.9")]
    NotANumber(String),
}

impl Quantile {
    /// The fraction `numerator` / `denominator`; a fraction above one is the largest value.
    pub const fn new(numerator: u64, denominator: u64) -> Self {
        assert!(denominator > 0, "a quantile is a fraction of something");
        let (mut divisor, mut rest) = (denominator, numerator);
        while rest > 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        Self { numerator: numerator / divisor, denominator: denominator / divisor }
    }

    /// The position, counted from one, of the quantile among `count` sorted values: the nearest
    /// rank, ⌈q · count⌉ and at least one.
    pub fn rank(self, count: u64) -> u64 {
        let product = u128::from(self.numerator) * u128::from(count);
        let rank = product.div_ceil(u128::from(self.denominator));
        u64::try_from(rank).unwrap_or(u64::MAX).clamp(1, count.max(1))
    }
}

/// Parses a percentile such as `99.9`.
impl FromStr for Quantile {
    type Err = QuantileError;

    fn from_str(text: &str) -> Result<Self, QuantileError> {
        let refuse = || QuantileError::NotANumber(text.to_owned());
        let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{decimals}");
        let well_formed = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !well_formed || decimals.len() > 12 {
            return Err(refuse());
        }
        let numerator: u64 = digits.parse().map_err(|_| refuse())?;
        let power = u32::try_from(decimals.len()).expect("at most 12");
        let denominator = 100 * 10_u64.pow(power);
        if numerator > denominator {
            return Err(refuse());
        }
        Ok(Self::new(numerator, denominator))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_exact_where_floating_point_is_not() {
        for thousands in 1..=200 {
            let count = thousands * 1000;
            let rank = "99.9".parse::<Quantile>().unwrap().rank(count);
            assert_eq!(rank, count - thousands, "p99.9 of {count}");
        }
        for percent in [7, 14, 28, 55, 56] {
            assert_eq!(percent.to_string().parse::<Quantile>().unwrap().rank(100), percent);
        }
    }

    #[test]
    fn the_ends_are_the_smallest_and_the_largest() {
        assert_eq!("0".parse::<Quantile>().unwrap().rank(10), 1);
        assert_eq!("100".parse::<Quantile>().unwrap().rank(10), 10);
        assert_eq!("50".parse::<Quantile>().unwrap().rank(0), 1);
    }

    #[test]
    fn equal_fractions_are_equal() {
        for (text, numerator, denominator) in
            [("95", 19, 20), ("99.90", 999, 1000), ("0", 0, 7), ("100", 1, 1)]
        {
            assert_eq!(text.parse(), Ok(Quantile::new(numerator, denominator)), "{text}");
        }
    }

    #[test]
    fn what_is_no_percentile_is_refused() {
        for text in ["", ".", "p99", "-1", "100.1", "1e2", "99.9%", "0.1234567890123"] {
            assert!(text.parse::<Quantile>().is_err(), "{text}");
        }
    }
}
