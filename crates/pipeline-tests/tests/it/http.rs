//! The pipe on the embedded target, which fails and stalls as it is told.

use std::fs;

use serde_json::{Value, json};

use crate::Stage;

#[test]
fn every_tenth_event_refused_is_reported_exactly_and_fails_the_check() {
    let stage = Stage::new();
    let (mut sink, url) = stage.http_sink(&["--reject-every", "10"]);
    let script =
        format!("ce-gen --count 2000 --seed 3 | ce-blast --to {url} --rate 1000/s > sent.ndjson");
    stage.shell(&script).run().expect_code(0);
    assert_eq!(sink.stop(), 0, "{}", sink.stderr());
    stage.shell("lat-collect sent.ndjson received.ndjson --out run").run().expect_code(0);

    let overall = stage.json("run/summary.json")["overall"].clone();
    assert_eq!(overall["outcomes"]["rejected"], 200);
    assert_eq!(overall["outcomes"]["ok"], 1800);
    assert_eq!(overall["codes"]["503"], 200);
    assert_eq!(overall["success_ratio"], 0.9);
    stage.expect_ledger(&[("planned", 2000), ("acked", 1800), ("received", 1800), ("lost", 0)]);
    let errors = stage.text("run/errors.csv");
    assert!(errors.lines().nth(1).unwrap().starts_with("rejected,503,,200,"), "{errors}");

    let check = stage.shell("slo-check run").run();
    check.expect_code(1);
    assert!(check.stdout.starts_with("FAIL"), "{}", check.stdout);
    stage.shell("slo-check run --threshold 'http_req_failed: rate<0.11'").run().expect_code(0);
}

