//! A rate as a ratio of integers: 1/3 of an event per second is not a decimal fraction.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::dues::FRACTION_BITS;
use crate::parse_duration;

/// Events per period, e.g., 30 events per minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    events: u64,
    period_ns: u64,
}

/// Why a text is not a rate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateError {
    /// Write events per unit.
    #[error("`{0}` is not a rate: write events per unit such as 100/s, 0.5/s, 30/m or 5/10s")]
    Malformed(String),
    /// More than a billion events per second, or a period of zero.
    #[error("`{0}` is beyond a billion events per second")]
    TooHigh(String),
}

impl Rate {
    /// Nothing at all.
    pub const ZERO: Self = Self { events: 0, period_ns: 1 };

    /// `events` in each `period_ns`; `None` for a period of zero.
    pub fn new(events: u64, period_ns: u64) -> Option<Self> {
        (period_ns > 0).then_some(Self { events, period_ns })
    }

    /// Events in each period.
    pub fn events(self) -> u64 {
        self.events
    }

    /// Length of a period.
    pub fn period_ns(self) -> u64 {
        self.period_ns
    }

    /// For people: rounded.
    #[expect(clippy::cast_precision_loss, reason = "a figure to show")]
    pub fn per_second(self) -> f64 {
        self.events as f64 * 1e9 / self.period_ns as f64
    }

    /// When event `k` (from zero) is due, counted from the start of the schedule: ⌊k · period /
    /// events⌋ nanoseconds. `None` at a rate of zero, and beyond 584 years.
    pub fn due_ns(self, k: u64) -> Option<u64> {
        let ns =
            (u128::from(k) * u128::from(self.period_ns)).checked_div(u128::from(self.events))?;
        u64::try_from(ns).ok()
    }

    /// When the integral of the rate reaches `events`, in 2⁻³² events.
    pub(crate) fn due_at_ns(self, events: u128) -> Option<u64> {
        let period = u128::from(self.period_ns);
        let ns = (events.checked_mul(period)? >> FRACTION_BITS).checked_div(self.events.into())?;
        u64::try_from(ns).ok()
    }

    /// How many events are due before `ns`: those with k · period < ns · events.
    pub fn events_before(self, ns: u64) -> u64 {
        let events =
            (u128::from(ns) * u128::from(self.events)).div_ceil(u128::from(self.period_ns));
        u64::try_from(events).unwrap_or(u64::MAX)
    }
}

/// Rates per second are shown as `100/s`, others with their period.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.period_ns {
            1_000_000_000 => write!(f, "{}/s", self.events),
            60_000_000_000 => write!(f, "{}/m", self.events),
            3_600_000_000_000 => write!(f, "{}/h", self.events),
            period => write!(f, "{}/{:?}", self.events, Duration::from_nanos(period)),
        }
    }
}

/// Parses `100/s`, `0.5/s`, `30/m`, `5/10s`; a bare number is per second.
impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let malformed = || RateError::Malformed(text.to_owned());
        let (number, unit) = text.split_once('/').unwrap_or((text, "s"));
        let lone_unit = unit.starts_with(|c: char| c.is_ascii_alphabetic());
        let period = if lone_unit { format!("1{unit}") } else { unit.to_owned() };
        let period = parse_duration(&period).map_err(|_| malformed())?;
        let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
        let digits = format!("{whole}{decimals}");
        let well_formed = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        if !well_formed || decimals.len() > 6 {
            return Err(malformed());
        }
        let events: u64 = digits.parse().map_err(|_| malformed())?;
        let scale = 10_u64.pow(u32::try_from(decimals.len()).expect("at most 6"));
        let period_ns = u64::try_from(period.as_nanos()).ok().and_then(|ns| ns.checked_mul(scale));
        let too_high = || RateError::TooHigh(text.to_owned());
        let rate = Self::new(events, period_ns.ok_or_else(malformed)?).ok_or_else(too_high)?;
        let (events, period_ns) = lowest_terms(rate.events, rate.period_ns, scale);
        if events > period_ns {
            return Err(too_high());
        }
        Ok(Self { events, period_ns })
    }
}

/// Undoes the scaling of decimals where it is not needed: 2.0/s is 2/s.
fn lowest_terms(mut events: u64, mut period_ns: u64, mut scale: u64) -> (u64, u64) {
    while scale > 1 && events.is_multiple_of(10) && period_ns.is_multiple_of(10) {
        (events, period_ns, scale) = (events / 10, period_ns / 10, scale / 10);
    }
    (events, period_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_and_shown() {
        let check = |text: &str, shown: &str| {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), shown, "{text}");
        };
        check("100/s", "100/s");
        check("100", "100/s");
        check("2.0/s", "2/s");
        check("0.5/s", "5/10s");
        check("30/m", "30/m");
        check("5/10s", "5/10s");
        check("0/s", "0/s");
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in ["", "/s", "x/s", "100/", "100/fortnight", "-1/s", "1e3/s", "100/0s"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        assert!(matches!("2000000000/s".parse::<Rate>(), Err(RateError::TooHigh(_))));
    }

    #[test]
    fn due_times_do_not_drift() {
        let rate: Rate = "3/s".parse().unwrap();
        assert_eq!(rate.due_ns(3_000_000_000), Some(1_000_000_000_000_000_000));
        assert_eq!(
            [0, 1, 2, 3].map(|k| rate.due_ns(k).unwrap()),
            [0, 333_333_333, 666_666_666, 1_000_000_000]
        );
    }

    /// k6's `constant-arrival-rate` makes an event every ⌊timeUnit / rate⌋ nanoseconds, the first at
    /// once. What it cuts off, up to a nanosecond for each event, is the only difference.
    #[test]
    fn instants_are_those_of_k6_but_for_what_it_cuts_off() {
        for (events, unit_ns) in [(10, 1_000_000_000), (100, 1_000_000_000), (1, 2_000_000_000)] {
            let rate = Rate::new(events, unit_ns).unwrap();
            for k in (0..1_000_000_000).step_by(999_983) {
                assert_eq!(rate.due_ns(k), Some(k * (unit_ns / events)), "{events} {k}");
            }
        }
        for (events, unit_ns) in [(3, 1_000_000_000), (1200, 1_000_000_000), (7, 60_000_000_000)] {
            let rate = Rate::new(events, unit_ns).unwrap();
            let cut_off = unit_ns % events;
            for k in (0..1_000_000_000).step_by(999_983) {
                let (ours, theirs) = (rate.due_ns(k).unwrap(), k * (unit_ns / events));
                assert_eq!(ours - theirs, k * cut_off / events, "{events} {k}");
            }
        }
    }

    #[test]
    fn events_are_counted_by_their_due_times() {
        for (text, ns) in [("200/s", 30_000_000_000), ("3/s", 1), ("7/3s", 2_999_999_999)] {
            let rate: Rate = text.parse().unwrap();
            let count = rate.events_before(ns);
            assert!(rate.due_ns(count - 1).unwrap() < ns, "{text}");
            let next = u128::from(count) * u128::from(rate.period_ns());
            assert!(next >= u128::from(ns) * u128::from(rate.events()), "{text}");
        }
        assert_eq!("200/s".parse::<Rate>().unwrap().events_before(30_000_000_000), 6000);
        assert_eq!("0/s".parse::<Rate>().unwrap().events_before(30_000_000_000), 0);
    }
}
