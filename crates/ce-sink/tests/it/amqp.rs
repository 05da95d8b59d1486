//! Consuming from a real broker, when all goes well.

use std::slice;

use ce_testkit::broker;
use lapin::options::QueueDeclareOptions;
use lapin::types::AMQPValue;

use crate::lab::{Lab, table, typed};
use crate::{Sink, event};

#[test]
fn every_dialect_leaves_receipts() {
    let Some(broker) = broker("every_dialect_leaves_receipts") else { return };
    let lab = Lab::with_queue(&broker);
    lab.publish("", &lab.name, typed("application/cloudevents+json; charset=utf-8"), &event("0"));
    for (id, prefix) in ["ce-", "", "cloudEvents_", "cloudEvents:"].iter().enumerate() {
        let id = (id + 1).to_string();
        let pairs = [
            ("specversion", "1.0"),
            ("id", &id),
            ("source", "/s"),
            ("type", "t"),
            ("sequence", &id),
        ];
        let headers = pairs.map(|(name, value)| (format!("{prefix}{name}"), value));
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        lab.publish("", &lab.name, typed("text/plain").with_headers(table(&headers)), "data");
    }
    let mut sink = lab.sink(&["--count", "5"]);
    let stderr = sink.ends(0, "done");
    assert!(stderr.starts_with(&format!("ce-sink: consuming from queue {}\n", lab.name)));
    assert!(stderr.ends_with("5 received, 0 not CloudEvents, 0 rejected on purpose\n"), "{stderr}");
    assert_eq!(sink.ids(), ["0", "1", "2", "3", "4"]);
    for (seq, receipt) in sink.receipts().iter().enumerate() {
        assert_eq!((&receipt["seq"], &receipt["door"]), (&seq.into(), &lab.name.as_str().into()));
        assert!(receipt.get("redelivered").is_none());
    }
    assert_eq!(lab.waiting(), 0, "all were acknowledged");
}

#[test]
fn what_is_missing_is_declared_and_bound() {
    let Some(broker) = broker("what_is_missing_is_declared_and_bound") else { return };
    let lab = Lab::new(&broker);
    let bind = format!("{}:*.start", lab.name);
    let args = [&lab.args()[..], &["--bind", &bind, "--count", "1"]].concat();
    let mut sink = Sink::start(&args);
    sink.running.wait_for("consuming from queue");
    let properties = typed("application/cloudevents+json");
    lab.publish(&lab.name, "build.start", properties, &event("1"));
    sink.ends(0, "done");
    assert_eq!(sink.ids(), ["1"]);
    // A second sink finds both, and the queue durable.
    lab.queue();
    let mut again = Sink::start(&args);
    again.running.wait_for("consuming from queue");
    again.running.interrupt();
    again.ends(0, "interrupted");
}

#[test]
fn an_existing_queue_is_used_as_it_is() {
    let Some(broker) = broker("an_existing_queue_is_used_as_it_is") else { return };
    let lab = Lab::new(&broker);
    let mut arguments = table(&[]);
    arguments.insert("x-max-length".into(), AMQPValue::LongInt(100));
    lab.declare(
        &lab.name,
        QueueDeclareOptions { auto_delete: true, ..Default::default() },
        arguments,
    );
    lab.events(0..1);
    let mut sink = lab.sink(&["--count", "1"]);
    sink.ends(0, "done");
}

#[test]
fn what_is_no_event_is_rejected_for_good() {
    let Some(broker) = broker("what_is_no_event_is_rejected_for_good") else { return };
    let lab = Lab::with_queue(&broker);
    lab.publish("", &lab.name, typed("text/plain"), "hello");
    lab.publish("", &lab.name, typed("application/cloudevents+json"), "{}");
    lab.events(0..1);
    let mut sink = lab.sink(&["--count", "1"]);
    let stderr = sink.ends(0, "done");
    assert!(
        stderr.contains("1 received, 2 not CloudEvents (the first: attribute `specversion`"),
        "{stderr}"
    );
    assert_eq!(lab.waiting(), 0, "nothing came back");
}

