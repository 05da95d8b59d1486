//! The command line, as typed.

pub mod check;
pub mod choice;
pub mod guard;
pub mod http;
pub mod republish;
pub mod retry;
pub mod tag;
pub mod topology;

use std::path::PathBuf;
use std::time::Duration;

use ce_cli::parse;
use ce_event::Pointer;
use clap::builder::BoolishValueParser;
use load_plan::{Rate, Shard};

pub use choice::{AmqpDialect, Arrivals, ContentMode, Saturation};

use crate::start_at::StartAt;

const EXAMPLES: &str = "\
Targets:
  http://HOST[:PORT]/PATH   POST, one CloudEvent each; 2xx is success, or what --success says
  amqp://HOST[:PORT]/VHOST  publish with confirms and the mandatory flag
  rabbitmq+http://HOST[:PORT]/VHOST
                            publish through the management API, for those who reach nothing else
  null:                     answers at once; shows what this machine can pace
Targets may be https:, amqps: and rabbitmq+https: too; see --ca-file. amqp: and rabbitmq+http: log
in with --credentials-file, or CE_AMQP_USER and CE_AMQP_PASSWORD, else as guest/guest; a password
on the command line is refused.

Examples:
  ce-gen --count 6000 | ce-blast --to http://127.0.0.1:8081/ --rate 200/s > sent.ndjson
  ce-gen | ce-blast --to amqp://127.0.0.1/%2f --stages 0s:10,3m:50,3m:100 > sent.ndjson
  ce-gen | ce-blast --to http://127.0.0.1:8081/ --rate 5000/s --mode batched --batch 50 \\
    --duration 60s > sent.ndjson
  ce-gen | ce-blast --to http://127.0.0.1:8081/ --plan examples/plans/build-events.k6.json
  ce-gen | ce-blast --to amqp://127.0.0.1/%2f --plan examples/plans/network-saturation.toml
  ce-gen | ce-blast --to http://127.0.0.1:8081/ --vus 100 --ramp-up 60s --pause 100ms \\
    --duration 300s > sent.ndjson

The first Ctrl-C ends the schedule and waits for answers; the second ends at once (code 130).
Exit codes: 0 done, whatever the target answered; 2 could not do it; 3 done, but records were lost.";

/// Publish CloudEvents at controlled rates
///
/// Reads events as NDJSON, sends each when it is due, and writes a record for each to stdout. The
/// schedule never waits for the target: an event that could not leave in time is late, and its
/// latency counts from the time at which it was due.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "ce-blast", version, after_help = EXAMPLES)]
#[command(group(clap::ArgGroup::new("load").args(["rate", "stages", "vus", "plan"])))]
#[command(group(clap::ArgGroup::new("task").required(true).multiple(true)
    .args(["rate", "stages", "vus", "plan", "check_topology"])))]
pub struct Cli {
    /// Where to read events, one JSON object per line; `-` is stdin
    #[arg(default_value = "-", value_name = "EVENTS")]
    pub events: PathBuf,

    /// Where to send them: http(s)://…, amqp(s)://…, rabbitmq+http(s)://… or null:; scenarios of a plan
    /// may have targets of their own
    #[arg(long, env = "CE_TO", value_name = "URL", hide_env_values = true)]
    pub to: Option<String>,

    /// A constant arrival rate, e.g., 200/s, 0.5/s or 30/m
    #[arg(long, env = "CE_RATE", value_name = "RATE")]
    pub rate: Option<Rate>,

    /// Rates that change linearly: duration:rate, e.g., 0s:10,3m:50 starts at 10/s and is at 50/s
    /// after three minutes
    #[arg(long, env = "CE_STAGES", value_name = "STAGES")]
    pub stages: Option<String>,

    /// A closed loop instead: this many senders, each waiting for its answer before it goes on
    #[arg(long, env = "CE_VUS", value_name = "N")]
    pub vus: Option<u32>,

