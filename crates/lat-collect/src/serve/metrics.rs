//! The figures of a run as `OpenMetrics` text. Labels are the run, the scenario and the outcome; the
//! scenarios of a run are limited, so nothing here grows without a limit.

use std::fmt::Write;

use ce_record::run_dir::METRICS;

use crate::live::{Figures, LIMITS, Snapshot};

/// What each metric measures, in the order of [`METRICS`].
const HELP: [&str; METRICS.len()] = [
    "From when an event was due until it was answered",
    "From when an event was handed over until it was answered",
    "From when an event was due until it was handed over",
    "From when an event was due until it arrived at a sink",
];

/// The text as it is put together.
struct Exposition {
    text: String,
    /// In `OpenMetrics` a counter is described by its name without `_total`, in the older text
    /// format with it.
    open: bool,
}

impl Write for Exposition {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.text.write_str(text)
    }
}

/// The exposition of the newest snapshot; without one only the end mark.
pub(super) fn text(snapshot: Option<&Snapshot>, open: bool) -> String {
    let mut to = Exposition { text: String::with_capacity(16 << 10), open };
    if let Some(snapshot) = snapshot {
        let run = escaped(&snapshot.run);
        counters(&mut to, &run, &snapshot.figures);
        histograms(&mut to, &run, &snapshot.figures);
        ledger(&mut to, &run, snapshot);
        state(&mut to, &run, snapshot);
        gauges(&mut to, &run, snapshot);
    }
    to.text.push_str("# EOF\n");
    to.text
}

fn family(to: &mut Exposition, name: &str, kind: &str, help: &str) {
    let total = if kind == "counter" && !to.open { "_total" } else { "" };
    let _ = writeln!(to, "# HELP {name}{total} {help}.\n# TYPE {name}{total} {kind}");
}

fn counters(to: &mut Exposition, run: &str, all: &[Figures]) {
    family(
        to,
        "ce_events",
        "counter",
        "Planned events by how they ended, without those of a warm-up",
    );
    for Figures { scenario, outcomes, .. } in all {
        let scenario = escaped(scenario);
        for (outcome, count) in outcomes.iter() {
            let outcome = outcome.as_str();
            let labels = format!("run=\"{run}\",scenario=\"{scenario}\",outcome=\"{outcome}\"");
            let _ = writeln!(to, "ce_events_total{{{labels}}} {count}");
        }
    }
    family(to, "ce_events_sent", "counter", "Events that left for the target");
    for Figures { scenario, outcomes, .. } in all {
        let labels = format!("run=\"{run}\",scenario=\"{}\"", escaped(scenario));
        let _ = writeln!(to, "ce_events_sent_total{{{labels}}} {}", outcomes.sent());
    }
    family(
        to,
        "ce_attempts_retried",
        "counter",
        "Attempts that were followed by another for the same event",
    );
    for Figures { scenario, retried, .. } in all {
        let labels = format!("run=\"{run}\",scenario=\"{}\"", escaped(scenario));
        let _ = writeln!(to, "ce_attempts_retried_total{{{labels}}} {retried}");
    }
    family(to, "ce_events_received", "counter", "Distinct events that arrived at a sink");
    for Figures { scenario, received, .. } in all {
        let labels = format!("run=\"{run}\",scenario=\"{}\"", escaped(scenario));
        let _ = writeln!(to, "ce_events_received_total{{{labels}}} {received}");
    }
}

fn histograms(to: &mut Exposition, run: &str, all: &[Figures]) {
    for (metric, (name, help)) in METRICS.iter().zip(HELP).enumerate() {
        let name = format!("ce_{name}_seconds");
        family(to, &name, "histogram", help);
        let _ = writeln!(to, "# UNIT {name} seconds");
        for figures in all {
            let labels = format!("run=\"{run}\",scenario=\"{}\"", escaped(&figures.scenario));
            let buckets = &figures.metrics[metric];
            for ((_, limit), count) in LIMITS.iter().zip(buckets.up_to) {
                let _ = writeln!(to, "{name}_bucket{{{labels},le=\"{limit}\"}} {count}");
            }
            let count = buckets.count;
            let _ = writeln!(to, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}");
            let _ = writeln!(to, "{name}_count{{{labels}}} {count}");
            let _ = writeln!(to, "{name}_sum{{{labels}}} {}", buckets.sum_s);
        }
    }
}

