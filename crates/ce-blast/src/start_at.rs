//! An instant at which several senders begin together: agreed on once, so that nobody has to call
//! the others.

use std::str::FromStr;
use std::time::Duration;

use load_plan::parse_duration;

/// When to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartAt {
    /// Nanoseconds since 1970 (UTC).
    Wall(u64),
    /// From now.
    In(Duration),
}

impl StartAt {
    /// How long it is until then, at `now_ns` (Unix time); `None` when it has passed.
    pub(crate) fn lead(self, now_ns: u64) -> Option<Duration> {
        match self {
            Self::Wall(ns) => ns.checked_sub(now_ns).map(Duration::from_nanos),
            Self::In(lead) => Some(lead),
        }
    }
}

/// Parses `2030-01-31T03:00:00Z`, `unix:1893456000`, `unix:1893456000.5` or `+30s`.
impl FromStr for StartAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(span) = text.strip_prefix('+') {
            return parse_duration(span).map(Self::In).map_err(|err| err.to_string());
        }
        let malformed =
            || "write an instant such as 2030-01-31T03:00:00Z, unix:1893456000 or +30s".to_owned();
        if let Some(seconds) = text.strip_prefix("unix:") {
            let since = parse_duration(&format!("{seconds}s")).map_err(|_| malformed())?;
            return u64::try_from(since.as_nanos()).map(Self::Wall).map_err(|_| malformed());
        }
        let instant: jiff::Timestamp = text.parse().map_err(|_| malformed())?;
        u64::try_from(instant.as_nanosecond()).map(Self::Wall).map_err(|_| malformed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn instants_are_read() {
        let check = |text: &str, at: StartAt| assert_eq!(text.parse(), Ok(at), "{text}");
        check("+1m30s", StartAt::In(Duration::from_secs(90)));
        check("unix:1893456000.5", StartAt::Wall(1_893_456_000 * SECOND + SECOND / 2));
        check("2030-01-01T00:00:00Z", StartAt::Wall(1_893_456_000 * SECOND));
        check("2030-01-01T01:00:00+01:00", StartAt::Wall(1_893_456_000 * SECOND));
        for text in ["", "03:00", "unix:", "+", "2030-01-01", "unix:-1", "2030-01-01T00:00:00"] {
            assert!(text.parse::<StartAt>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_instant_that_has_passed_has_no_lead() {
        assert_eq!(StartAt::Wall(5).lead(3), Some(Duration::from_nanos(2)));
        assert_eq!(StartAt::Wall(5).lead(6), None);
    }
}
