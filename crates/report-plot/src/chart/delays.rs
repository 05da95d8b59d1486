//! Percentiles of spans of time over the run: latency, end-to-end latency, and the sender's lag.

use super::span_axis::SpanAxis;
use super::{Chart, Timeline};
use crate::panel::{Layer, Panel, Shape};
use crate::scale::span;
use crate::theme::{Colour, SCALE};

/// More bins than this leave less than four pixels to each.
const DENSE: usize = 250;

/// What differs between these charts.
struct Delay {
    id: &'static str,
    heading: &'static str,
    /// The metric's name in `series.csv` and `summary.json`.
    metric: &'static str,
    /// What its axis is called.
    unit_name: &'static str,
    /// With the lines below the 99th percentile.
    all_lines: bool,
    height: u32,
    none: &'static str,
}

/// Latency from the due time.
pub(super) fn latency(timeline: &Timeline<'_>) -> Chart {
    let delay = Delay {
        id: "latency",
        heading: "Latency from due time",
        metric: "latency",
        unit_name: "latency",
        all_lines: true,
        height: 300,
        none: "no sample has a latency",
    };
    delay.chart(timeline)
}

/// From due until received.
pub(super) fn end_to_end(timeline: &Timeline<'_>) -> Chart {
    let delay = Delay {
        id: "e2e",
        heading: "End-to-end latency",
        metric: "e2e",
        unit_name: "end-to-end",
        all_lines: true,
        height: 220,
        none: "no receipts were collected, so nothing is known about arrival",
    };
    delay.chart(timeline)
}

/// How late the sender was.
pub(super) fn lag(timeline: &Timeline<'_>) -> Chart {
    let delay = Delay {
        id: "lag",
        heading: "Lag of the sender",
        metric: "lag",
        unit_name: "lag",
        all_lines: false,
        height: 130,
        none: "no sample has a lag",
    };
    delay.chart(timeline)
}

impl Delay {
    fn chart(&self, timeline: &Timeline<'_>) -> Chart {
        let panel = self.panel(timeline).ok_or_else(|| format!("No data: {}.", self.none));
        Chart { id: self.id, heading: self.heading, panel }
    }

    fn values(&self, timeline: &Timeline<'_>, percentile: &str) -> Vec<Option<f64>> {
        timeline.bins.worst_us(&format!("{}_{percentile}_us", self.metric))
    }

    fn panel(&self, timeline: &Timeline<'_>) -> Option<Panel> {
        let p99 = self.values(timeline, "p99");
        let (worst_at, worst) = timeline.peak(&p99)?;
        let max = self.values(timeline, "max");
        let usual = self.values(timeline, if self.all_lines { "p50" } else { "p99" });
        let highest = max.iter().chain(&p99).flatten().copied().fold(1.0, f64::max);
        let mut usual: Vec<f64> = usual.into_iter().flatten().collect();
        usual.sort_by(f64::total_cmp);
        let (lowest, middle) = (usual.first()?, usual[usual.len() / 2]);
        let scale = SpanAxis::new(*lowest, middle, highest);
        let layers = self.layers(timeline, &scale, &p99, &max);
        let mut panel = timeline.panel(self.id, self.height, scale.axis(self.unit_name), layers);
        let run = timeline.overall.metrics.get(&format!("{}_us", self.metric));
        let whole = run.and_then(|stats| stats.percentiles.get("p99")).map(|&us| us_f64(us));
        let whole = whole.map(|us| format!("p99 {} over the run, ", span(us))).unwrap_or_default();
        let scenarios = if timeline.scenarios > 1 { ", worst scenario" } else { "" };
        panel.title = format!(
            "{}: {whole}{} at worst, at {}",
            self.heading,
            span(worst),
            timeline.clock(worst_at)
        );
        panel.description = format!(
            "{} over time, {}{scenarios}. Lines: {}; dots: maxima. {}.",
            self.heading,
            timeline.bin_name(),
            if self.all_lines { "50th, 95th and 99th percentile" } else { "99th percentile" },
            scale.words(),
        );
        Some(panel)
    }

    fn layers(
        &self,
        timeline: &Timeline<'_>,
        scale: &SpanAxis,
        p99: &[Option<f64>],
        max: &[Option<f64>],
    ) -> Vec<Layer> {
        let spans = timeline.spans();
        // Where points stand close, thin lines keep apart what thick ones would fill.
        let width = if spans.starts.len() > DENSE { SCALE } else { 2 * SCALE - 1 };
        let line = |label: &str, colour, values: &[Option<f64>]| {
            let runs = spans.lines(&scale.places(values));
            let shape = Shape::Lines { runs, width };
            Layer { label: label.into(), colour, opacity: 1.0, shape }
        };
        let mut layers = Vec::new();
        // The lower a percentile, the steadier it is: in front it hides little.
        layers.push(line("p99", Colour::Crimson, p99));
        if self.all_lines {
            let (p50, p95) = (self.values(timeline, "p50"), self.values(timeline, "p95"));
            let band = spans.between_lines(&scale.places(&p50), &scale.places(&p95));
            layers.insert(0, Layer::areas("", Colour::Blue, 0.12, band));
            layers.push(line("p95", Colour::Orange, &p95));
            layers.push(line("p50", Colour::Blue, &p50));
        }
        // Where the maximum is the percentile, a dot would only hide the line.
        let above = max.iter().zip(p99).map(|(max, p99)| max.filter(|max| Some(*max) > *p99));
        let above: Vec<Option<f64>> = above.collect();
        let dots = spans.dots(&scale.places(&above));
        if !dots.is_empty() {
            layers.push(Layer::dots("max", Colour::Extreme, dots));
        }
        layers
    }
}

/// Percentiles stay below 2^53 microseconds, which is 285 years.
#[expect(clippy::cast_precision_loss, reason = "see above")]
fn us_f64(us: u64) -> f64 {
    us as f64
}
