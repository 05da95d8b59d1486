//! Figures with units, as people read them.

use crate::aggregate::Aggregate;
use crate::metric::Kind;
use crate::objective::Objective;

/// Enough for a report, and not more than the histograms resolve.
const DIGITS: usize = 4;
/// Beyond this, decimal digits of a `f64` are noise.
const ALL_DIGITS: usize = 15;

/// A measured value. It is rounded, but never so far that it would seem to be on another side of the
/// target or the critical level.
pub fn measured(objective: &Objective, value: f64) -> String {
    let limits = [Some(objective.target), objective.critical];
    let same_side = |digits: &usize| {
        let rounded = rounded(value, *digits);
        let mut limits = limits.iter().flatten();
        limits.all(|limit| rounded.partial_cmp(limit) == value.partial_cmp(limit))
    };
    let digits = (DIGITS..ALL_DIGITS).find(same_side).unwrap_or(ALL_DIGITS);
    with_unit(objective, value, digits)
}

/// A target or critical level, as exact as it was written.
pub fn limit(objective: &Objective, value: f64) -> String {
    format!("{} {}", objective.op, with_unit(objective, value, ALL_DIGITS))
}

/// A ratio as a percentage.
pub fn percent(ratio: f64, digits: usize) -> String {
    format!("{} %", rounded(ratio * 100.0, digits))
}

/// A span of time, given in milliseconds.
pub fn span(ms: f64, digits: usize) -> String {
    let (value, unit) = match ms.abs() {
        below if below < 1.0 && below > 0.0 => (ms * 1000.0, "µs"),
        below if below < 1000.0 => (ms, "ms"),
        _ => (ms / 1000.0, "s"),
    };
    format!("{} {unit}", rounded(value, digits))
}

fn with_unit(objective: &Objective, value: f64, digits: usize) -> String {
    match (objective.metric.kind(), &objective.aggregate) {
        (Kind::Trend, _) => span(value, digits),
        (Kind::Ratio, _) => percent(value, digits),
        (Kind::Counter, Aggregate::PerSecond) => format!("{} /s", rounded(value, digits)),
        (Kind::Counter, _) => value.to_string(),
    }
}

/// Rounds to a number of significant digits.
fn rounded(value: f64, digits: usize) -> f64 {
    format!("{value:.*e}", digits - 1).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::threshold;

    fn shown(threshold: &str, value: f64) -> (String, String) {
        let objective = threshold::parse(threshold).unwrap().remove(0);
        (measured(&objective, value), limit(&objective, objective.target))
    }

    #[test]
    fn values_have_the_unit_that_suits_them() {
        let check = |threshold, value, text: &str, limit: &str| {
            assert_eq!(shown(threshold, value), (text.into(), limit.into()));
        };
        check("latency: p(95)<5000", 0.512, "512 µs", "< 5 s");
        check("latency: p(95)<250", 12.345_678, "12.35 ms", "< 250 ms");
        check("latency: p(95)<=1500", 59_999.0, "60 s", "<= 1.5 s");
        check("latency: min>=0", 0.0, "0 ms", ">= 0 ms");
        check("failed: rate<0.01", 0.000_123_46, "0.01235 %", "< 1 %");
        check("success: rate>0.999", 1.0, "100 %", "> 99.9 %");
        check("ok: count>10000", 57_600_001.0, "57600001", "> 10000");
        check("ok: rate>100", 123.456_7, "123.5 /s", "> 100 /s");
    }

    #[test]
    fn rounding_never_moves_a_value_across_a_limit() {
        let check = |value, text: &str| assert_eq!(shown("latency: p(95)<5000", value).0, text);
        check(4999.96, "4.99996 s");
        check(5000.0, "5 s");
        check(5000.04, "5.00004 s");
        assert_eq!(shown("success: rate>=0.999", 0.998_999).0, "99.8999 %");
    }
}
