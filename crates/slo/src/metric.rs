//! What can be judged: the metrics of a run directory, and the names that k6 scripts use for them.
//!
//! | k6, or the k6 script | is our | because |
//! |---|---|---|
//! | `http_req_duration`, `builder_publish_duration` | `latency` | counted from when the event was due, so that a stall counts for every event that had to wait behind it; k6 starts its clock when it gets round to sending |
//! | `http_req_failed`, `builder_error_rate` | `failed` | an event that could not even be sent has failed, too |
//! | `builder_events_total`, `iterations` | `ok` | events that were published |
//! | `http_reqs` | `sent` | events that left for the target |
//! | `checks` | `checks` | the same: how often the checks held that `ce-blast --expect-…` was given |
//! | `dropped_iterations` | `dropped` | not sent because the in-flight limit was reached |

use load_plan::suggest::remedy;

use crate::aggregate::Aggregate;
use crate::error::{Result, refuse};

/// A metric of a run directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// From due until answered.
    Latency,
    /// From handed over until answered.
    Service,
    /// From due until handed over.
    Lag,
    /// From due until it arrived at a sink.
    E2e,
    /// Share of the planned events that did not end well.
    Failed,
    /// Share of the planned events that ended well.
    Success,
    /// Share of the checks of answers that held, all checks together.
    Checks,
    /// Events that the schedule called for.
    Planned,
    /// Events that left for the target.
    Sent,
    /// Events that ended well.
    Ok,
    /// Distinct events that arrived at a sink.
    Received,
    /// Events that were acknowledged and never arrived.
    Lost,
    /// Further arrivals of events that had arrived.
    Duplicates,
    /// Events that were not sent because the in-flight limit was reached.
    Dropped,
    /// Events that were still queued when the run ended.
    Unsent,
}

/// What kind of figure a metric is; k6 has the same kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A distribution of spans of time, in milliseconds.
    Trend,
    /// A share, from 0 to 1.
    Ratio,
    /// A number of events.
    Counter,
}

/// Every metric with its name.
const NAMES: [(&str, Metric); 15] = [
    ("latency", Metric::Latency),
    ("service", Metric::Service),
    ("lag", Metric::Lag),
    ("e2e", Metric::E2e),
    ("failed", Metric::Failed),
    ("success", Metric::Success),
    ("checks", Metric::Checks),
    ("planned", Metric::Planned),
    ("sent", Metric::Sent),
    ("ok", Metric::Ok),
    ("received", Metric::Received),
    ("lost", Metric::Lost),
    ("duplicates", Metric::Duplicates),
    ("dropped", Metric::Dropped),
    ("unsent", Metric::Unsent),
];

/// The names of k6 and of the k6 script.
const ALIASES: [(&str, Metric); 8] = [
    ("http_req_duration", Metric::Latency),
    ("builder_publish_duration", Metric::Latency),
    ("http_req_failed", Metric::Failed),
    ("builder_error_rate", Metric::Failed),
    ("builder_events_total", Metric::Ok),
    ("iterations", Metric::Ok),
    ("http_reqs", Metric::Sent),
    ("dropped_iterations", Metric::Dropped),
];

impl Metric {
    /// Finds a metric by its name or by one of its aliases.
    pub fn named(name: &str) -> Result<Self> {
        let mut known = NAMES.iter().chain(&ALIASES);
        match known.clone().find(|(known, _)| *known == name) {
            Some((_, metric)) => Ok(*metric),
            None => {
                refuse!("unknown metric `{name}`; {}", remedy(name, known.by_ref().map(|k| k.0)))
            }
        }
    }

    /// Its name in reports.
    pub fn name(self) -> &'static str {
        let named = NAMES.iter().find(|(_, metric)| *metric == self);
        named.expect("NAMES holds every metric").0
    }

    /// What kind of figure it is.
    pub fn kind(self) -> Kind {
        match self {
            Self::Latency | Self::Service | Self::Lag | Self::E2e => Kind::Trend,
            Self::Failed | Self::Success | Self::Checks => Kind::Ratio,
            _ => Kind::Counter,
        }
    }

    /// Whether it is only known where receipts were collected.
    pub(crate) fn needs_receipts(self) -> bool {
        matches!(self, Self::Received | Self::Lost | Self::Duplicates)
    }

    /// Whether it is only known for the run as a whole.
    pub fn whole_run_only(self) -> bool {
        matches!(self, Self::Lost | Self::Duplicates | Self::Checks)
    }
}

impl Kind {
    /// The unit of a value, as JSON reports name it.
    pub fn unit(self, aggregate: &Aggregate) -> &'static str {
        match (self, aggregate) {
            (Self::Trend, _) => "ms",
            (Self::Ratio, _) => "ratio",
            (Self::Counter, Aggregate::PerSecond) => "events/s",
            (Self::Counter, _) => "events",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_found_by_its_name() {
        for (name, metric) in NAMES {
            assert_eq!(Metric::named(name).unwrap(), metric);
            assert_eq!(metric.name(), name);
        }
    }

    #[test]
    fn the_names_of_the_k6_script_are_known() {
        let check = |name, metric| assert_eq!(Metric::named(name).unwrap(), metric, "{name}");
        check("http_req_duration", Metric::Latency);
        check("builder_publish_duration", Metric::Latency);
        check("http_req_failed", Metric::Failed);
        check("builder_error_rate", Metric::Failed);
        check("builder_events_total", Metric::Ok);
        check("iterations", Metric::Ok);
        check("http_reqs", Metric::Sent);
        check("dropped_iterations", Metric::Dropped);
    }

    #[test]
    fn an_unknown_name_comes_with_the_nearest() {
        let message = |name| Metric::named(name).unwrap_err().to_string();
        assert_eq!(
            message("http_req_duratoin"),
            "unknown metric `http_req_duratoin`; did you mean `http_req_duration`?"
        );
        assert!(message("throughput").contains("valid are latency, service, lag, e2e, failed"));
    }
}
