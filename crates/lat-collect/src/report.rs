//! The last lines on stderr: the run at a glance.

use ce_record::run_dir::{Block, Clocks, Keyed, Ledger, Stats, Summary};
use ce_record::{CheckCount, Held, Outcome};

use crate::collect::Collected;
use crate::names::OTHERS;
use crate::span::span;

/// What a person wants to know before opening any file.
pub(crate) fn text(collected: &Collected) -> String {
    let Collected { dir, run, summary, ledger, .. } = collected;
    let block = &summary.overall;
    let mut lines = vec![format!("{} ({:.1} s)", dir.display(), block.elapsed_s)];
    lines.push(format!(
        "  events    {} planned, {} sent{}: {}",
        block.planned,
        block.sent,
        block.sent_per_s.map_or_else(String::new, |rate| format!(" at {rate:.1}/s")),
        outcomes(block),
    ));
    if block.retried > 0 {
        lines.push(format!("  retried   {} attempts, each followed by another", block.retried));
    }
    if let Some(warm_up) = &summary.warm_up {
        lines.push(format!(
            "  warm-up   {} more, not judged: {}",
            warm_up.planned,
            outcomes(warm_up)
        ));
    }
    for (name, metric) in [("latency", "latency_us"), ("service", "service_us"), ("e2e", "e2e_us")]
    {
        if let Some(stats) = block.metrics.get(metric) {
            lines.push(format!("  {name:<9} {}", percentiles(stats)));
        }
    }
    lines.extend(block.checks.iter().map(check));
    lines.extend(summary.connections.iter().map(held));
    if ledger.has_receipts {
        lines.extend(ledger_lines(ledger));
    }
    lines.extend(limits(collected));
    if !run.generator.open_loop {
        lines.extend(closed_loop(block));
    }
    let validity = if run.generator.valid { "schedule kept" } else { "INVALID" };
    let mut judged = vec![validity.to_owned()];
    judged.extend(run.generator.notes.iter().cloned());
    lines.push(format!("  generator {}", judged.join("; ")));
    for reason in &run.incomplete_because {
        lines.push(format!("  INCOMPLETE {reason}"));
    }
    lines.join("\n")
}

fn check(check: &CheckCount) -> String {
    let CheckCount { name, passes, fails } = check;
    format!("  check     {name}: {passes} of {} held", passes.saturating_add(*fails))
}

fn held(held: &Held) -> String {
    let Held { scenario, opened, peak, closed, lost, cut } = held;
    format!(
        "  held      {scenario}: {opened} connections, {peak} at one time; {closed} closed, {lost} lost, \
         {cut} cut"
    )
}

/// What was too much to be told apart.
fn limits(collected: &Collected) -> Vec<String> {
    let Summary { scenarios, types, .. } = &collected.summary;
    let mut lines = Vec::new();
    for (what, blocks) in [("scenarios", scenarios), ("types", types)] {
        if let Some(others) = blocks.get(OTHERS) {
            let (events, limit) = (others.planned, blocks.len() - 1);
            lines.push(format!(
                "  limit     {events} events of {what} beyond the first {limit} are one group, {OTHERS}"
            ));
        }
    }
    if collected.left_out > 0 {
        let (tags, limit) = (collected.left_out, collected.summary.tags.len() - 1);
        lines.push(format!(
            "  limit     {tags} tags beyond the first {limit} are one group, {OTHERS}"
        ));
    }
    lines
}

fn ledger_lines(ledger: &Ledger) -> Vec<String> {
    let mut parts = vec![
        format!("{} delivered", ledger.delivered),
        format!("{} lost", ledger.lost),
        format!("{} duplicates", ledger.duplicates),
        format!("{} unexpected", ledger.unexpected),
    ];
    let mut add = |count: u64, what: &str| {
        if count > 0 {
            parts.push(format!("{count} {what}"));
        }
    };
    add(ledger.redelivered, "redelivered");
    add(ledger.unacked_arrived, "arrived unacked");
    add(ledger.in_doubt_arrived, "in doubt and arrived");
    add(ledger.in_doubt_missing, "in doubt and missing");
    add(ledger.out_of_order, "out of order");
    for (reason, &count) in &ledger.dead_letter_reasons {
        add(count, &format!("dead-lettered ({reason})"));
    }
    add(ledger.negative_e2e, "received before they were due");
    let mut lines = vec![format!("  ledger    {} received: {}", ledger.received, parts.join(", "))];
    let Keyed { samples, receipts } = ledger.keyed;
    if (samples == 0) != (receipts == 0) {
        let (with, without) =
            if samples > 0 { ("samples", "receipt") } else { ("receipts", "sample") };
        lines.push(format!(
            "  keys      {} {with} have a key and no {without} has: give ce-blast and ce-sink the same \
             --correlate",
            samples.max(receipts),
        ));
    }
    if ledger.clocks == Some(Clocks::Cross) {
        lines.push("  clocks    of two machines: e2e is no better than they agree".to_owned());
    }
    lines
}

/// What the summaries of closed-loop scripts hold, in their words.
fn closed_loop(block: &Block) -> Option<String> {
    let (stats, ratio) = (block.metrics.get("service_us")?, block.success_ratio?);
    let ok = block.outcomes[Outcome::Ok];
    let at = |name: &str| stats.percentiles.get(name).map_or_else(String::new, |&us| span(us, 2));
    let per_s = block.sent_per_s.unwrap_or(0.0);
    Some(format!(
        "  closed    {} requests: {ok} successful, {} failed, success rate {:.2} %; \
         average {}, p95 {}, p99 {}; {per_s:.1} requests/s in {:.1} s",
        block.sent,
        block.sent - ok,
        ratio * 100.0,
        span_of(stats.mean),
        at("p95"),
        at("p99"),
        block.elapsed_s,
    ))
}

fn outcomes(block: &Block) -> String {
    let shown = |&(outcome, count): &(Outcome, u64)| outcome == Outcome::Ok || count > 0;
    let all = block.outcomes.iter().filter(shown);
    all.map(|(outcome, count)| format!("{count} {}", outcome.as_str()))
        .collect::<Vec<_>>()
        .join(", ")
}

fn percentiles(stats: &Stats) -> String {
    let at = |name: &str| stats.percentiles.get(name).map_or_else(String::new, |&us| span(us, 2));
    format!(
        "p50 {}, p90 {}, p95 {}, p99 {}, p99.9 {}, max {}",
        at("p50"),
        at("p90"),
        at("p95"),
        at("p99"),
        at("p99_9"),
        span_of(stats.max),
    )
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a maximum to show")]
fn span_of(us: f64) -> String {
    span(us.ceil() as u64, 2)
}
