//! How a metric becomes one figure: k6 calls it the method, the objectives file `aggregate`.
//!
//! The two vocabularies differ in one word. `rate` of a counter is events per second in k6; the
//! objectives file calls that `per_second`, and keeps `rate` for shares.

use std::fmt;

use ce_record::run_dir::PERCENTILES;
use lat_hist::Quantile;

use load_plan::suggest::remedy;

use crate::error::{At, Result, SloError, refuse};
use crate::metric::{Kind, Metric};

/// One figure of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aggregate {
    /// A number of events.
    Count,
    /// Events per second of the time in which they were due, sent or answered.
    PerSecond,
    /// A share, from 0 to 1.
    Rate,
    /// The exact mean.
    Mean,
    /// The exact minimum.
    Min,
    /// The exact maximum.
    Max,
    /// The value that a share of all values does not exceed.
    Percentile(Percentile),
}

/// A percentile as it was written, and as a ratio of integers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Percentile {
    /// The number, e.g., `99.9`.
    pub text: String,
    /// The same from 0 to 1.
    pub quantile: Quantile,
}

impl Percentile {
    fn new(text: &str) -> Result<Self> {
        Ok(Self {
            text: text.to_owned(),
            quantile: text.parse::<Quantile>().map_err(|err| SloError::new(err.to_string()))?,
        })
    }

    /// Its key in `summary.json`; `None` for one that only the histograms can tell.
    pub fn summary_key(&self) -> Option<&'static str> {
        let known = PERCENTILES.iter();
        let mut same = known.filter(|(_, num, den)| Quantile::new(*num, *den) == self.quantile);
        same.next().map(|(key, _, _)| *key)
    }

    /// Whether it is the smallest or the largest value, which are known exactly.
    pub fn is_end(&self) -> bool {
        [Quantile::new(0, 1), Quantile::new(1, 1)].contains(&self.quantile)
    }

    /// The fewest values that can prove it: with fewer, the upper end of its 97.5 % confidence
    /// interval is beyond the largest value, because q^n, the chance that all of n values lie below
    /// the quantile, is above 2.5 %. `None` for p100, which no number of values can prove.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "capped below 2^53"
    )]
    pub fn min_count(&self) -> Option<u64> {
        let share = self.text.parse::<f64>().expect("a Quantile was parsed from it") / 100.0;
        let count = (0.025_f64.ln() / share.ln()).ceil();
        (share < 1.0).then(|| count.clamp(1.0, 1e15) as u64)
    }
}

impl Aggregate {
    /// Reads a method of a k6 threshold, such as `p(99.9)`.
    pub(crate) fn from_k6(method: &str, metric: Metric) -> Result<Self> {
        let percentile = method.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')'));
        let (kind, name) = (metric.kind(), metric.name());
        match (method, kind) {
            ("count", Kind::Counter) => Ok(Self::Count),
            ("rate", Kind::Counter) => Ok(Self::PerSecond),
            ("rate", Kind::Ratio) => Ok(Self::Rate),
            ("avg", Kind::Trend) => Ok(Self::Mean),
            ("min", Kind::Trend) => Ok(Self::Min),
            ("max", Kind::Trend) => Ok(Self::Max),
            ("med", Kind::Trend) => Ok(Self::Percentile(Percentile::new("50")?)),
            ("count" | "rate" | "value" | "avg" | "min" | "max" | "med", _) => {
                refuse!(
                    "`{method}` is no method of `{name}`; valid are {}",
                    k6_methods(kind).join(", ")
                )
            }
            _ => match (percentile, kind) {
                (Some(number), Kind::Trend) => Ok(Self::Percentile(Percentile::new(number)?)),
                (Some(_), _) => {
                    let valid = k6_methods(kind).join(", ");
                    refuse!("`{name}` has no percentiles; valid are {valid}")
                }
                (None, _) => {
                    refuse!(
                        "unknown method `{method}`; {}",
                        remedy(method, k6_methods(kind).to_vec())
                    )
                }
            },
        }
    }

    /// Reads the `aggregate` of an objectives file, such as `p99.9`.
    pub(crate) fn from_table(text: &str, metric: Metric) -> Result<Self> {
        let kind = metric.kind();
        match (text, kind) {
            ("count", Kind::Counter) => return Ok(Self::Count),
            ("per_second", Kind::Counter) => return Ok(Self::PerSecond),
            ("rate", Kind::Ratio) => return Ok(Self::Rate),
            ("mean", Kind::Trend) => return Ok(Self::Mean),
            ("min", Kind::Trend) => return Ok(Self::Min),
            ("max", Kind::Trend) => return Ok(Self::Max),
            _ => {}
        }
        let number = text.strip_prefix('p').filter(|n| n.starts_with(|c: char| c.is_ascii_digit()));
        match number {
            Some(number) if kind == Kind::Trend => {
                let percentile = Percentile::new(number);
                percentile.map(Self::Percentile).at(format_args!("aggregate `{text}`"))
            }
            _ => {
                let valid: &[&str] = match kind {
                    Kind::Trend => &["mean", "min", "max", "p50", "p95", "p99.9"],
                    Kind::Ratio => &["rate"],
                    Kind::Counter => &["count", "per_second"],
                };
                let remedy = remedy(text, valid.iter().copied());
                refuse!("`{text}` is no aggregate of `{}`; {remedy}", metric.name())
            }
        }
    }
}

