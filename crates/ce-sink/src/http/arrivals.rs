//! How evenly requests arrive: what a sender's schedule looks like from the other end.
//!
//! All of it in memory that does not grow, and without an allocation or a lock per request: mean and
//! variance are kept up to date by Welford's method, and the gaps are counted in a histogram.
//!
//! A request arrives when its head has been read and parsed, before anything is done about it: late
//! bodies and late answers do not count. A stamp on each read from the socket would be earlier by
//! 3 µs in the median and 8 µs for 99 of 100 requests, measured at 5,000/s, where the gaps are of
//! 200 µs; too little to pay for watching every read. What cannot be told from a late sender is a
//! late sink: it should have a core of its own.

use std::fmt;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use lat_hist::{Histogram, Quantile};
use serde::Serialize;

/// A gap is part of a burst if it is shorter than the mean gap divided by this.
const BURST_DIVISOR: u64 = 10;

/// Counts arrivals and the gaps between them.
#[derive(Debug)]
pub(crate) struct Arrivals {
    first_ns: Option<u64>,
    last_ns: u64,
    mean_ns: f64,
    /// The sum of the squared distances from the mean.
    squares: f64,
    /// Each gap a thousandfold, so that what the histogram calls a microsecond is a nanosecond: of a
    /// gap of 200 µs, 1 µs is too coarse a step. The buckets then go from 1 ns to 3.6 s.
    gaps: Histogram,
}

impl Arrivals {
    pub(crate) fn new() -> Self {
        let mut gaps = Histogram::default();
        // The histogram takes its memory with the first value and keeps it: not while we measure.
        gaps.record(0);
        gaps.clear();
        Self { first_ns: None, last_ns: 0, mean_ns: 0.0, squares: 0.0, gaps }
    }

    /// Something arrived at `at_ns`, not before the arrival that was told of last.
    pub(crate) fn arrived(&mut self, at_ns: u64) {
        if self.first_ns.is_none() {
            self.first_ns = Some(at_ns);
        } else {
            self.gap(at_ns.saturating_sub(self.last_ns));
        }
        self.last_ns = at_ns;
    }

    fn gap(&mut self, gap_ns: u64) {
        self.gaps.record(gap_ns.saturating_mul(1000));
        let gap = float(gap_ns);
        let distance = gap - self.mean_ns;
        self.mean_ns += distance / float(self.gaps.count());
        self.squares += distance * (gap - self.mean_ns);
    }

    pub(crate) fn report(&self) -> Report {
        let first_ns = self.first_ns.unwrap_or(self.last_ns);
        let duration_s = float(self.last_ns - first_ns) / 1e9;
        let gaps = self.gaps.count();
        let spread = self.mean_ns > 0.0;
        Report {
            arrivals: gaps + u64::from(self.first_ns.is_some()),
            duration_s,
            rate_per_s: spread.then(|| 1e9 / self.mean_ns),
            gap_us: GapUs::of(&self.gaps, self.mean_ns),
            gap_cv: spread.then(|| (self.squares / float(gaps)).sqrt() / self.mean_ns),
            burst_share: spread.then(|| float(self.short_gaps(first_ns)) / float(gaps)),
        }
    }

    fn short_gaps(&self, first_ns: u64) -> u64 {
        let limit_ns = (self.last_ns - first_ns).div_ceil(self.gaps.count() * BURST_DIVISOR);
        limit_ns.checked_sub(1).map_or(0, |below| self.gaps.count_up_to_us(below))
    }
}

/// What is written at the end. Without two arrivals there is no gap, and what needs one is null.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Report {
    /// Requests.
    pub(crate) arrivals: u64,
    /// From the first to the last.
    pub(crate) duration_s: f64,
    /// One divided by the mean gap.
    pub(crate) rate_per_s: Option<f64>,
    pub(crate) gap_us: Option<GapUs>,
    /// Coefficient of variation: the standard deviation of the gaps divided by their mean. 0 for the
    /// beat of a clock, 1 for a Poisson process.
    pub(crate) gap_cv: Option<f64>,
    /// Gaps shorter than a tenth of the mean gap, to the bucket of 0.1 %, divided by all gaps. 0 for
    /// the beat of a clock, 1 - exp(-0.1) = 0.095 for a Poisson process.
    pub(crate) burst_share: Option<f64>,
}

