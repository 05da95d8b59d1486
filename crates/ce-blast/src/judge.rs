//! What the sender says about itself at the end: was the load the one that was asked for?

use std::fmt::Write;

use ce_record::{GeneratorReport, Held, Limit, Outcome};
use lat_hist::Quantile;
use load_plan::Plan;

use crate::gate::Gate;
use crate::lane::Course;
use crate::plan::{self, is_open_loop};
use crate::record::Tally;

/// Of all events this many may have waited for input or for a place in flight, or have been due while
/// the sender did not run.
const WAITED: f64 = 0.01;
/// A schedule is kept if 99 of 100 events leave within this time.
const LAG_NS: u64 = 100_000_000;
/// From this share of all cores on, or of one core for a thread that sends, it is our own work that
/// makes events late.
const BUSY: f64 = 0.8;

/// The generator's report for the `end` record.
pub(crate) fn report(
    plan: &Plan,
    course: &Course,
    gates: &[Gate],
    cpu_ns: u64,
    elapsed_ns: u64,
) -> GeneratorReport {
    let tally = &course.tally;
    let lag_ns = |quantile| tally.lag.quantile_us(quantile).unwrap_or(0) * 1000;
    let mut report = GeneratorReport {
        plan_events: plan_events(plan),
        lag_p50_ns: lag_ns(Quantile::new(1, 2)),
        lag_p99_ns: lag_ns(Quantile::new(99, 100)),
        lag_max_ns: tally.lag.max_ns().unwrap_or(0),
        starved: course.starved,
        held_back: course.held_back,
        overslept: course.overslept,
        peak_in_flight: gates.iter().map(Gate::peak).sum(),
        blocked_ns: tally.blocked_ns,
        own_limits: tally.own_limits.sum(),
        open_loop: plan.scenarios.iter().all(is_open_loop),
        limited_by: None,
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let busy = (share(cpu_ns, elapsed_ns) / to_f64(cores)).max(tally.busiest);
    report.limited_by = limit(&report, tally, busy);
    report
}

/// What kept the load from being the one that was asked for. `busy` is the part of what we may use that
/// we did use.
fn limit(report: &GeneratorReport, tally: &Tally, busy: f64) -> Option<Limit> {
    if tally.dropped_records > 0 {
        return Some(Limit::Output);
    }
    if tally.own_limits.sum() > 0 {
        return Some(Limit::Sender);
    }
    let planned = tally.outcomes.planned();
    let kept_back = report.held_back + not_sent(tally);
    let waited = if share(report.starved, planned) > WAITED {
        Some(Limit::Input)
    } else if share(kept_back, planned) > WAITED {
        Some(Limit::Target)
    } else {
        None
    };
    // Who has no processor time left, or is given none, is late to hear of either. What was due while
    // the sender did not run keeps back what comes after it as well, but not many times as much.
    let ours = match waited {
        Some(_) => busy > BUSY || overslept(report, tally) && report.overslept >= kept_back / 2,
        None => report.lag_p99_ns > LAG_NS,
    };
    if ours && (waited.is_some() || report.open_loop) { Some(Limit::Sender) } else { waited }
}

/// Whether the sender did not run when it had to, and not for a moment only.
fn overslept(report: &GeneratorReport, tally: &Tally) -> bool {
    share(report.overslept, tally.outcomes.planned()) > WAITED
}

fn not_sent(tally: &Tally) -> u64 {
    tally.outcomes[Outcome::Dropped] + tally.outcomes[Outcome::Unsent]
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { to_f64(part) / to_f64(whole) }
}

#[expect(clippy::cast_precision_loss, reason = "compared with thresholds of two digits")]
fn to_f64(number: impl TryInto<u64>) -> f64 {
    number.try_into().unwrap_or(u64::MAX) as f64
}

/// The verdict on the sender, in words. Without an event, and in a closed loop,
/// there was no schedule to keep.
pub(crate) fn verdict(report: &GeneratorReport, tally: &Tally) -> Option<String> {
    let text = match report.limited_by {
        None if tally.outcomes.planned() == 0 => return None,
        None if report.open_loop => "the schedule was kept".to_owned(),
        None => return None,
        Some(Limit::Input) => {
            format!("SENDER-LIMITED: {} events came late from the input", report.starved)
        }
        Some(Limit::Output) => {
            format!("SENDER-LIMITED: {} records found no reader in time", tally.dropped_records)
        }
        Some(Limit::Sender) if tally.own_limits.sum() > 0 => {
            format!("SENDER-LIMITED: {}; or share the load out with --shard", tally.own_limits)
        }
        Some(Limit::Sender) if overslept(report, tally) => {
            let count = report.overslept;
            format!(
                "SENDER-LIMITED: the sender did not run when {count} events were due; give it a core of \
                 its own"
            )
        }
        Some(Limit::Sender) => {
            let why = "SENDER-LIMITED: this machine has not enough processor time for the rate";
            format!("{why}; share it out with --shard")
        }
        Some(Limit::Target) => {
            let (waited, not_sent) = (report.held_back, not_sent(tally));
            format!(
                "TARGET-LIMITED: answers came too slowly for the in-flight limit: {waited} events \
                 waited, {not_sent} were not sent"
            )
        }
    };
    Some(text)
}

/// What became of the connections of a scenario.
pub(crate) fn held(held: &Held) -> String {
    let Held { scenario, opened, peak, closed, lost, cut } = held;
    let mut text = format!("{scenario}: {opened} connections opened, {peak} at one time");
    write!(text, "; {closed} closed at the end").expect("a String takes any text");
    for (count, what) in [(lost, "lost before it"), (cut, "without an answer to the close")] {
        if *count > 0 {
            write!(text, ", {count} {what}").expect("as above");
        }
    }
    text
}

/// How many events the plan calls for, all shares together; `None` when it leaves that open.
pub(crate) fn plan_events(plan: &Plan) -> Option<u64> {
    plan.scenarios.iter().map(plan::events).sum()
}

/// The last lines on stderr: what happened to the events, and what the sender did to them.
pub(crate) fn summary(tally: &Tally, report: &GeneratorReport, elapsed_ns: u64) -> String {
    let Tally { outcomes, retried, losses, .. } = tally;
    let mut parts = vec![format!("{} ok", outcomes[Outcome::Ok])];
    let failures = outcomes.iter().filter(|&(outcome, count)| outcome != Outcome::Ok && count > 0);
    parts.extend(failures.map(|(outcome, count)| format!("{count} {}", outcome.as_str())));
    let (planned, sent) = (outcomes.planned(), outcomes.sent());
    let ms = elapsed_ns / 1_000_000;
    let mut text = format!(
        "{planned} planned, {sent} sent in {}.{:03} s: {}; lag p50 {} µs, p99 {} µs, max {} µs",
        ms / 1000,
        ms % 1000,
        parts.join(", "),
        report.lag_p50_ns / 1000,
        report.lag_p99_ns / 1000,
        report.lag_max_ns / 1000,
    );
    let counts = [(*retried, "attempts more"), (*losses, "connections lost")];
    for (count, what) in counts.into_iter().filter(|&(count, _)| count > 0) {
        write!(text, "; {count} {what}").expect("a String takes any text");
    }
    if report.blocked_ns > 0 {
        let ms = report.blocked_ns / 1_000_000;
        let (s, ms) = (ms / 1000, ms % 1000);
        write!(text, "; blocked by the broker for {s}.{ms:03} s").expect("as above");
    }
    let waits = [
        (report.starved, "input"),
        (report.held_back, "the in-flight limit"),
        (report.overslept, "processor time"),
    ];
    for (count, what) in waits.into_iter().filter(|&(count, _)| count > 0) {
        write!(text, "; {count} waited for {what}").expect("a String takes any text");
    }
    if !report.open_loop {
        text += "; closed loop: load that a slow target kept back is not in these figures";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_names_what_failed_and_why_the_schedule_slipped() {
        let mut tally = Tally { retried: 4, losses: 2, ..Tally::default() };
        tally.outcomes[Outcome::Ok] = 90;
        tally.outcomes[Outcome::Rejected] = 9;
        tally.outcomes[Outcome::Unsent] = 1;
        let report = GeneratorReport {
            plan_events: Some(100),
            lag_p50_ns: 12_000,
            lag_p99_ns: 80_000,
            lag_max_ns: 2_000_000,
            starved: 3,
            peak_in_flight: 5,
            blocked_ns: 3_004_999_999,
            open_loop: true,
            ..GeneratorReport::default()
        };
        assert_eq!(
            summary(&tally, &report, 1_250_000_000),
            "100 planned, 99 sent in 1.250 s: 90 ok, 9 rejected, 1 unsent; \
             lag p50 12 µs, p99 80 µs, max 2000 µs; 4 attempts more; 2 connections lost; \
             blocked by the broker for 3.004 s; 3 waited for input"
        );
    }

    fn report_with(change: impl Fn(&mut GeneratorReport)) -> GeneratorReport {
        let mut report = GeneratorReport { open_loop: true, ..GeneratorReport::default() };
        change(&mut report);
        report
    }

    #[test]
    fn the_verdict_names_who_kept_the_load_down() {
        let check = |report: GeneratorReport, dropped, busy, limited_by| {
            let mut tally = Tally { dropped_records: dropped, ..Tally::default() };
            tally.outcomes[Outcome::Ok] = 100;
            assert_eq!(limit(&report, &tally, busy), limited_by, "{report:?}");
        };
        check(report_with(|_| {}), 0, 1.0, None);
        check(report_with(|it| it.starved = 2), 0, 0.1, Some(Limit::Input));
        check(report_with(|it| it.starved = 2), 0, 0.9, Some(Limit::Sender));
        check(report_with(|it| it.held_back = 2), 0, 0.1, Some(Limit::Target));
        check(report_with(|it| it.held_back = 2), 0, 0.9, Some(Limit::Sender));
        let check_absence = |held_back, overslept, limited_by| {
            let report = report_with(|it| (it.held_back, it.overslept) = (held_back, overslept));
            check(report, 0, 0.1, Some(limited_by));
        };
        check_absence(4, 2, Limit::Sender);
        check_absence(9, 2, Limit::Target);
        check_absence(2, 1, Limit::Target);
        check(report_with(|it| it.lag_p99_ns = 2 * LAG_NS), 0, 0.1, Some(Limit::Sender));
        check(report_with(|_| {}), 1, 0.1, Some(Limit::Output));
    }
}
