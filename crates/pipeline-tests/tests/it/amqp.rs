//! The pipe through a real RabbitMQ.

use ce_testkit::{Tool, broker, unique_name};

use crate::Stage;

#[test]
fn six_thousand_events_go_through_rabbitmq_and_none_is_lost() {
    let Some(broker) = broker("six thousand events") else { return };
    let stage = Stage::new();
    let name = unique_name("pipeline");
    let mut sink = Tool::named("ce-sink")
        .args(["amqp", "--from", &broker.amqp_url, "--queue", &name])
        .args(["--bind", &format!("{name}:#"), "--count", "6000"])
        .stdout_file(stage.path("received.ndjson"))
        .spawn();
    sink.wait_for("consuming from");
    let script = format!(
        "ce-gen --count 6000 --seed 7 |
         ce-blast --to {} --exchange {name} --rate 200/s > sent.ndjson",
        broker.amqp_url
    );
    stage.shell(&script).run().expect_code(0);
    assert_eq!(sink.wait(), 0, "{}", sink.stderr());

    stage.shell("lat-collect sent.ndjson received.ndjson --out run").run().expect_code(0);
    stage.expect_ledger(&[
        ("sent", 6000),
        ("acked", 6000),
        ("received", 6000),
        ("lost", 0),
        ("duplicates", 0),
        ("unexpected", 0),
    ]);
    let check = stage.shell("slo-check run --threshold 'e2e: p(95)<3000'").run();
    check.expect_code(0);
    assert!(check.stdout.starts_with("PASS"), "{}", check.stdout);
    stage.shell("report-plot run --out report.html").run().expect_code(0);
    assert_is_self_contained(&stage.text("report.html"));
    assert!(broker.messages(&name, 10).is_empty(), "the queue is not empty");
    broker.remove(&name);
}

/// A page that opens offline loads nothing: no script, style sheet, font or picture from elsewhere.
#[track_caller]
fn assert_is_self_contained(page: &str) {
    assert!(page.starts_with("<!DOCTYPE html>") || page.starts_with("<!doctype html>"));
    for loads in ["src=\"http", "src='http", "href=\"http", "<link", "@import", "url(http"] {
        assert!(!page.contains(loads), "the report has {loads}");
    }
    assert!(page.contains("<svg"));
}
