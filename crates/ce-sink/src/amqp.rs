//! Consumes events from a queue.

mod inlet;
mod message;

use std::future::pending;
use std::time::Duration;

use anyhow::bail;
use ce_cli::{DataOut, Exit, say};
use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicRejectOptions};
use tokio::select;
use tokio::time::{Instant, sleep_until};

use crate::cli::AmqpArgs;
use crate::intake::{Intake, NoOutput};
use crate::session::{self, TOOL};

use inlet::{Inlet, within};

/// A receipt waits at most this long for others, to be acknowledged together with them: each
/// acknowledgement costs as much as dozens of messages.
const ACK_AFTER: Duration = Duration::from_millis(50);

pub(crate) fn run(args: &AmqpArgs, out: &mut DataOut) -> anyhow::Result<Exit> {
    let runtime = session::runtime()?;
    let inlet = runtime.block_on(Inlet::open(args))?;
    session::receive(&args.common, out, runtime, async |intake| {
        say(TOOL, &format!("consuming from queue {}", args.queue));
        let mut tap = Tap { inlet, intake: &intake, args, unacked: None };
        tap.consume().await?;
        tap.inlet.close().await
    })
}

/// Takes messages, one after the other.
struct Tap<'a> {
    inlet: Inlet,
    intake: &'a Intake,
    args: &'a AmqpArgs,
    unacked: Option<Unacked>,
}

/// Messages that have a receipt, but not yet an acknowledgement.
struct Unacked {
    last_tag: u64,
    count: u16,
    due: Instant,
}

impl Tap<'_> {
    /// Consumes until the end is asked for. What the broker has sent ahead by then goes back to the
    /// queue.
    async fn consume(&mut self) -> anyhow::Result<()> {
        while self.intake.stop.why().is_none() {
            let due = self.unacked.as_ref().map(|unacked| unacked.due);
            let delivery = select! {
                biased;
                delivery = self.inlet.consumer.next() => delivery,
                () = at(due) => {
                    self.settle().await?;
                    continue;
                }
                () = self.intake.stop.asked() => break,
            };
            match delivery {
                Some(Ok(delivery)) => self.take(&delivery).await?,
                Some(Err(err)) => bail!("queue {}: {}", self.args.queue, inlet::reason(&err)),
                None => bail!(
                    "queue {}: the broker ended the delivery; was the queue deleted?",
                    self.args.queue
                ),
            }
        }
        self.settle().await
    }

    async fn take(&mut self, delivery: &Delivery) -> anyhow::Result<()> {
        let recv_ns = self.intake.arrived();
        let receipt = match message::receipt(delivery, recv_ns, &self.args.queue) {
            Ok(receipt) => receipt,
            Err(err) => {
                self.intake.counts().not_an_event(&err);
                let channel = &self.inlet.channel;
                let options = BasicRejectOptions { requeue: false };
                let reject = channel.basic_reject(delivery.delivery_tag, options);
                return within("reject a message", reject).await;
            }
        };
        if self.intake.keep(receipt).await.is_err() {
            // The loop above sees that the end was asked for.
            return Ok(());
        }
        let due = Instant::now() + ACK_AFTER;
        let unacked = self.unacked.get_or_insert(Unacked { last_tag: 0, count: 0, due });
        unacked.last_tag = delivery.delivery_tag;
        unacked.count += 1;
        if unacked.count >= (self.args.prefetch / 5).max(1) {
            self.settle().await?;
        }
        Ok(())
    }

    /// Acknowledges all messages whose receipts are written by now. If they cannot be written,
    /// nothing is acknowledged, and the broker delivers them again to somebody else.
    async fn settle(&mut self) -> anyhow::Result<()> {
        let Some(unacked) = self.unacked.take() else { return Ok(()) };
        if let Err(NoOutput) = self.intake.flushed().await {
            return Ok(());
        }
        let options = BasicAckOptions { multiple: true };
        let ack = self.inlet.channel.basic_ack(unacked.last_tag, options);
        within("acknowledge messages", ack).await
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
