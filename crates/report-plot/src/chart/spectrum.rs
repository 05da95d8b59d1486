//! The distribution of spans of time, drawn so that the few slow ones have as much room as the many
//! fast ones: each step to the right has a tenth of the values beyond it.

use ce_record::run_dir::Block;
use lat_hist::{Histogram, highest_us};

use super::Chart;
use super::span_axis::SpanAxis;
use crate::input::Curve;
use crate::panel::{Axis, Layer, Panel, Point};
use crate::scale::{count, span};
use crate::theme::{Colour, SCALE};

/// With fewer values than this beyond it, a percentile is chance.
const ENOUGH_BEYOND: u64 = 10;
/// Points of a curve; more cannot be told apart.
const POINTS: u32 = 300;

/// Latency, service time and end-to-end latency by percentile.
pub(super) fn spectrum(curves: Option<&[Curve]>, overall: &Block) -> Chart {
    let panel = match curves {
        None => Err("No data: latency.hlog is missing.".to_owned()),
        Some(curves) => panel(curves, overall).ok_or_else(|| {
            "No data: a curve needs two values, and latency.hlog has fewer.".to_owned()
        }),
    };
    Chart { id: "spectrum", heading: "Latency by percentile", panel }
}

fn panel(curves: &[Curve], overall: &Block) -> Option<Panel> {
    let drawn: Vec<(&Curve, &str, Colour)> = curves
        .iter()
        .filter(|curve| curve.histogram.count() > 1)
        .filter_map(|curve| look(curve.metric).map(|(label, colour)| (curve, label, colour)))
        .collect();
    let most = drawn.iter().map(|(curve, ..)| curve.histogram.count()).max()?;
    let points: Vec<Vec<Point>> =
        drawn.iter().map(|(curve, ..)| quantiles(curve, overall)).collect();
    let all = || points.iter().flatten().map(|&(_, us)| us);
    let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(1.0, f64::max));
    let scale = SpanAxis::new(low, low, high);
    let mut layers = Vec::new();
    for ((curve, label, colour), points) in drawn.iter().zip(&points) {
        let placed: Vec<Point> = points.iter().map(|&(x, us)| (x, scale.place(us))).collect();
        let (sure, chance) = split(&placed, curve.histogram.count());
        let wider = if curve.metric == "latency" { 2 } else { 0 };
        layers.push(Layer::wide_lines(label, *colour, vec![sure], wider));
        layers.push(Layer::dashes(*colour, vec![chance]));
    }
    let (title, description) = texts(&drawn, &scale);
    let (x, y) = (percentile_axis(most), scale.axis("span"));
    Some(Panel { id: "spectrum", title, description, height: 320 * SCALE, x, y, layers })
}

fn look(metric: &str) -> Option<(&'static str, Colour)> {
    match metric {
        "latency" => Some(("latency from due time", Colour::Crimson)),
        "service" => Some(("service time", Colour::Blue)),
        "e2e" => Some(("end-to-end latency", Colour::Orange)),
        _ => None,
    }
}

fn texts(drawn: &[(&Curve, &str, Colour)], scale: &SpanAxis) -> (String, String) {
    let (curve, label, _) = drawn[0];
    let worst = |quantile| {
        curve.histogram.quantile_us(quantile).map_or_else(String::new, |us| span(exact(us)))
    };
    let title = format!(
        "Latency by percentile: {label} p50 {}, p99 {}, {} values",
        worst(lat_hist::Quantile::new(1, 2)),
        worst(lat_hist::Quantile::new(99, 100)),
        count(curve.histogram.count()),
    );
    let description = format!(
        "Percentiles of the whole run, on an axis on which each step has a tenth of the values \
         beyond it. {}. Dashed where fewer than {ENOUGH_BEYOND} values lie beyond, \
         because there it is chance.",
        scale.words(),
    );
    (title, description)
}

/// Points (−log₁₀ of the share beyond, µs) of a curve, up to its maximum.
fn quantiles(curve: &Curve, overall: &Block) -> Vec<Point> {
    let histogram = &curve.histogram;
    let total = exact(histogram.count());
    let end = total.log10();
    // The maximum of a histogram is that of its bucket; the summary has the exact one.
    let max = overall.metrics.get(&format!("{}_us", curve.metric)).map(|stats| stats.max);
    let mut buckets = Cumulative::new(histogram);
    (0..=POINTS)
        .map(|index| {
            let x = end * f64::from(index) / f64::from(POINTS);
            let us = buckets.value_at(total - total / 10_f64.powf(x));
            (x, max.map_or(us, |max| us.min(max)).max(1.0))
        })
        .collect()
}