#[test]
fn an_attribute_that_is_a_fraction_is_refused_with_its_name() {
    let Some(broker) = broker("an_attribute_that_is_a_fraction_is_refused_with_its_name") else {
        return;
    };
    let lab = Lab::with_queue(&broker);
    let required = [("specversion", "1.0"), ("id", "1"), ("source", "/s"), ("type", "t")];
    let mut headers = table(&required);
    headers.insert("sampledrate".into(), AMQPValue::Double(1.5));
    lab.publish("", &lab.name, typed("text/plain").with_headers(headers), "data");
    lab.events(0..1);
    let mut sink = lab.sink(&["--count", "1"]);
    let stderr = sink.ends(0, "done");
    assert!(
        stderr.contains("1 not CloudEvents (the first: attribute `sampledrate` is not a string")
    );
    assert_eq!(sink.ids(), ["0"]);
}

#[test]
fn no_more_are_taken_than_asked_for() {
    let Some(broker) = broker("no_more_are_taken_than_asked_for") else { return };
    let lab = Lab::with_queue(&broker);
    lab.events(0..50);
    let mut sink = lab.sink(&["--count", "20"]);
    sink.ends(0, "done");
    assert_eq!(sink.receipts().len(), 20);
    assert_eq!(lab.waiting(), 30);
}

#[test]
fn an_interrupt_acknowledges_what_is_written() {
    let Some(broker) = broker("an_interrupt_acknowledges_what_is_written") else { return };
    let lab = Lab::with_queue(&broker);
    let mut sink = lab.sink(&["--prefetch", "7"]);
    lab.events(0..40);
    sink.wait_for_receipts(40);
    sink.running.interrupt();
    sink.ends(0, "interrupted");
    let ids: Vec<String> = (0..40).map(|id| id.to_string()).collect();
    assert_eq!(sink.ids(), ids);
    assert_eq!(lab.waiting(), 0);
}

#[test]
fn it_ends_when_the_queue_runs_dry() {
    let Some(broker) = broker("it_ends_when_the_queue_runs_dry") else { return };
    let lab = Lab::with_queue(&broker);
    lab.events(0..3);
    let mut sink = lab.sink(&["--idle-exit", "200ms"]);
    sink.ends(0, "done");
    assert_eq!((sink.receipts().len(), lab.waiting()), (3, 0));
}

#[test]
fn a_second_delivery_says_so() {
    let Some(broker) = broker("a_second_delivery_says_so") else { return };
    let lab = Lab::with_queue(&broker);
    lab.events(0..2);
    lab.take_and_leave();
    let mut sink = lab.sink(&["--count", "2"]);
    sink.ends(0, "done");
    let redelivered: Vec<bool> =
        sink.receipts().iter().map(|receipt| receipt["redelivered"] == true).collect();
    assert_eq!(redelivered, [true, false]);
}

#[test]
fn a_dead_letter_says_why() {
    let Some(broker) = broker("a_dead_letter_says_why") else { return };
    let lab = Lab::with_queue(&broker);
    let mut arguments =
        table(&[("x-dead-letter-exchange", ""), ("x-dead-letter-routing-key", &lab.name)]);
    arguments.insert("x-message-ttl".into(), AMQPValue::LongInt(0));
    let short_lived = format!("{}-ttl", lab.name);
    let options = QueueDeclareOptions { durable: true, ..Default::default() };
    lab.declare(&short_lived, options, arguments);
    lab.publish("", &short_lived, typed("application/cloudevents+json"), &event("1"));
    let mut sink = lab.sink(&["--count", "1"]);
    sink.ends(0, "done");
    lab.delete_queue(&short_lived);
    assert_eq!(slice::from_ref(&sink.receipts()[0]["dead_lettered"]), ["expired"]);
}
