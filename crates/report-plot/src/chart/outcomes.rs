//! Events that were not ok, per second, one layer for each outcome on top of the others.

use ce_record::Outcome;

use super::{Chart, Timeline, counts_axis, largest, present};
use crate::panel::{Layer, Panel};
use crate::scale::{count, percent, rate};
use crate::theme::Colour;

/// All outcomes but `ok`.
pub(super) fn failures(timeline: &Timeline<'_>) -> Chart {
    let panel = panel(timeline).ok_or_else(|| {
        let planned = timeline.overall.planned;
        if planned == 0 {
            "No data: nothing was planned.".to_owned()
        } else {
            format!("None: all {} events were ok.", count(planned))
        }
    });
    Chart { id: "outcomes", heading: "Events that were not ok", panel }
}

fn panel(timeline: &Timeline<'_>) -> Option<Panel> {
    let failed = Outcome::ALL.into_iter().filter(|&outcome| outcome != Outcome::Ok);
    let failed: Vec<Outcome> =
        failed.filter(|outcome| timeline.bins.total(outcome.as_str()) > 0.0).collect();
    if failed.is_empty() {
        return None;
    }
    let spans = timeline.spans();
    let mut stack = vec![0.0; timeline.bins.starts.len()];
    let mut layers = Vec::new();
    for &outcome in &failed {
        let rates = timeline.bins.rate(outcome.as_str());
        let top: Vec<f64> = stack.iter().zip(&rates).map(|(below, rate)| below + rate).collect();
        let outlines = spans.between_steps(&present(&stack), &present(&top));
        let label = outcome.as_str().replace('_', " ");
        layers.push(Layer::areas(&label, Colour::Outcome(outcome), 1.0, outlines));
        stack = top;
    }
    let axis = counts_axis("events/s", largest(&stack));
    let mut panel = timeline.panel("outcomes", 170, axis, layers);
    let (at, most) = timeline.peak(&present(&stack))?;
    let overall = timeline.overall;
    let share = overall.success_ratio.map(|ratio| format!(" ({})", percent(1.0 - ratio)));
    panel.title = format!(
        "Not ok: {} of {} events{}, up to {}/s at {}",
        count(overall.outcomes.failed()),
        count(overall.planned),
        share.unwrap_or_default(),
        rate(most),
        timeline.clock(at)
    );
    let names: Vec<&str> = failed.into_iter().map(Outcome::as_str).collect();
    panel.description = format!(
        "Events per second of due time that were not ok, stacked by outcome: {}.",
        names.join(", ")
    );
    Some(panel)
}
