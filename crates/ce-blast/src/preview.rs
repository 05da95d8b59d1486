//! A plan before it is carried out: as a table with a curve, or as the due time of every event.

use std::fmt::Write;
use std::io::Read;
use std::time::Duration;

use anyhow::bail;
use ce_cli::{DataOut, Exit, open_input, stdin_is_terminal};
use load_plan::{Executor, Plan, Scenario, Schedule, Timeline, users_at};

use crate::cli::Cli;
use crate::plan::{events, is_open_loop, users_name};

/// Columns of the curve.
const COLUMNS: u64 = 60;
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// How much of the input is looked at to learn how large its events are.
const PEEK: u64 = 128 * 1024;

/// Writes `{"index":…,"scenario":…,"seq":…,"due_ns":…}` for each event of this share, in order.
pub(crate) fn schedule(plan: &Plan, cli: &Cli, out: &mut DataOut) -> anyhow::Result<Exit> {
    if !plan.scenarios.iter().any(is_open_loop) {
        bail!("--emit-schedule: a closed loop has no due times; --dry-run shows its users");
    }
    let mut line = String::new();
    for due in Timeline::new(plan, cli.seed, cli.shard) {
        line.clear();
        let scenario = &plan.scenarios[due.scenario].name;
        writeln!(
            line,
            r#"{{"index":{},"scenario":"{scenario}","seq":{},"due_ns":{}}}"#,
            due.index, due.seq, due.due_ns
        )
        .expect("a String takes any text");
        out.write(line.as_bytes())?;
    }
    Ok(Exit::Yes)
}

/// Writes the table and the curve.
pub(crate) fn table(plan: &Plan, cli: &Cli, out: &mut DataOut) -> anyhow::Result<Exit> {
    let end_ns = plan.scenarios.iter().filter_map(end_ns).max();
    let mut text = format!(
        "{:<20} {:<24} {:>9} {:>9} {:>12} {:>10}\n",
        "scenario", "executor", "start", "end", "events", "peak /s"
    );
    for scenario in &plan.scenarios {
        let end = end_ns_or_open(scenario);
        let count = about(events(scenario), expected(scenario), "open");
        let peak = peak_per_s(scenario).map_or_else(|| "-".to_owned(), |peak| format!("{peak:.1}"));
        writeln!(
            text,
            "{:<20} {:<24} {:>9} {end:>9} {count:>12} {peak:>10}",
            scenario.name,
            executor(scenario),
            clock(scenario.start_ns),
        )?;
    }
    for scenario in plan.scenarios.iter().filter(|it| it.warm_up_ns > 0) {
        let length = clock(scenario.warm_up_ns);
        writeln!(text, "{}: the first {length} are warm-up and not judged", scenario.name)?;
    }
    text.push_str(&totals(plan, cli)?);
    match end_ns {
        Some(end_ns) if end_ns > 0 => text.push_str(&curve(plan, end_ns)),
        _ => text.push_str("\nThe plan has no end; it lasts until the input ends.\n"),
    }
    out.write(text.as_bytes())?;
    Ok(Exit::Yes)
}

/// A number of events that the plan decides, or that it makes likely: random arrivals.
fn about(count: Option<u64>, expected: Option<u64>, otherwise: &str) -> String {
    match (count, expected) {
        (Some(count), _) => count.to_string(),
        (None, Some(expected)) => format!("~{expected}"),
        (None, None) => otherwise.to_owned(),
    }
}

/// How many events a scenario has on the mean.
fn expected(scenario: &Scenario) -> Option<u64> {
    match &scenario.executor {
        Executor::Arrivals { schedule, .. } => schedule.events(),
        _ => events(scenario),
    }
}

