//! The percentile distribution as text, a `.hgrm` file, which the plotters of `HdrHistogram` draw.
//!
//! Each halving of the distance to 100 % has five ticks: 0, 10, … 50, 55, … 75, 77.5 %. Their ranks
//! are ratios of integers here; added up in floating point, as others do it, a tick that falls on a
//! value exactly may miss it. Values are in milliseconds, as the tools print them for microseconds.
//!
//! p99 is no tick: this is to be drawn, and not to be judged by.

use std::fmt::Write as _;

use crate::layout::{BUCKETS, HALF, highest_us, lowest_us};
use crate::{Histogram, Quantile, hlog};

/// Ticks in each halving of the distance to 100 %.
const TICKS: u64 = 5;
/// Halvings after which a rank can no longer be told from the last one.
const HALVINGS: u32 = 54;
/// Values that have a bucket of their own; then as many in every two doublings.
const SUB_BUCKETS: u64 = 2 * HALF;

/// Appends the distribution of the values that have a bucket.
pub fn write(out: &mut String, histogram: &Histogram) {
    let _ = writeln!(
        out,
        "{:>12} {:>14} {:>10} {:>14}\n",
        "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
    );
    rows(out, histogram);
    let (mean, deviation) = mean_and_deviation(histogram);
    let max = histogram.buckets().last().map_or(0, |(bucket, _)| highest_us(bucket));
    let total = histogram.count() - histogram.overflow();
    let _ = writeln!(
        out,
        "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]\n\
         #[Max     = {}, Total count    = {total:12}]\n\
         #[Buckets = {:12}, SubBuckets     = {SUB_BUCKETS:12}]",
        mean / 1e3,
        deviation / 1e3,
        millis(max),
        BUCKETS as u64 / HALF - 1,
    );
}

/// A row for each tick up to the first that reaches the last value, and one for 100 %, which has no
/// fourth column: plotters would take an infinity for a point.
fn rows(out: &mut String, histogram: &Histogram) {
    let total = histogram.count() - histogram.overflow();
    if total == 0 {
        return;
    }
    let mut buckets = histogram.buckets();
    let (mut us, mut seen) = (0, 0);
    for (numerator, denominator) in ticks() {
        let rank = Quantile::new(numerator, denominator).rank(total);
        while seen < rank {
            let Some((bucket, count)) = buckets.next() else { break };
            (us, seen) = (highest_us(bucket), seen + count);
        }
        let inverse = to_f64(denominator) / to_f64(denominator - numerator);
        let part = to_f64(numerator) / to_f64(denominator);
        let _ = writeln!(out, "{} {part:2.12} {seen:10} {inverse:14.2}", millis(us));
        if seen == total {
            break;
        }
    }
    let _ = writeln!(out, "{} {:2.12} {total:10}", millis(us), 1.0);
}

/// The ticks as numerator and denominator.
fn ticks() -> impl Iterator<Item = (u64, u64)> {
    (0..HALVINGS).flat_map(|halving| {
        let denominator = TICKS << (halving + 1);
        (0..TICKS).map(move |tick| (denominator - 2 * TICKS + tick, denominator))
    })
}

/// Of the middles of the buckets, as all implementations compute them.
fn mean_and_deviation(histogram: &Histogram) -> (f64, f64) {
    let middle = |bucket| {
        let (low, high) = (lowest_us(bucket), highest_us(bucket));
        to_f64(low + (high - low).div_ceil(2))
    };
    let total = to_f64(histogram.count() - histogram.overflow());
    if total == 0.0 {
        return (0.0, 0.0);
    }
    let sum: f64 = histogram.buckets().map(|(bucket, count)| middle(bucket) * to_f64(count)).sum();
    let mean = sum / total;
    let squares: f64 = histogram
        .buckets()
        .map(|(bucket, count)| (middle(bucket) - mean).powi(2) * to_f64(count))
        .sum();
    (mean, (squares / total).sqrt())
}

fn millis(us: u64) -> String {
    format!("{:>12}", hlog::millis(us))
}

#[expect(clippy::cast_precision_loss, reason = "figures to show")]
fn to_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(values_us: &[u64]) -> String {
        let mut histogram = Histogram::default();
        for us in values_us {
            histogram.record(us * 1000);
        }
        let mut text = String::new();
        write(&mut text, &histogram);
        text
    }

    #[test]
    fn a_tick_that_falls_on_a_value_takes_it() {
        // 97.5 % of 40 values is the 39th, and 0.975 in binary is a little more.
        let values: Vec<u64> = (1..=40).collect();
        let text = text(&values);
        let row = text.lines().find(|line| line.contains(" 0.975000000000 ")).unwrap();
        assert_eq!(row, "       0.039 0.975000000000         39          40.00");
    }

    #[test]
    fn the_last_row_has_three_columns_and_nothing_is_infinite() {
        for values in [&[5][..], &[1, 2, 3], &[70_000; 9]] {
            let text = text(values);
            let rows: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).skip(2).collect();
            let last = rows.last().unwrap();
            assert_eq!(last.split_whitespace().count(), 3, "{text}");
            assert!(rows[..rows.len() - 1].iter().all(|row| row.split_whitespace().count() == 4));
            assert!(!text.contains("inf") && !text.contains("NaN"), "{text}");
        }
    }

    #[test]
    fn without_a_value_there_is_no_row() {
        assert_eq!(text(&[]).lines().count(), 5);
    }
}
