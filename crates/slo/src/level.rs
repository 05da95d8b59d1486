//! The levels of an objective, with their units: `"3s"`, `"99%"`, `100`.

use load_plan::parse_duration;

use crate::error::{At, Result, SloError, refuse};
use crate::metric::Kind;
use crate::syntax::{Field, Value};

/// Counts up to here are exact in a `f64`.
pub(crate) const EXACT: f64 = 9_007_199_254_740_992.0;

/// A target or critical level, in the unit of the metric.
pub(crate) fn level(field: &Field, kind: Kind) -> Result<f64> {
    let level = match (kind, &field.value) {
        (Kind::Trend, Value::Text(text)) => milliseconds(text).at(&field.place),
        (Kind::Trend, Value::Number(number)) => {
            refuse!(
                "{}: `{}` has no unit; write \"{number}s\" or \"{number}ms\"",
                field.place,
                field.key
            )
        }
        (Kind::Ratio, Value::Text(text)) => share(text).at(&field.place),
        (_, Value::Number(number)) => Ok(*number),
        (Kind::Counter, _) => {
            refuse!("{}: `{}` has to be a plain number of events", field.place, field.key)
        }
        (_, Value::Other(kind)) => {
            refuse!("{}: `{}` cannot be a value of kind {kind}", field.place, field.key)
        }
    }?;
    let limit = if kind == Kind::Ratio { 1.0 } else { EXACT };
    if !(0.0..=limit).contains(&level) {
        let remedy = match kind {
            Kind::Ratio => "a share is from 0 to 1, e.g., 0.99 or \"99%\"",
            _ => "it has to be a number from 0 to 2^53",
        };
        refuse!("{}: `{}` is out of range; {remedy}", field.place, field.key);
    }
    Ok(level)
}

#[expect(clippy::cast_precision_loss, reason = "a level is below 2^53 ns, or rounded to 0.1 ppm")]
fn milliseconds(text: &str) -> Result<f64> {
    let span = parse_duration(text).map_err(|err| SloError::new(err.to_string()))?;
    Ok(span.as_nanos() as f64 / 1e6)
}

/// `99.9%` as 0.999, exactly the number that 999 of 1000 is: dividing 99.9 by 100 would give the
/// next one, which 999 of 1000 does not reach.
fn share(text: &str) -> Result<f64> {
    let number = text
        .strip_suffix('%')
        .map(str::trim_end)
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'));
    let share = number.and_then(|number| format!("{number}e-2").parse().ok());
    share.ok_or_else(|| {
        SloError::new(format!("`{text}` is not a share; write a number or a percentage in quotes"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "exactness is the point")]
    fn percentages_are_the_numbers_that_shares_of_events_are() {
        for (text, ok, planned) in [
            ("99.9%", 999.0, 1000.0),
            ("95 %", 95.0, 100.0),
            ("0.1%", 1.0, 1000.0),
            ("99.99%", 9999.0, 10_000.0),
            ("0%", 0.0, 1.0),
            ("100%", 1.0, 1.0),
        ] {
            assert_eq!(share(text).unwrap(), ok / planned, "{text}");
        }
        for text in ["", "%", "99", "x%", "1e1%", "-1%", "1.2.3%"] {
            assert!(share(text).is_err(), "{text}");
        }
    }

    #[test]
    #[expect(clippy::float_cmp, reason = "exactness is the point")]
    fn spans_become_milliseconds() {
        for (text, ms) in [("3s", 3000.0), ("1m30s", 90_000.0), ("250us", 0.25), ("0", 0.0)] {
            assert_eq!(milliseconds(text).unwrap(), ms, "{text}");
        }
        assert!(milliseconds("3").is_err());
    }
}
