//! Whether the load was the one that was asked for. If it was not, the run says nothing about the
//! target.

use ce_record::run_dir::{Generator, SERIES};
use ce_record::{End, GeneratorReport, Limit, OutcomeCounts, Stop, total};
use lat_hist::{Histogram, Quantile};

use crate::group::{Group, LAG};

/// Of the planned events this many must have left.
const SENT_RATIO: f64 = 0.99;
/// Of the planned events no more than this may have waited for input. Where more of them waited for a
/// place in flight, it is the target that was slow; unless the sender could not have kept the schedule
/// anyway.
const WAITED_RATIO: f64 = 0.01;
/// With a place in flight free, 99 of 100 events must leave within this time.
const LAG_P99_US: u64 = 100_000;

/// Whether the load of a whole run was the one that was asked for. The schedule has to be kept from the
/// first event; how late events left is judged where the target is.
pub(crate) fn of_run<'a>(
    ends: impl Iterator<Item = &'a End>,
    overall: &Group,
    warm_up: &Group,
    late_values: u64,
) -> Generator {
    let mut outcomes = *overall.outcomes();
    outcomes.add(warm_up.outcomes());
    let mut generator = judge(ends, &outcomes, overall.metric(LAG));
    let warm_up = warm_up.outcomes().planned();
    if warm_up > 0 {
        generator.notes.push(format!("{warm_up} events of the warm-up are not judged"));
    }
    if late_values > 0 {
        generator.notes.push(format!(
            "{late_values} entries came too late for their row of {SERIES}; every total has them"
        ));
    }
    generator
}

/// Judges the senders of a run by what they report and by the samples.
fn judge<'a>(
    ends: impl Iterator<Item = &'a End>,
    outcomes: &OutcomeCounts,
    lag: &Histogram,
) -> Generator {
    let senders: Vec<(&GeneratorReport, &End)> =
        ends.filter_map(|end| Some((end.generator.as_ref()?, end))).collect();
    let planned = outcomes.planned();
    let lag_p99_us = lag.quantile_us(Quantile::new(99, 100));
    let sum = |field: fn(&GeneratorReport) -> u64| total(senders.iter().map(|(it, _)| field(it)));
    let (starved, held_back) = (sum(|it| it.starved), sum(|it| it.held_back));
    let is_part = |count| ratio(count, planned).is_some_and(|part| part > WAITED_RATIO);
    let mut faults = Vec::new();
    if planned == 0 {
        faults.push("no event was due, so there is nothing to judge".to_owned());
    }
    if ratio(outcomes.sent(), planned).is_some_and(|sent| sent < SENT_RATIO) {
        let sent = outcomes.sent();
        faults.push(format!("{sent} of {planned} planned events were sent"));
    }
    if is_part(starved) {
        faults.push(format!("{starved} of {planned} events waited for input: it was too slow"));
    }
    let is_own_fault = senders.iter().any(|(it, _)| it.limited_by == Some(Limit::Sender));
    let overslept = sum(|it| it.overslept);
    let absence = || format!("a sender did not run when {overslept} of {planned} events were due");
    let is_absent = is_own_fault && is_part(overslept);
    let is_late = lag_p99_us.is_some_and(|lag| lag > LAG_P99_US);
    if is_absent {
        faults.push(absence());
    } else if is_late && (is_own_fault || !is_part(held_back)) {
        let ms = lag_p99_us.unwrap_or(0) / 1000;
        faults
            .push(format!("events left late (p99 {ms} ms): this machine cannot keep the schedule"));
    }
    let own_limits = sum(|it| it.own_limits);
    if own_limits > 0 {
        faults.push(format!(
            "{own_limits} connections did not open because a sender's machine had no more files, ports \
             or memory"
        ));
    }
    for (report, end) in &senders {
        if let (Stop::InputEnded, Some(plan)) = (end.stopped, report.plan_events) {
            let had = end.outcomes.unwrap_or_default().planned();
            faults.push(format!("the input had {had} events and the plan calls for {plan}"));
        }
    }
    let valid = faults.is_empty();
    let open_loop = senders.iter().all(|(report, _)| report.open_loop);
    let mut notes = faults;
    if overslept > 0 && !is_absent {
        notes.push(absence());
    }
    if held_back > 0 {
        notes.push(format!("{held_back} events waited because the in-flight limit was reached"));
    }
    if let Some(ns) = senders.iter().map(|(it, _)| it.blocked_ns).max().filter(|&ns| ns > 0) {
        let (s, ms) = (ns / 1_000_000_000, ns / 1_000_000 % 1000);
        notes.push(format!("the broker took nothing from a connection for {s}.{ms:03} s"));
    }
    if senders.iter().any(|(_, end)| end.stopped == Stop::Interrupted) {
        notes.push("the load was interrupted before its end".to_owned());
    }
    if !open_loop {
        notes.push("closed loop: load that a slow target kept back is not in these figures".into());
    }
    Generator { valid, notes, sent_ratio: ratio(outcomes.sent(), planned), lag_p99_us, open_loop }
}

