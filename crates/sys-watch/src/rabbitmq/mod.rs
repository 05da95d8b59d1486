//! A `RabbitMQ` broker, through its management API.
//!
//! The broker gathers its statistics every 5 s, so asking more often costs it and tells nothing. For
//! the same reason a value may be 5 s older than its record says.

mod api;
mod client;
mod state;

use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use ce_cli::{Clock, Ticks, say};

use crate::TOOL;
use crate::plan::Plan;
use crate::rabbitmq::api::Seen;
use crate::rabbitmq::client::Client;
use crate::rabbitmq::state::Broker;
use crate::session::Message;

/// How often the broker counts, in nanoseconds.
const BROKER_INTERVAL_NS: u64 = 5_000_000_000;

/// The time after which the answers to one look are there, or never will be.
pub(crate) const LONGEST_LOOK: Duration = client::DEADLINE.saturating_mul(client::REQUESTS);

/// A broker that has answered.
#[derive(Debug)]
pub(crate) struct Rabbitmq {
    client: Client,
    ticks: Ticks,
}

impl Rabbitmq {
    /// Looks at the broker once, so that a wrong address or user shows at once.
    pub(crate) fn open(plan: &Plan) -> anyhow::Result<Option<Self>> {
        let Some(endpoint) = &plan.rabbitmq else { return Ok(None) };
        let client = Client::new(endpoint)?;
        let seen = client.look()?;
        say_what_is_left_out(&seen);
        let every_ns = plan.interval_ns.max(BROKER_INTERVAL_NS);
        // A last look between two intervals would come too early to see anything new.
        let last_ns = plan.duration_ns.map(|duration_ns| duration_ns - duration_ns % every_ns);
        Ok(Some(Self { client, ticks: Ticks::new(every_ns, last_ns) }))
    }

    /// Starts a thread that looks until the time is over, and sends what it sees.
    pub(crate) fn watch(self, clock: Clock, to: SyncSender<Message>) -> anyhow::Result<()> {
        let thread = thread::Builder::new().name("rabbitmq".into());
        thread.spawn(move || self.look_until_over(&clock, &to)).context("cannot start a thread")?;
        Ok(())
    }

    fn look_until_over(mut self, clock: &Clock, to: &SyncSender<Message>) {
        let mut broker = Broker::new(self.client.address());
        while let Some(due_ns) = self.ticks.due_ns() {
            thread::sleep(clock.instant(due_ns).saturating_duration_since(Instant::now()));
            let seen = self.client.look().map_err(|err| format!("{err:#}"));
            let records = broker.update(clock.now_ns(), seen);
            self.ticks.advance(clock.now_ns());
            let skipped = self.ticks.skipped();
            if to.send(Message::Rabbitmq { records, skipped }).is_err() {
                return;
            }
        }
        // Nobody minds if the session has ended already.
        let _ = to.send(Message::RabbitmqDone);
    }
}

fn say_what_is_left_out(seen: &Seen) {
    let watched = seen.queues.len() as u64;
    if let Some(all) = seen.queue_count.filter(|&all| all > watched) {
        say(TOOL, &format!("{all} queues: the first {watched} by name are watched"));
    }
}
