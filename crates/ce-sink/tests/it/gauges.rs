//! What the sink says of itself while it receives.

use ce_testkit::broker;
use serde_json::Value;

use crate::Sink;
use crate::lab::Lab;

fn gauges(sink: &Sink, name: &str) -> Vec<Value> {
    let mut records = sink.records();
    records.retain(|record| record["kind"] == "gauge" && record["name"] == name);
    records
}

fn wait_for(sink: &Sink, name: &str, is_wanted: impl Fn(&Value) -> bool) {
    sink.running.wait_until(name, || gauges(sink, name).iter().any(&is_wanted));
}

#[test]
fn over_http_it_tells_connections_requests_and_the_rate() {
    let mut sink = Sink::http(&["--gauges", "20ms", "--delay", "300ms"]);
    let mut client = sink.client();
    assert_eq!(client.event("1"), 202);
    wait_for(&sink, "sink_requests_in_flight", |gauge| gauge["value"] == 1.0);
    wait_for(&sink, "sink_requests_in_flight", |gauge| gauge["value"] == 0.0);
    wait_for(&sink, "sink_connections", |gauge| gauge["value"] == 1.0);
    wait_for(&sink, "sink_receipts_per_second", |gauge| gauge["value"].as_f64().unwrap() > 0.0);
    wait_for(&sink, "sink_writer_queue_bytes", |gauge| gauge["value"] == 0.0);
    sink.running.interrupt();
    sink.ends(0, "interrupted");
}

#[test]
fn over_amqp_it_tells_what_waits_in_each_queue() {
    let Some(broker) = broker("over_amqp_it_tells_what_waits_in_each_queue") else { return };
    let (lab, other) = (Lab::new(&broker), Lab::new(&broker));
    lab.queue();
    lab.events(0..5);
    let args = ["--gauges", "20ms", "--queue", &other.name];
    let mut sink = Sink::start(&[&lab.args()[..], &args].concat());
    sink.wait_for_receipts(5);
    for queue in [&lab.name, &other.name] {
        for name in ["sink_queue_messages_ready", "sink_messages_unacknowledged"] {
            wait_for(&sink, name, |gauge| {
                gauge["labels"]["queue"] == **queue && gauge["value"] == 0.0
            });
        }
    }
    sink.running.interrupt();
    sink.ends(0, "interrupted");
}

#[test]
fn without_being_asked_it_tells_nothing() {
    let mut sink = Sink::http(&[]);
    assert_eq!(sink.client().event("1"), 202);
    sink.running.interrupt();
    sink.ends(0, "interrupted");
    assert_eq!(sink.records().len(), 3);
}

#[test]
fn a_stall_is_marked_at_both_ends() {
    let mut sink = Sink::http(&["--stall", "0s:100ms"]);
    let mut client = sink.client();
    assert_eq!(client.event("1"), 202);
    let marks = || {
        let mut marks = sink.records();
        marks.retain(|record| record["kind"] == "mark");
        marks
    };
    sink.running.wait_until("both marks", || marks().len() == 2);
    let marks = marks();
    assert_eq!(
        (&marks[0]["what"], &marks[1]["what"]),
        (&"stall_begin".into(), &"stall_end".into())
    );
    let at = |mark: &Value| mark["at_ns"].as_u64().unwrap();
    assert!(at(&marks[1]) - at(&marks[0]) >= 100_000_000, "{marks:?}");
    sink.running.interrupt();
    sink.ends(0, "interrupted");
}
