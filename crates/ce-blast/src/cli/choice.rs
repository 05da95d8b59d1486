//! Flags that take one of a few words.

use ce_event::amqp::Dialect;
use load_plan::Spacing;

/// How due times lie around a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Arrivals {
    /// At equal distances
    Uniform,
    /// Independent of each other, as those of many callers are
    Poisson,
}

impl From<Arrivals> for Spacing {
    fn from(arrivals: Arrivals) -> Self {
        match arrivals {
            Arrivals::Uniform => Self::Uniform,
            Arrivals::Poisson => Self::Poisson,
        }
    }
}

/// How a message carries its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ContentMode {
    /// The event as it came, in the body
    Structured,
    /// Attributes as headers, data as the body; an event that breaks a rule of CloudEvents fails
    Binary,
    /// HTTP only: several events in one request, see --batch; many receivers, Knative's brokers among
    /// them, answer 400
    Batched,
}

/// How binary events name their headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum AmqpDialect {
    /// `ce-id`; Knative's broker reads it
    Ce,
    /// `id`; Knative's broker reads and writes it
    Bare,
    /// `cloudEvents_id`, of the AMQP 1.0 binding; Knative's broker drops it
    #[value(name = "cloudevents_")]
    Underscore,
    /// `cloudEvents:id`, of the AMQP 1.0 binding; Knative's broker drops it
    #[value(name = "cloudevents:")]
    Colon,
}

impl From<AmqpDialect> for Dialect {
    fn from(dialect: AmqpDialect) -> Self {
        match dialect {
            AmqpDialect::Ce => Self::Ce,
            AmqpDialect::Bare => Self::Bare,
            AmqpDialect::Underscore => Self::Underscore,
            AmqpDialect::Colon => Self::Colon,
        }
    }
}

/// What to do with an event that is due while the in-flight limit is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Saturation {
    /// Send it late; the wait counts as its latency
    Queue,
    /// Do not send it; it is recorded as dropped
    Drop,
    /// End the run
    Abort,
}
