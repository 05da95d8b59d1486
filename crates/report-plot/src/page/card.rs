//! Who, what, when: where the figures come from.

use ce_record::run_dir::{Run, Stream};

use super::banner::span_of;
use super::table::{Cell, Table, code, figure, figure_or_dash, words};
use crate::input::RunData;
use crate::scale::{clock, count, length, percent};

/// Facts about the run, as name and value.
pub(super) fn facts(data: &RunData, wall: &str) -> Vec<(&'static str, String)> {
    let run = &data.run;
    let generator = &run.generator;
    let loop_kind = if generator.open_loop {
        "open loop: senders did not wait for answers"
    } else {
        "closed loop: senders waited for answers, so load that a slow target prevented is not seen"
    };
    let mut facts = vec![
        ("Run", if run.run.is_empty() { "unnamed".to_owned() } else { run.run.clone() }),
        ("Started", wall.to_owned()),
        ("Duration", length(seconds(run.elapsed_ns))),
        ("Scenarios", listed(data.summary.scenarios.keys())),
        ("Load", loop_kind.to_owned()),
    ];
    if let Some(ratio) = generator.sent_ratio {
        facts.push(("Sent of planned", percent(ratio)));
    }
    if let Some(us) = generator.lag_p99_us {
        facts.push(("Sender lag", format!("p99 {}", span_of(us))));
    }
    if let Some((from, to)) = data.series.warm_up {
        let end = data.series.end_s();
        facts.push(("Warm-up", format!("{} to {}", clock(from, end), clock(to, end))));
    }
    facts.push(("Complete", if run.complete { "yes" } else { "no" }.to_owned()));
    facts.push(("Collected by", format!("lat-collect {}", run.version)));
    facts
}

fn listed<'a>(names: impl Iterator<Item = &'a String>) -> String {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.is_empty() { "none".into() } else { names.join(", ") }
}

/// What is to be kept in mind: the generator's notes on a valid run, and what is wrong with files.
pub(super) fn remarks(data: &RunData) -> Vec<String> {
    let run = &data.run;
    let notes = if run.generator.valid { &run.generator.notes[..] } else { &[] };
    let judged = data.verdict.as_ref().map_or(&[][..], |verdict| &verdict.notes);
    notes.iter().chain(judged).chain(&data.notes).cloned().collect()
}

/// The streams that went in, and the tools that wrote them.
pub(super) fn streams(run: &Run) -> Table {
    let mut table = Table::new(
        "The streams of records that the run was collected from.",
        &[
            "tool",
            "input",
            "shard",
            "records",
            "dropped",
            "stopped",
            "CPU",
            "memory",
            "command line",
        ],
    );
    table.rows = run.streams.iter().map(stream).collect();
    table
}

fn stream(stream: &Stream) -> Vec<Cell> {
    let start = stream.start.as_ref();
    let end = stream.end.as_ref();
    let tool = start.map(|start| format!("{} {}", start.tool, start.version));
    let shard = start.and_then(|start| start.shard.clone());
    let stopped = end.map_or("cut short", |end| match end.stopped {
        ce_record::Stop::Done => "done",
        ce_record::Stop::InputEnded => "input ended",
        ce_record::Stop::Interrupted => "interrupted",
        ce_record::Stop::Failed => "failed",
    });
    vec![
        words(tool.unwrap_or_else(|| "unknown".into())),
        code(&stream.input),
        words(shard.unwrap_or_else(|| "–".into())),
        figure(count(stream.records)),
        figure_or_dash(end.map(|end| count(end.dropped_records))),
        words(stopped),
        figure_or_dash(end.map(|end| length(seconds(end.cpu_ns)))),
        figure_or_dash(end.map(|end| format!("{} MiB", count(end.peak_rss_bytes >> 20)))),
        code(start.map(|start| start.args.join(" ")).unwrap_or_default()),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "2^53 nanoseconds are 104 days")]
fn seconds(ns: u64) -> f64 {
    ns as f64 / 1e9
}