/// The gaps in microseconds, to the nanosecond. Percentiles are the upper ends of buckets of 0.1 %,
/// or the maximum if they are longer than 3.6 s; minimum, mean and maximum are exact.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct GapUs {
    pub(crate) min: f64,
    pub(crate) mean: f64,
    pub(crate) p1: f64,
    pub(crate) p10: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p99_9: f64,
    pub(crate) max: f64,
}

impl GapUs {
    fn of(gaps: &Histogram, mean_ns: f64) -> Option<Self> {
        let percentile = |per_mille| {
            let ns = gaps.quantile_us(Quantile::new(per_mille, 1000));
            ns.map(|ns| float(ns) / 1e3)
        };
        Some(Self {
            min: float(gaps.min_ns()?) / 1e6,
            mean: mean_ns / 1e3,
            p1: percentile(10)?,
            p10: percentile(100)?,
            p50: percentile(500)?,
            p90: percentile(900)?,
            p99: percentile(990)?,
            p99_9: percentile(999)?,
            max: float(gaps.max_ns()?) / 1e6,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} arrivals in {:.3} s", self.arrivals, self.duration_s)?;
        if let (Some(rate), Some(gap), Some(cv), Some(bursts)) =
            (self.rate_per_s, &self.gap_us, self.gap_cv, self.burst_share)
        {
            let GapUs { p50, p99, max, .. } = gap;
            write!(f, ", {rate:.1}/s; gap p50 {p50:.1}, p99 {p99:.1}, max {max:.1} µs; ")?;
            write!(f, "CV {cv:.3}, {:.2} % in bursts", bursts * 100.0)?;
        }
        Ok(())
    }
}

/// Where the report goes. Opened before anything is received, so that a wrong path shows at once.
pub(crate) struct ReportFile {
    file: File,
    path: PathBuf,
}

impl ReportFile {
    pub(crate) fn create(path: &PathBuf) -> anyhow::Result<Self> {
        let file =
            File::create(path).with_context(|| format!("{}: cannot write", path.display()))?;
        Ok(Self { file, path: path.clone() })
    }

    pub(crate) fn write(mut self, report: &Report) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec_pretty(report).expect("a report holds numbers");
        text.push(b'\n');
        let written = self.file.write_all(&text);
        written.with_context(|| format!("{}: cannot write", self.path.display()))
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53 ns, which is 104 days")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn report(gaps_ns: impl IntoIterator<Item = u64>) -> Report {
        let mut arrivals = Arrivals::new();
        let mut at_ns = 5_000_000_000;
        arrivals.arrived(at_ns);
        for gap_ns in gaps_ns {
            at_ns += gap_ns;
            arrivals.arrived(at_ns);
        }
        arrivals.report()
    }

    #[track_caller]
    fn near(found: Option<f64>, expected: f64, tolerance: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
    }

    #[test]
    fn a_clock_has_no_variation() {
        let report = report(vec![200_000; 5000]);
        assert_eq!((report.arrivals, report.rate_per_s), (5001, Some(5000.0)));
        near(Some(report.duration_s), 1.0, 1e-12);
        near(report.gap_cv, 0.0, 1e-12);
        assert_eq!(report.burst_share, Some(0.0));
        let gap = report.gap_us.unwrap();
        for found in [gap.min, gap.mean, gap.p1, gap.p50, gap.p99_9, gap.max] {
            near(Some(found), 200.0, 1e-9);
        }
    }

    #[test]
    fn mean_and_variation_are_those_of_all_gaps() {
        let gaps_ns: Vec<u64> = (1..=1000).map(|step| step * 1000).collect();
        let report = report(gaps_ns.iter().rev().copied());
        near(report.rate_per_s, 1e9 / 500_500.0, 1e-9);
        // The standard deviation of 1 … n is the root of (n² - 1) / 12.
        near(report.gap_cv, (999_999.0_f64 / 12.0).sqrt() / 500.5, 1e-12);
        // Shorter than 50.05 µs.
        near(report.burst_share, 0.050, 1e-12);
        let gap = report.gap_us.unwrap();
        assert_eq!((gap.min, gap.mean, gap.max), (1.0, 500.5, 1000.0));
        for (found, expected) in [(gap.p1, 10.0), (gap.p10, 100.0), (gap.p99_9, 999.0)] {
            assert!(found >= expected && found <= expected * 1.001, "{found} {expected}");
        }
    }

