//! Takes the messages of one queue, one after the other.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicCancelOptions, BasicRejectOptions};
use lapin::{Channel, Consumer};
use tokio::select;
use tokio::time::{Instant, sleep_until};

use crate::amqp::Door;
use crate::amqp::failure::{Failure, within};
use crate::amqp::message;
use crate::intake::{Intake, NoOutput};

/// A receipt waits at most this long for others, to be acknowledged together with them: each
/// acknowledgement costs as much as dozens of messages.
const ACK_AFTER: Duration = Duration::from_millis(50);

/// A queue and the channel on which its messages come.
pub(crate) struct Tap<'a> {
    door: &'a Door,
    channel: Channel,
    consumer: Consumer,
    /// So many receipts are acknowledged together.
    ack_every: u16,
    unacked: Option<Unacked>,
    /// The number of those; whoever wants to know may look.
    unacked_count: Rc<Cell<u16>>,
}

/// Messages that have a receipt, but not yet an acknowledgement. Forgotten with the channel: on
/// another one the broker delivers them again, under other tags.
struct Unacked {
    last_tag: u64,
    due: Instant,
}

impl<'a> Tap<'a> {
    pub(crate) fn new(
        door: &'a Door,
        channel: Channel,
        consumer: Consumer,
        ack_every: u16,
    ) -> Self {
        let unacked_count = Rc::default();
        Self { door, channel, consumer, ack_every, unacked: None, unacked_count }
    }

    /// The queue, and how many messages of it have a receipt and no acknowledgement, from now on.
    pub(crate) fn unacked(&self) -> (&'a Door, Rc<Cell<u16>>) {
        (self.door, Rc::clone(&self.unacked_count))
    }

    /// Consumes until the end is asked for.
    pub(crate) async fn consume(&mut self, intake: &Intake) -> Result<(), Failure> {
        let consumed = self.consume_all(intake).await;
        consumed.map_err(|failure| failure.at(&format!("queue {}", self.door.queue)))
    }

    async fn consume_all(&mut self, intake: &Intake) -> Result<(), Failure> {
        while intake.stop.why().is_none() {
            let due = self.unacked.as_ref().map(|unacked| unacked.due);
            let delivery = select! {
                biased;
                delivery = self.consumer.next() => delivery,
                () = at(due) => {
                    self.settle(intake).await?;
                    continue;
                }
                () = intake.stop.asked() => break,
            };
            match delivery {
                Some(Ok(delivery)) => self.take(&delivery, intake).await?,
                Some(Err(err)) => return Err(Failure::of(&err)),
                None => return Err(self.ended()),
            }
        }
        self.settle(intake).await
    }

    fn ended(&self) -> Failure {
        if self.channel.status().connected() {
            Failure::Refused("the broker ended the delivery; was the queue deleted?".into())
        } else {
            Failure::Lost("the broker closed the connection".into())
        }
    }

    async fn take(&mut self, delivery: &Delivery, intake: &Intake) -> Result<(), Failure> {
        let recv_ns = intake.arrived();
        let receipt =
            match message::receipt(delivery, recv_ns, self.door, intake.correlate.as_ref()) {
                Ok(receipt) => receipt,
                Err(err) => {
                    intake.not_an_event(&err, recv_ns);
                    let options = BasicRejectOptions { requeue: false };
                    let reject = self.channel.basic_reject(delivery.delivery_tag, options);
                    return within("reject a message", reject).await;
                }
            };
        if intake.keep(receipt).await.is_err() {
            // The loop above sees that the end was asked for.
            return Ok(());
        }
        let due = Instant::now() + ACK_AFTER;
        let unacked = self.unacked.get_or_insert(Unacked { last_tag: 0, due });
        unacked.last_tag = delivery.delivery_tag;
        let count = self.unacked_count.get() + 1;
        self.unacked_count.set(count);
        if count >= self.ack_every {
            self.settle(intake).await?;
        }
        Ok(())
    }

    /// Acknowledges all messages whose receipts are written by now. If they cannot be written,
    /// nothing is acknowledged, and the broker delivers them again to somebody else.
    async fn settle(&mut self, intake: &Intake) -> Result<(), Failure> {
        let Some(unacked) = self.unacked.take() else { return Ok(()) };
        if let Err(NoOutput) = intake.flushed().await {
            return Ok(());
        }
        let options = BasicAckOptions { multiple: true };
        let ack = self.channel.basic_ack(unacked.last_tag, options);
        within("acknowledge messages", ack).await?;
        self.unacked_count.set(0);
        Ok(())
    }

    /// Ends the delivery.
    pub(crate) async fn cancel(&self) -> Result<(), Failure> {
        let cancel = self.channel.basic_cancel(self.consumer.tag(), BasicCancelOptions::default());
        within("cancel the consumer", cancel).await
    }
}

async fn at(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
