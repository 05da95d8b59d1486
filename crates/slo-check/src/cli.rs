//! What can be typed.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;

const EXAMPLES: &str = "\
METRICS
  trends    latency (from when the event was due), service, lag, e2e; in milliseconds
  shares    failed, success; of the planned events. checks; of all checks that ce-blast made
  counters  planned, sent, ok, received, lost, duplicates, dropped, unsent
  The names of k6 scripts work too: http_req_duration and builder_publish_duration are latency,
  http_req_failed and builder_error_rate are failed, builder_events_total and iterations are ok,
  http_reqs is sent, dropped_iterations is dropped.

VERDICT
  Always judged: the run is complete, its generator kept the schedule, and (where receipts were
  collected) no acknowledged event was lost. Without --slo, --plan and --threshold,
  `failed: rate<0.01` is judged as well. An invalid run has no verdict; else one failed objective
  is a FAIL, even if another has no data.

EXIT CODES
  0 pass, or warn without --strict    1 an objective failed, or warn with --strict
  2 could not do it                   3 no verdict: run invalid or incomplete, or no data

EXAMPLES
  slo-check results/nightly --slo examples/slo.toml
  slo-check results/nightly --plan examples/plans/build-events.k6.json
  slo-check results/nightly --threshold 'http_req_duration{scenario:baseline}: p(95)<2000'
  slo-check results/nightly --threshold 'latency: p(95)<5000, p(99)<9000' --strict
  slo-check results/nightly --format json | jq '.objectives[] | select(.verdict == \"fail\")'";

/// Say whether a run met its objectives
///
/// Reads a run directory that `lat-collect` wrote, and judges its figures by the objectives of a
/// file, by k6 thresholds, or by both.
#[derive(Debug, clap::Parser)]
#[command(name = "slo-check", version, after_help = EXAMPLES)]
pub struct Cli {
    /// The run directory
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,

    /// Objectives with a target and a critical level, as TOML or JSON; `-` is stdin
    #[arg(long, env = "CE_SLO", value_name = "FILE")]
    pub slo: Option<PathBuf>,

    /// A plan, k6's options or ours: its thresholds and objectives are judged
    #[arg(long, env = "CE_PLAN", value_name = "FILE")]
    pub plan: Option<PathBuf>,

    /// A k6 threshold, e.g., 'latency: p(95)<3000'; repeat it, or separate several by `;`
    #[arg(long, env = "CE_THRESHOLD", value_name = "METRIC: EXPR", value_delimiter = ';')]
    pub threshold: Vec<String>,

    /// How to print the verdict
    #[arg(long, env = "CE_FORMAT", value_name = "FORMAT", default_value = "text")]
    pub format: Format,

    /// Let a warning fail the run
    #[arg(long, env = "CE_STRICT", value_parser = BoolishValueParser::new())]
    pub strict: bool,
}

/// How the verdict is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people, at 80 columns
    Text,
    /// One object, for programs
    Json,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn every_argument_has_help() {
        super::Cli::command().help_expected(true).debug_assert();
    }
}