/// Who an event is, and its place, survive the trip in whichever way it is carried.
#[test]
fn attributes_are_the_same_at_the_sink_in_every_mode() {
    let stage = Stage::new();
    let events: Vec<Value> = (0..60)
        .map(|number| {
            json!({
                "specversion": "1.0",
                "id": format!("{number} 100% \"sure\" é€😀 a%20b"),
                "source": format!("/s/{number}?q=%22x%22#f"),
                "type": "com.example.été",
                "sequence": format!("{number:04}"),
                "data": { "n": number },
            })
        })
        .collect();
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    fs::write(stage.path("events.ndjson"), lines.join("\n")).unwrap();
    let mut expected: Vec<[Value; 4]> = (0..60_u64)
        .zip(&events)
        .map(|(number, it)| {
            [it["source"].clone(), it["id"].clone(), it["type"].clone(), number.into()]
        })
        .collect();
    expected.sort_by_key(|it| it[3].as_u64());
    for mode in ["structured", "binary", "batched"] {
        let (mut sink, url) = stage.http_sink(&[]);
        let blast = format!("ce-blast --to {url} --rate 500/s --mode {mode} events.ndjson");
        let run = stage.shell(&blast).run();
        assert!(run.expect_code(0).stderr.contains("60 ok;"), "{mode}: {}", run.stderr);
        assert_eq!(sink.stop(), 0, "{}", sink.stderr());
        let received = stage.text("received.ndjson");
        let receipts = received.lines().filter(|line| line.contains(r#""kind":"receipt""#));
        let mut found: Vec<[Value; 4]> = receipts
            .map(|line| {
                let it: Value = serde_json::from_str(line).unwrap();
                ["source", "id", "type", "seq"].map(|name| it[name].clone())
            })
            .collect();
        found.sort_by_key(|it| it[3].as_u64());
        assert_eq!(found, expected, "{mode}");
    }
}

/// Events that became due during the stall carry it; the time of service alone does not explain it,
/// because with 100 places in flight most of them waited on our side.
#[test]
fn a_stall_is_in_the_latency_of_everything_that_was_due_in_it() {
    let stage = Stage::new();
    let (mut sink, url) = stage.http_sink(&["--stall", "2s:2s"]);
    let script = format!(
        "ce-gen --seed 4 |
         ce-blast --to {url} --rate 500/s --duration 6s --max-in-flight 100 > sent.ndjson"
    );
    stage.shell(&script).run().expect_code(0);
    assert_eq!(sink.stop(), 0, "{}", sink.stderr());
    stage.shell("lat-collect sent.ndjson received.ndjson --out run").run().expect_code(0);

    let overall = stage.json("run/summary.json")["overall"].clone();
    assert_eq!((&overall["planned"], &overall["sent"]), (&3000.into(), &3000.into()));
    assert_eq!(overall["outcomes"]["ok"], 3000);
    let us = |metric: &str, at: &str| overall["metrics"][metric][at].as_u64().unwrap();
    assert!(us("latency_us", "p99") > 1_800_000, "{overall:#}");
    // A third of the events was due within the stall, and waited one second on average.
    assert!(us("latency_us", "p90") > 1_000_000, "{overall:#}");
    assert!(us("service_us", "p90") < 500_000, "{overall:#}");
    assert_eq!(us("latency_us", "count"), 3000);
    stage.expect_ledger(&[("planned", 3000), ("received", 3000), ("lost", 0), ("duplicates", 0)]);
    stage.shell("slo-check run --threshold 'http_req_duration: p(99)<1500'").run().expect_code(1);
}

#[test]
fn a_sender_that_is_killed_leaves_a_readable_run_without_a_verdict() {
    let stage = Stage::new();
    let (mut sink, url) = stage.http_sink(&[]);
    let blast = stage.shell(&format!(
        "ce-gen --seed 5 | ce-blast --to {url} --rate 200/s > sent.ndjson &
         until [[ $(wc -l < sent.ndjson) -gt 200 ]]; do sleep 0.05; done
         kill -KILL $!; wait $! || true"
    ));
    blast.run().expect_code(0);
    assert_eq!(sink.stop(), 0, "{}", sink.stderr());
    // Within a line, wherever the kill has hit.
    stage.shell("head -c -20 sent.ndjson > torn.ndjson").run().expect_code(0);
    let collect = stage.shell("lat-collect torn.ndjson received.ndjson --out run").run();
    collect.expect_code(3);
    assert!(collect.stderr.contains("INCOMPLETE"), "{}", collect.stderr);
    assert!(stage.json("run/summary.json")["overall"]["planned"].as_u64().unwrap() > 190);

    let check = stage.shell("slo-check run").run();
    check.expect_code(3);
    assert!(check.stdout.starts_with("INVALID"), "{}", check.stdout);
    stage.shell("report-plot run --out report.html").run().expect_code(0);
    assert!(stage.text("report.html").contains("cut short") || collect.stderr.contains("middle"));
}

#[test]
fn streams_are_collected_while_they_are_written() {
    let stage = Stage::new();
    let script = "
        mkfifo samples receipts
        lat-collect samples receipts --out run & collect=$!
        ce-sink http --listen 127.0.0.1:0 --count 500 > receipts 2> sink.log &
        until grep -q listening sink.log; do sleep 0.05; done
        url=$(grep -o 'http://[0-9.:]*' sink.log)/
        ce-gen --count 500 | ce-blast --to $url --rate 1000/s > samples
        wait $collect";
    stage.shell(script).run().expect_code(0);
    stage.expect_ledger(&[("planned", 500), ("delivered", 500), ("lost", 0), ("unexpected", 0)]);
}

/// What a platform would say of an event when it is done: an event of its own, with the context.
fn answer_to(event: &str) -> String {
    let event: Value = serde_json::from_str(event).unwrap();
    let context = &event["data"]["contextId"];
    let answer = json!({
        "specversion": "1.0", "type": "done", "source": "platform", "data": { "contextId": context },
        "id": format!("answer {}", event["id"]),
    });
    answer.to_string() + "\n"
}

#[test]
fn an_event_is_joined_with_the_one_that_answers_it() {
    let stage = Stage::new();
    let script = "
        ce-gen --kind parser --count 200 --seed 3 > events
        ce-blast --to null: --rate 1000/s --correlate /data/contextId events > samples";
    stage.shell(script).run().expect_code(0);
    // Seven are never answered, and three twice.
    let events = stage.text("events");
    let mut answers: Vec<String> = events.lines().skip(7).map(answer_to).collect();
    answers.extend(events.lines().skip(100).take(3).map(answer_to));
    fs::write(stage.path("answers"), answers.concat()).unwrap();
    let (mut sink, url) = stage.http_sink(&["--idle-exit", "1s", "--correlate", "/data/contextId"]);
    let blast = format!("ce-blast --to {url} --rate 1000/s answers > answered");
    stage.shell(&blast).run().expect_code(0);
    assert_eq!(sink.wait(), 0);
    stage.shell("lat-collect samples received.ndjson --out run").run().expect_code(0);
    stage.expect_ledger(&[("delivered", 193), ("lost", 7), ("duplicates", 3), ("unexpected", 0)]);
    let keyed = json!({ "samples": 200, "receipts": 196 });
    assert_eq!(stage.json("run/ledger.json")["keyed"], keyed);
    let first_lost = stage.text("run/missing.ndjson");
    let id: Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
    assert!(first_lost.contains(id["id"].as_str().unwrap()), "{first_lost}");

    // The answers by the ids of their own: nobody knows them, and the hint says what is missing.
    let other = stage.shell("lat-collect answered received.ndjson --out other").run();
    other.expect_code(0);
    let hint =
        "196 receipts have a key and no sample has: give ce-blast and ce-sink the same --correlate";
    assert!(other.stderr.contains(hint), "{}", other.stderr);
}

#[test]
fn a_reader_that_leaves_stops_the_load() {
    let stage = Stage::new();
    let run = stage
        .shell("ce-gen | ce-blast --to null: --rate 1000/s --duration 10m | head -n 3 > some")
        .run();
    run.expect_code(0);
    assert_eq!(stage.text("some").lines().count(), 3);
}

#[test]
fn a_warm_up_is_measured_and_kept_out_of_the_verdict() {
    let stage = Stage::new();
    let (mut sink, url) = stage.http_sink(&[]);
    let script = format!(
        "ce-gen --seed 5 |
         ce-blast --to {url} --rate 500/s --duration 4s --warm-up 2s > sent.ndjson"
    );
    stage.shell(&script).run().expect_code(0);
    assert_eq!(sink.stop(), 0, "{}", sink.stderr());
    stage.shell("lat-collect sent.ndjson received.ndjson --out run").run().expect_code(0);

    let summary = stage.json("run/summary.json");
    let counts = |of: &str| (summary[of]["planned"].clone(), summary[of]["received"].clone());
    assert_eq!(counts("warm_up"), (1000.into(), 1000.into()));
    assert_eq!(counts("overall"), (1000.into(), 1000.into()));
    assert_eq!(summary["scenarios"]["default"]["planned"], 1000);
    assert_eq!(summary["overall"]["metrics"]["latency_us"]["count"], 1000);
    stage.expect_ledger(&[("planned", 2000), ("acked", 2000), ("received", 2000), ("lost", 0)]);

    let series = stage.text("run/series.csv");
    let warm = series.lines().skip(1).map(|row| row.split(',').nth(2).unwrap() == "true");
    assert_eq!(warm.take(4).collect::<Vec<_>>(), [true, true, false, false], "{series}");
    let check = stage.shell("slo-check run --threshold 'http_req_failed: rate<0.001'").run();
    // A busy machine may have kept no schedule; the note is there all the same.
    assert!([0, 3].contains(&check.code), "{check:?}");
    assert!(check.stdout.contains("1000 events of the warm-up are not judged"), "{}", check.stdout);
}
