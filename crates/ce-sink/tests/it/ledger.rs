//! What a broker does to messages, told by the ledger: sent by `ce-blast`, received by the sink,
//! joined by `lat-collect`.

use std::fs;
use std::path::Path;

use ce_testkit::{Broker, Tool, broker};
use lapin::options::QueueDeclareOptions;
use serde_json::Value;

use crate::lab::{Lab, table};
use crate::proxy::Proxy;
use crate::{Sink, ce_sink};

/// Binds the queue of the lab to an exchange of its name and sends events there.
fn send(broker: &Broker, lab: &Lab, events: u32, folder: &Path) {
    let name = &lab.name;
    let exchange = r#"{"type":"topic","durable":true}"#;
    let (status, said) = broker.api("PUT", &format!("/exchanges/%2f/{name}"), exchange);
    assert!(status < 300, "{said}");
    let path = format!("/bindings/%2f/e/{name}/q/{name}");
    let (status, said) = broker.api("POST", &path, r##"{"routing_key":"#"}"##);
    assert!(status < 300, "{said}");
    let script = format!(
        "ce-gen --count {events} --seed 5 |
         ce-blast --to {} --exchange {name} --rate 500/s > sent.ndjson",
        lab.url
    );
    Tool::shell(&script).current_dir(folder).run().expect_code(0);
}

fn ledger(folder: &Path, receipts: &Path) -> Value {
    let run = Tool::named("lat-collect")
        .current_dir(folder)
        .arg("sent.ndjson")
        .arg(receipts)
        .args(["--out", "run"])
        .run();
    run.expect_code(0);
    serde_json::from_slice(&fs::read(folder.join("run/ledger.json")).unwrap()).unwrap()
}

#[track_caller]
fn expect(ledger: &Value, fields: &[(&str, u64)]) {
    for &(field, count) in fields {
        assert_eq!(ledger[field], count, "{field} of {ledger}");
    }
}

#[test]
fn a_message_that_is_given_up_is_dead_lettered_and_one_that_goes_back_is_delivered() {
    let name = "a_message_that_is_given_up_is_dead_lettered";
    let Some(broker) = broker(name) else { return };
    let (lab, dead) = (Lab::new(&broker), Lab::new(&broker));
    let folder = tempfile::tempdir().unwrap();
    dead.queue();
    let arguments =
        table(&[("x-dead-letter-exchange", ""), ("x-dead-letter-routing-key", &dead.name)]);
    lab.declare(&lab.name, QueueDeclareOptions { durable: true, ..Default::default() }, arguments);
    send(&broker, &lab, 30, folder.path());
    // Another consumer gives seven up, and puts three back.
    lab.refuse(&[false, true, false, false, true, false, false, true, false, false]);
    let args = ["--dead-letter", &dead.name, "--count", "30"];
    let mut sink = Sink::start(&[&lab.args()[..], &args].concat());
    sink.ends(0, "done");

    let receipts = sink.receipts();
    let count = |field: &str, value: Value| {
        receipts.iter().filter(|receipt| receipt.get(field) == Some(&value)).count()
    };
    assert_eq!(
        (count("dead_lettered", "rejected".into()), count("redelivered", true.into())),
        (7, 3)
    );
    let ledger = ledger(folder.path(), &sink.path());
    expect(
        &ledger,
        &[("acked", 30), ("received", 23), ("delivered", 23), ("dead_lettered", 7), ("lost", 0)],
    );
    // Each came once: what goes back to its queue is no second delivery.
    expect(&ledger, &[("redelivered", 0), ("duplicates", 0), ("unexpected", 0)]);
}

#[test]
fn a_second_delivery_after_a_lost_acknowledgement_is_redelivered_and_no_duplicate() {
    const EVENTS: u32 = 20;
    let Some(broker) = broker("a_second_delivery_after_a_lost_acknowledgement") else { return };
    let lab = Lab::new(&broker);
    let folder = tempfile::tempdir().unwrap();
    lab.queue();
    let proxy = Proxy::to(&lab.url);
    let mut sink = Sink::of(ce_sink().args(["amqp", "--from", proxy.url(), "--queue", &lab.name]));
    sink.running.wait_for("consuming from queue");
    proxy.mute();
    send(&broker, &lab, EVENTS, folder.path());
    sink.wait_for_receipts(EVENTS as usize);
    proxy.go_away();
    sink.running.wait_for("connection lost");
    proxy.come_back();
    sink.wait_for_receipts(2 * EVENTS as usize);
    sink.running.interrupt();
    sink.ends(0, "interrupted");
    let ledger = ledger(folder.path(), &sink.path());
    let events = EVENTS.into();
    expect(&ledger, &[("delivered", events), ("redelivered", events), ("duplicates", 0)]);
    expect(&ledger, &[("lost", 0), ("dead_lettered", 0), ("unexpected", 0)]);
}
