//! Spans of time as Go, and so k6, writes them: `300ms`, `1.5s`, `1h30m`.

use std::time::Duration;

/// Why a text is not a span of time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// Every number needs a unit: ns, us, ms, s, m, h or d.
    #[error("`{0}` is not a duration: write numbers with units such as 250ms, 90s or 1h30m")]
    Malformed(String),
    /// The span does not fit into 64 bits of nanoseconds, 584 years.
    #[error("`{0}` is too long a duration")]
    TooLong(String),
}

/// Nanoseconds per unit.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Parses a span such as `1m30s`; a lone `0` needs no unit.
pub fn parse_duration(text: &str) -> Result<Duration, DurationError> {
    let malformed = || DurationError::Malformed(text.to_owned());
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let mut rest = text;
    let mut total_ns = 0_u64;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(malformed)?;
        let (number, tail) = rest.split_at(end);
        let end = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(end);
        let scale = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(malformed)?.1;
        let ns = decimal(number, scale).ok_or_else(malformed)?;
        let sum = u64::try_from(ns).ok().and_then(|ns| total_ns.checked_add(ns));
        total_ns = sum.ok_or_else(|| DurationError::TooLong(text.to_owned()))?;
        rest = tail;
    }
    if text.is_empty() { Err(malformed()) } else { Ok(Duration::from_nanos(total_ns)) }
}

/// `number` × `scale` in integers, digits below a nanosecond cut off. `None` means malformed.
fn decimal(number: &str, scale: u64) -> Option<u128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.len() + fraction.len() == 0 || whole.len() > 18 || fraction.len() > 18 {
        return None;
    }
    let digits = |text: &str| if text.is_empty() { Ok(0) } else { text.parse::<u128>() };
    let power = 10_u128.pow(u32::try_from(fraction.len()).expect("at most 18"));
    let scale = u128::from(scale);
    Some(digits(whole).ok()? * scale + digits(fraction).ok()? * scale / power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_durations_are_read() {
        let check = |text, ms| assert_eq!(parse_duration(text), Ok(Duration::from_millis(ms)));
        check("0", 0);
        check("250ms", 250);
        check("1.5s", 1_500);
        check(".5s", 500);
        check("1m30s", 90_000);
        check("1h0m0.25s", 3_600_250);
        check("2d", 172_800_000);
        assert_eq!(parse_duration("3us"), Ok(Duration::from_micros(3)));
    }

    #[test]
    fn a_number_without_a_unit_is_refused() {
        for text in ["", "5", "s", "1.2.3s", "5 s", "-1s", "1m30", "5min", "."] {
            assert!(matches!(parse_duration(text), Err(DurationError::Malformed(_))), "{text}");
        }
        assert!(matches!(parse_duration("999999d"), Err(DurationError::TooLong(_))));
    }
}