    /// A plan with one or more scenarios: k6's options, as `k6 inspect` prints them, or TOML
    #[arg(long, env = "CE_PLAN", value_name = "FILE", conflicts_with_all = ["duration", "scenario"])]
    pub plan: Option<PathBuf>,

    /// How due times lie around a rate
    #[arg(long, env = "CE_ARRIVALS", value_name = "SPACING", default_value = "uniform")]
    pub arrivals: Arrivals,

    /// Seed of random arrivals and of the waits before retries
    #[arg(long, env = "CE_SEED", value_name = "N", default_value_t = 0)]
    pub seed: u64,

    /// Take one of N shares of the load, e.g., 0/3; the rates stay those of all shares together
    #[arg(long, env = "CE_SHARD", value_name = "I/N", default_value = "0/1")]
    pub shard: Shard,

    /// Begin at this instant: RFC 3339 such as 2030-01-31T03:00:00Z, unix:SECONDS, or +30s from now
    #[arg(long, env = "CE_START_AT", value_name = "TIME")]
    pub start_at: Option<StartAt>,

    /// End the load, and wait for answers, as soon as this file exists
    #[arg(long, env = "CE_STOP_FILE", value_name = "PATH")]
    pub stop_file: Option<PathBuf>,

    /// Print the plan, as a table and a curve, and send nothing
    #[arg(long, conflicts_with = "emit_schedule")]
    pub dry_run: bool,

