//! The view for terminals: a snapshot as lines of text. Pure, so that every width can be tested.

mod line;

use std::fmt::Write as _;

use ce_record::Outcome;
use ce_record::run_dir::{Block, PERCENTILES};

use super::history::Point;
use super::objective::Standing;
use super::snapshot::Snapshot;
use super::text::{clock, rate, span, sparkline};
use line::{CELL, Line, NAME, Tone};

pub(crate) use line::Style;

/// Seconds over which the rates are taken.
const RATE_SECONDS: usize = 10;
/// The run at a glance, one string for each line, none longer than the width.
pub(crate) fn render(snapshot: &Snapshot, style: Style) -> Vec<String> {
    let mut lines = vec![head(snapshot, style), String::new()];
    lines.extend(rates(snapshot, style));
    lines.push(String::new());
    lines.extend(percentiles(&snapshot.overall, style));
    lines.push(String::new());
    lines.extend(sparklines(&snapshot.points, style));
    lines.push(outcomes(snapshot, style));
    lines.extend(errors(snapshot, style));
    lines.push(ledger(snapshot, style));
    lines.push(generator(snapshot, style));
    lines.push(alerts(snapshot, style));
    lines.extend(objectives(snapshot, style));
    lines
}

/// The same in one line, for logs.
pub(crate) fn plain(snapshot: &Snapshot) -> String {
    let Snapshot { overall, ledger, .. } = snapshot;
    let recent = recent(&snapshot.points);
    let at = |name: &str| percentile(overall, "latency", name);
    let mut line = format!(
        "{}: {} planned, {} sent, {} ok, {} not; {}/s sent; latency p50 {}, p95 {}, p99 {}",
        clock(snapshot.elapsed_s),
        overall.planned,
        overall.sent,
        overall.outcomes[Outcome::Ok],
        overall.outcomes.failed(),
        rate(per_second(recent, |point| point.sent)),
        at("p50"),
        at("p95"),
        at("p99"),
    );
    if ledger.receipts > 0 {
        let _ = write!(line, "; {} received, {} awaited", ledger.received, ledger.awaited);
    }
    for alert in snapshot.alerts.iter().filter(|alert| alert.firing) {
        let _ = write!(line, "; ALERT {} ({})", alert.name, alert.value);
    }
    line
}

fn head(snapshot: &Snapshot, style: Style) -> String {
    let (tone, state) = match (snapshot.done, snapshot.incomplete_because.is_empty()) {
        (false, _) => (Tone::Good, "running"),
        (true, true) => (Tone::Bold, "done"),
        (true, false) => (Tone::Bad, "INCOMPLETE"),
    };
    let line = Line::new(style)
        .add(Tone::Bold, &format!(" {}", snapshot.run))
        .add(tone, &format!("  {state}"))
        .add(Tone::Plain, &format!("  {}", clock(snapshot.elapsed_s)));
    match snapshot.overall.success_ratio {
        Some(ratio) => {
            let tone = if ratio < 0.95 { Tone::Bad } else { Tone::Plain };
            line.add(Tone::Dim, "  success ").add(tone, &percent(ratio)).done()
        }
        None => line.add(Tone::Dim, "  waiting for samples").done(),
    }
}

fn rates(snapshot: &Snapshot, style: Style) -> [String; 3] {
    let Snapshot { overall, ledger, .. } = snapshot;
    let recent = recent(&snapshot.points);
    let names = ["planned", "sent", "acked", "received", "in flight"];
    let in_flight =
        if snapshot.done { "0".to_owned() } else { format!("≥ {}", snapshot.in_flight_at_least) };
    let received = |text: String| if ledger.receipts > 0 { text } else { "–".to_owned() };
    let per_s = |count: fn(&Point) -> u64| rate(per_second(recent, count));
    [
        names.into_iter().fold(Line::named(style, ""), |line, name| line.cell(Tone::Dim, name)),
        Line::named(style, "per s").cells([
            per_s(|point| point.planned),
            per_s(|point| point.sent),
            per_s(|point| point.ok),
            received(per_s(|point| point.received)),
        ]),
        Line::named(style, "in all").cells([
            overall.planned.to_string(),
            overall.sent.to_string(),
            overall.outcomes[Outcome::Ok].to_string(),
            received(ledger.received.to_string()),
            in_flight,
        ]),
    ]
    .map(Line::done)
}

fn percentiles(overall: &Block, style: Style) -> Vec<String> {
    let names = ["p50", "p95", "p99", "p99.9", "max"];
    let head = names.into_iter().fold(Line::named(style, ""), |line, it| line.cell(Tone::Dim, it));
    let rows = [("latency", "latency"), ("service", "service"), ("e2e", "e2e"), ("lag", "lag")];
    let has_values = |metric: &str| overall.metrics.contains_key(&format!("{metric}_us"));
    let shown = rows.into_iter().filter(|&(_, metric)| metric != "e2e" || has_values(metric));
    let row = |(name, metric): (&str, &str)| {
        let figures = names.map(|name| percentile(overall, metric, name));
        Line::named(style, name).cells(figures).done()
    };
    std::iter::once(head.done()).chain(shown.map(row)).collect()
}

fn percentile(block: &Block, metric: &str, name: &str) -> String {
    let Some(stats) = block.metrics.get(&format!("{metric}_us")) else { return "–".to_owned() };
    if name == "max" {
        return span(whole(stats.max.ceil()));
    }
    let key = name.replace('.', "_");
    debug_assert!(PERCENTILES.iter().any(|(known, ..)| *known == key));
    stats.percentiles.get(&key).map_or_else(|| "–".to_owned(), |&us| span(us))
}

