//! The command line, as typed.

use std::path::PathBuf;

use ce_cli::parse;
use clap::builder::BoolishValueParser;

use crate::kind::Share;
use crate::stamp::TimeFrom;

/// How many events a run can have: their numbers have twelve digits.
pub const MAX_EVENTS: u64 = 1_000_000_000_000;

const EXAMPLES: &str = "\
Events:
  build   type      network.notifi.lambda.build.start
          source    network.notifi.parsers.<third_party_id>.<parser_id>
          data      third_party_id, parser_id; a pair of the pool
  parser  type      network.notifi.lambda.parser.start
          source    --source
          subject   parser-load-test
          data      contextId, parameters: blockId, blockchainType, urlForBlob, logIndices
  delete  type      --delete-type
          source    as build
          data      as build

Repeatable:
  Event number k depends on the seed, the run and k alone: `--count 10` writes the first ten lines
  of `--count 20`, and two runs are equal unless their flags differ. --seed changes everything;
  --run changes the ids (id and contextId) and nothing else. Only `--time now` looks at the clock.

Examples:
  # Look at what comes out
  ce-gen --count 3 | jq .

  # Build events at a steady rate, for five minutes
  ce-gen --run nightly-7 | ce-blast --to amqp://127.0.0.1:5672 --rate 100/s --duration 5m

  # One build to three parser events of 4 KiB each, with readable ids
  ce-gen --kind build --kind parser=3 --size 4KiB --id seq --count 10000 > events.ndjson

  # About our own parsers, numbered to find gaps and reordering
  ce-gen --pool parsers.csv --sequence --count 1000

Exit codes:
  0  done, or the reader of stdout had enough
  2  could not do it: a wrong flag, an unreadable pool, a full disk";

/// Make CloudEvents as NDJSON
///
/// Writes CloudEvents 1.0 to stdout, one JSON object in each line, until --count is reached, the
/// reader leaves, or Ctrl-C. Reads no stdin unless asked to (`--pool -`).
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "ce-gen", version, after_help = EXAMPLES, max_term_width = 100)]
pub struct Cli {
    /// Kind of event: build, parser or delete; several, each with a weight, are mixed at random
    ///
    /// Give the flag again, or separate by commas. Each event's kind is picked by the weights, which
    /// are whole numbers and 1 if left out: `--kind build --kind parser=3` makes 3 of 4 events
    /// parser events, on average.
    #[arg(long = "kind", env = "CE_KIND", value_name = "KIND[=WEIGHT]", value_delimiter = ',')]
    #[arg(default_value = "build")]
    pub kinds: Vec<Share>,

    /// Where the (third party, parser) pairs of build and delete events come from; `-` is stdin
    ///
    /// CSV with the header `third_party_id,parser_id`, or NDJSON with these keys; told apart by the
    /// first character. Ids consist of letters, digits and `-._~`, because they become part of a
    /// URI. Each event picks a line at random, so a pair that stands there twice comes twice as
    /// often. Without a file: 24 invented pairs.
    #[arg(long, env = "CE_POOL", value_name = "FILE")]
    pub pool: Option<PathBuf>,

    /// How many events to make, up to 10^12; endless if left out
    #[arg(long, env = "CE_COUNT", value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(..=MAX_EVENTS))]
    pub count: Option<u64>,

    /// Chooses the events: two runs are equal unless the seed or --run differs
    #[arg(long, env = "CE_SEED", value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Name of the run; changes the ids and nothing else
    ///
    /// Use a new one for each run, so that a platform that drops duplicates does not take the second
    /// run's events for repetitions.
    #[arg(long, env = "CE_RUN", value_name = "ID", default_value = "ce-gen")]
    pub run: String,

    /// How the `id` of an event is made
    #[arg(long, env = "CE_ID", value_name = "STYLE", default_value = "uuid4")]
    pub id: IdStyle,

    /// Add the `sequence` extension: the number of the event, from 000000000000
    #[arg(long, env = "CE_SEQUENCE", value_parser = BoolishValueParser::new())]
    pub sequence: bool,

    /// The `source` of parser events
    #[arg(long, env = "CE_SOURCE", value_name = "URI")]
    #[arg(default_value = "network.notifi.load-test")]
    pub source: String,

    /// The `type` of delete events
    #[arg(long, env = "CE_DELETE_TYPE", value_name = "TYPE")]
    #[arg(default_value = "network.notifi.lambda.delete")]
    pub delete_type: String,

    /// Pad `data` with a string `padding`, so that each line has at least this many bytes
    ///
    /// The newline is not counted. Lines that are shorter without it get exactly this size, e.g.,
    /// 300, 64KiB; up to 1MiB.
    #[arg(long, env = "CE_SIZE", value_name = "BYTES", value_parser = parse::size)]
    pub size: Option<u64>,

    /// The `time` attribute: none, an RFC 3339 time for all events, or now
    ///
    /// `now` stamps each event when it is made, and makes the output different in every run. Events
    /// wait in the pipe, at low rates for minutes, until they are sent: do not measure latency
    /// from it.
    #[arg(long, env = "CE_TIME", value_name = "TIME", default_value = "none")]
    pub time: TimeFrom,
}

/// How ids are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum IdStyle {
    /// A random UUID (version 4), made from the seed, the run and the event's number
    Uuid4,
    /// The run and the event's number, e.g., nightly-7-000000000042
    Seq,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_argument_has_help_and_a_variable() {
        let command = Cli::command().help_expected(true);
        command.clone().debug_assert();
        for arg in command.get_arguments() {
            let name = arg.get_long().expect("there are only long flags");
            let variable = format!("CE_{}", name.to_uppercase().replace('-', "_"));
            assert_eq!(arg.get_env().and_then(|env| env.to_str()), Some(variable.as_str()));
        }
    }
}