fn totals(plan: &Plan, cli: &Cli) -> anyhow::Result<String> {
    let mut text = String::new();
    let count: Option<u64> = plan.scenarios.iter().map(events).sum();
    let expected: Option<u64> = plan.scenarios.iter().map(expected).sum();
    if let Some(all) = expected {
        let (mine, of_all) = (cli.shard.of(all), about(count, expected, ""));
        if cli.shard.is_whole() {
            writeln!(text, "\n{of_all} events in all")?;
        } else {
            writeln!(text, "\n{mine} of {of_all} events, share {}", cli.shard)?;
        }
        if let Some(size) = mean_event_bytes(cli)? {
            let bytes = mine.saturating_mul(size);
            writeln!(text, "{:.1} MB of events, at {size} bytes each", megabytes(bytes))?;
        }
    }
    let latency = cli.latency;
    let needed = |per_s: f64| (per_s * latency.as_secs_f64()).ceil();
    let peak = highest_per_s(plan);
    if peak > 0.0 {
        writeln!(text, "{} in flight at the peak, if an answer takes {latency:?}", needed(peak))?;
    }
    for scenario in &plan.scenarios {
        let (Some(peak), Some(limit)) = (peak_per_s(scenario), scenario.max_in_flight) else {
            continue;
        };
        let (name, needed) = (&scenario.name, needed(peak));
        if needed > exact(limit) {
            let raise = "raise its `maxInFlight`, or --max-in-flight";
            writeln!(text, "  {name} needs {needed}, and its limit is {limit}: {raise}")?;
        }
    }
    Ok(text)
}

#[expect(clippy::cast_precision_loss, reason = "figures to show")]
fn exact(number: u64) -> f64 {
    number as f64
}

fn megabytes(bytes: u64) -> f64 {
    exact(bytes) / 1e6
}

/// The mean size of the first events of the input, if there is one.
fn mean_event_bytes(cli: &Cli) -> anyhow::Result<Option<u64>> {
    if cli.events.as_os_str() == "-" && stdin_is_terminal() {
        return Ok(None);
    }
    let mut text = Vec::new();
    open_input(&cli.events)?.bytes.take(PEEK).read_to_end(&mut text)?;
    let lines = memchr::memchr_iter(b'\n', &text).count() as u64;
    let whole = memchr::memrchr(b'\n', &text).map_or(0, |last| last as u64 + 1);
    Ok((whole - lines.min(whole)).checked_div(lines))
}

fn executor(scenario: &Scenario) -> &'static str {
    match &scenario.executor {
        Executor::Arrivals { schedule: Schedule::Constant { .. }, .. } => "constant-arrival-rate",
        Executor::Arrivals { schedule: Schedule::Ramping(_), .. } => "ramping-arrival-rate",
        Executor::Connections { .. } => "connections",
        Executor::Users { stages, .. } => users_name(stages),
        Executor::Iterations { per_vu: true, .. } => "per-vu-iterations",
        Executor::Iterations { per_vu: false, .. } => "shared-iterations",
    }
}

/// When a scenario ends on the run's clock, if its plan says so.
fn end_ns(scenario: &Scenario) -> Option<u64> {
    let length_ns = scenario.executor.length_ns()?;
    scenario.start_ns.checked_add(length_ns).filter(|&end| end < u64::MAX / 8)
}

fn end_ns_or_open(scenario: &Scenario) -> String {
    end_ns(scenario).map_or_else(|| "open".to_owned(), clock)
}

/// The rate of a scenario at an instant of the run; nothing for a closed loop.
fn per_s_at(scenario: &Scenario, ns: u64) -> f64 {
    let Some(within) = ns.checked_sub(scenario.start_ns) else { return 0.0 };
    match scenario.executor.schedule() {
        None => 0.0,
        Some((Schedule::Constant { duration_ns: Some(end_ns), .. }, _)) if within >= *end_ns => 0.0,
        Some((Schedule::Constant { rate, .. }, _)) => rate.per_second(),
        Some((Schedule::Ramping(ramp), _)) => ramp.per_second_at(within),
    }
}

