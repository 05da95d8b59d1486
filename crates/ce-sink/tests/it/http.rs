//! What is accepted over HTTP, what is not, and what the receipts say.

use crate::{STRUCTURED, Sink, event};

const BATCH: (&str, &str) = ("content-type", "application/cloudevents-batch+json");

/// Headers of an event in binary mode.
const BINARY: [(&str, &str); 5] = [
    ("Ce-Specversion", "1.0"),
    ("ce-id", "2"),
    ("ce-source", "/s%2Ft"),
    ("ce-type", "t"),
    ("content-type", "text/plain"),
];

#[test]
fn every_mode_leaves_receipts() {
    let mut sink = Sink::http(&["--run", "night"]);
    let mut client = sink.client();
    assert_eq!(client.post("/a/b?c", &[STRUCTURED], &event("0001")).status, 202);
    assert_eq!(client.post("/", &BINARY, "hello").status, 202);
    let batch = format!("[{},{}]", event("3"), event("4"));
    assert_eq!(client.post("/batch", &[BATCH], &batch).status, 202);
    assert_eq!(client.post("/batch", &[BATCH], "[]").status, 202);
    sink.running.interrupt();
    let stderr = sink.ends(0, "interrupted");
    assert!(stderr.ends_with("4 received, 0 not CloudEvents, 0 rejected on purpose\n"), "{stderr}");

    let [start, first, second, third, fourth, _end] = &sink.records()[..] else { panic!() };
    assert_eq!((&start["tool"], &start["run"]), (&"ce-sink".into(), &"night".into()));
    assert_eq!(
        (&first["id"], &first["source"], &first["type"]),
        (&"0001".into(), &"/test".into(), &"t".into())
    );
    assert_eq!((&first["seq"], &first["door"]), (&1.into(), &"/a/b".into()));
    assert_eq!((&second["id"], &second["source"]), (&"2".into(), &"/s/t".into()));
    assert!(second.get("seq").is_none());
    assert_eq!(
        (&third["id"], &third["door"], &fourth["id"]),
        (&"3".into(), &"/batch".into(), &"4".into())
    );
    assert_eq!(third["recv_ns"], fourth["recv_ns"]);
    let times: Vec<u64> =
        [first, second, third].map(|receipt| receipt["recv_ns"].as_u64().unwrap()).into();
    assert!(times.is_sorted() && times[0] > 0, "{times:?}");
}

#[test]
fn what_is_not_an_event_is_answered_with_the_reason() {
    let mut sink = Sink::http(&[]);
    let mut client = sink.client();
    let mut check = |headers: &[(&str, &str)], body: &str, reason: &str| {
        let answer = client.post("/", headers, body);
        assert_eq!(answer.status, 400, "{body}");
        assert!(answer.body.contains(reason), "{}", answer.body);
        assert_eq!(answer.body.lines().count(), 1);
    };
    check(&[STRUCTURED], r#"{"id":"1"}"#, "`specversion` is missing");
    check(&[STRUCTURED], "{\n", "not a CloudEvent in JSON");
    check(&[], "hello", "`specversion` is missing");
    check(&BINARY[..3], "", "`type` is missing");
    check(&[BINARY[0], ("ce-id", "%FF")], "", "`id` is not UTF-8");
    check(&[BATCH], &format!("[{},5]", event("1")), "event 1 of the batch");
    check(&[("content-type", "application/json")], "[]", "`specversion` is missing");
    sink.running.interrupt();
    let stderr = sink.ends(0, "interrupted");
    assert!(
        stderr.contains("0 received, 7 not CloudEvents (the first: attribute `specversion`"),
        "{stderr}"
    );
}

#[test]
fn chunked_bodies_are_events_too() {
    let sink = Sink::http(&[]);
    let mut client = sink.client();
    let body = event("1");
    let (head, tail) = body.split_at(20);
    client.raw(b"POST / HTTP/1.1\r\nhost: sink\r\ntransfer-encoding: chunked\r\n");
    client.raw(b"content-type: application/cloudevents+json\r\n\r\n");
    for chunk in [head, tail, ""] {
        client.raw(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes());
    }
    assert_eq!(client.answer().status, 202);
    sink.wait_for_receipts(1);
}

#[test]
fn other_methods_are_refused() {
    let sink = Sink::http(&[]);
    let mut client = sink.client();
    for method in ["GET", "PUT", "DELETE"] {
        client.send(method, "/", &[STRUCTURED], &event("1"));
        let answer = client.answer();
        assert_eq!(answer.status, 405, "{method}");
        assert!(answer.head.contains("allow: post"), "{}", answer.head);
    }
    assert_eq!(client.event("1"), 202);
    sink.wait_for_receipts(1);
    assert_eq!(sink.ids(), ["1"]);
}

#[test]
fn a_sender_that_leaves_in_the_middle_leaves_no_receipt() {
    let mut sink = Sink::http(&["--idle-exit", "100ms"]);
    let mut client = sink.client();
    client.raw(b"POST / HTTP/1.1\r\nhost: sink\r\ncontent-length: 100\r\n\r\n{");
    drop(client);
    let stderr = sink.ends(0, "done");
    assert!(stderr.contains("0 received, 0 not CloudEvents"), "{stderr}");
    assert!(stderr.contains("1 requests refused for head, token or body"), "{stderr}");
}

#[test]
fn a_webhook_sender_that_asks_may_deliver() {
    let mut sink = Sink::http(&[]);
    let mut client = sink.client();
    let asks = [("webhook-request-origin", "events.example.com"), ("webhook-request-rate", "120")];
    client.send("OPTIONS", "/hook", &asks, "");
    let answer = client.answer();
    assert_eq!(answer.status, 200);
    for line in [
        "webhook-allowed-origin: events.example.com\r\n",
        "webhook-allowed-rate: *\r\n",
        "allow: post, options\r\n",
    ] {
        assert!(answer.head.contains(line), "{}", answer.head);
    }
    // The connection is as good as before, and asking is no event.
    assert_eq!(client.event("1"), 202);
    sink.running.interrupt();
    let stderr = sink.ends(0, "interrupted");
    assert_eq!(sink.ids(), ["1"]);
    assert!(stderr.contains("1 received, 0 not CloudEvents"), "{stderr}");
}
