//! The flags that look at a broker and send nothing.

/// Which broker to look at, and whether.
#[derive(Debug, Clone, clap::Args)]
pub struct TopologyArgs {
    /// RabbitMQ: show what the broker has behind the exchange, warn of each way in which it can lose
    /// events, and send nothing; code 1 if there is any. Events that are piped in say which routing
    /// keys to follow
    #[arg(long, conflicts_with_all = ["dry_run", "emit_schedule"])]
    pub check_topology: bool,

    /// With --check-topology: the management API of the broker; without it, on port 15672 of the
    /// same host, or 15671 with TLS
    #[arg(long, env = "CE_MANAGEMENT_URL", value_name = "URL", hide_env_values = true)]
    pub management_url: Option<String>,
}