fn peak_per_s(scenario: &Scenario) -> Option<f64> {
    match scenario.executor.schedule()?.0 {
        Schedule::Constant { rate, .. } => Some(rate.per_second()),
        Schedule::Ramping(ramp) => {
            let ends = ramp.pieces().flat_map(|(_, _, from, to)| [from, to]);
            ends.map(load_plan::Rate::per_second).reduce(f64::max)
        }
    }
}

/// The highest rate of the whole plan. It is linear between the ends of pieces, so it is at one.
fn highest_per_s(plan: &Plan) -> f64 {
    let mut ends_ns = Vec::new();
    for scenario in &plan.scenarios {
        ends_ns.push(scenario.start_ns);
        if let Executor::Arrivals { schedule: Schedule::Ramping(ramp), .. } = &scenario.executor {
            ends_ns.extend(ramp.pieces().map(|(start_ns, ..)| scenario.start_ns + start_ns));
        }
        // A hold comes after the rate, and has none.
        let schedule = scenario.executor.schedule().and_then(|(schedule, _)| schedule.end_ns());
        ends_ns.extend(schedule.map(|end| scenario.start_ns.saturating_add(end)));
    }
    let around = ends_ns.into_iter().flat_map(|ns| [ns.saturating_sub(1), ns]);
    around.map(|ns| per_s_of(plan, ns)).fold(0.0, f64::max)
}

fn per_s_of(plan: &Plan, ns: u64) -> f64 {
    plan.scenarios.iter().map(|it| per_s_at(it, ns)).sum()
}

/// The rate of the whole plan over time, or the users of its closed loops.
fn curve(plan: &Plan, end_ns: u64) -> String {
    let middle = |column: u64| end_ns / COLUMNS * column + end_ns / COLUMNS / 2;
    let rate = |ns: u64| per_s_of(plan, ns);
    let users = |ns: u64| plan.scenarios.iter().map(|it| users_of(it, ns)).sum::<f64>();
    let mut text = String::from("\n");
    for (what, at) in [("events/s", &rate as &dyn Fn(u64) -> f64), ("users", &users)] {
        let values: Vec<f64> = (0..COLUMNS).map(|column| at(middle(column))).collect();
        let top = values.iter().copied().fold(0.0, f64::max);
        if top > 0.0 {
            let line: String = values.iter().map(|value| block(value / top)).collect();
            writeln!(text, "{top:>9.1} │{line}│ {what}").expect("a String takes any text");
        }
    }
    let width = usize::try_from(COLUMNS).expect("a small number") + 1;
    writeln!(text, "          0{:>width$}", clock(end_ns)).expect("a String takes any text");
    text
}

fn users_of(scenario: &Scenario, ns: u64) -> f64 {
    let Some(within) = ns.checked_sub(scenario.start_ns) else { return 0.0 };
    match &scenario.executor {
        Executor::Users { stages, start, .. } => {
            users_at(*start, stages, within).map_or(0.0, f64::from)
        }
        Executor::Iterations { vus, max_duration_ns, .. } if within < *max_duration_ns => {
            f64::from(*vus)
        }
        _ => 0.0,
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share from 0 to 1 of eight steps"
)]
fn block(share: f64) -> char {
    BLOCKS[((share * 8.0).ceil() as usize).min(8)]
}

/// A time of the run as people write it.
fn clock(ns: u64) -> String {
    let span = Duration::from_nanos(ns);
    let (seconds, ms) = (span.as_secs(), span.subsec_millis());
    match (seconds, ms) {
        (0..60, 0) => format!("{seconds}s"),
        (0..60, _) => format!("{seconds}.{ms:03}s"),
        (60..3600, _) => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m{:02}s", seconds / 3600, seconds / 60 % 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short_and_exact_enough() {
        let shown = [0, 500_000_000, 59_000_000_000, 300_000_000_000, 5_405_000_000_000].map(clock);
        assert_eq!(shown, ["0s", "0.500s", "59s", "5m00s", "1h30m05s"]);
    }

    #[test]
    fn blocks_fill_from_below() {
        assert_eq!([0.0, 0.01, 0.5, 1.0].map(block), [' ', '▁', '▄', '█']);
    }
}
