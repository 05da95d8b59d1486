//! The flags about publishing an event again, as typed.

/// Which AMQP publishes are followed by another for the same event.
#[derive(Debug, Clone, clap::Args)]
pub struct RepublishArgs {
    /// AMQP: publish an event again, with the same message id, when this became of it; repeatable.
    /// Nothing on the broker removes duplicates: an event that was in doubt may arrive twice
    #[arg(long = "republish", env = "CE_REPUBLISH", value_name = "WHAT", value_delimiter = ',')]
    pub what: Vec<What>,

    /// AMQP: how often an event is published again at most: after 100 ms at first, then after twice
    /// as long each time, up to 5 s
    #[arg(long = "republish-limit", env = "CE_REPUBLISH_LIMIT", value_name = "N", default_value_t = 5,
          requires = "what", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub limit: u32,
}

/// What may become of a publish that another can follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum What {
    /// The connection was lost before the confirm: nobody knows whether the event arrived
    InDoubt,
    /// The broker refused it, e.g., because a queue is full
    Nacked,
}
