//! What the sender says about itself at the end: was the load the one that was asked for?

use std::fmt::Write;

use ce_record::{GeneratorReport, Outcome, OutcomeCounts};
use lat_hist::Quantile;
use load_plan::Plan;

use crate::gate::Gate;
use crate::lane::Course;
use crate::plan::{self, is_open_loop};

/// The generator's report for the `end` record.
pub(crate) fn report(plan: &Plan, course: &Course, gates: &[Gate]) -> GeneratorReport {
    let tally = &course.tally;
    let lag_ns = |quantile| tally.lag.quantile_us(quantile).unwrap_or(0) * 1000;
    GeneratorReport {
        plan_events: plan_events(plan),
        lag_p50_ns: lag_ns(Quantile::new(1, 2)),
        lag_p99_ns: lag_ns(Quantile::new(99, 100)),
        lag_max_ns: tally.lag.max_ns().unwrap_or(0),
        starved: course.starved,
        held_back: course.held_back,
        peak_in_flight: gates.iter().map(Gate::peak).sum(),
        open_loop: plan.scenarios.iter().all(is_open_loop),
    }
}

/// How many events the plan calls for, all shares together; `None` when it leaves that open.
pub(crate) fn plan_events(plan: &Plan) -> Option<u64> {
    plan.scenarios.iter().map(plan::events).sum()
}

/// The last lines on stderr: what happened to the events, and what the sender did to them.
pub(crate) fn summary(
    outcomes: &OutcomeCounts,
    report: &GeneratorReport,
    elapsed_ns: u64,
) -> String {
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
    let waits = [(report.starved, "input"), (report.held_back, "the in-flight limit")];
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
        let mut outcomes = OutcomeCounts::default();
        outcomes[Outcome::Ok] = 90;
        outcomes[Outcome::Rejected] = 9;
        outcomes[Outcome::Unsent] = 1;
        let report = GeneratorReport {
            plan_events: Some(100),
            lag_p50_ns: 12_000,
            lag_p99_ns: 80_000,
            lag_max_ns: 2_000_000,
            starved: 3,
            held_back: 0,
            peak_in_flight: 5,
            open_loop: true,
        };
        assert_eq!(
            summary(&outcomes, &report, 1_250_000_000),
            "100 planned, 99 sent in 1.250 s: 90 ok, 9 rejected, 1 unsent; \
             lag p50 12 µs, p99 80 µs, max 2000 µs; 3 waited for input"
        );
    }
}
