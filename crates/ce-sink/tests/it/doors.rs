//! Several queues at once, dead letters among them.

use ce_testkit::broker;
use lapin::options::QueueDeclareOptions;
use lapin::types::AMQPValue;

use crate::lab::{Lab, table, typed};
use crate::{Sink, ce_sink, event};

const STRUCTURED: &str = "application/cloudevents+json";

/// The door and the id of each receipt, sorted.
fn doors(sink: &Sink) -> Vec<(String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let receipts = sink.receipts();
    let mut doors: Vec<_> =
        receipts.iter().map(|receipt| (text(&receipt["door"]), text(&receipt["id"]))).collect();
    doors.sort();
    doors
}

#[test]
fn receipts_tell_queues_apart() {
    let Some(broker) = broker("receipts_tell_queues_apart") else { return };
    let (first, second) = (Lab::new(&broker), Lab::new(&broker));
    let bind = format!("{}:k", first.name);
    let args = ["--queue", &second.name, "--bind", &bind, "--idle-exit", "300ms"];
    let mut sink = Sink::start(&[&first.args()[..], &args].concat());
    for lab in [&first, &second] {
        sink.running.wait_for(&format!("consuming from queue {}", lab.name));
    }
    first.publish("", &first.name, typed(STRUCTURED), &event("1"));
    first.publish("", &second.name, typed(STRUCTURED), &event("2"));
    first.publish(&first.name, "k", typed(STRUCTURED), &event("3"));
    sink.ends(0, "done");
    let [one, two] = [&first, &second].map(|lab| lab.name.clone());
    let expected = [(&one, "1"), (&one, "3"), (&two, "2"), (&two, "3")];
    assert_eq!(doors(&sink), expected.map(|(door, id)| (door.clone(), id.to_owned())));
    assert_eq!((first.waiting(), second.waiting()), (0, 0));
}

#[test]
fn a_busy_queue_does_not_starve_a_quiet_one() {
    let Some(broker) = broker("a_busy_queue_does_not_starve") else { return };
    let (busy, quiet) = (Lab::new(&broker), Lab::new(&broker));
    busy.queue();
    quiet.queue();
    busy.events(0..600);
    quiet.events(1000..1001);
    let args = ["--queue", &quiet.name, "--prefetch", "20", "--count", "601"];
    let mut sink = Sink::start(&[&busy.args()[..], &args].concat());
    sink.ends(0, "done");
    let at = sink.ids().iter().position(|id| id == "1000").unwrap();
    assert!(at < 300, "the quiet queue had its turn as number {at}");
}

#[test]
fn dead_letter_queues_are_drained_and_say_why() {
    let Some(broker) = broker("dead_letter_queues_are_drained") else { return };
    let (living, dead) = (Lab::new(&broker), Lab::new(&broker));
    let mut arguments =
        table(&[("x-dead-letter-exchange", ""), ("x-dead-letter-routing-key", &dead.name)]);
    arguments.insert("x-message-ttl".into(), AMQPValue::LongInt(0));
    let short_lived = format!("{}-ttl", living.name);
    let options = QueueDeclareOptions { durable: true, ..Default::default() };
    living.declare(&short_lived, options, arguments);
    living.queue();
    dead.queue();
    living.events(0..1);
    living.publish("", &short_lived, typed(STRUCTURED), &event("1"));
    // Somebody put this one there by hand.
    dead.events(2..3);
    let args = ["--dead-letter", &dead.name, "--count", "3"];
    let mut sink = Sink::start(&[&living.args()[..], &args].concat());
    sink.ends(0, "done");
    living.delete_queue(&short_lived);
    let receipts = sink.receipts();
    let reason = |id: &str| {
        let receipt = receipts.iter().find(|receipt| receipt["id"] == id).unwrap();
        receipt.get("dead_lettered").map(|reason| reason.as_str().unwrap())
    };
    assert_eq!([reason("0"), reason("1"), reason("2")], [None, Some("expired"), Some("unknown")]);
    assert_eq!((living.waiting(), dead.waiting()), (0, 0), "all were acknowledged");
}

#[test]
fn dead_letters_can_be_all_that_is_wanted_and_are_not_bound() {
    let Some(broker) = broker("dead_letters_can_be_all") else { return };
    let lab = Lab::new(&broker);
    let bind = format!("{}:k", lab.name);
    let args = ["amqp", "--from", &lab.url, "--dead-letter", &lab.name, "--bind", &bind];
    let mut sink = Sink::start(&[&args[..], &["--count", "1"]].concat());
    sink.running.wait_for("consuming from queue");
    lab.events(0..1);
    sink.ends(0, "done");
    assert_eq!(sink.receipts()[0]["dead_lettered"], "unknown");
    let (status, _) = broker.api("GET", &format!("/exchanges/%2f/{}", lab.name), "");
    assert_eq!(status, 404, "no exchange was made");
}

#[test]
fn a_queue_that_is_named_twice_is_refused() {
    for args in [["--queue", "a,a"], ["--dead-letter", "a"]] {
        let fixed = ["amqp", "--from", "amqp://127.0.0.1/", "--queue", "a"];
        let run = ce_sink().args(fixed).args(args).run();
        run.expect_code(2);
        assert_eq!(run.stderr, "ce-sink: queue a is named twice; name each queue once\n");
    }
}
