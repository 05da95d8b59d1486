//! The command line, as typed.

use std::path::PathBuf;
use std::time::Duration;

use ce_cli::parse;
use clap::builder::BoolishValueParser;

const EXAMPLES: &str = "\
Examples:
  sys-watch --proc ce-sink --host | lat-collect - samples.ndjson --out results/baseline
  sys-watch --rabbitmq http://127.0.0.1:15672 --duration 5m > broker.ndjson
  sys-watch --proc beam.smp --interval 250ms | jq 'select(.name == \"process_cpu_ratio\")'

Exit codes: 0 done, 2 could not do it, 130 second interrupt";

/// Observe processes, their host and RabbitMQ while a load test runs
///
/// Gauges and marks are records on stdout, one JSON object per line, between a `start` and an `end`
/// record. The first Ctrl-C ends; so does the end of all processes, if they were named by pid and
/// nothing else is watched.
#[derive(Debug, clap::Parser)]
#[command(name = "sys-watch", version, after_help = EXAMPLES)]
pub struct Cli {
    /// A process, by pid or by name; may be given several times
    ///
    /// The name is that of the program or its first argument's last path segment; all processes
    /// of that name are watched, also later ones. CPU time is counted in steps of 10 ms: 1 is one
    /// busy core. Bytes are those that reached storage.
    #[arg(long, env = "CE_PROC", value_name = "PID|NAME", value_delimiter = ',')]
    pub proc: Vec<String>,

    /// The host that this runs on: CPU (1 is all cores busy), memory, network interfaces
    #[arg(long, env = "CE_HOST", value_parser = BoolishValueParser::new())]
    pub host: bool,

    /// The management API of a broker, e.g., `http://127.0.0.1:15672`
    ///
    /// Asked once per interval, but no more often than every 5 s, because the broker itself counts
    /// no more often. The first 100 queues by name are recorded. Each request may take 2 s.
    #[arg(long, env = "CE_RABBITMQ", value_name = "URL", hide_env_values = true)]
    pub rabbitmq: Option<String>,

    /// Log in to the management API with the `user:password` in this file; the environment variables
    /// `CE_RABBITMQ_USER` and `CE_RABBITMQ_PASSWORD` may hold them instead, and without either it is guest
    #[arg(long, env = "CE_CREDENTIALS_FILE", value_name = "FILE")]
    pub credentials_file: Option<PathBuf>,

    /// Whom to trust, and who we are.
    #[command(flatten)]
    pub tls: ce_tls::TlsArgs,

    /// Time from one look to the next, from 100ms to 1h
    #[arg(long, env = "CE_INTERVAL", value_name = "DURATION", default_value = "1s", value_parser = parse::duration)]
    pub interval: Duration,

    /// End after this time, with a last look; without it, go on until Ctrl-C
    #[arg(long, env = "CE_DURATION", value_name = "DURATION", value_parser = parse::duration)]
    pub duration: Option<Duration>,

    /// Name of the run, for the start record
    #[arg(long, env = "CE_RUN", value_name = "NAME", default_value_t, hide_default_value = true)]
    pub run: String,
}

#[cfg(test)]
mod tests {
    use super::Cli;

    #[test]
    fn every_argument_has_help() {
        <Cli as clap::CommandFactory>::command().help_expected(true).debug_assert();
    }
}
