//! The `time` attribute: absent, the same for all events, or the moment at which each is made.

use ce_cli::Clock;
use jiff::Timestamp;

use crate::template::TIME_BYTES;

/// What a stamp looks like.
pub(crate) const SAMPLE: &[u8; TIME_BYTES] = b"2026-01-31T09:15:00.250Z";

/// Where the `time` attribute comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimeFrom {
    /// There is none.
    Nowhere,
    /// Each event is stamped when it is made. The output is then different every time.
    Clock,
    /// All events have this one, in UTC.
    User(String),
}

impl std::str::FromStr for TimeFrom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::Nowhere),
            "now" => Ok(Self::Clock),
            _ => match text.parse::<Timestamp>().map(|time| time.to_string()) {
                // The library also reads years before 0, which RFC 3339 cannot write.
                Ok(time) if time.starts_with(|first: char| first.is_ascii_digit()) => {
                    Ok(Self::User(time))
                }
                _ => Err(format!(
                    "`{text}` is not a time; use now, none, or RFC 3339 such as \
                     2026-01-31T09:15:00Z"
                )),
            },
        }
    }
}

/// A wall clock that shows its time as text, in UTC with milliseconds.
#[derive(Debug)]
pub(crate) struct Stamp {
    clock: Clock,
    start_ns: u64,
    millisecond: u64,
    text: [u8; TIME_BYTES],
}

impl Stamp {
    pub(crate) fn start() -> Self {
        let (clock, anchor) = Clock::start();
        Self { clock, start_ns: anchor.wall_ns, millisecond: 0, text: [b' '; TIME_BYTES] }
    }

    /// The time now. Written anew only when the millisecond has changed.
    pub(crate) fn now(&mut self) -> &[u8] {
        let millisecond = (self.start_ns + self.clock.now_ns()) / 1_000_000;
        if millisecond != self.millisecond {
            self.millisecond = millisecond;
            self.text = text(millisecond);
        }
        &self.text
    }
}

/// `millisecond` counts from 1970.
fn text(millisecond: u64) -> [u8; TIME_BYTES] {
    let time = i64::try_from(millisecond).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let time = time.expect("a clock of 64-bit nanoseconds ends in 2554");
    format!("{time:.3}").into_bytes().try_into().expect("years up to 9999 have four digits")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_time_is_normalised_to_utc() {
        let check = |text: &str, time: &str| {
            assert_eq!(text.parse(), Ok(TimeFrom::User(time.into())), "{text}");
        };
        check("2026-01-31T09:15:00Z", "2026-01-31T09:15:00Z");
        check("2026-01-31t09:15:00.250+02:00", "2026-01-31T07:15:00.25Z");
        assert_eq!("none".parse(), Ok(TimeFrom::Nowhere));
        assert_eq!("now".parse(), Ok(TimeFrom::Clock));
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        for text in ["", "yesterday", "2026-01-31", "2026-01-31T09:15:00", "-000001-01-01T00:00Z"] {
            let err = text.parse::<TimeFrom>().unwrap_err();
            assert!(err.contains("use now, none, or RFC 3339"), "{text}: {err}");
        }
    }

    #[test]
    fn milliseconds_are_always_written() {
        assert_eq!(&text(0), b"1970-01-01T00:00:00.000Z");
        assert_eq!(&text(1_769_850_900_250), SAMPLE);
    }
}
