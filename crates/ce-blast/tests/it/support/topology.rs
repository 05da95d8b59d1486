//! Exchanges and queues of one test on the shared broker, taken away at the end of the test.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use ce_testkit::Broker;
use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{
    BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, ExchangeDeclareOptions,
    ExchangeDeleteOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties, ExchangeKind};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// Enough to empty the longest queue on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A topic exchange with its queues.
pub(crate) struct Topology {
    runtime: Runtime,
    /// Its channel lives as long as it does.
    _connection: Connection,
    channel: Channel,
    pub(crate) exchange: String,
    queues: Vec<String>,
}

/// A message as it stood in its queue.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) body: String,
    pub(crate) properties: BasicProperties,
}

impl Message {
    fn new(delivery: Delivery) -> Self {
        let body = String::from_utf8(delivery.data).unwrap();
        Self { body, properties: delivery.properties }
    }

    pub(crate) fn id(&self) -> String {
        self.properties.message_id().as_ref().expect("it has one").to_string()
    }
}

impl Topology {
    /// Declares an exchange with a name of its own.
    pub(crate) fn new(broker: &Broker, test: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Relaxed);
        let exchange = format!("ce-blast-{test}-{}-{number}", std::process::id());
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let (connection, channel) = runtime.block_on(async {
            let properties = ConnectionProperties::default();
            let connection = Connection::connect(&broker.amqp_url, properties).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            let declared = channel.exchange_declare(
                exchange.as_str().into(),
                ExchangeKind::Topic,
                ExchangeDeclareOptions::default(),
                FieldTable::default(),
            );
            declared.await.unwrap();
            (connection, channel)
        });
        Self { runtime, _connection: connection, channel, exchange, queues: Vec::new() }
    }

    /// Declares a queue for a routing key. One with a limit rejects what finds it full.
    pub(crate) fn queue(&mut self, key: &str, limit: Option<i32>) -> String {
        let name = format!("{}-{key}", self.exchange);
        let mut arguments = FieldTable::default();
        if let Some(limit) = limit {
            arguments.insert("x-max-length".into(), AMQPValue::LongInt(limit));
            let policy = AMQPValue::LongString("reject-publish".into());
            arguments.insert("x-overflow".into(), policy);
        }
        self.runtime.block_on(async {
            let options = QueueDeclareOptions::default();
            self.channel.queue_declare(name.as_str().into(), options, arguments).await.unwrap();
            let (queue, exchange) = (name.as_str().into(), self.exchange.as_str().into());
            let options = QueueBindOptions::default();
            let bound = self.channel.queue_bind(
                queue,
                exchange,
                key.into(),
                options,
                FieldTable::default(),
            );
            bound.await.unwrap();
        });
        self.queues.push(name.clone());
        name
    }

    /// How many messages a queue holds.
    pub(crate) fn count(&self, queue: &str) -> usize {
        self.runtime.block_on(self.ready(queue))
    }

    async fn ready(&self, queue: &str) -> usize {
        let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let state = self.channel.queue_declare(queue.into(), passive, FieldTable::default());
        usize::try_from(state.await.unwrap().message_count()).unwrap()
    }

    /// Takes everything out of a queue.
    pub(crate) fn drain(&self, queue: &str) -> Vec<Message> {
        let mut messages = Vec::new();
        self.runtime.block_on(async {
            let drained = tokio::time::timeout(PATIENCE, self.take_all(queue, &mut messages)).await;
            drained.expect("a queue is emptied in time");
        });
        messages
    }

    /// A consumer takes what is there, which is far faster than asking for each message; asking then
    /// makes sure that nothing is left.
    async fn take_all(&self, queue: &str, messages: &mut Vec<Message>) {
        let count = self.ready(queue).await;
        let options = BasicConsumeOptions { no_ack: true, ..BasicConsumeOptions::default() };
        let tag = "drain".into();
        let consumer =
            self.channel.basic_consume(queue.into(), tag, options, FieldTable::default());
        let mut consumer = consumer.await.unwrap();
        while messages.len() < count {
            messages.push(Message::new(consumer.next().await.unwrap().unwrap()));
        }
        self.channel.basic_cancel("drain".into(), BasicCancelOptions::default()).await.unwrap();
        while let Some(delivery) = consumer.next().await {
            messages.push(Message::new(delivery.unwrap()));
        }
        let options = BasicGetOptions { no_ack: true };
        while let Some(got) = self.channel.basic_get(queue.into(), options).await.unwrap() {
            messages.push(Message::new(got.delivery));
        }
    }
}

impl Drop for Topology {
    fn drop(&mut self) {
        self.runtime.block_on(async {
            for queue in &self.queues {
                let options = QueueDeleteOptions::default();
                let _ = self.channel.queue_delete(queue.as_str().into(), options).await;
            }
            let options = ExchangeDeleteOptions::default();
            let _ = self.channel.exchange_delete(self.exchange.as_str().into(), options).await;
        });
    }
}

/// Cuts the connections whose name contains `run`; returns how many there were.
pub(crate) fn cut_connections(broker: &Broker, run: &str) -> usize {
    let (_, body) = manage(broker, "GET", "/api/connections");
    let list: Vec<Value> = serde_json::from_str(&body).unwrap();
    let ours = list.iter().filter(|connection| {
        connection["user_provided_name"].as_str().is_some_and(|name| name.contains(run))
    });
    let cut = ours.filter(|connection| {
        let name = connection["name"].as_str().unwrap().replace(' ', "%20").replace('>', "%3E");
        manage(broker, "DELETE", &format!("/api/connections/{name}")).0.contains(" 204 ")
    });
    cut.count()
}

/// One call of the management API: status line and body.
fn manage(broker: &Broker, method: &str, path: &str) -> (String, String) {
    let address = broker.management_url.strip_prefix("http://").unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    let request = format!(
        "{method} {path} HTTP/1.0\r\nhost: {address}\r\n\
         authorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n\r\n"
    );
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}
