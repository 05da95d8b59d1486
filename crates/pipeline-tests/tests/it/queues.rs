//! Parsers behind one broker: each scenario has a routing key of its own, and each queue only what
//! was meant for it.

use std::collections::BTreeMap;
use std::fmt::Write;

use ce_testkit::{Tool, broker, unique_name};
use serde_json::Value;

use crate::Stage;

const PARSERS: [&str; 3] = ["a", "b", "c"];

#[test]
fn three_parsers_share_an_input_and_each_has_a_queue() {
    let Some(broker) = broker("three_parsers_share_an_input") else { return };
    let stage = Stage::new();
    let name = unique_name("queues");
    let mut plan = String::new();
    let mut sinks = Vec::new();
    for parser in PARSERS {
        let queue = format!("{name}-{parser}");
        let sink = Tool::named("ce-sink")
            .args(["amqp", "--from", &broker.amqp_url, "--queue", &queue])
            .args(["--bind", &format!("{name}:parser.{parser}")])
            .args(["--count", "1000"])
            .stdout_file(stage.path(&format!("received-{parser}.ndjson")))
            .spawn();
        sink.wait_for("consuming from");
        sinks.push(sink);
        write!(
            plan,
            "[scenarios.parser-{parser}]\nexecutor = 'constant-arrival-rate'\nrate = 500\n\
             duration = '2s'\nroutingKey = 'parser.{parser}'\n"
        )
        .unwrap();
    }
    std::fs::write(stage.path("plan.toml"), plan).unwrap();
    let to = format!("--to {} --exchange {name}", broker.amqp_url);
    let blast = format!("ce-gen --kind parser | ce-blast {to} --plan plan.toml > sent.ndjson");
    stage.shell(&blast).run().expect_code(0);
    for sink in &mut sinks {
        assert_eq!(sink.wait(), 0, "{}", sink.stderr());
    }

    // What the samples say is what the queues had.
    let text = stage.text("sent.ndjson");
    let records = |text: &str, kind: &str| -> Vec<Value> {
        let all = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        all.filter(|record| record["kind"] == kind).collect()
    };
    let mut sent: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for sample in records(&text, "sample") {
        assert_eq!(sample["outcome"], "ok");
        let scenario = sample["scenario"].as_str().unwrap().to_owned();
        sent.entry(scenario).or_default().push(sample["id"].as_str().unwrap().to_owned());
    }
    for parser in PARSERS {
        let ids = sent.get_mut(&format!("parser-{parser}")).unwrap();
        let received = stage.text(&format!("received-{parser}.ndjson"));
        let received = records(&received, "receipt");
        let mut held: Vec<&str> = received.iter().map(|it| it["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        held.sort_unstable();
        assert_eq!(ids.len(), 1000);
        assert!(held == *ids, "parser {parser}: {} received", held.len());
        let queue = format!("{name}-{parser}");
        assert!(broker.messages(&queue, 10).is_empty(), "{queue} is not empty");
        broker.remove(&queue);
    }
    broker.remove(&name);
}
