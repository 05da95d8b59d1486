//! The command line, as typed.

use std::path::PathBuf;

use ce_cli::parse;
use clap::builder::BoolishValueParser;
use load_plan::Shard;

use crate::extension::Extension;
use crate::help;
use crate::kind::Share;
use crate::stamp::TimeFrom;

/// How many events a run can have: their numbers have twelve digits.
pub const MAX_EVENTS: u64 = 1_000_000_000_000;

/// Make CloudEvents as NDJSON
///
/// Writes CloudEvents 1.0 to stdout, one JSON object in each line, until --count is reached, the
/// reader leaves, or Ctrl-C. Reads no stdin unless asked to (`--pool -`, `--template -`). `ce-gen
/// check` validates events from anywhere.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "ce-gen", version, after_help = help::EXAMPLES, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = true, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do instead of making events
    #[command(subcommand)]
    pub command: Option<Command>,

    /// Which events to make
    #[command(flatten)]
    pub make: Make,
}

/// What else the tool can do.
#[derive(Debug, Clone, clap::Subcommand)]
pub enum Command {
    /// Validate CloudEvents, line by line
    Check(Check),
}

/// Validate CloudEvents, line by line
///
/// Holds every event to each MUST of CloudEvents 1.0 and its JSON format: an event or a batch (a
/// JSON array) in each line, or laid out over several lines. One line on stdout for each bad
/// event: file, line, place in its batch, attribute and cause, remedy. The totals go to stderr.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = help::CHECK, max_term_width = 100)]
pub struct Check {
    /// Events in JSON; `-` is stdin
    #[arg(env = "CE_FILE", value_name = "FILE", default_value = "-")]
    pub file: PathBuf,

    /// Count an event above 64 KiB as invalid: platforms need not forward it
    #[arg(long, env = "CE_STRICT", value_parser = BoolishValueParser::new())]
    pub strict: bool,
}

/// Which events to make.
#[derive(Debug, Clone, clap::Args)]
pub struct Make {
    /// Kind of event: build, parser or delete; several, each with a weight, are mixed at random
    ///
    /// Give the flag again, or separate by commas. Each event's kind is picked by the weights,
    /// which are whole numbers and 1 if left out: `--kind build --kind parser=3` makes 3 of 4
    /// events parser events, on average.
    #[arg(long = "kind", env = "CE_KIND", value_name = "KIND[=WEIGHT]", value_delimiter = ',')]
    #[arg(default_value = "build")]
    pub kinds: Vec<Share>,

    /// Events of your own instead of a kind: JSON with placeholders, see below; `-` is stdin
    #[arg(long, env = "CE_TEMPLATE", value_name = "FILE")]
    #[arg(conflicts_with_all = ["kinds", "pool", "delete_type"])]
    pub template: Option<PathBuf>,

    /// Where the (third party, parser) pairs of build and delete events come from; `-` is stdin
    ///
    /// CSV with the header `third_party_id,parser_id`, or NDJSON with these keys; told apart by the
    /// first character. Ids consist of letters, digits and `-._~`, because they become part of a
    /// URI. Each event picks a line at random, so a pair that stands there twice comes twice as
    /// often. Without a file: 24 invented pairs.
    #[arg(long, env = "CE_POOL", value_name = "FILE")]
    pub pool: Option<PathBuf>,

    /// How many events to make, up to 10^12; endless if left out
    ///
    /// It is the total over all shards.
    #[arg(long, env = "CE_COUNT", value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u64).range(..=MAX_EVENTS))]
    pub count: Option<u64>,

    /// Make only every N-th event, from number I on
    ///
    /// N processes with 0/N, 1/N, … make together what one makes alone, and nothing twice.
    #[arg(long, env = "CE_SHARD", value_name = "I/N", default_value_t = Shard::WHOLE)]
    pub shard: Shard,

    /// Chooses the events: two runs are equal unless the seed or --run differs
    #[arg(long, env = "CE_SEED", value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Name of the run; changes the ids and nothing else
    ///
    /// Use a new one for each run, so that a platform that drops duplicates does not take the
    /// second run's events for repetitions.
    #[arg(long, env = "CE_RUN", value_name = "ID", default_value = "ce-gen")]
    pub run: String,

