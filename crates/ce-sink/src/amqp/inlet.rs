//! Opens the way to the broker: connection, queues, bindings, consumers.

use std::cell::Cell;
use std::future::{Future, pending};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, anyhow};
use futures_util::future::try_join_all;
use lapin::options::{
    BasicConsumeOptions, BasicQosOptions, ExchangeDeclareOptions, QueueBindOptions,
    QueueDeclareOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::{Channel, Connection, Consumer, ErrorKind, ExchangeKind};
use tokio::select;

use crate::amqp::Door;
use crate::amqp::broker::Broker;
use crate::amqp::failure::{Failure, within};
use crate::amqp::tap::Tap;
use crate::cli::{AmqpArgs, Bind};
use crate::gauges::{self, Measured};
use crate::intake::Intake;
use crate::session::TOOL;

/// The broker's code for a queue or exchange that does not exist.
const NOT_FOUND: u16 = 404;

/// Delivers the messages of all queues: one connection, and a channel for each queue, so that each
/// has a prefetch of its own.
pub(crate) struct Inlet<'a> {
    connection: Connection,
    taps: Vec<Tap<'a>>,
}

impl<'a> Inlet<'a> {
    /// Connects, makes the queues and their bindings if they are missing, and starts consuming.
    pub(crate) async fn open(
        broker: &Broker,
        args: &AmqpArgs,
        doors: &'a [Door],
    ) -> anyhow::Result<Self> {
        let connection = broker.connect().await?;
        for Door { queue, dead_letters } in doors {
            let name = name(queue)?;
            ensure_queue(&connection, &name).await.with_context(|| {
                format!("queue {queue} cannot be used; check its owner and name")
            })?;
            for bind in args.bind.iter().filter(|_| !dead_letters) {
                ensure_bound(&connection, &name, bind).await.with_context(|| {
                    let Bind { exchange, key } = bind;
                    format!("queue {queue} cannot be bound to exchange {exchange} with key `{key}`")
                })?;
            }
        }
        Self::on(connection, args, doors).await
    }

    /// Connects and starts consuming. A queue that is gone is not made again: what was in it is lost,
    /// and that must show.
    pub(crate) async fn reopen(
        broker: &Broker,
        args: &AmqpArgs,
        doors: &'a [Door],
    ) -> anyhow::Result<Self> {
        Self::on(broker.connect().await?, args, doors).await
    }

    async fn on(
        connection: Connection,
        args: &AmqpArgs,
        doors: &'a [Door],
    ) -> anyhow::Result<Self> {
        let mut taps = Vec::new();
        for door in doors {
            let (channel, consumer) =
                consume(&connection, &name(&door.queue)?, args.prefetch).await.with_context(
                    || format!("queue {} cannot be consumed; is it there, and ours?", door.queue),
                )?;
            taps.push(Tap::new(door, channel, consumer, (args.prefetch / 5).max(1)));
        }
        Ok(Self { connection, taps })
    }

    /// How many messages of each queue have no acknowledgement, as time goes on.
    fn unacked(&self) -> Vec<(&'a Door, Rc<Cell<u16>>)> {
        self.taps.iter().map(Tap::unacked).collect()
    }

    /// Consumes until the end is asked for. What the broker has sent ahead by then goes back to its
    /// queue.
    pub(crate) async fn consume(
        mut self,
        intake: &Intake,
        gauges: Option<Duration>,
    ) -> Result<(), Failure> {
        let (connection, unacked) = (&self.connection, self.unacked());
        let told = async {
            match gauges {
                Some(every) => {
                    gauges::tell(every, intake, async || measure(connection, &unacked).await).await
                }
                None => pending().await,
            }
        };
        let consumed = try_join_all(self.taps.iter_mut().map(|tap| tap.consume(intake)));
        select! {
            consumed = consumed => {
                consumed?;
            }
            never = told => match never {},
        }
        for tap in &self.taps {
            tap.cancel().await?;
        }
        within("close the connection", self.connection.close(200, "OK".into())).await
    }
}

