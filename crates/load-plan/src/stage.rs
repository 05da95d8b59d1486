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
//! This form of the solution has no cancellation when `a` and `b` are close, and covers `a = b`.
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
    /// All rates of a schedule share one period.
    #[error("stage `{0}`: all stages need rates of one unit, e.g., all per second")]
    MixedUnits(String),
    /// There is nothing to do.
    #[error("the stages last no time")]
    Empty,
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
}

impl Ramp {
    /// A rate that starts at `start` and goes through `stages`.
    pub fn new(start: Rate, stages: &[Stage]) -> Result<Self, StageError> {
        let (mut start_ns, mut area_before, mut from) = (0_u64, 0_u128, start.events());
        let mut pieces = Vec::with_capacity(stages.len());
        for stage in stages {
            let text = || format!("{:?}:{}", stage.duration, stage.target);
            let same_unit = stage.target.period_ns() == start.period_ns();
            if !same_unit && stage.target.events() > 0 {
                return Err(StageError::MixedUnits(text()));
            }
            let too_long = || StageError::Malformed(text(), "too long".to_owned());
            let duration_ns = u64::try_from(stage.duration.as_nanos()).map_err(|_| too_long())?;
            let to = stage.target.events();
            let piece = Piece { start_ns, duration_ns, from, to, area_before };
            if duration_ns > 0 {
                pieces.push(piece);
            }
            area_before += piece.area();
            start_ns = start_ns.checked_add(duration_ns).ok_or_else(too_long)?;
            from = to;
        }
        if start_ns == 0 {
            return Err(StageError::Empty);
        }
        Ok(Self { pieces, period_ns: start.period_ns() })
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
        let within = offset_ns(piece, area - piece.area_before);
        Some(piece.start_ns + within.min(piece.duration_ns))
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
    reason = "53 bits give 1 ns in 104 days; the result is not negative"
)]
fn offset_ns(piece: &Piece, area: u128) -> u64 {
    let (a, b, d) = (piece.from as f64, piece.to as f64, piece.duration_ns as f64);
    let n = area as f64 / 2.0;
    if n == 0.0 {
        return 0;
    }
    (2.0 * n / (a + (a * a + 2.0 * n * (b - a) / d).max(0.0).sqrt())) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ramp(text: &str) -> Ramp {
        Ramp::new("0/s".parse().unwrap(), &parse_stages(text).unwrap()).unwrap()
    }

    #[test]
    fn a_flat_stage_is_a_constant_rate() {
        let flat = ramp("0s:200,30s:200");
        let rate: Rate = "200/s".parse().unwrap();
        assert_eq!(flat.events(), 6000);
        for k in 0..6000 {
            assert_eq!(flat.due_ns(k), rate.due_ns(k), "event {k}");
        }
        assert_eq!(flat.due_ns(6000), None);
    }

    /// The rate of 10/s · t has the integral 5t², so event k is due at √(k/5).
    #[test]
    fn a_ramp_from_zero_has_the_instants_of_its_integral() {
        let ramp = ramp("10s:100");
        assert_eq!(ramp.events(), 500);
        for k in 0..500_u32 {
            let expected_ns = (f64::from(k) / 5.0).sqrt() * 1e9;
            #[expect(clippy::cast_precision_loss, reason = "compared within a microsecond")]
            let due_ns = ramp.due_ns(k.into()).unwrap() as f64;
            assert!((due_ns - expected_ns).abs() < 1000.0, "event {k}: {due_ns} {expected_ns}");
        }
    }

    /// The instants of k6's `ramping-arrival-rate`, by the formula of its source: stage by stage, for
    /// event i counted from one. Ours are the same, with one event more at the very start.
    #[expect(clippy::cast_precision_loss, reason = "k6 computes in floating point, too")]
    fn k6_instants_ns(start: f64, stages: &[(f64, f64)]) -> Vec<f64> {
        let (mut from, mut begin, mut done, mut i) = (start / 1e9, 0.0, 0.0, 1_u64);
        let mut instants = Vec::new();
        for &(seconds, target) in stages {
            let (length, to) = (seconds * 1e9, target / 1e9);
            let end = done + length * (from + to) / 2.0;
            while i as f64 <= end {
                let x = i as f64;
                instants.push(if (to - from).abs() < f64::EPSILON * 1e-9 {
                    begin + (x - done) / to
                } else {
                    let root = length * (from * from * length + 2.0 * (x - done) * (to - from));
                    begin + (from * length - root.max(0.0).sqrt()) / (from - to)
                });
                i += 1;
            }
            (from, begin, done) = (to, begin + length, end);
        }
        instants
    }

    #[test]
    fn instants_are_those_of_k6_within_a_microsecond() {
        let stages = [(180.0, 50.0), (180.0, 100.0), (180.0, 200.0), (180.0, 100.0), (120.0, 10.0)];
        let theirs = k6_instants_ns(10.0, &stages);
        let text = "0s:10,3m:50,3m:100,3m:200,3m:100,2m:10";
        let ours = ramp(text);
        // Theirs may leave out the event at the very end, where the integral is a whole number.
        assert!(ours.events() - theirs.len() as u64 <= 1, "{} {}", ours.events(), theirs.len());
        for (k, theirs_ns) in (1..ours.events()).zip(theirs) {
            #[expect(clippy::cast_precision_loss, reason = "compared within a microsecond")]
            let ours_ns = ours.due_ns(k).unwrap() as f64;
            assert!((ours_ns - theirs_ns).abs() < 1000.0, "event {k}: {ours_ns} {theirs_ns}");
        }
    }

    #[test]
    fn a_stage_at_rate_zero_is_a_pause() {
        let pause = ramp("0s:1,1s:1,0s:0,5s:0,0s:1,1s:1");
        assert_eq!([0, 1, 2].map(|k| pause.due_ns(k)), [Some(0), Some(6_000_000_000), None]);
    }

    #[test]
    fn the_rate_at_an_instant_is_interpolated() {
        let ramp = ramp("0s:10,10s:20");
        assert!((ramp.per_second_at(5_000_000_000) - 15.0).abs() < 1e-9);
        assert!(ramp.per_second_at(10_000_000_000).abs() < 1e-9);
    }

    #[test]
    fn wrong_stages_say_what_is_wrong() {
        let message = parse_stages("3m").unwrap_err().to_string();
        assert_eq!(message, "stage `3m`: no colon; write duration:rate such as 0s:10,3m:50");
        let zero: Rate = "0/s".parse().unwrap();
        let mixed = parse_stages("1m:10/s,1m:10/m").unwrap();
        assert!(matches!(Ramp::new(zero, &mixed), Err(StageError::MixedUnits(_))));
        assert_eq!(Ramp::new(zero, &parse_stages("0s:10").unwrap()), Err(StageError::Empty));
    }

    proptest! {
        #[test]
        fn due_times_never_decrease_and_the_count_is_the_integral(
            stages in prop::collection::vec((0_u64..20, 0_u64..500), 1..6),
        ) {
            prop_assume!(stages.iter().any(|(seconds, _)| *seconds > 0));
            let list: Vec<Stage> = stages.iter().map(|&(seconds, target)| Stage {
                duration: Duration::from_secs(seconds),
                target: Rate::new(target, 1_000_000_000).unwrap(),
            }).collect();
            let ramp = Ramp::new("0/s".parse().unwrap(), &list).unwrap();
            let mut from = 0;
            let doubled: u64 = stages.iter().map(|&(seconds, target)| {
                let area = (from + target) * seconds;
                from = target;
                area
            }).sum();
            prop_assert_eq!(ramp.events(), doubled.div_ceil(2));
            let mut last = 0;
            for k in 0..ramp.events() {
                let due = ramp.due_ns(k).unwrap();
                prop_assert!(due >= last && due <= ramp.duration_ns(), "event {}", k);
                last = due;
            }
            prop_assert_eq!(ramp.due_ns(ramp.events()), None);
        }
    }
}
