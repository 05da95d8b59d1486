//! Consumes events from queues, across lost connections.

mod broker;
mod failure;
mod inlet;
mod message;
mod tap;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{anyhow, bail};
use ce_cli::{DataOut, Exit, say};
use tokio::select;
use tokio::time::{Instant, sleep};

use crate::cli::AmqpArgs;
use crate::intake::Intake;
use crate::session::{self, TOOL};

use broker::Broker;
use failure::Failure;
use inlet::Inlet;

/// The pause before the first attempt to connect again; each further one takes twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A queue that events come from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Door {
    pub(crate) queue: String,
    /// What comes from it was given up by the broker.
    pub(crate) dead_letters: bool,
}

pub(crate) fn run(args: &AmqpArgs, out: &mut DataOut) -> anyhow::Result<Exit> {
    let doors = doors(args)?;
    let broker = Broker::new(args)?;
    let runtime = session::runtime()?;
    let inlet = runtime.block_on(Inlet::open(&broker, args, &doors))?;
    session::receive(&args.common, out, runtime, async |intake| {
        for Door { queue, .. } in &doors {
            say(TOOL, &format!("consuming from queue {queue}"));
        }
        Link { args, doors: &doors, intake: &intake, broker: &broker }.consume(inlet).await
    })
}

/// All queues of the command line. One that is named twice would be two competing consumers.
fn doors(args: &AmqpArgs) -> anyhow::Result<Vec<Door>> {
    let mut doors: Vec<Door> = Vec::new();
    for (queues, dead_letters) in [(&args.queue, false), (&args.dead_letter, true)] {
        for queue in queues {
            if doors.iter().any(|door| door.queue == *queue) {
                bail!("queue {queue} is named twice; name each queue once");
            }
            doors.push(Door { queue: queue.clone(), dead_letters });
        }
    }
    Ok(doors)
}

/// The way to the broker, which may break and be mended.
struct Link<'a> {
    args: &'a AmqpArgs,
    doors: &'a [Door],
    intake: &'a Intake,
    broker: &'a Broker,
}

impl<'a> Link<'a> {
    /// Consumes until the end is asked for.
    async fn consume(&self, mut inlet: Inlet<'a>) -> anyhow::Result<()> {
        loop {
            let why = match inlet.consume(self.intake, self.args.common.gauges).await {
                Ok(()) => return Ok(()),
                Err(Failure::Refused(why)) => bail!(why),
                Err(Failure::Lost(why)) => why,
            };
            let lost = Instant::now();
            say(TOOL, &format!("connection lost: {why}"));
            self.intake.mark(
                "connection_lost",
                &self.broker.shown,
                BTreeMap::from([("reason".into(), why)]),
            );
            self.intake.suspend_idle();
            let Some(next) = self.mend(lost).await? else { return Ok(()) };
            inlet = next;
            self.intake.resume_idle();
            self.intake.mark("connection_restored", &self.broker.shown, BTreeMap::new());
            say(TOOL, &format!("connection restored after {:.1} s", lost.elapsed().as_secs_f64()));
        }
    }

    /// Connects again, as often as it takes; `None` if the end was asked for.
    ///
    /// Even what the broker refuses is tried again: a broker that has just started does not have all
    /// of its queues yet.
    async fn mend(&self, lost: Instant) -> anyhow::Result<Option<Inlet<'a>>> {
        let limit = self.args.reconnect_for;
        let mut failure = anyhow!("{}: --reconnect-for is over", self.broker.shown);
        let mut pause = FIRST_PAUSE;
        loop {
            let left = limit.saturating_sub(lost.elapsed());
            if left.is_zero() {
                return Err(failure.context(format!("no connection within {limit:?}")));
            }
            let attempt = async {
                sleep(pause.min(left)).await;
                Inlet::reopen(self.broker, self.args, self.doors).await
            };
            let opened = select! {
                biased;
                () = self.intake.stop.asked() => return Ok(None),
                opened = attempt => opened,
            };
            match opened {
                Ok(inlet) => return Ok(Some(inlet)),
                Err(err) => failure = err,
            }
            pause = LONGEST_PAUSE.min(2 * pause);
        }
    }
}
