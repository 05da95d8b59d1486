//! Rates that change linearly, stage by stage.
//!
//! Event `k` is due when the integral of the rate reaches `k`. Within a stage that starts at `S`
//! with rate `a` and reaches `b` after `d`, with area `D` before it, the integral is
//! `D + a·t + (b−a)·t²/(2d)`, so with `n = k − D`
//!
//! ```text
//! due = S + 2n / (a + √(a² + 2n(b−a)/d))
//! ```
//!
//! This form of the solution has no cancellation when `a` and `b` are close. Computed in floating
//! point it is off by microseconds late in long stages, so it only says where to look: the due time
//! is the last nanosecond at which the integral, in integers, has not passed `k`.
//!
//! k6's `ramping-arrival-rate` numbers events from one and so has the same instants; it leaves out
//! the event at the very start.

use std::time::Duration;

use crate::dues::FRACTION_BITS;
use crate::{Rate, parse_duration};

/// A stage: the rate moves linearly to `target` within `duration`. A duration of zero is a jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stage {
    /// How long the change takes.
    pub duration: Duration,
    /// The rate at its end.
    pub target: Rate,
}

/// Why a text is not a list of stages.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StageError {
    /// Write `duration:rate`, separated by commas.
    #[error("stage `{0}`: {1}; write duration:rate such as 0s:10,3m:50")]
    Malformed(String, String),
    /// Rates of different units, such as per second and per minute, need a common one.
    #[error("stage `{0}`: its rate and those of the others have no common unit; use one for all")]
    NoCommonUnit(String),
    /// The integral of the rate has no exact integers of 128 bits.
    #[error("stage `{0}` is too long for such a rate; split it into shorter ones")]
    TooLong(String),
    /// There is nothing to do.
    #[error("the stages last no time")]
    Empty,
    /// All rates are zero.
    #[error("every rate is zero, so nothing is ever due")]
    Zero,
}

/// Parses `0s:10,3m:50`: start at 10 per second and move to 50 per second within three minutes.
pub fn parse_stages(text: &str) -> Result<Vec<Stage>, StageError> {
    text.split(',').map(parse_stage).collect()
}

fn parse_stage(text: &str) -> Result<Stage, StageError> {
    let malformed = |why: String| StageError::Malformed(text.to_owned(), why);
    let (duration, target) =
        text.trim().split_once(':').ok_or_else(|| malformed("no colon".to_owned()))?;
    Ok(Stage {
        duration: parse_duration(duration).map_err(|err| malformed(err.to_string()))?,
        target: target.parse().map_err(|err: crate::RateError| malformed(err.to_string()))?,
    })
}

/// A piecewise linear rate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ramp {
    pieces: Vec<Piece>,
    period_ns: u64,
}

/// A stage in place. Areas are in half events per period and nanosecond, so that they are integers:
/// an event is `2 · period_ns` of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Piece {
    start_ns: u64,
    duration_ns: u64,
    from: u64,
    to: u64,
    area_before: u128,
}

impl Piece {
    fn area(&self) -> u128 {
        (u128::from(self.from) + u128::from(self.to)) * u128::from(self.duration_ns)
    }

    /// The area at its end; `None` where it, or what finds an offset in it, needs more than 128 bits.
    fn area_after(&self) -> Option<u128> {
        let most = u128::from(self.from.max(self.to)).checked_mul(4)?;
        let duration = u128::from(self.duration_ns);
        let squared = if self.from == self.to { 1 } else { duration };
        most.checked_mul(duration)?.checked_mul(squared)?;
        self.area_before.checked_add(self.area())
    }

    /// The last nanosecond at which the area has not passed `area`, which is below that of the piece.
    ///
    /// The area after `t` is `2at + (b−a)t²/d`; both sides are multiplied by `d` to stay integers.
    fn offset_ns(&self, area: u128) -> u64 {
        let (from, to) = (u128::from(self.from), u128::from(self.to));
        if from == to {
            return u64::try_from(area / (2 * from)).expect("within the piece");
        }
        let duration = u128::from(self.duration_ns);
        let has_passed = |ns: u64| {
            let ns = u128::from(ns);
            let level = 2 * from * duration;
            let times_duration = match to.checked_sub(from) {
                Some(rise) => ns * (level + rise * ns),
                None => ns * (level - (from - to) * ns),
            };
            times_duration > area * duration
        };
        let (mut low, mut width) = (estimate_ns(self, area).min(self.duration_ns - 1), 1);
        let mut high = low + 1;
        while has_passed(low) {
            (high, low) = (low, low.saturating_sub(width));
            width *= 2;
        }
        while !has_passed(high) {
            (low, high) = (high, high.saturating_add(width).min(self.duration_ns));
            width *= 2;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            *(if has_passed(middle) { &mut high } else { &mut low }) = middle;
        }
        low
    }
}

