//! The command line, as typed.

use std::path::PathBuf;

use clap::builder::BoolishValueParser;

const EXAMPLES: &str = "\
Examples:
  ce-gen --count 6000 | ce-blast --to http://127.0.0.1:8081/ --rate 200/s |
    lat-collect --out results/first
  lat-collect sent.ndjson received.ndjson --out results/first
  lat-collect <(ce-sink amqp --queue q) sent.ndjson --out results/first

Streams are told apart by what they hold and are read side by side, so FIFOs do. With the stream of a
ce-sink among them, every event is accounted for: delivered, lost, duplicated.

Exit codes: 0 done; 2 could not do it; 3 done, but a stream was cut short or lacks records (the
directory says which).";

/// Record results: streams in, run directory out
///
/// Joins what was sent with what arrived, and writes summary.json, series.csv, latency.hlog,
/// errors.csv, ledger.json and run.json. The directory appears under its name when it is whole; until
/// then it is called DIR.partial.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "lat-collect", version, after_help = EXAMPLES)]
pub struct Cli {
    /// Streams of records: files, FIFOs; `-` is stdin
    #[arg(default_value = "-", value_name = "RECORDS")]
    pub records: Vec<PathBuf>,

    /// The run directory to write; must not exist
    #[arg(long, env = "CE_OUT", value_name = "DIR")]
    pub out: PathBuf,

    /// Count lines that are no records and go on, instead of ending there
    #[arg(long, env = "CE_SKIP_BAD_LINES", value_parser = BoolishValueParser::new())]
    pub skip_bad_lines: bool,
}

#[cfg(test)]
mod tests {
    use super::Cli;

    #[test]
    fn every_argument_has_help() {
        <Cli as clap::CommandFactory>::command().help_expected(true).debug_assert();
    }
}
