//! Whether an event is sent again, and after which wait. Pure: the clock and the seed are passed in.

use std::time::Duration;

use ce_record::Outcome;
use hyper::header::{DATE, HeaderMap, HeaderName, RETRY_AFTER};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::rfc2822::DateTimeParser;
use jiff::tz::TimeZone;
use load_plan::random_share;

use crate::cli::retry::RetryOn;
use crate::job::Answer;
use crate::target::backoff::doubled;

/// When an event is sent again.
#[derive(Debug, Clone)]
pub(crate) struct Retry {
    /// Attempts after the first.
    pub(crate) attempts: u32,
    pub(crate) on: RetryOn,
    /// The longest first wait; each further one may be twice as long.
    pub(crate) first_wait: Duration,
    /// No wait is longer, whoever asks for it.
    pub(crate) max_wait: Duration,
    pub(crate) seed: u64,
}

impl Retry {
    /// The wait before another attempt for the event `id`, of which this is how attempt `nth` has
    /// ended; `None` if it was the last. The target may say how long.
    pub(super) fn wait(
        &self,
        answer: &Answer,
        retry_after: Option<Duration>,
        nth: u32,
        id: &str,
    ) -> Option<Duration> {
        if nth > self.attempts || !self.on.includes(answer.outcome, answer.code) {
            return None;
        }
        let wait = retry_after.unwrap_or_else(|| self.backoff(nth, id));
        Some(wait.min(self.max_wait))
    }

    /// From half of the longest wait on, so that those who were refused together do not come back
    /// together.
    fn backoff(&self, nth: u32, id: &str) -> Duration {
        let longest = doubled(self.first_wait, nth, self.max_wait);
        longest.mul_f64(0.5 + 0.5 * random_share(self.seed, id, u64::from(nth)))
    }
}

/// What the target asks for in `Retry-After`: seconds, or a date. A date is compared with the
/// target's own clock where it shows that.
pub(super) fn retry_after(headers: &HeaderMap, now: impl Fn() -> Timestamp) -> Option<Duration> {
    let text = |name: HeaderName| Some(headers.get(name)?.to_str().ok()?.trim());
    let after = text(RETRY_AFTER)?;
    if !after.is_empty() && after.bytes().all(|byte| byte.is_ascii_digit()) {
        // More seconds than fit are a long time, too.
        return Some(Duration::from_secs(after.parse().unwrap_or(u64::MAX)));
    }
    let wait = date(after)?.duration_since(text(DATE).and_then(date).unwrap_or_else(now));
    // A date that has passed asks for no wait.
    Some(wait.try_into().unwrap_or(Duration::ZERO))
}

/// A date in any of the three forms that HTTP has had. What is said of the day of the week decides
/// nothing.
fn date(text: &str) -> Option<Timestamp> {
    const TODAY: DateTimeParser = DateTimeParser::new().relaxed_weekday(true);
    let obsolete = |format: &str, text: &str| {
        DateTime::strptime(format, text).ok()?.to_zoned(TimeZone::UTC).ok()
    };
    let rfc_850 =
        || obsolete("%d-%b-%y %H:%M:%S GMT", text.split_once(", ").map(|(_, date)| date)?);
    let asctime = || obsolete("%b %e %H:%M:%S %Y", text.split_once(' ').map(|(_, date)| date)?);
    TODAY
        .parse_timestamp(text)
        .ok()
        .or_else(|| rfc_850().or_else(asctime).map(|date| date.timestamp()))
}

impl RetryOn {
    fn includes(&self, outcome: Outcome, code: Option<u16>) -> bool {
        match (outcome, code) {
            (Outcome::ConnectError, _) => self.connect,
            (Outcome::Timeout, _) => self.timeout,
            (Outcome::Rejected, Some(code)) => {
                self.codes.as_ref().is_some_and(|codes| codes.includes(code))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn retry() -> Retry {
        Retry {
            attempts: 3,
            on: "429,503,connect".parse().expect("known causes"),
            first_wait: 100 * MS,
            max_wait: 300 * MS,
            seed: 7,
        }
    }

    fn rejected(code: u16) -> Answer {
        Answer::code(Outcome::Rejected, code)
    }

    #[test]
    fn waits_grow_up_to_the_longest_and_are_spread() {
        let retry = retry();
        let wait = |nth, id: &str| retry.wait(&rejected(503), None, nth, id);
        let longest: Vec<u32> = (1..=3)
            .map(|nth| {
                let ids = (0..1000).map(|id| id.to_string());
                let waits: Vec<Duration> = ids.filter_map(|id| wait(nth, &id)).collect();
                let (min, max) = (*waits.iter().min().unwrap(), *waits.iter().max().unwrap());
                let longest = max.as_millis().next_multiple_of(100);
                assert!(min.as_millis() < longest * 51 / 100, "{min:?} to {max:?}");
                u32::try_from(longest).unwrap()
            })
            .collect();
        assert_eq!(longest, [100, 200, 300]);
        assert_eq!(wait(4, "a"), None);
        assert_eq!(wait(1, "a"), wait(1, "a"));
        assert_ne!(wait(1, "a"), Retry { seed: 8, ..retry }.wait(&rejected(503), None, 1, "a"));
    }

    #[test]
    fn only_the_causes_that_were_named_are_tried_again() {
        let retry = retry();
        let again = |answer: &Answer| retry.wait(answer, None, 1, "a").is_some();
        assert!(again(&rejected(429)) && again(&rejected(503)) && !again(&rejected(500)));
        assert!(
            again(&Answer::new(Outcome::ConnectError)) && !again(&Answer::new(Outcome::Timeout))
        );
        assert!(!again(&Answer::new(Outcome::ProtocolError)));
        assert!(!again(&Answer::code(Outcome::Ok, 429)), "a success is one");
    }

    #[test]
    fn the_target_says_how_long_up_to_the_longest_wait() {
        let wait = |after| retry().wait(&rejected(429), Some(after), 1, "a");
        assert_eq!(wait(250 * MS), Some(250 * MS));
        assert_eq!(wait(Duration::ZERO), Some(Duration::ZERO));
        assert_eq!(wait(Duration::from_hours(1)), Some(300 * MS));
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = || "1994-11-06T08:49:30Z".parse::<Timestamp>().unwrap();
        let read = |after: &str, date: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(after).unwrap());
            if let Some(date) = date {
                headers.insert(DATE, HeaderValue::from_str(date).unwrap());
            }
            retry_after(&headers, now).map(|wait| wait.as_secs())
        };
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(read("120", None), Some(120));
        assert_eq!(read("99999999999999999999999", None), Some(u64::MAX));
        assert_eq!(read(date, None), Some(7));
        assert_eq!(read(date, Some("Sun, 06 Nov 1994 08:49:35 GMT")), Some(2));
        assert_eq!(read(date, Some("Sun, 06 Nov 1994 08:50:00 GMT")), Some(0));
        // The forms that a client has to understand although no server may send them, and a day of the
        // week that is wrong.
        for date in [
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Mon, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(read(date, None), Some(7), "{date}");
        }
        assert_eq!(read("Wed Nov 16 08:49:37 1994", None), Some(10 * 86_400 + 7));
        for other in ["soon", "-1", "+1", "1.5", "1s", "", "Sun, 06 Nov"] {
            assert_eq!(read(other, None), None, "{other}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