/// A period in which each of the rates is a whole number of events.
fn common_period_ns(start: Rate, stages: &[Stage]) -> Result<u64, StageError> {
    let mut common = start.period_ns();
    for stage in stages.iter().filter(|stage| stage.target.events() > 0) {
        let period = stage.target.period_ns();
        let multiple = (common / greatest_common_divisor(common, period)).checked_mul(period);
        common = multiple.ok_or_else(|| StageError::NoCommonUnit(shown(stage)))?;
    }
    Ok(common)
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// Events of a rate in a multiple of its own period.
fn in_periods(rate: Rate, period_ns: u64) -> Option<u64> {
    rate.events().checked_mul(period_ns / rate.period_ns())
}

fn no_common_unit(rate: Rate) -> StageError {
    StageError::NoCommonUnit(rate.to_string())
}

fn shown(stage: &Stage) -> String {
    format!("{:?}:{}", stage.duration, stage.target)
}

impl Ramp {
    /// A rate that starts at `start` and goes through `stages`.
    pub fn new(start: Rate, stages: &[Stage]) -> Result<Self, StageError> {
        let period_ns = common_period_ns(start, stages)?;
        let mut from = in_periods(start, period_ns).ok_or_else(|| no_common_unit(start))?;
        let (mut start_ns, mut area_before) = (0_u64, 0_u128);
        let mut pieces = Vec::with_capacity(stages.len());
        for stage in stages {
            let too_long = || StageError::TooLong(shown(stage));
            let to = in_periods(stage.target, period_ns)
                .ok_or_else(|| StageError::NoCommonUnit(shown(stage)))?;
            let duration_ns = u64::try_from(stage.duration.as_nanos()).map_err(|_| too_long())?;
            let piece = Piece { start_ns, duration_ns, from, to, area_before };
            start_ns = start_ns.checked_add(duration_ns).ok_or_else(too_long)?;
            if duration_ns > 0 {
                area_before = piece.area_after().ok_or_else(too_long)?;
                pieces.push(piece);
            }
            from = to;
        }
        match area_before {
            _ if start_ns == 0 => Err(StageError::Empty),
            0 => Err(StageError::Zero),
            _ => Ok(Self { pieces, period_ns }),
        }
    }

    /// Events that become due before the end: the integral of the rate, rounded up.
    pub fn events(&self) -> u64 {
        let area = self.pieces.last().map_or(0, |last| last.area_before + last.area());
        u64::try_from(area.div_ceil(self.unit())).unwrap_or(u64::MAX)
    }

    /// Length of all stages.
    pub fn duration_ns(&self) -> u64 {
        self.pieces.last().map_or(0, |last| last.start_ns + last.duration_ns)
    }

    /// The pieces of the rate in their order: when each begins, how long it lasts, both in
    /// nanoseconds, and its rate at both ends.
    pub fn pieces(&self) -> impl Iterator<Item = (u64, u64, Rate, Rate)> + '_ {
        let rate = |events| Rate::new(events, self.period_ns).expect("the period is not zero");
        let piece = move |it: &Piece| (it.start_ns, it.duration_ns, rate(it.from), rate(it.to));
        self.pieces.iter().map(piece)
    }

    /// When event `k` (from zero) is due; `None` past the last.
    pub fn due_ns(&self, k: u64) -> Option<u64> {
        self.due_at_area(u128::from(k) * self.unit())
    }

    /// When the integral of the rate reaches `events`, in 2⁻³² events; `None` past the end.
    pub(crate) fn due_at_ns(&self, events: u128) -> Option<u64> {
        self.due_at_area(events.checked_mul(self.unit())? >> FRACTION_BITS)
    }

    fn due_at_area(&self, area: u128) -> Option<u64> {
        // The first piece whose area reaches beyond `area`; a stage at rate zero never does.
        let index = self.pieces.partition_point(|piece| piece.area_before + piece.area() <= area);
        let piece = self.pieces.get(index)?;
        Some(piece.start_ns + piece.offset_ns(area - piece.area_before))
    }

    /// The rate at an instant, for people.
    #[expect(clippy::cast_precision_loss, reason = "a figure to show")]
    pub fn per_second_at(&self, ns: u64) -> f64 {
        let index = self.pieces.partition_point(|piece| piece.start_ns + piece.duration_ns <= ns);
        let Some(piece) = self.pieces.get(index) else { return 0.0 };
        let share = (ns - piece.start_ns) as f64 / piece.duration_ns as f64;
        let events = piece.from as f64 + (piece.to as f64 - piece.from as f64) * share;
        events * 1e9 / self.period_ns as f64
    }

    fn unit(&self) -> u128 {
        2 * u128::from(self.period_ns)
    }
}

/// The formula above, with `area` in half events per period and nanosecond.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate; the result is not negative"
)]
fn estimate_ns(piece: &Piece, area: u128) -> u64 {
    let (a, b, d) = (piece.from as f64, piece.to as f64, piece.duration_ns as f64);
    let n = area as f64 / 2.0;
    let rate = (a * a + 2.0 * n * (b - a) / d).max(0.0).sqrt();
    if n == 0.0 { 0 } else { (2.0 * n / (a + rate)) as u64 }
}

#[cfg(test)]
mod tests;