#[expect(clippy::cast_precision_loss, reason = "compared with thresholds of two digits")]
fn ratio(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use ce_record::Outcome;

    use super::*;

    fn end(stopped: Stop, starved: u64, held_back: u64, open_loop: bool) -> End {
        let generator = GeneratorReport {
            plan_events: Some(200),
            starved,
            held_back,
            open_loop,
            ..GeneratorReport::default()
        };
        End { generator: Some(generator), ..End::new(1, stopped, 100) }
    }

    fn check(end: &End, unsent: u64, lag_ms: u64, valid: bool, note: &str) {
        let mut outcomes = OutcomeCounts::default();
        outcomes[Outcome::Ok] = 100 - unsent;
        outcomes[Outcome::Unsent] = unsent;
        let mut lag = Histogram::default();
        lag.record(lag_ms * 1_000_000);
        let generator = judge([end].into_iter(), &outcomes, &lag);
        assert_eq!(generator.valid, valid, "{generator:?}");
        assert_eq!(generator.notes.iter().any(|said| said.contains(note)), !note.is_empty());
    }

    #[test]
    fn a_schedule_that_was_not_kept_is_invalid() {
        check(&end(Stop::Done, 0, 0, true), 0, 1, true, "");
        check(&end(Stop::Done, 0, 0, true), 2, 1, false, "98 of 100 planned events were sent");
        check(&end(Stop::Done, 2, 0, true), 0, 1, false, "waited for input");
        check(&end(Stop::Done, 0, 0, true), 0, 200, false, "events left late (p99 200 ms)");
        check(&end(Stop::InputEnded, 0, 0, true), 0, 1, false, "the plan calls for 200");
    }

    #[test]
    fn waiting_for_a_slow_target_is_the_targets_fault() {
        check(&end(Stop::Done, 0, 5, true), 0, 200, true, "the in-flight limit was reached");
    }

    #[test]
    fn a_few_that_waited_or_a_sender_that_was_too_slow_itself_are_no_excuse() {
        check(&end(Stop::Done, 0, 1, true), 0, 200, false, "this machine cannot keep");
        let mut end = end(Stop::Done, 0, 5, true);
        let report = end.generator.as_mut().unwrap();
        report.limited_by = Some(Limit::Sender);
        check(&end, 0, 200, false, "this machine cannot keep the schedule");
        end.generator.as_mut().unwrap().overslept = 30;
        check(&end, 0, 1, false, "a sender did not run when 30 of 100 events were due");
        end.generator.as_mut().unwrap().limited_by = Some(Limit::Target);
        check(&end, 0, 200, true, "the in-flight limit was reached");
        // It shows in the highest latencies.
        check(&end, 0, 200, true, "a sender did not run when 30 of 100 events were due");
    }

    #[test]
    fn a_machine_that_cannot_open_connections_says_nothing_about_the_target() {
        let mut end = end(Stop::Done, 0, 0, true);
        end.generator.as_mut().unwrap().own_limits = 3;
        check(&end, 0, 1, false, "3 connections did not open because a sender's machine");
    }

    #[test]
    fn a_broker_that_blocks_its_publishers_is_named() {
        let mut end = end(Stop::Done, 0, 0, true);
        end.generator.as_mut().unwrap().blocked_ns = 2_034_000_000;
        check(&end, 0, 1, true, "took nothing from a connection for 2.034 s");
    }

    #[test]
    fn a_closed_loop_says_what_it_cannot_see() {
        check(&end(Stop::Done, 0, 0, false), 0, 1, true, "closed loop");
        check(&end(Stop::Interrupted, 0, 0, true), 0, 1, true, "interrupted");
    }
}
