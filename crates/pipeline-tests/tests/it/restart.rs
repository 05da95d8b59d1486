//! A broker that is restarted in the middle of a load: every event is accounted for, to the last.

use std::fs;

use ce_testkit::{Node, Tool, broker};

use crate::Stage;

/// How often `text` stands in a file that is being written.
fn count(stage: &Stage, name: &str, text: &str) -> usize {
    fs::read_to_string(stage.path(name)).unwrap_or_default().matches(text).count()
}

#[test]
fn a_broker_that_is_restarted_leaves_a_ledger_that_balances() {
    const OK: &str = r#""outcome":"ok""#;
    let name = "a_broker_that_is_restarted_leaves_a_ledger_that_balances";
    if broker(name).is_none() {
        return;
    }
    let stage = Stage::new();
    let node = Node::start(&stage.path("node"));
    let url = &node.broker.amqp_url;
    let mut sink = Tool::named("ce-sink")
        .args(["amqp", "--from", url, "--queue", "restart", "--bind", "ce-restart:#"])
        .args(["--reconnect-for", "5m", "--idle-exit", "5s"])
        .stdout_file(stage.path("received.ndjson"))
        .spawn();
    sink.wait_for("consuming from");
    let script = format!(
        "ce-gen --seed 7 | ce-blast --to {url} --exchange ce-restart --rate 300/s --grace 10s \
         --stop-file stop > sent.ndjson"
    );
    let mut load = stage.shell(&script).spawn();
    load.wait_until("a second of load", || count(&stage, "sent.ndjson", OK) > 300);
    node.restart();
    load.wait_until("a new connection", || {
        count(&stage, "sent.ndjson", "\"connection_restored\"") == 1
    });
    let before = count(&stage, "sent.ndjson", OK);
    load.wait_until("more load", || count(&stage, "sent.ndjson", OK) > before + 600);
    fs::write(stage.path("stop"), "").unwrap();
    assert_eq!(load.wait(), 0, "{}", load.stderr());
    assert_eq!(sink.wait(), 0, "{}", sink.stderr());

    stage.shell("lat-collect sent.ndjson received.ndjson --out run").run().expect_code(0);
    let ledger = stage.json("run/ledger.json");
    let figure = |name: &str| ledger.pointer(&format!("/{name}")).unwrap().as_u64().unwrap();
    let outcomes = ledger["outcomes"].as_object().unwrap().values();
    let ended: u64 = outcomes.map(|count| count.as_u64().unwrap()).sum();
    let samples = count(&stage, "sent.ndjson", r#"{"kind":"sample","#) as u64;
    assert_eq!((figure("planned"), figure("sent")), (ended, samples), "{ledger:#}");
    assert_eq!((figure("lost"), figure("delivered")), (0, figure("acked")), "{ledger:#}");
    let arrived = ["delivered", "in_doubt_arrived", "unacked_arrived"].map(figure);
    assert_eq!(figure("received"), arrived.iter().sum::<u64>(), "{ledger:#}");
    let in_doubt = figure("in_doubt_arrived") + figure("in_doubt_missing");
    assert_eq!(figure("outcomes/in_doubt"), in_doubt, "{ledger:#}");
    let receipts = count(&stage, "received.ndjson", r#"{"kind":"receipt","#) as u64;
    let more = figure("duplicates") + figure("redelivered") + figure("unexpected");
    assert_eq!(receipts, figure("received") + more, "{ledger:#}");
    assert_eq!((figure("duplicates"), figure("unexpected")), (0, 0), "{ledger:#}");
    assert!(node.broker.messages("restart", 1).is_empty(), "the queue is not empty");
    let marks = stage.text("run/marks.csv");
    for what in ["connection_lost", "connection_restored"] {
        assert_eq!(marks.matches(what).count(), 2, "one of each end: {marks}");
    }
}
