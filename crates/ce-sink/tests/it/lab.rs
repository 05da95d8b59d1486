//! The broker's other side: publishes, looks into queues, and cleans up.

use std::process;
use std::sync::atomic::{AtomicU64, Ordering};

use ce_testkit::Broker;
use lapin::options::{
    BasicGetOptions, BasicPublishOptions, BasicRejectOptions, ConfirmSelectOptions,
    ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use tokio::runtime::{Builder, Runtime};

use crate::Sink;

static NAMES: AtomicU64 = AtomicU64::new(0);

/// Publishes and looks. Queues and exchanges of its naming are deleted when it goes.
pub(crate) struct Lab {
    pub(crate) url: String,
    /// A name that no other test uses, for a queue and an exchange.
    pub(crate) name: String,
    runtime: Runtime,
    connection: Connection,
    channel: Channel,
}

/// Headers of a message.
pub(crate) fn table(headers: &[(&str, &str)]) -> FieldTable {
    let mut table = FieldTable::default();
    for &(name, value) in headers {
        table.insert(name.into(), AMQPValue::LongString(value.into()));
    }
    table
}

/// A content type, and nothing else.
pub(crate) fn typed(content_type: &str) -> BasicProperties {
    BasicProperties::default().with_content_type(content_type.into())
}

impl Lab {
    pub(crate) fn new(broker: &Broker) -> Self {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build().unwrap();
        let (connection, channel) = runtime.block_on(async {
            let properties = ConnectionProperties::default();
            let connection = Connection::connect(&broker.amqp_url, properties).await.unwrap();
            let channel = connection.create_channel().await.unwrap();
            channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
            (connection, channel)
        });
        let number = NAMES.fetch_add(1, Ordering::Relaxed);
        let name = format!("ce-sink-test-{}-{number}", process::id());
        Self { url: broker.amqp_url.clone(), name, runtime, connection, channel }
    }

    /// One with its queue.
    pub(crate) fn with_queue(broker: &Broker) -> Self {
        let lab = Self::new(broker);
        lab.queue();
        lab
    }

    /// A sink for the queue.
    pub(crate) fn sink(&self, more: &[&str]) -> Sink {
        Sink::start(&[&self.args()[..], more].concat())
    }

    /// The arguments of a sink for the queue.
    pub(crate) fn args(&self) -> Vec<&str> {
        vec!["amqp", "--from", &self.url, "--queue", &self.name]
    }

    pub(crate) fn declare(&self, queue: &str, options: QueueDeclareOptions, arguments: FieldTable) {
        let declared = self.channel.queue_declare(queue.into(), options, arguments);
        self.runtime.block_on(declared).unwrap();
    }

    /// Makes the queue.
    pub(crate) fn queue(&self) {
        let options = QueueDeclareOptions { durable: true, ..Default::default() };
        self.declare(&self.name, options, FieldTable::default());
    }

    /// Publishes and waits for the confirm.
    pub(crate) fn publish(
        &self,
        exchange: &str,
        key: &str,
        properties: BasicProperties,
        body: &str,
    ) {
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let confirmation = self.runtime.block_on(async {
            let body = body.as_bytes();
            let publish =
                self.channel.basic_publish(exchange.into(), key.into(), options, body, properties);
            publish.await.unwrap().await.unwrap()
        });
        assert_eq!(confirmation, Confirmation::Ack(None), "the message was routed");
    }

    /// Publishes events in JSON format to the queue.
    pub(crate) fn events(&self, ids: std::ops::Range<usize>) {
        for id in ids {
            let properties = typed("application/cloudevents+json");
            self.publish("", &self.name, properties, &crate::event(&id.to_string()));
        }
    }

    /// Messages that wait in the queue.
    pub(crate) fn waiting(&self) -> u32 {
        let options = QueueDeclareOptions { passive: true, ..Default::default() };
        let declared =
            self.channel.queue_declare(self.name.as_str().into(), options, FieldTable::default());
        self.runtime.block_on(declared).unwrap().message_count()
    }

    /// Takes as many messages out of the queue and refuses each: to go back there, or not.
    pub(crate) fn refuse(&self, requeue: &[bool]) {
        self.runtime.block_on(async {
            let mut taken = Vec::new();
            for _ in requeue {
                let queue = self.name.as_str().into();
                let message = self.channel.basic_get(queue, BasicGetOptions::default()).await;
                taken.push(message.unwrap().expect("a message is there"));
            }
            for (message, &requeue) in taken.iter().zip(requeue) {
                message.reject(BasicRejectOptions { requeue }).await.unwrap();
            }
        });
    }

    /// Takes all messages out of the queue; the ids of their events.
    pub(crate) fn drain(&self) -> Vec<String> {
        self.drain_from(&self.name)
    }

    pub(crate) fn drain_from(&self, queue: &str) -> Vec<String> {
        let mut ids = Vec::new();
        self.runtime.block_on(async {
            let get = || {
                let options = BasicGetOptions { no_ack: true };
                self.channel.basic_get(queue.into(), options)
            };
            while let Some(message) = get().await.unwrap() {
                let event: serde_json::Value = serde_json::from_slice(&message.data).unwrap();
                ids.push(event["id"].as_str().unwrap().to_owned());
            }
        });
        ids
    }

    /// Takes one message out and leaves without acknowledging it, so that the broker gives it to
    /// somebody else.
    pub(crate) fn take_and_leave(&self) {
        self.runtime.block_on(async {
            let channel = self.connection.create_channel().await.unwrap();
            let queue: ShortString = self.name.as_str().into();
            let message = channel.basic_get(queue, BasicGetOptions::default()).await.unwrap();
            assert!(message.is_some());
            channel.close(200, "OK".into()).await.unwrap();
        });
    }

    pub(crate) fn delete_queue(&self, queue: &str) {
        let deleted = self.channel.queue_delete(queue.into(), QueueDeleteOptions::default());
        self.runtime.block_on(deleted).unwrap();
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Both succeed for names that do not exist. A test that failed says so itself.
        let name = || ShortString::from(self.name.as_str());
        self.runtime.block_on(async {
            let _ = self.channel.queue_delete(name(), QueueDeleteOptions::default()).await;
            let _ = self.channel.exchange_delete(name(), ExchangeDeleteOptions::default()).await;
            let _ = self.connection.close(200, "OK".into()).await;
        });
    }
}