/// Walks through the buckets once, because the quantiles are asked for in their order.
struct Cumulative<'a> {
    buckets: Box<dyn Iterator<Item = (u16, u64)> + 'a>,
    us: f64,
    seen: u64,
}

impl<'a> Cumulative<'a> {
    fn new(histogram: &'a Histogram) -> Self {
        Self { buckets: Box::new(histogram.buckets()), us: 1.0, seen: 0 }
    }

    /// The value that more than `rank` values are not above.
    fn value_at(&mut self, rank: f64) -> f64 {
        while exact(self.seen) <= rank {
            let Some((bucket, values)) = self.buckets.next() else { break };
            self.seen += values;
            self.us = exact(highest_us(bucket));
        }
        self.us
    }
}

/// The part of a curve that rests on enough values, and the rest, which starts where that ends.
fn split(points: &[Point], values: u64) -> (Vec<Point>, Vec<Point>) {
    let limit = (exact(values) / exact(ENOUGH_BEYOND)).log10();
    let sure = points.iter().take_while(|(x, _)| *x <= limit + 1e-9).count();
    (points[..sure].to_vec(), points[sure.saturating_sub(1)..].to_vec())
}

fn percentile_axis(values: u64) -> Axis {
    let nines = values.saturating_sub(1).checked_ilog10().map_or(1, |log| log + 1);
    let label = |nines: u32| match nines {
        0 => "0 %".to_owned(),
        1 => "90 %".to_owned(),
        2 => "99 %".to_owned(),
        more => format!("99.{} %", "9".repeat(usize::try_from(more - 2).unwrap_or(0))),
    };
    Axis {
        name: "percentile".into(),
        from: 0.0,
        to: f64::from(nines),
        ticks: (0..=nines).map(|nines| (f64::from(nines), label(nines))).collect(),
    }
}

/// Counts and microseconds stay below 2^53.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn exact(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::Shape;

    fn curve(values_us: impl Iterator<Item = u64>) -> Curve {
        let mut histogram = Histogram::default();
        values_us.for_each(|us| histogram.record(us * 1000));
        Curve { metric: "latency", histogram }
    }

    /// The value of a curve at a position, by the nearest point.
    fn at(points: &[Point], x: f64) -> f64 {
        let near = points.iter().min_by(|a, b| (a.0 - x).abs().total_cmp(&(b.0 - x).abs()));
        near.unwrap().1
    }

    #[test]
    fn each_step_to_the_right_leaves_a_tenth_of_the_values_beyond() {
        let points = quantiles(&curve(1..=1000), &Block::default());
        assert_eq!(points.len(), 301);
        for (x, us) in [(0.0, 1.0), (1.0, 901.0), (2.0, 991.0), (3.0, 1000.0)] {
            assert!((at(&points, x) - us).abs() < 1e-9, "{} µs at {x}", at(&points, x));
        }
        assert!(points.windows(2).all(|pair| pair[0].1 <= pair[1].1), "a curve never falls");
    }

    #[test]
    fn the_part_that_is_chance_is_dashed() {
        let Chart { panel, .. } = spectrum(Some(&[curve(1..=1000)]), &Block::default());
        let panel = panel.unwrap();
        let Shape::Lines { runs: sure, .. } = &panel.layers[0].shape else {
            panic!("a line first")
        };
        let Shape::Dashes(chance) = &panel.layers[1].shape else { panic!("then dashes") };
        assert!((sure[0].last().unwrap().0 - 2.0).abs() < 1e-9, "ten of a thousand lie beyond p99");
        assert_eq!(sure[0].last(), chance[0].first());
        let labels: Vec<&str> = panel.x.ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["0 %", "90 %", "99 %", "99.9 %"]);
    }

    #[test]
    fn one_value_is_no_curve() {
        let chart = spectrum(Some(&[curve(5..=5)]), &Block::default());
        assert!(chart.panel.unwrap_err().starts_with("No data"));
    }
}
