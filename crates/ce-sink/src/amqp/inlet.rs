//! The way to the broker: connection, queue, bindings, consumer.

use std::future::Future;
use std::time::Duration;

use anyhow::{Context, anyhow};
use ce_cli::masked_url;
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicQosOptions, ExchangeDeclareOptions,
    QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::{FieldTable, ShortString};
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, Consumer, ErrorKind, ExchangeKind};
use tokio::time::timeout;

use crate::cli::{AmqpArgs, Bind};
use crate::session::TOOL;

/// How long the broker may take for any one thing.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The broker's code for a queue or exchange that does not exist.
const NOT_FOUND: u16 = 404;

/// Delivers the messages of one queue.
pub(crate) struct Inlet {
    pub(crate) channel: Channel,
    pub(crate) consumer: Consumer,
    connection: Connection,
}

impl Inlet {
    /// Connects, makes the queue and its bindings if they are missing, and starts consuming.
    pub(crate) async fn open(args: &AmqpArgs) -> anyhow::Result<Self> {
        let connection = connect(&args.from).await.context(masked_url(&args.from))?;
        let queue = name(&args.queue)?;
        ensure_queue(&connection, &queue)
            .await
            .with_context(|| format!("queue {queue} cannot be used; check its owner and name"))?;
        for bind in &args.bind {
            ensure_bound(&connection, &queue, bind).await.with_context(|| {
                let Bind { exchange, key } = bind;
                format!("queue {queue} cannot be bound to exchange {exchange} with key `{key}`")
            })?;
        }
        let (channel, consumer) =
            consume(&connection, &queue, args.prefetch).await.with_context(|| {
                format!("queue {queue} cannot be consumed; has it another consumer?")
            })?;
        Ok(Self { channel, consumer, connection })
    }

    /// Ends the delivery. What was delivered and not acknowledged goes back to the queue.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        let cancel = self.channel.basic_cancel(self.consumer.tag(), BasicCancelOptions::default());
        within("cancel the consumer", cancel).await?;
        within("close the connection", self.connection.close(200, "OK".into())).await
    }
}

async fn connect(url: &str) -> anyhow::Result<Connection> {
    // The parser's own message may show the URL, password included.
    let uri: AMQPUri = url
        .parse()
        .map_err(|_| anyhow!("not an AMQP URL; write, e.g., amqp://127.0.0.1:5672/%2f"))?;
    let properties = ConnectionProperties::default().with_connection_name(TOOL.into());
    within("connect", Connection::connect_uri(uri, properties)).await
}

/// A queue that exists is taken as it is, whatever its arguments.
async fn ensure_queue(connection: &Connection, queue: &ShortString) -> anyhow::Result<()> {
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
    within("bind", bound).await
}

async fn consume(
    connection: &Connection,
    queue: &ShortString,
    prefetch: u16,
) -> anyhow::Result<(Channel, Consumer)> {
    let channel = channel(connection).await?;
    // The client library queues what it is sent, without a limit of its own.
    within("set the prefetch", channel.basic_qos(prefetch, BasicQosOptions::default())).await?;
    let (options, table) = (BasicConsumeOptions::default(), FieldTable::default());
    let consumer = channel.basic_consume(queue.clone(), TOOL.into(), options, table);
    let consumer = within("consume", consumer).await?;
    Ok((channel, consumer))
}

/// The broker closes a channel on each refusal, so that every question gets one of its own.
async fn channel(connection: &Connection) -> anyhow::Result<Channel> {
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

/// Waits for an answer of the broker, but not for ever.
pub(crate) async fn within<T>(
    what: &str,
    answer: impl Future<Output = lapin::Result<T>>,
) -> anyhow::Result<T> {
    match timeout(TIMEOUT, answer).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(err)) => Err(anyhow!("cannot {what}: {}", reason(&err))),
        Err(_) => Err(anyhow!("cannot {what}: no answer within {} s", TIMEOUT.as_secs())),
    }
}

/// The broker's own words, where it was the broker that refused.
pub(crate) fn reason(err: &lapin::Error) -> String {
    match err.kind() {
        ErrorKind::ProtocolError(refusal) => refusal.get_message().to_string(),
        _ => err.to_string(),
    }
}

fn name(text: &str) -> anyhow::Result<ShortString> {
    ShortString::try_new(text).map_err(|_| anyhow!("a name of AMQP has at most 255 bytes: {text}"))
}
