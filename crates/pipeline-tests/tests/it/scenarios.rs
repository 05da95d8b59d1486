//! Several scenarios in one ce-blast, each with a target, events and a limit of its own.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::Value;

use crate::Stage;

const PARSERS: [&str; 3] = ["a", "b", "c"];

/// The ids of the receipts in a file, in their order.
fn received(stage: &Stage, parser: &str) -> Vec<String> {
    let text = stage.text(&format!("received-{parser}.ndjson"));
    let receipts = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let receipts = receipts.filter(|record| record["kind"] == "receipt");
    receipts.map(|receipt| receipt["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn three_parsers_take_500_events_a_second_each_side_by_side() {
    let stage = Stage::new();
    let sink = |parser| stage.http_sink_to(&format!("received-{parser}.ndjson"), &[]);
    let mut sinks: Vec<_> = PARSERS.map(sink).into();
    let mut plan = String::from("[tags]\nsuite = 'parsers'\n");
    for ((parser, start_ms), (_, url)) in PARSERS.iter().zip([0, 100, 200]).zip(&sinks) {
        let make = format!("ce-gen --kind parser --id seq --run {parser} --count 400");
        stage.shell(&format!("{make} > {parser}.events")).run().expect_code(0);
        let events = stage.path(&format!("{parser}.events"));
        write!(
            plan,
            "[scenarios.parser-{parser}]\nexecutor = 'constant-arrival-rate'\nrate = 500\n\
             duration = '800ms'\nstartTime = '{start_ms}ms'\ntags = {{ parser = '{parser}' }}\n\
             maxInFlight = 400\nto = '{url}'\nevents = '{}'\n",
            events.display()
        )
        .unwrap();
    }
    std::fs::write(stage.path("plan.toml"), plan).unwrap();
    stage.shell("ce-blast --plan plan.toml > sent.ndjson").run().expect_code(0);
    for (sink, _) in &mut sinks {
        assert_eq!(sink.stop(), 0, "{}", sink.stderr());
    }
    for parser in PARSERS {
        let ids: BTreeSet<_> = received(&stage, parser).into_iter().collect();
        let wanted: BTreeSet<_> = (0..400).map(|k| format!("{parser}-{k:012}")).collect();
        assert!(ids == wanted, "{parser} has the events of its file, and no others");
    }
    let collect = "lat-collect sent.ndjson received-a.ndjson received-b.ndjson received-c.ndjson";
    stage.shell(&format!("{collect} --out run")).run().expect_code(0);
    stage.expect_ledger(&[("delivered", 1200), ("lost", 0), ("duplicates", 0)]);
    let summary = stage.json("run/summary.json");
    // All three are the suite; one of them is parser b.
    let select = "--threshold 'ok{parser:b}: count==400' \
                  --threshold 'ok{suite:parsers}: count==1200'";
    let run = stage.shell(&format!("slo-check run {select}")).run();
    // A busy machine may have kept no schedule; the figures are there all the same.
    assert!([0, 3].contains(&run.code), "{run:?}");
    for figure in ["ok{parser:b}: count==400", "ok{suite:parsers}: count==1200"] {
        let line = run.stdout.lines().find(|line| line.contains(figure)).unwrap();
        assert!(!line.contains("no tag"), "{line}");
    }
    let run = stage.shell("slo-check run --threshold 'ok{parser:x}: count>1'").run();
    assert!(run.expect_code(3).stdout.contains("no tag `parser=x` in this run"), "{}", run.stdout);
    for parser in PARSERS {
        let block = &summary["scenarios"][format!("parser-{parser}")];
        assert_eq!(block["outcomes"]["ok"], 400, "{block:#}");
    }
}