fn sparklines(points: &[Point], style: Style) -> [String; 2] {
    let whole = &points[..points.len().saturating_sub(1)];
    let room = style.width.saturating_sub(NAME + CELL + 1);
    let line = |name: &str, values: &[Option<f64>], newest: String| {
        let bars = format!("{:>room$}", sparkline(values, room));
        Line::named(style, name).add(Tone::Plain, &bars).cell(Tone::Plain, &newest).done()
    };
    let rates: Vec<_> = whole.iter().map(|point| Some(float(point.sent))).collect();
    let p99: Vec<_> = whole.iter().map(|point| point.latency_us[2].map(float)).collect();
    let newest = whole.last();
    [
        line("rate", &rates, newest.map_or_else(String::new, |it| format!("{}/s", it.sent))),
        line("p99", &p99, newest.and_then(|it| it.latency_us[2]).map_or_else(String::new, span)),
    ]
}

fn outcomes(snapshot: &Snapshot, style: Style) -> String {
    let shown =
        snapshot.overall.outcomes.iter().filter(|&(kind, count)| kind == Outcome::Ok || count > 0);
    shown
        .fold(Line::named(style, "outcomes"), |line, (outcome, count)| {
            let tone = if outcome == Outcome::Ok { Tone::Good } else { Tone::Bad };
            line.add(tone, &format!(" {count} {} ", outcome.as_str().replace('_', " ")))
        })
        .done()
}

fn errors(snapshot: &Snapshot, style: Style) -> Vec<String> {
    let row = |(index, error): (usize, &super::snapshot::ErrorRow)| {
        let code = error.code.map_or_else(String::new, |code| format!(" {code}"));
        let text =
            format!(" {}{code} × {}  {}", error.outcome.as_str(), error.count, error.message);
        Line::named(style, if index == 0 { "errors" } else { "" }).add(Tone::Plain, &text).done()
    };
    snapshot.errors.iter().take(3).enumerate().map(row).collect()
}

fn ledger(snapshot: &Snapshot, style: Style) -> String {
    let now = &snapshot.ledger;
    let line = Line::named(style, "ledger");
    match &now.account {
        Some(account) if account.has_receipts => {
            let tone = if account.lost > 0 { Tone::Bad } else { Tone::Good };
            let rest = format!(
                ", {} duplicates, {} redelivered, {} unexpected",
                account.duplicates, account.redelivered, account.unexpected
            );
            line.add(Tone::Plain, &format!(" {} delivered, ", account.delivered))
                .add(tone, &format!("{} lost", account.lost))
                .add(Tone::Plain, &rest)
                .done()
        }
        None if now.receipts > 0 => {
            let text = format!(
                " {} received, {} acked and awaited, {} receipts repeated or early",
                now.received, now.awaited, now.further
            );
            line.add(Tone::Plain, &text).done()
        }
        _ => line.add(Tone::Dim, " no receipts: delivery is not known").done(),
    }
}

fn generator(snapshot: &Snapshot, style: Style) -> String {
    let line = Line::named(style, "generator");
    if snapshot.overall.planned == 0 {
        return line.add(Tone::Dim, " –").done();
    }
    let (tone, verdict) = if snapshot.generator.valid {
        (Tone::Good, " keeps the schedule")
    } else {
        (Tone::Bad, " INVALID so far")
    };
    let lag = snapshot.generator.lag_p99_us.map_or_else(String::new, span);
    let mut notes = vec![format!(", lag p99 {lag}")];
    notes.extend(snapshot.generator.notes.iter().cloned());
    line.add(tone, verdict).add(Tone::Plain, &notes.join("; ")).done()
}

fn alerts(snapshot: &Snapshot, style: Style) -> String {
    let line = Line::named(style, "alerts");
    let firing: Vec<_> = snapshot.alerts.iter().filter(|alert| alert.firing).collect();
    if firing.is_empty() {
        return line.add(Tone::Dim, " none").done();
    }
    firing
        .into_iter()
        .fold(line, |line, alert| {
            line.add(Tone::Bad, &format!(" {}", alert.name))
                .add(Tone::Plain, &format!(" ({}) ", alert.value))
        })
        .done()
}

fn objectives(snapshot: &Snapshot, style: Style) -> Vec<String> {
    let row = |judged: &super::objective::Judged| {
        let (tone, mark) = match judged.standing {
            Standing::Met => (Tone::Good, "met    "),
            Standing::Warn => (Tone::Warn, "warning"),
            Standing::Missed => (Tone::Bad, "MISSED "),
            Standing::NoData => (Tone::Dim, "no data"),
            Standing::AtEnd => (Tone::Dim, "at end "),
        };
        let text = format!("  {} {} ({})", judged.name, judged.measured, judged.wanted);
        Line::named(style, "slo").add(tone, &format!(" {mark}")).add(Tone::Plain, &text).done()
    };
    snapshot.objectives.iter().map(row).collect()
}

/// The last whole seconds.
fn recent(points: &[Point]) -> &[Point] {
    let whole = &points[..points.len().saturating_sub(1)];
    &whole[whole.len().saturating_sub(RATE_SECONDS)..]
}

/// Events for each second from the first of the points to the last, silent ones included.
fn per_second(points: &[Point], count: fn(&Point) -> u64) -> f64 {
    let Some((first, last)) = points.first().zip(points.last()) else { return 0.0 };
    let seconds = u64::try_from(last.second - first.second + 1).unwrap_or(1);
    float(points.iter().map(count).sum()) / float(seconds)
}

fn percent(ratio: f64) -> String {
    // 99.996 % is not 100 %.
    format!("{:.2} %", (ratio * 10_000.0).floor() / 100.0)
}

#[expect(clippy::cast_precision_loss, reason = "a figure to show")]
fn float(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a figure to show")]
fn whole(us: f64) -> u64 {
    us as u64
}

#[cfg(test)]
mod tests;