    /// Gaps at the quantiles of an exponential distribution.
    #[test]
    fn a_poisson_process_is_the_reference_for_bursts() {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive")]
        let gap_ns = |step: u32| (-(f64::from(step) / 1e5).ln() * 1e6) as u64;
        let report = report((1..100_000).map(gap_ns));
        near(report.gap_cv, 1.0, 0.005);
        near(report.burst_share, 1.0 - (-0.1_f64).exp(), 0.001);
    }

    proptest! {
        /// All gaps in a list, summed twice and sorted, are the oracle.
        #[test]
        fn the_report_is_that_of_a_naive_computation(
            gaps_ns in prop::collection::vec(prop_oneof![1_u64..50_000, 1_u64..3_000_000_000], 1..400),
        ) {
            let report = report(gaps_ns.iter().copied());
            let count = float(gaps_ns.len() as u64);
            let sum = gaps_ns.iter().sum::<u64>();
            let mean = float(sum) / count;
            let squares: f64 = gaps_ns.iter().map(|&gap| (float(gap) - mean).powi(2)).sum();
            let close = |found: f64, wanted: f64| (found - wanted).abs() <= wanted.abs() * 1e-9 + 1e-9;
            prop_assert!(close(report.duration_s, float(sum) / 1e9));
            prop_assert!(close(report.rate_per_s.unwrap(), 1e9 / mean));
            prop_assert!(close(report.gap_cv.unwrap(), (squares / count).sqrt() / mean));
            // The bucket of the limit is counted whole: up to 0.1 % beyond it.
            let share = |limit_ns: f64| {
                float(gaps_ns.iter().filter(|&&gap| float(gap) < limit_ns).count() as u64) / count
            };
            let possible = share(mean * 0.1 * (1.0 - 1e-12))..=share(mean * 0.1 * 1.001);
            prop_assert!(possible.contains(&report.burst_share.unwrap()), "{report:?} {possible:?}");
            let mut sorted = gaps_ns;
            sorted.sort_unstable();
            let gap = report.gap_us.unwrap();
            for (per_mille, found) in [
                (10, gap.p1), (100, gap.p10), (500, gap.p50), (900, gap.p90), (990, gap.p99),
                (999, gap.p99_9),
            ] {
                let rank = (sorted.len() * per_mille).div_ceil(1000);
                let wanted = float(sorted[rank - 1]) / 1e3;
                prop_assert!((wanted..=wanted * 1.001).contains(&found), "{per_mille}: {found} {wanted}");
            }
            prop_assert_eq!((gap.min, gap.max), (
                float(sorted[0]) / 1e3,
                float(sorted[sorted.len() - 1]) / 1e3,
            ));
        }
    }

    #[test]
    fn a_gap_at_the_limit_is_no_burst() {
        // The mean is 10 µs, so that the limit is 1 µs.
        assert_eq!(report([1000, 19_000]).burst_share, Some(0.0));
        assert_eq!(report([999, 19_001]).burst_share, Some(0.5));
    }

    #[test]
    fn without_a_gap_there_is_nothing_to_say() {
        for report in [Arrivals::new().report(), report([])] {
            assert_eq!((report.rate_per_s, report.gap_us, report.gap_cv), (None, None, None));
        }
        assert_eq!(Arrivals::new().report().to_string(), "0 arrivals in 0.000 s");
        let at_once = report([0, 0]);
        assert_eq!((at_once.arrivals, at_once.rate_per_s, at_once.burst_share), (3, None, None));
    }

    #[test]
    fn a_pause_longer_than_the_histogram_is_the_maximum() {
        let gap = report([1000, 60_000_000_000]).gap_us.unwrap();
        assert_eq!((gap.p50, gap.p99, gap.max), (1.0, 6e7, 6e7));
    }
}
