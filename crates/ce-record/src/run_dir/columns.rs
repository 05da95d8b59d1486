//! The columns of the tables, and what figures are called.

/// The metrics that are histograms, in the order of reports.
pub const METRICS: [&str; 4] = ["latency", "service", "lag", "e2e"];

/// The percentiles of summaries: the name of the field and the quantile as numerator/denominator.
pub const PERCENTILES: [(&str, u64, u64); 6] = [
    ("p50", 1, 2),
    ("p90", 9, 10),
    ("p95", 19, 20),
    ("p99", 99, 100),
    ("p99_9", 999, 1000),
    ("p99_99", 9999, 10_000),
];

/// The columns of `series.csv`. A row counts the events that were *due* in its second, apart from
/// `sent` and `received`, which count by when that first happened, and `in_flight`, the number of
/// unanswered events at the end of the second. An empty percentile means that there was no value;
/// it is never zero instead. An event that took longer than 160 s from when it was due is in the
/// totals and not here. `warm_up` is `true` where the plan keeps the second out of the verdict.
/// `phase` is the part of the plan that the second begins in: `warm-up`, or the number of the stage
/// from 1; empty where the scenario has not begun, is over, or has no plan.
pub const SERIES_COLUMNS: [&str; 34] = [
    "second",
    "scenario",
    "warm_up",
    "phase",
    "planned",
    "sent",
    "ok",
    "rejected",
    "returned",
    "timeout",
    "connect_error",
    "protocol_error",
    "in_doubt",
    "dropped",
    "unsent",
    "unfinished",
    "in_flight",
    "received",
    "latency_p50_us",
    "latency_p95_us",
    "latency_p99_us",
    "latency_max_us",
    "service_p50_us",
    "service_p95_us",
    "service_p99_us",
    "service_max_us",
    "lag_p50_us",
    "lag_p95_us",
    "lag_p99_us",
    "lag_max_us",
    "e2e_p50_us",
    "e2e_p95_us",
    "e2e_p99_us",
    "e2e_max_us",
];

/// The columns of `series.csv` that are numbers of events: they add up, over the scenarios of a second
/// and over seconds.
pub fn series_counts() -> impl Iterator<Item = &'static str> {
    let is_key = |name: &str| matches!(name, "second" | "scenario" | "warm_up" | "phase");
    let is_state = |name: &str| name == "in_flight" || name.ends_with("_us");
    SERIES_COLUMNS.into_iter().filter(move |name| !is_key(name) && !is_state(name))
}

/// The columns of `errors.csv`.
pub const ERRORS_COLUMNS: [&str; 7] =
    ["outcome", "code", "message", "count", "first_s", "last_s", "sample_id"];

/// The columns of `watch.csv`. Labels are `a=1;b=2`, in the order of their names.
pub const WATCH_COLUMNS: [&str; 4] = ["at_s", "name", "labels", "value"];

/// The columns of `marks.csv`.
pub const MARKS_COLUMNS: [&str; 4] = ["at_s", "what", "name", "labels"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Outcome;

    #[test]
    fn planned_sent_every_outcome_and_received_add_up() {
        let outcomes = Outcome::ALL.map(Outcome::as_str);
        let counts: Vec<_> = series_counts().collect();
        assert_eq!(counts, [&["planned", "sent"], &outcomes[..], &["received"]].concat());
    }
}
