//! Events per second: what was planned, sent and ok, and what arrived.

use super::{Chart, Timeline, counts_axis, largest, present};
use crate::panel::{Layer, Panel};
use crate::scale::{count, rate};
use crate::theme::Colour;

/// Planned, sent and ok.
pub(super) fn sending(timeline: &Timeline<'_>) -> Chart {
    let panel = sending_panel(timeline).ok_or_else(|| "No data: nothing was planned.".to_owned());
    Chart { id: "rate", heading: "Events per second", panel }
}

fn sending_panel(timeline: &Timeline<'_>) -> Option<Panel> {
    let [planned, sent, ok] = ["planned", "sent", "ok"].map(|name| timeline.bins.rate(name));
    let top = largest(planned.iter().chain(&sent));
    if top <= 0.0 {
        return None;
    }
    let spans = timeline.spans();
    let (planned, sent, ok) = (present(&planned), present(&sent), present(&ok));
    let not_ok = spans.between_steps(&ok, &planned);
    let missed = difference(&planned, &ok);
    let mut layers = Vec::new();
    if !not_ok.is_empty() {
        layers.push(Layer::areas("not ok", Colour::Missing, 0.25, not_ok));
    }
    layers.push(Layer::wide_lines("planned", Colour::Planned, spans.steps(&planned), 3));
    layers.push(Layer::wide_lines("sent", Colour::Blue, spans.steps(&sent), 1));
    layers.push(Layer::lines("ok", Colour::Ok, spans.steps(&ok)));
    let mut panel = timeline.panel("rate", 200, counts_axis("events/s", top), layers);
    let most = timeline.peak(&planned).map_or(0.0, |(_, rate)| rate);
    let finding = match timeline.peak(&missed) {
        Some((at, missed)) if missed > 0.0 => {
            format!("not ok up to {}/s at {}", rate(missed), timeline.clock(at))
        }
        _ => "all of them ok".into(),
    };
    panel.title = format!("Events per second: up to {} planned, {finding}", rate(most));
    panel.description = "Events per second over time, as steps. Planned and ok count by the time \
        an event was due, sent by the time it was sent. The space between planned and ok is filled."
        .into();
    Some(panel)
}

/// Received, and planned for comparison.
pub(super) fn receiving(timeline: &Timeline<'_>) -> Chart {
    let panel = receiving_panel(timeline)
        .ok_or_else(|| "No data: no receipts were collected, so arrivals are unknown.".to_owned());
    Chart { id: "received", heading: "Received per second", panel }
}

fn receiving_panel(timeline: &Timeline<'_>) -> Option<Panel> {
    let has_receipts = timeline.ledger.is_some_and(|ledger| ledger.has_receipts);
    if !has_receipts && timeline.bins.total("received") <= 0.0 {
        return None;
    }
    let [planned, received] = ["planned", "received"].map(|name| timeline.bins.rate(name));
    let top = largest(planned.iter().chain(&received));
    let spans = timeline.spans();
    let received = present(&received);
    let layers = vec![
        Layer::wide_lines("planned", Colour::Planned, spans.steps(&present(&planned)), 2),
        Layer::lines("received", Colour::Received, spans.steps(&received)),
    ];
    let mut panel = timeline.panel("received", 170, counts_axis("events/s", top), layers);
    let (at, most) = timeline.peak(&received)?;
    panel.title = format!(
        "Received per second: {} in all, up to {}/s at {}",
        count(timeline.overall.received),
        rate(most),
        timeline.clock(at)
    );
    panel.description = "Distinct events that arrived at a sink, per second of their arrival, as \
        steps; the planned rate for comparison."
        .into();
    Some(panel)
}

fn difference(a: &[Option<f64>], b: &[Option<f64>]) -> Vec<Option<f64>> {
    a.iter().zip(b).map(|(a, b)| a.zip(*b).map(|(a, b)| a - b)).collect()
}