    /// With --dry-run: how long an answer takes, to show how many events will be in flight
    #[arg(long, value_name = "DURATION", default_value = "100ms", requires = "dry_run",
          value_parser = parse::duration)]
    pub latency: Duration,

    /// Print when each event is due, as NDJSON, and send nothing
    #[arg(long)]
    pub emit_schedule: bool,

    /// What a broker is asked about itself.
    #[command(flatten)]
    pub topology: topology::TopologyArgs,

    /// Run the plan this many times as fast; for tests of plans
    #[arg(long, hide = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub time_scale: Option<u32>,

    /// How long the load lasts; without it, until the events run out
    #[arg(long, env = "CE_DURATION", value_name = "DURATION", value_parser = parse::duration)]
    pub duration: Option<Duration>,

    /// Measure the events that are due in this time, and keep them out of the verdict
    #[arg(long, env = "CE_WARM_UP", value_name = "DURATION", default_value = "0s",
          value_parser = parse::duration, conflicts_with = "plan")]
    pub warm_up: Duration,

    /// Closed loop: start the senders evenly over this time
    #[arg(long, env = "CE_RAMP_UP", value_name = "DURATION", default_value = "0s",
          value_parser = parse::duration, conflicts_with_all = ["rate", "stages", "plan"])]
    pub ramp_up: Duration,

    /// Closed loop: how long each sender rests between an answer and the next event
    #[arg(long, env = "CE_PAUSE", value_name = "DURATION", default_value = "0s",
          value_parser = parse::duration, conflicts_with_all = ["rate", "stages", "plan"])]
    pub pause: Duration,

    /// Let events leave up to this much late, and those of that time together: fewer wake-ups, so less
    /// processor time at high rates, for a less even load; the lag shows it. At most 50ms
    #[arg(long, env = "CE_TIMER_SLACK", value_name = "DURATION", default_value = "0s",
          value_parser = lateness, conflicts_with = "vus")]
    pub timer_slack: Duration,

    /// Where the data of an event has what it shares with the event that answers it, e.g.,
    /// /data/contextId: for platforms whose completion events have an id of their own
    ///
    /// The value is the `key` of the sample, and lat-collect joins by it the receipts of a ce-sink that
    /// was given the same flag. An event without one is joined by source and id.
    #[arg(long, env = "CE_CORRELATE", value_name = "POINTER")]
    pub correlate: Option<Pointer>,

    /// Most events in flight at one time, in each scenario with an arrival rate
    #[arg(long, env = "CE_MAX_IN_FLIGHT", value_name = "N", default_value_t = 1000,
          value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_in_flight: u32,

    /// What to do with an event that is due while that many are in flight
    #[arg(long, env = "CE_ON_SATURATION", value_name = "POLICY", default_value = "queue")]
    pub on_saturation: Saturation,

    /// How long to wait for an answer, connecting included
    #[arg(long, env = "CE_TIMEOUT", value_name = "DURATION", default_value = "10s",
          value_parser = patience)]
    pub timeout: Duration,

    /// How long to wait for outstanding answers when the schedule has ended
    #[arg(long, env = "CE_GRACE", value_name = "DURATION", default_value = "30s",
          value_parser = parse::duration)]
    pub grace: Duration,

    /// RabbitMQ: the exchange to publish to; empty is the default exchange
    #[arg(long, env = "CE_EXCHANGE", value_name = "NAME", default_value = "cloud-events")]
    pub exchange: String,

    /// RabbitMQ: the routing key, which may take attributes from the event, e.g., '${type}.${subject}';
    /// without it, the type of the event
    #[arg(long, env = "CE_ROUTING_KEY", value_name = "KEY")]
    pub routing_key: Option<String>,

    /// How a message carries its event
    #[arg(long, env = "CE_MODE", value_name = "MODE", default_value = "structured")]
    pub mode: ContentMode,

    /// RabbitMQ: how binary events name their headers; without it, ce
    #[arg(long, env = "CE_AMQP_DIALECT", value_name = "DIALECT")]
    pub amqp_dialect: Option<AmqpDialect>,

    /// RabbitMQ: publish transient messages, which the broker may forget
    #[arg(long, env = "CE_TRANSIENT", value_parser = BoolishValueParser::new())]
    pub transient: bool,

    /// AMQP and HTTP/2: connections to send over; an AMQP connection has a channel, and one of HTTP/2
    /// carries many requests at a time. HTTP/1.1 opens as many as there are events in flight
    #[arg(long, env = "CE_CONNECTIONS", value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub connections: u16,

    /// Which AMQP publishes are sent again.
    #[command(flatten)]
    pub republish: republish::RepublishArgs,

    /// What concerns HTTP targets only.
    #[command(flatten)]
    pub http: http::HttpArgs,

    /// Whom to trust, and who we are.
    #[command(flatten)]
    pub tls: ce_tls::TlsArgs,

    /// What may be loaded, and as whom.
    #[command(flatten)]
    pub guard: guard::GuardArgs,

    /// Name of the run, for the records
    #[arg(long, env = "CE_RUN", value_name = "NAME", default_value = "")]
    pub run: String,

    /// Tag all scenarios, besides what the plan says, so that thresholds can select by it; repeatable
    #[arg(long = "tag", env = "CE_TAG", value_name = "NAME=VALUE", value_delimiter = ',')]
    pub tags: Vec<tag::Tag>,

    /// Name of the scenario, for the records
    #[arg(long, env = "CE_SCENARIO", value_name = "NAME", default_value = "default",
          value_parser = scenario_name)]
    pub scenario: String,
}

/// How long something is waited for.
fn patience(text: &str) -> Result<Duration, String> {
    match parse::duration(text)? {
        Duration::ZERO => Err("no answer comes in no time: write, e.g., 10s".to_owned()),
        time => Ok(time),
    }
}

/// How late events may leave. From much more on, the schedule would not count as kept.
fn lateness(text: &str) -> Result<Duration, String> {
    const LATEST: Duration = Duration::from_millis(50);
    match parse::duration(text)? {
        late if late <= LATEST => Ok(late),
        _ => Err(format!("events would be late: wait {LATEST:?} at most")),
    }
}

/// k6's rule for scenario names; they become tags of histogram logs.
fn scenario_name(text: &str) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !text.is_empty() && text.bytes().all(allowed) {
        Ok(text.to_owned())
    } else {
        Err("use letters, digits, `_` and `-` only".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::Cli;

    #[test]
    fn every_argument_has_help() {
        <Cli as clap::CommandFactory>::command().help_expected(true).debug_assert();
    }
}