    /// Print one example of each kind or template, laid out to be read, and stop
    #[arg(long, env = "CE_DESCRIBE", value_parser = BoolishValueParser::new())]
    pub describe: bool,

    /// Pad `data` with a string `padding`, so that each line has at least this many bytes
    ///
    /// The newline is not counted. Lines that are shorter without it get exactly this size, e.g.,
    /// 300, 64KiB; up to 1MiB. `data` has to be a JSON object, which it is in all kinds.
    #[arg(long, env = "CE_SIZE", value_name = "BYTES", value_parser = parse::size)]
    pub size: Option<u64>,

    /// The `type` of delete events
    #[arg(long, env = "CE_DELETE_TYPE", value_name = "TYPE")]
    #[arg(default_value = "network.notifi.lambda.delete")]
    pub delete_type: String,

    /// What all events have in common.
    #[command(flatten)]
    pub attributes: Attributes,
}

/// Attributes that all events get, whatever their kind or template says.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Attributes of all events, whatever their kind or template says")]
pub struct Attributes {
    /// How the `id` is made; uuid4 if neither this nor a template says
    #[arg(long, env = "CE_ID", value_name = "STYLE")]
    pub id: Option<IdStyle>,

    /// The `type`
    #[arg(long = "type", env = "CE_TYPE", value_name = "TYPE", conflicts_with = "delete_type")]
    pub event_type: Option<String>,

    /// The `source`; that of parser events is network.notifi.load-test if left out
    #[arg(long, env = "CE_SOURCE", value_name = "URI")]
    pub source: Option<String>,

    /// The `subject`
    #[arg(long, env = "CE_SUBJECT", value_name = "TEXT")]
    pub subject: Option<String>,

    /// The `time`: none, an RFC 3339 time for all events, or now
    ///
    /// `now` stamps each event when it is made, and makes the output different in every run. Events
    /// wait in the pipe, at low rates for minutes, until they are sent: do not measure latency
    /// from it. Left out, kinds have none.
    #[arg(long, env = "CE_TIME", value_name = "TIME")]
    pub time: Option<TimeFrom>,

    /// The `datacontenttype`; application/json in all kinds if left out
    #[arg(long, env = "CE_DATACONTENTTYPE", value_name = "MEDIA_TYPE")]
    pub datacontenttype: Option<String>,

    /// The `dataschema`, an absolute URI
    #[arg(long, env = "CE_DATASCHEMA", value_name = "URI")]
    pub dataschema: Option<String>,

    /// Add the `sequence` extension: the number of the event, from 000000000000
    #[arg(long, env = "CE_SEQUENCE", value_parser = BoolishValueParser::new())]
    pub sequence: bool,

    /// An extension attribute; repeatable
    ///
    /// `true`, `false` and 32-bit integers become a boolean and a number, all else is a string;
    /// `NAME:string=VALUE` is a string in any case. The variable holds one in each line.
    #[arg(long = "extension", env = "CE_EXTENSION", value_name = "NAME=VALUE")]
    #[arg(value_delimiter = '\n')]
    pub extensions: Vec<Extension>,
}

/// How ids are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum IdStyle {
    /// A random UUID (version 4), made from the seed, the run and the event's number
    Uuid4,
    /// A UUID (version 7) whose time is the event's number, in milliseconds, so that ids are in the
    /// order of events
    Uuid7,
    /// The run and the event's number, e.g., nightly-7-000000000042; a gap is a lost event
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
        let check = command.get_subcommands().flat_map(clap::Command::get_arguments);
        for arg in command.get_arguments().chain(check) {
            let name = arg.get_long().unwrap_or_else(|| arg.get_id().as_str());
            let variable = format!("CE_{}", name.to_uppercase().replace('-', "_"));
            assert_eq!(arg.get_env().and_then(|env| env.to_str()), Some(variable.as_str()));
        }
    }
}