/// What waits in each queue, and what of it we have and have not acknowledged. A broker that does not
/// answer is told of elsewhere.
async fn measure<'a>(
    connection: &Connection,
    unacked: &[(&'a Door, Rc<Cell<u16>>)],
) -> Vec<Measured<'a>> {
    let mut measured = Vec::new();
    let channel = channel(connection).await.ok();
    for (door, unacked) in unacked {
        let queue = Some(door.queue.as_str());
        let value = unacked.get().into();
        measured.push(Measured { name: "sink_messages_unacknowledged", queue, value });
        let (Some(channel), Ok(name)) = (&channel, name(&door.queue)) else { continue };
        let options = QueueDeclareOptions { passive: true, ..Default::default() };
        let declared = channel.queue_declare(name, options, FieldTable::default());
        if let Ok(state) = within("look at the queue", declared).await {
            let value = state.message_count().into();
            measured.push(Measured { name: "sink_queue_messages_ready", queue, value });
        }
    }
    if let Some(channel) = channel {
        // A channel that cannot be closed goes with its connection.
        let _ = within("close a channel", channel.close(200, "OK".into())).await;
    }
    measured
}

/// A queue that exists is taken as it is, whatever its arguments.
async fn ensure_queue(connection: &Connection, queue: &ShortString) -> Result<(), Failure> {
    let declare = async |options: QueueDeclareOptions| {
        let channel = channel(connection).await?;
        let declared = channel.queue_declare(queue.clone(), options, FieldTable::default());
        within("declare the queue", exists(declared)).await
    };
    if !declare(QueueDeclareOptions { passive: true, ..Default::default() }).await? {
        declare(QueueDeclareOptions { durable: true, ..Default::default() }).await?;
    }
    Ok(())
}

async fn ensure_bound(
    connection: &Connection,
    queue: &ShortString,
    bind: &Bind,
) -> anyhow::Result<()> {
    let (exchange, key) = (name(&bind.exchange)?, name(&bind.key)?);
    let declare = async |options: ExchangeDeclareOptions| {
        let (channel, kind) = (channel(connection).await?, ExchangeKind::Topic);
        let table = FieldTable::default();
        let declared = channel.exchange_declare(exchange.clone(), kind, options, table);
        within("declare the exchange", exists(declared)).await
    };
    if !declare(ExchangeDeclareOptions { passive: true, ..Default::default() }).await? {
        declare(ExchangeDeclareOptions { durable: true, ..Default::default() }).await?;
    }
    let channel = channel(connection).await?;
    let options = QueueBindOptions::default();
    let bound =
        channel.queue_bind(queue.clone(), exchange.clone(), key, options, FieldTable::default());
    Ok(within("bind", bound).await?)
}

async fn consume(
    connection: &Connection,
    queue: &ShortString,
    prefetch: u16,
) -> Result<(Channel, Consumer), Failure> {
    let channel = channel(connection).await?;
    // The client library queues what it is sent, without a limit of its own.
    within("set the prefetch", channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
    let (options, table) = (BasicConsumeOptions::default(), FieldTable::default());
    let consumer = channel.basic_consume(queue.clone(), TOOL.into(), options, table);
    let consumer = within("consume", consumer).await?;
    Ok((channel, consumer))
}

/// The broker closes a channel on each refusal, so that every question gets one of its own.
async fn channel(connection: &Connection) -> Result<Channel, Failure> {
    within("open a channel", connection.create_channel()).await
}

/// Turns "not found" into an answer.
async fn exists<T>(declared: impl Future<Output = lapin::Result<T>>) -> lapin::Result<bool> {
    match declared.await {
        Ok(_) => Ok(true),
        Err(err) => match err.kind() {
            ErrorKind::ProtocolError(refusal) if refusal.get_id() == NOT_FOUND => Ok(false),
            _ => Err(err),
        },
    }
}

fn name(text: &str) -> anyhow::Result<ShortString> {
    ShortString::try_new(text).map_err(|_| anyhow!("a name of AMQP has at most 255 bytes: {text}"))
}
