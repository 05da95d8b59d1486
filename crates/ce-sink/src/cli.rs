//! The command line, as typed.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use ce_cli::parse;
use ce_event::Pointer;

const EXAMPLES: &str = "\
Examples:
  ce-sink http > receipts.ndjson
  ce-sink http --delay 20ms --stall 10s:2s | lat-collect - samples.ndjson --out results/stall
  ce-sink amqp --from amqp://127.0.0.1/%2f --credentials-file login --queue receipts \\
    --bind cloud-events:# > receipts.ndjson
  ce-sink http --arrivals arrivals.json --idle-exit 5s > /dev/null
  ce-sink amqp --from amqp://127.0.0.1/%2f --queue builds --queue parsers --dead-letter dead

Exit codes: 0 done, 2 could not do it, 130 second interrupt";

/// Receive CloudEvents and write one receipt per event
///
/// Receipts are records on stdout, one JSON object per line, between a `start` and an `end` record.
/// The first Ctrl-C answers what is in progress, writes all receipts and ends; the second ends at
/// once.
#[derive(Debug, clap::Parser)]
#[command(name = "ce-sink", version, after_help = EXAMPLES)]
pub struct Cli {
    /// Where events come from
    #[command(subcommand)]
    pub command: Command,
}

/// Where events come from.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Accept events by POST on any path, and optionally be slow or refuse on purpose
    ///
    /// Structured, binary and batched mode. 202 when the receipt is queued for writing, 400 for what
    /// is not a CloudEvent, 401 without the token, 405 for another method, 408 for a body that is too
    /// slow, 413 for one that is too large, 431 for a head that is. The path is the receipt's door.
    ///
    /// OPTIONS is the handshake of webhooks: whoever names a `WebHook-Request-Origin` may deliver, at
    /// any rate.
    #[command(after_help = EXAMPLES)]
    Http(HttpArgs),
    /// Consume events from queues of an AMQP 0.9.1 broker such as RabbitMQ
    ///
    /// Structured mode, and binary mode in any of its dialects. A message is acknowledged after its
    /// receipt was written; what is no CloudEvent is rejected without requeueing, and counted. The
    /// queue is the receipt's door.
    ///
    /// A connection that is lost is opened again; the marks `connection_lost` and
    /// `connection_restored` say when. What had no acknowledgement by then comes again, and its
    /// receipt says `redelivered`.
    #[command(after_help = EXAMPLES)]
    Amqp(AmqpArgs),
}

/// What `ce-sink http` can be told.
#[derive(Debug, clap::Args)]
pub struct HttpArgs {
    /// Where to listen; port 0 takes a free one and says which
    #[arg(long, env = "CE_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8081")]
    pub listen: SocketAddr,

    /// Largest body; a larger one is answered with 413
    #[arg(long, env = "CE_MAX_BODY", value_name = "SIZE", default_value = "1MiB", value_parser = parse::size)]
    pub max_body: u64,

    /// How long a body may take to arrive whole; then the answer is 408
    #[arg(long, env = "CE_BODY_TIMEOUT", value_name = "DURATION", default_value = "10s", value_parser = parse::duration)]
    pub body_timeout: Duration,

    /// Answer 401 to requests without `authorization: Bearer TOKEN`. The file holds the token; the
    /// variable `CE_BEARER_TOKEN` can hold it instead
    #[arg(long, env = "CE_BEARER_TOKEN_FILE", value_name = "FILE")]
    pub bearer_token_file: Option<PathBuf>,

    /// Write at the end how evenly requests arrived: rate, percentiles of the gaps, their coefficient
    /// of variation (0 is a clock, 1 is Poisson), and the share of gaps below a tenth of the mean
    /// (0 is a clock, 0.095 is Poisson), as JSON. A request arrives when its head has been read
    #[arg(long, env = "CE_ARRIVALS", value_name = "FILE")]
    pub arrivals: Option<PathBuf>,

    /// Connections at one time; further ones wait to be accepted
    #[arg(long, env = "CE_MAX_CONNECTIONS", value_name = "N", default_value_t = 10_000,
          value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: u32,

    /// Refuse every Nth event: no receipt, and --reject-status as the answer; 0 is never. A batch is
    /// refused whole
    #[arg(long, env = "CE_REJECT_EVERY", value_name = "N", default_value_t = 0)]
    pub reject_every: u64,

    /// The status that refuses
    #[arg(long, env = "CE_REJECT_STATUS", value_name = "STATUS", default_value_t = 503,
          value_parser = clap::value_parser!(u16).range(400..=599))]
    pub reject_status: u16,

    /// Wait this long before each answer
    #[arg(long, env = "CE_DELAY", value_name = "DURATION", default_value = "0s", value_parser = parse::duration)]
    pub delay: Duration,

    /// Freeze once: neither read nor answer, for FOR, beginning AT after the first request, e.g.,
    /// 10s:2s. The marks `stall_begin` and `stall_end` say when
    #[arg(long, env = "CE_STALL", value_name = "AT:FOR", value_parser = Stall::parse)]
    pub stall: Option<Stall>,

    /// When to end.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What `ce-sink amqp` can be told.
#[derive(Debug, clap::Args)]
pub struct AmqpArgs {
    /// The broker, e.g., `amqp://127.0.0.1:5672/%2f`; a password on the command line is refused
    #[arg(long, env = "CE_FROM", value_name = "URL", hide_env_values = true)]
    pub from: String,