/// The name in the objectives file and in reports.
impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("count"),
            Self::PerSecond => f.write_str("per_second"),
            Self::Rate => f.write_str("rate"),
            Self::Mean => f.write_str("mean"),
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
            Self::Percentile(percentile) => write!(f, "p{}", percentile.text),
        }
    }
}

fn k6_methods(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Trend => &["avg", "min", "max", "med", "p(N)"],
        Kind::Ratio => &["rate"],
        Kind::Counter => &["count", "rate"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_of_k6_are_read() {
        let check = |method, metric, name: &str| {
            assert_eq!(Aggregate::from_k6(method, metric).unwrap().to_string(), name);
        };
        check("count", Metric::Ok, "count");
        check("rate", Metric::Ok, "per_second");
        check("rate", Metric::Failed, "rate");
        check("avg", Metric::Latency, "mean");
        check("min", Metric::E2e, "min");
        check("max", Metric::Lag, "max");
        check("med", Metric::Service, "p50");
        check("p(99.9)", Metric::Latency, "p99.9");
        check("p(0)", Metric::Latency, "p0");
        check("p(100)", Metric::Latency, "p100");
    }

    #[test]
    fn methods_that_do_not_fit_are_refused_with_those_that_do() {
        let check = |method, metric, text: &str| {
            let message = Aggregate::from_k6(method, metric).unwrap_err().to_string();
            assert!(message.contains(text), "{message}");
        };
        check("count", Metric::Latency, "valid are avg, min, max, med, p(N)");
        check("avg", Metric::Failed, "valid are rate");
        check("value", Metric::Ok, "valid are count, rate");
        check("p(95)", Metric::Ok, "`ok` has no percentiles; valid are count, rate");
        check("p(101)", Metric::Latency, "`101` is not a percentile");
        check("p()", Metric::Latency, "is not a percentile");
        check("maxx", Metric::Latency, "did you mean `max`?");
        check("", Metric::Latency, "unknown method ``");
    }

    #[test]
    fn aggregates_of_the_objectives_file_are_read() {
        for (text, metric) in [
            ("count", Metric::Lost),
            ("per_second", Metric::Sent),
            ("rate", Metric::Success),
            ("mean", Metric::Latency),
            ("min", Metric::Latency),
            ("max", Metric::Latency),
            ("p95", Metric::E2e),
            ("p99.9", Metric::E2e),
        ] {
            assert_eq!(Aggregate::from_table(text, metric).unwrap().to_string(), text);
        }
        let message =
            |text, metric| format!("{:#}", Aggregate::from_table(text, metric).unwrap_err());
        assert!(message("rate", Metric::Sent).contains("valid are count, per_second"));
        assert!(message("p95", Metric::Failed).contains("valid are rate"));
        assert!(message("p(95)", Metric::Latency).contains("did you mean `p95`?"));
        assert!(message("p999", Metric::Latency).contains("`999` is not a percentile"));
    }

    #[test]
    fn percentiles_of_the_summary_are_found_however_they_are_written() {
        let check = |text, key| assert_eq!(Percentile::new(text).unwrap().summary_key(), key);
        check("50", Some("p50"));
        check("95.0", Some("p95"));
        check("99.9", Some("p99_9"));
        check("99.990", Some("p99_99"));
        check("97.5", None);
    }

    #[test]
    fn the_fewest_values_that_can_prove_a_percentile() {
        let check = |text, count| assert_eq!(Percentile::new(text).unwrap().min_count(), count);
        check("95", Some(72));
        check("99", Some(368));
        check("99.9", Some(3688));
        check("99.99", Some(36_887));
        check("0", Some(1));
        check("100", None);
    }
}