/// What a sink makes known; nothing where there is none, so that nobody takes silence for zero.
fn ledger(to: &mut Exposition, run: &str, snapshot: &Snapshot) {
    let now = &snapshot.ledger;
    if now.receipts == 0 && now.account.as_ref().is_none_or(|account| !account.has_receipts) {
        return;
    }
    family(to, "ce_receipts", "counter", "Messages that arrived at a sink");
    let _ = writeln!(to, "ce_receipts_total{{run=\"{run}\"}} {}", now.receipts);
    family(to, "ce_ledger_events", "gauge", "What became of the events; most is known at the end");
    let mut rows = vec![("awaited", now.awaited)];
    if let Some(account) = &now.account {
        rows.extend([
            ("delivered", account.delivered),
            ("lost", account.lost),
            ("duplicate", account.duplicates),
            ("redelivered", account.redelivered),
            ("dead_lettered", account.dead_lettered),
            ("in_doubt_arrived", account.in_doubt_arrived),
            ("in_doubt_missing", account.in_doubt_missing),
            ("unacked_arrived", account.unacked_arrived),
            ("unexpected", account.unexpected),
        ]);
    }
    for (outcome, count) in rows {
        let _ = writeln!(to, "ce_ledger_events{{run=\"{run}\",outcome=\"{outcome}\"}} {count}");
    }
}

fn state(to: &mut Exposition, run: &str, snapshot: &Snapshot) {
    let Snapshot { generator, .. } = snapshot;
    let rows = [
        ("ce_run_done", "1 when the run directory is whole", f64::from(u8::from(snapshot.done))),
        ("ce_run_elapsed_seconds", "Length of the run so far", snapshot.elapsed_s),
        (
            "ce_generator_valid",
            "1 while the schedule is kept; else the run says nothing about the target",
            f64::from(u8::from(generator.valid)),
        ),
    ];
    for (name, help, value) in rows {
        family(to, name, "gauge", help);
        let _ = writeln!(to, "{name}{{run=\"{run}\"}} {value}");
    }
    family(to, "ce_in_flight", "gauge", "Events sent and not answered, at least");
    let _ = writeln!(to, "ce_in_flight{{run=\"{run}\"}} {}", snapshot.in_flight_at_least);
    let newest = snapshot.watch.last();
    let host = newest.and_then(|it| it.host_cpu);
    let broker = newest.and_then(|it| it.broker_memory);
    for (name, help, share) in [
        ("ce_host_cpu_ratio", "Share of the cores of the host that is busy", host),
        ("ce_broker_memory_ratio", "Memory of the fullest broker node, of its limit", broker),
    ] {
        if let Some(share) = share {
            family(to, name, "gauge", help);
            let _ = writeln!(to, "{name}{{run=\"{run}\"}} {share}");
        }
    }
}

/// The gauges of other tools, each name with the sum of its series. What is a counter there is one
/// here.
fn gauges(to: &mut Exposition, run: &str, snapshot: &Snapshot) {
    for (name, value) in snapshot.gauges.iter().filter(|(name, _)| is_name(name)) {
        let counter = name.strip_suffix("_total");
        let base = counter.unwrap_or(name);
        let kind = if counter.is_some() { "counter" } else { "gauge" };
        family(to, &format!("ce_watch_{base}"), kind, "Sum over what was watched");
        let _ = writeln!(to, "ce_watch_{name}{{run=\"{run}\"}} {value}");
    }
}

/// Whether Prometheus takes it as a part of a name.
fn is_name(name: &str) -> bool {
    let reserved = ["_bucket", "_count", "_sum", "_created", "_info"];
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !reserved.iter().any(|ending| name.ends_with(ending))
}

fn escaped(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_labels_of_others_cannot_break_the_text() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
        for (name, good) in
            [("host_cpu_ratio", true), ("a-b", false), ("", false), ("x_bucket", false)]
        {
            assert_eq!(is_name(name), good, "{name}");
        }
    }

    #[test]
    fn before_the_first_record_there_is_a_whole_empty_exposition() {
        assert_eq!(text(None, true), "# EOF\n");
    }
}
