//! Whether a text is a time as of RFC 3339.
//!
//! Nothing here needs the instant: a sender's `time` tells when something happened, and is never
//! used to measure.

/// `2018-04-05T17:31:00.25+01:00`: seconds and offset are mandatory, and everything is in range.
pub(crate) fn is_rfc_3339(text: &str) -> bool {
    parse(text.as_bytes()).is_some()
}

/// Whether a time of RFC 3339 is what some platforms write when there is none: their zero is the
/// first moment of year 1.
pub(crate) fn is_of_year_one(time: &str) -> bool {
    time.starts_with("0001-")
}

fn parse(text: &[u8]) -> Option<()> {
    let (year, rest) = number(text, 4)?;
    let (month, rest) = number(byte(rest, b"-")?, 2)?;
    let (day, rest) = number(byte(rest, b"-")?, 2)?;
    let (hour, rest) = number(byte(rest, b"Tt")?, 2)?;
    let (minute, rest) = number(byte(rest, b":")?, 2)?;
    let (second, rest) = number(byte(rest, b":")?, 2)?;
    let east_minutes = offset(fraction(rest)?)?;

    let is_date = (1..=12).contains(&month) && (1..=days(year, month)).contains(&day);
    // A leap second is the last of a UTC day, wherever the clock that shows it stands.
    let utc_minute = (hour * 60 + minute - east_minutes).rem_euclid(24 * 60);
    let is_second = second <= 59 || (second == 60 && utc_minute == 24 * 60 - 1);
    (is_date && hour <= 23 && minute <= 59 && is_second).then_some(())
}

/// Reads exactly `digits` digits.
fn number(text: &[u8], digits: usize) -> Option<(i32, &[u8])> {
    let (head, rest) = text.split_at_checked(digits)?;
    let step =
        |sum: i32, byte: &u8| byte.is_ascii_digit().then(|| sum * 10 + i32::from(byte - b'0'));
    Some((head.iter().try_fold(0, step)?, rest))
}

fn byte<'a>(text: &'a [u8], any_of: &[u8]) -> Option<&'a [u8]> {
    let (first, rest) = text.split_first()?;
    any_of.contains(first).then_some(rest)
}

/// Skips `.` and at least one digit, if there is a `.` at all.
fn fraction(text: &[u8]) -> Option<&[u8]> {
    let Some(digits) = text.strip_prefix(b".") else { return Some(text) };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (count > 0).then(|| &digits[count..])
}

/// Minutes east of UTC, from `Z` or `±hh:mm` up to the end of the text.
fn offset(text: &[u8]) -> Option<i32> {
    if matches!(text, b"Z" | b"z") {
        return Some(0);
    }
    let (hours, rest) = number(byte(text, b"+-")?, 2)?;
    let (minutes, rest) = number(byte(rest, b":")?, 2)?;
    let east = hours * 60 + minutes;
    let in_range = rest.is_empty() && hours <= 23 && minutes <= 59;
    in_range.then_some(if text[0] == b'-' { -east } else { east })
}

fn days(year: i32, month: i32) -> i32 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::is_rfc_3339;

    #[test]
    fn times_of_rfc_3339_are_accepted() {
        for text in [
            "2018-04-05T17:31:00Z",
            "2018-04-05t17:31:00z",
            "2018-04-05T17:31:00.000000000Z",
            "2018-04-05T17:31:00.1234567890123+23:59",
            "2018-04-05T16:31:00-01:00",
            "2018-04-05T16:31:00-00:00",
            "0001-01-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "9999-12-31T23:59:59.999Z",
            "2024-02-29T00:00:00Z",
            "2000-02-29T00:00:00Z",
            "1990-12-31T23:59:60Z",
            "1990-12-31T15:59:60-08:00",
        ] {
            assert!(is_rfc_3339(text), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "lunchtime",
            "2018-04-05",
            "2018-04-05T18:31Z",
            "2018-04-05 18:31:00Z",
            "2018-04-05T18:31:00",
            "2018-04-05T18:31:00X",
            "2018-04-05T18:31:00Z ",
            "2018-04-05T18:31:00.Z",
            "2018-04-05T18:31:00,5Z",
            "2018-04-05T18:31:00+05",
            "2018-04-05T18:31:00+0500",
            "2018-04-05T18:31:00+25:00",
            "2018-04-05T18:31:00+24:00",
            "2018-04-05T18:31:00+01:60",
            "2018-04-05T18:31:00+xx:00",
            "2018-00-05T18:31:00Z",
            "2018-13-05T18:31:00Z",
            "2018-04-31T18:31:00Z",
            "2018-04-00T18:31:00Z",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2018-04-05T24:00:00Z",
            "2018-04-05T18:60:00Z",
            "2018-04-05T18:31:60Z",
            "2018-04-05T23:59:61Z",
            "1990-12-31T23:59:60-08:00",
            "18-04-05T18:31:00Z",
            "+2018-04-05T18:31:00Z",
            "２018-04-05T18:31:00Z",
        ] {
            assert!(!is_rfc_3339(text), "{text}");
        }
    }
}