    /// Log in with the `user:password` in this file; the environment variables `CE_AMQP_USER` and
    /// `CE_AMQP_PASSWORD` may hold them instead, and without either it is guest
    #[arg(long, env = "CE_CREDENTIALS_FILE", value_name = "FILE")]
    pub credentials_file: Option<PathBuf>,

    /// A queue; one that exists is used as it is, else it is declared durable. Can be given more than
    /// once
    #[arg(
        long,
        env = "CE_QUEUE",
        value_name = "Q",
        value_delimiter = ',',
        required_unless_present = "dead_letter"
    )]
    pub queue: Vec<String>,

    /// A queue that the broker moves messages to when it gives them up. Like --queue, and its receipts
    /// say why in `dead_lettered`. Can be given more than once
    #[arg(long, env = "CE_DEAD_LETTER", value_name = "Q", value_delimiter = ',')]
    pub dead_letter: Vec<String>,

    /// Bind each --queue to an exchange; one that is missing is declared as durable topic exchange
    #[arg(long, env = "CE_BIND", value_name = "EXCHANGE:KEY", value_delimiter = ',', value_parser = Bind::parse)]
    pub bind: Vec<Bind>,

    /// Messages of each queue that the broker may send ahead of our acknowledgement
    #[arg(long, env = "CE_PREFETCH", value_name = "N", default_value_t = 500,
          value_parser = clap::value_parser!(u16).range(1..))]
    pub prefetch: u16,

    /// How long to try to connect again after the connection was lost, after 100 ms at first and then
    /// ever less often, at least every 5 s; --idle-exit waits meanwhile. 0s is not at all
    #[arg(long, env = "CE_RECONNECT_FOR", value_name = "DURATION", default_value = "60s", value_parser = parse::duration)]
    pub reconnect_for: Duration,

    /// Whom to trust, and who we are.
    #[command(flatten)]
    pub tls: ce_tls::TlsArgs,

    /// When to end.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What both share.
#[derive(Debug, clap::Args)]
pub struct CommonArgs {
    /// End after receipts of N distinct events (by source and id)
    #[arg(long, env = "CE_COUNT", value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// End when nothing has arrived for this long since the last event; before the first, wait
    /// without end
    #[arg(long, env = "CE_IDLE_EXIT", value_name = "DURATION", value_parser = parse::duration)]
    pub idle_exit: Option<Duration>,

    /// Write gauges this often: receipts per second, bytes that wait to be written; over HTTP connections
    /// and requests in flight; over AMQP for each queue the messages that are ready, and those of ours
    /// without an acknowledgement. Without it there are none
    #[arg(long, env = "CE_GAUGES", value_name = "INTERVAL", value_parser = gauge_interval)]
    pub gauges: Option<Duration>,

    /// Where the data of an event names the event that it answers, e.g., /data/contextId: for
    /// platforms whose completion events have an id of their own
    ///
    /// The value is the `key` of the receipt, and lat-collect joins by it the samples of a ce-blast that
    /// was given the same flag. An event without one is joined by source and id.
    #[arg(long, env = "CE_CORRELATE", value_name = "POINTER")]
    pub correlate: Option<Pointer>,

    /// Name of the run, for the start record
    #[arg(long, env = "CE_RUN", value_name = "NAME", default_value_t, hide_default_value = true)]
    pub run: String,
}

/// More often than a hundred times a second the gauges themselves would be the load.
fn gauge_interval(text: &str) -> Result<Duration, String> {
    let interval = parse::duration(text)?;
    let shortest = Duration::from_millis(10);
    if interval < shortest { Err("write 10ms or more".into()) } else { Ok(interval) }
}

/// When to freeze, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// Counted from the first request.
    pub at: Duration,
    /// How long it takes.
    pub length: Duration,
}

impl Stall {
    fn parse(text: &str) -> Result<Self, String> {
        let (at, length) =
            text.split_once(':').ok_or("write two durations, AT:FOR, e.g., 10s:2s")?;
        Ok(Self { at: parse::duration(at)?, length: parse::duration(length)? })
    }
}

/// Which messages of an exchange go to the queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    /// The name of the exchange.
    pub exchange: String,
    /// The routing key, or a pattern for a topic exchange.
    pub key: String,
}

impl Bind {
    fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((exchange, key)) if !exchange.is_empty() => {
                Ok(Self { exchange: exchange.into(), key: key.into() })
            }
            _ => Err("write EXCHANGE:KEY, e.g., cloud-events:#".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_has_help() {
        <Cli as clap::CommandFactory>::command().help_expected(true).debug_assert();
    }

    #[test]
    fn stalls_are_two_durations() {
        let stall = Stall { at: Duration::from_secs(10), length: Duration::from_millis(2500) };
        assert_eq!(Stall::parse("10s:2500ms"), Ok(stall));
        for wrong in ["", "10s", "10s:", ":2s", "10s:2s:1s"] {
            assert!(Stall::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn binds_are_an_exchange_and_a_key() {
        let bind =
            |exchange: &str, key: &str| Ok(Bind { exchange: exchange.into(), key: key.into() });
        assert_eq!(Bind::parse("cloud-events:a.*.b"), bind("cloud-events", "a.*.b"));
        assert_eq!(Bind::parse("fanout:"), bind("fanout", ""));
        for wrong in ["", "cloud-events", ":key"] {
            assert!(Bind::parse(wrong).is_err(), "{wrong}");
        }
    }
}
