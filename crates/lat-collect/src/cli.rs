//! The command line, as typed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ce_cli::parse;
use clap::builder::BoolishValueParser;

pub use crate::merge::Accept;

const EXAMPLES: &str = "\
Examples:
  ce-gen --count 6000 | ce-blast --to http://127.0.0.1:8081/ --rate 200/s |
    lat-collect --out results/first
  lat-collect sent.ndjson received.ndjson --out results/first
  lat-collect sent.ndjson <(ce-sink amqp --from amqp://127.0.0.1/%2f --queue q --idle-exit 5s) \\
    --out results/first
  lat-collect - <(sys-watch --host) --out results/spike --live --serve 127.0.0.1:9464
  lat-collect sent.ndjson --out results/first --windows | jq -c 'select(.kind == \"window\")'
  lat-collect hgrm results/first > first.hgrm
  lat-collect merge results/shard-* --out results/run

Streams are told apart by what they hold and are read side by side, so FIFOs do. With the stream of
a ce-sink among them, every event is accounted for: delivered, lost, duplicated.

Exit codes: 0 done; 2 could not do it; 3 done, but a stream was cut short or lacks records (the
directory says which).";

const MERGE_EXAMPLES: &str = "\
Examples:
  lat-collect merge results/shard-0 results/shard-1 --out results/run
  lat-collect merge results/monday results/tuesday --sequence --out results/both
  lat-collect merge results/shard-* --accept missing-shards --out results/partial

Exit codes: 0 done; 2 could not do it; 3 the directories do not belong together, or the merged run
is not complete.";

const HGRM_EXAMPLES: &str = "\
Examples:
  lat-collect hgrm results/first > first.hgrm
  lat-collect hgrm results/first --tag spike.e2e > spike-e2e.hgrm

Exit codes: 0 done; 2 could not do it; 3 no value has this tag.";

/// Record results: streams in, run directory out
///
/// Joins what was sent with what arrived, and writes summary.json, series.csv, latency.hlog,
/// errors.csv, ledger.json and run.json. The directory appears under its name when it is whole; until
/// then it is called DIR.partial.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "lat-collect", version, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
#[command(disable_help_subcommand = true)]
pub struct Cli {
    /// What to do instead of collecting
    #[command(subcommand)]
    pub command: Option<Command>,

    /// What to collect
    #[command(flatten)]
    pub collect: Collect,
}

/// What can be done with run directories.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Print a percentile distribution for the plotters of HdrHistogram
    Hgrm(Hgrm),
    /// Make one run directory of several: the shards of a run, or runs one after the other
    Merge(Merge),
}

/// Make one run directory of several: the shards of a run, or runs one after the other
///
/// The result is what lat-collect would have written, had it read all streams at once: the same
/// bytes, in whichever order the directories are named. Events that one directory sent and another
/// received are put together. What does not belong together is refused, and nothing is written.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = MERGE_EXAMPLES)]
pub struct Merge {
    /// Run directories
    #[arg(value_name = "DIR", required = true)]
    pub dirs: Vec<PathBuf>,

    /// The run directory to write; must not exist
    #[arg(long, env = "CE_OUT", value_name = "DIR")]
    pub out: PathBuf,

    /// The directories are runs one after the other, and not shards of one
    #[arg(long, env = "CE_SEQUENCE", value_parser = BoolishValueParser::new())]
    pub sequence: bool,

    /// Merge in spite of this; run.json says so. Can be given more than once
    #[arg(long, env = "CE_ACCEPT", value_name = "WHAT", value_delimiter = ',')]
    pub accept: Vec<Accept>,
}

/// Print a percentile distribution for the plotters of HdrHistogram
///
/// Writes the text of a .hgrm file to stdout: five ticks in each halving of the distance to 100 %,
/// values in milliseconds. The seconds of a warm-up are among them. Values above one hour are not: the
/// log has no bucket for them.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = HGRM_EXAMPLES)]
pub struct Hgrm {
    /// A run directory
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,

    /// A tag of latency.hlog, such as default.e2e; or a metric of all scenarios together: latency,
    /// service, lag or e2e
    #[arg(long, env = "CE_HGRM_TAG", value_name = "TAG", default_value = "latency")]
    pub tag: String,
}

/// What to collect, and where to.
#[derive(Debug, Clone, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line are independent")]
pub struct Collect {
    /// Streams of records: files, FIFOs; `-` is stdin
    #[arg(default_value = "-", value_name = "RECORDS")]
    pub records: Vec<PathBuf>,

    /// The run directory to write; must not exist
    #[arg(long, env = "CE_OUT", value_name = "DIR", required = true)]
    pub out: Option<PathBuf>,

    /// Count lines that are no records and go on, instead of ending there
    #[arg(long, env = "CE_SKIP_BAD_LINES", value_parser = BoolishValueParser::new())]
    pub skip_bad_lines: bool,

    /// Show the run on stderr while it goes on
    ///
    /// On a terminal: rates, percentiles, errors, in flight, ledger, alerts, redrawn each second.
    /// Elsewhere: one line every ten seconds. `NO_COLOR` is respected.
    #[arg(long, env = "CE_LIVE", value_parser = BoolishValueParser::new())]
    pub live: bool,

    /// Serve a live page and, under /metrics, the figures for Prometheus, e.g., 127.0.0.1:9464
    ///
    /// Port 0 is a free one; the address is said on stderr. Also there: /snapshot.json.
    #[arg(long, env = "CE_SERVE", value_name = "ADDRESS")]
    pub serve: Option<SocketAddr>,

    /// Let other machines see what is served: there is no password
    #[arg(long, env = "CE_SERVE_REMOTE", requires = "serve", value_parser = BoolishValueParser::new())]
    pub serve_remote: bool,

    /// Go on serving for this time after the end, for the last scrape; Ctrl-C ends it
    #[arg(
        long,
        env = "CE_LINGER",
        value_name = "DURATION",
        requires = "serve",
        default_value = "15s",
        value_parser = parse::duration
    )]
    pub linger: Duration,

    /// Write a record to stdout for each second and scenario, for programs that follow the run
    ///
    /// A window counts what ended in its second, and is written two seconds later; all together they
    /// add up to summary.json. A reader that is too slow loses windows, which the end record counts.
    #[arg(long, env = "CE_WINDOWS", value_parser = BoolishValueParser::new())]
    pub windows: bool,

    /// Objectives to show the run's standing by; the verdict is slo-check's
    #[arg(long, env = "CE_SLO", value_name = "FILE")]
    pub slo: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::Cli;

    #[test]
    fn every_argument_has_help() {
        let command = <Cli as clap::CommandFactory>::command().help_expected(true);
        command.debug_assert();
    }
}
