//! A real broker that is restarted under a sink and a publisher: whatever was confirmed is in a
//! receipt or still in the queue.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use ce_testkit::{Node, broker};
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

use crate::Sink;
use crate::lab::Lab;

/// When the publisher gives up, should the test never end it.
const LIMIT: Duration = Duration::from_mins(2);

async fn channel(url: &str, queue: &str) -> lapin::Result<Channel> {
    let connection = Connection::connect(url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let options = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare(queue.into(), options, FieldTable::default()).await?;
    Ok(channel)
}

/// Publishes a persistent event and waits for its confirm.
async fn is_confirmed(channel: &Channel, queue: &str, id: usize) -> lapin::Result<bool> {
    let options = BasicPublishOptions { mandatory: true, ..Default::default() };
    let properties = BasicProperties::default()
        .with_content_type("application/cloudevents+json".into())
        .with_delivery_mode(2);
    let body = crate::event(&id.to_string());
    let sent = channel.basic_publish("".into(), queue.into(), options, body.as_bytes(), properties);
    Ok(sent.await?.await? == Confirmation::Ack(None))
}

/// Publishes one event after the other, across lost connections; how many were confirmed. One that
/// was not is published again under the same id.
async fn publish(url: &str, queue: &str, enough: &AtomicBool) -> usize {
    let (started, mut next) = (Instant::now(), 0);
    let goes_on = || !enough.load(Ordering::Relaxed) && started.elapsed() < LIMIT;
    while goes_on() {
        let Ok(Ok(channel)) = timeout(Duration::from_secs(5), channel(url, queue)).await else {
            sleep(Duration::from_millis(100)).await;
            continue;
        };
        while goes_on() {
            let confirmed = timeout(Duration::from_secs(5), is_confirmed(&channel, queue, next));
            match confirmed.await {
                Ok(Ok(true)) => next += 1,
                _ => break,
            }
        }
    }
    next
}

#[test]
fn a_broker_that_is_restarted_loses_neither_receipt_nor_message() {
    const QUEUE: &str = "survivors";
    let name = "a_broker_that_is_restarted_loses_neither_receipt_nor_message";
    if broker(name).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let url = &node.broker.amqp_url;
    let args = ["amqp", "--from", url, "--queue", QUEUE, "--reconnect-for", "2m"];
    let mut sink = Sink::start(&args);
    sink.running.wait_for("consuming from queue");

    let enough = AtomicBool::new(false);
    let confirmed = thread::scope(|scope| {
        let publisher = scope.spawn(|| {
            let runtime = Builder::new_current_thread().enable_io().enable_time().build().unwrap();
            runtime.block_on(publish(url, QUEUE, &enough))
        });
        sink.wait_for_receipts(100);
        node.restart();
        sink.running.wait_for("connection restored after ");
        let before = sink.receipts().len();
        sink.wait_for_receipts(before + 100);
        enough.store(true, Ordering::Relaxed);
        publisher.join().unwrap()
    });
    sink.running.interrupt();
    sink.ends(0, "interrupted");

    let records = sink.records();
    let marks: Vec<_> = records.iter().filter_map(|record| record["what"].as_str()).collect();
    assert_eq!(marks, ["connection_lost", "connection_restored"]);
    let lab = Lab::new(&node.broker);
    let received = sink.ids();
    let found: BTreeSet<usize> =
        received.into_iter().chain(lab.drain_from(QUEUE)).map(|id| id.parse().unwrap()).collect();
    // The one that was on its way at the end may be there too.
    assert!(found.iter().all(|&id| id <= confirmed), "{found:?}");
    let missing: Vec<_> = (0..confirmed).filter(|id| !found.contains(id)).collect();
    assert!(missing.is_empty(), "of {confirmed} confirmed: {missing:?}");
}
