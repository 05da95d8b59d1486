//! What goes in is what the directory says.

use std::fs;

use ce_record::{Outcome, Receipt, Record, Sample};

use crate::{
    Folder, end, json, kept_its_schedule, lat_collect, receipt, received, sample, sent, start,
    stream,
};

#[test]
fn every_event_is_counted_and_joined() {
    let folder = Folder::new();
    let (sent, received) =
        (folder.write("sent", sent(500)), folder.write("received", received(500)));
    let out = folder.path("run");
    let run = lat_collect().args([&sent, &received]).arg("--out").arg(&out).run();
    run.expect_code(0);
    let ledger = json(&out, "ledger.json");
    for (field, value) in [("sent", 500), ("acked", 500), ("received", 500), ("lost", 0)] {
        assert_eq!(ledger[field], value, "{field}: {ledger}");
    }
    let overall = &json(&out, "summary.json")["overall"];
    assert_eq!(overall["metrics"]["latency_us"]["p50"], 1010);
    // Received 7 ms after the sink's zero, which is 1 µs before that of the sender.
    assert_eq!(overall["metrics"]["e2e_us"]["max"], 6999.0);
    assert_eq!(overall["planned_per_s"], 100.0);
    assert!(run.stderr.contains("500 planned, 500 sent at 100.0/s: 500 ok"), "{}", run.stderr);
    assert!(run.stderr.contains("500 delivered, 0 lost, 0 duplicates"), "{}", run.stderr);
}

#[test]
fn a_connection_is_no_event_that_could_be_lost() {
    let folder = Folder::new();
    let samples = (0..60).map(|seq| {
        let mut record = sample(seq, seq * 10_000_000, 1_000_000, Outcome::Ok);
        if let Record::Sample(sample) = &mut record
            && seq >= 40
        {
            sample.connection = true;
        }
        record
    });
    let first = [start("ce-blast", 1_000, serde_json::json!({ "scenarios": {} }))];
    let all = first.into_iter().chain(samples).chain([end(60, Some(kept_its_schedule()))]);
    let (sent, received) =
        (folder.write("sent", stream(all)), folder.write("received", received(40)));
    let out = folder.path("run");
    lat_collect().args([&sent, &received]).arg("--out").arg(&out).run().expect_code(0);
    let ledger = json(&out, "ledger.json");
    for (field, value) in [("sent", 40), ("acked", 40), ("received", 40), ("lost", 0)] {
        assert_eq!(ledger[field], value, "{field}: {ledger}");
    }
    assert_eq!(json(&out, "summary.json")["overall"]["outcomes"]["ok"], 60);
}

#[test]
fn a_sink_that_receives_nothing_says_that_all_is_lost() {
    let folder = Folder::new();
    let (sent, received) = (folder.write("sent", sent(5)), folder.write("received", received(0)));
    let out = folder.path("run");
    lat_collect().args([&sent, &received]).arg("--out").arg(&out).run().expect_code(0);
    let ledger = json(&out, "ledger.json");
    assert_eq!((&ledger["has_receipts"], &ledger["lost"]), (&true.into(), &5.into()), "{ledger}");
}

#[test]
fn the_order_of_the_streams_does_not_matter() {
    let folder = Folder::new();
    let (sent, received) =
        (folder.write("sent", sent(300)), folder.write("received", received(299)));
    let mut ledgers = Vec::new();
    for (out, inputs) in [("ab", [&sent, &received]), ("ba", [&received, &sent])] {
        let out = folder.path(out);
        lat_collect().args(inputs).arg("--out").arg(&out).run().expect_code(0);
        ledgers.push(fs::read_to_string(out.join("ledger.json")).unwrap());
        assert_eq!(json(&out, "ledger.json")["lost"], 1);
        let missing = fs::read_to_string(out.join("missing.ndjson")).unwrap();
        assert_eq!(missing, "{\"due_s\":2.99,\"id\":\"299\",\"source\":\"s\"}\n");
    }
    assert_eq!(ledgers[0], ledgers[1]);
}

#[test]
fn the_series_adds_up_to_the_summary() {
    let folder = Folder::new();
    let out = folder.path("run");
    lat_collect().stdin(sent(750)).arg("--out").arg(&out).run().expect_code(0);
    let series = fs::read_to_string(out.join("series.csv")).unwrap();
    let rows: Vec<Vec<&str>> = series.lines().map(|line| line.split(',').collect()).collect();
    let column = rows[0].iter().position(|name| *name == "planned").unwrap();
    let planned: Vec<u64> = rows[1..].iter().map(|row| row[column].parse().unwrap()).collect();
    assert_eq!(planned, [100, 100, 100, 100, 100, 100, 100, 50]);
}

#[test]
fn checks_of_all_senders_add_up_and_a_success_that_failed_one_is_named() {
    let folder = Folder::new();
    let sender = |name: &str, passes: u64, fails: u64| {
        let count = format!(r#"{{"name":"status 202","passes":{passes},"fails":{fails}}}"#);
        let text = sent(3).replace(r#""cpu_ns""#, &format!(r#""checks":[{count}],"cpu_ns""#));
        let error = r#""outcome":"ok","code":200,"error":"check failed: status 202""#;
        folder.write(name, text.replacen(r#""outcome":"ok""#, error, 1))
    };
    let (one, two, out) = (sender("one", 2, 1), sender("two", 1, 2), folder.path("run"));
    let run = lat_collect().args([&one, &two]).arg("--out").arg(&out).run();
    run.expect_code(0);
    let overall = &json(&out, "summary.json")["overall"];
    let expected = serde_json::json!([{ "name": "status 202", "passes": 3, "fails": 3 }]);
    assert_eq!(overall["checks"], expected);
    assert_eq!(overall["outcomes"]["ok"], 6, "a check changes no outcome");
    assert!(run.stderr.contains("  check     status 202: 3 of 6 held\n"), "{}", run.stderr);
    let errors = fs::read_to_string(out.join("errors.csv")).unwrap();
    let row = errors.lines().nth(1).unwrap();
    assert!(row.starts_with("ok,200,check failed: status 202,2,"), "{errors}");
}

#[test]
fn the_connections_that_were_opened_have_figures_of_their_own() {
    let folder = Folder::new();
    let opened = r#","connect_ns":4000,"tls_ns":9000,"outcome""#;
    let sent = sent(10).replacen(r#","outcome""#, opened, 2).replacen("4000", "2000", 1);
    let out = folder.path("run");
    lat_collect().stdin(sent).arg("--out").arg(&out).run().expect_code(0);
    let metrics = &json(&out, "summary.json")["overall"]["metrics"];
    let figure = |metric: &str, of: &str| metrics[metric][of].as_f64();
    assert_eq!(
        (figure("connect_us", "count"), figure("connect_us", "p50")),
        (Some(2.0), Some(2.0))
    );
    assert_eq!((figure("connect_us", "max"), figure("tls_us", "mean")), (Some(4.0), Some(9.0)));
    assert_eq!(figure("service_us", "count"), Some(10.0), "it has them in it");
}

#[test]
fn fifos_are_read_side_by_side() {
    let folder = Folder::new();
    let (a, b) = (folder.path("a"), folder.path("b"));
    for fifo in [&a, &b] {
        let made = std::process::Command::new("mkfifo").arg(fifo).status().unwrap();
        assert!(made.success());
    }
    let out = folder.path("run");
    let mut collecting = lat_collect().args([&a, &b]).arg("--out").arg(&out).spawn();
    // Written in the other order than they were named: no stream waits for another.
    fs::write(&b, received(100)).unwrap();
    fs::write(&a, sent(100)).unwrap();
    assert_eq!(collecting.wait(), 0, "{}", collecting.stderr());
    assert_eq!(json(&out, "ledger.json")["delivered"], 100);
}

#[test]
fn help_shows_examples() {
    let run = lat_collect().arg("--help").run();
    run.expect_code(0);
    assert!(run.stdout.contains("Examples:") && run.stdout.contains("Exit codes:"));
}

#[test]
fn tags_and_phases_of_the_plan_have_figures_of_their_own() {
    let folder = Folder::new();
    let second = 1_000_000_000_u64;
    let plan = serde_json::json!({ "scenarios": { "default": {
        "tags": { "team": "blue", "kind": "build" },
        "warm_up_until_ns": second,
        "phase_bounds_ns": [0, 3 * second, 5 * second],
    } } });
    let samples = (0..6).map(|seq| sample(seq, seq * second, 1_000_000, Outcome::Ok));
    let first = [start("ce-blast", 1_000, plan)];
    let sent = stream(first.into_iter().chain(samples).chain([end(6, Some(kept_its_schedule()))]));
    let out = folder.path("run");
    lat_collect().stdin(sent).arg("--out").arg(&out).run().expect_code(0);

    let tags = json(&out, "summary.json")["tags"].clone();
    assert_eq!(tags.as_object().unwrap().len(), 2);
    // The warm-up is in no tag either.
    assert_eq!(
        (&tags["team=blue"]["planned"], &tags["kind=build"]["planned"]),
        (&5.into(), &5.into())
    );
    let series = fs::read_to_string(out.join("series.csv")).unwrap();
    let rows: Vec<Vec<&str>> = series.lines().map(|line| line.split(',').collect()).collect();
    let column = rows[0].iter().position(|name| *name == "phase").unwrap();
    let phases: Vec<&str> = rows[1..].iter().map(|row| row[column]).collect();
    assert_eq!(phases, ["warm-up", "1", "1", "2", "2", ""]);
}

#[test]
fn more_types_than_can_be_told_apart_are_counted_and_told() {
    let folder = Folder::new();
    let samples = (0..150).map(|seq| match sample(seq, seq * 1_000_000, 1_000_000, Outcome::Ok) {
        Record::Sample(sample) => {
            Record::Sample(Sample { event_type: format!("type {seq}").into(), ..sample })
        }
        other => other,
    });
    let first = [start("ce-blast", 1_000, serde_json::json!({ "scenarios": {} }))];
    let sent =
        stream(first.into_iter().chain(samples).chain([end(150, Some(kept_its_schedule()))]));
    let out = folder.path("run");
    let run = lat_collect().stdin(sent).arg("--out").arg(&out).run();
    run.expect_code(0);
    let types = json(&out, "summary.json")["types"].clone();
    assert_eq!(types.as_object().unwrap().len(), 101);
    assert_eq!(types["(others)"]["planned"], 50);
    let told = "50 events of types beyond the first 100 are one group, (others)";
    assert!(run.stderr.contains(told), "{}", run.stderr);
}

#[test]
fn what_arrives_out_of_order_dead_or_unasked_is_told_apart() {
    let folder = Folder::new();
    let receipt = |seq: u64, sequence: u64, dead: Option<&'static str>| match receipt(
        seq,
        seq * 10_000_000,
    ) {
        Record::Receipt(receipt) => Record::Receipt(Receipt {
            seq: Some(sequence),
            dead_lettered: dead.map(Into::into),
            ..receipt
        }),
        other => other,
    };
    let receipts = [
        receipt(1, 1, None),
        receipt(3, 3, None),
        receipt(2, 2, None),
        receipt(4, 4, Some("expired")),
        receipt(77, 5, None),
    ];
    let first = [start("ce-sink", 1_000, serde_json::Value::Null)];
    let received = stream(first.into_iter().chain(receipts).chain([end(5, None)]));
    let (sent, received) = (folder.write("sent", sent(5)), folder.write("received", received));
    let out = folder.path("run");
    let run = lat_collect().args([&sent, &received]).arg("--out").arg(&out).run();
    run.expect_code(0);
    let ledger = json(&out, "ledger.json");
    assert_eq!((&ledger["order_checked"], &ledger["out_of_order"]), (&4.into(), &1.into()));
    assert_eq!(ledger["dead_letter_reasons"], serde_json::json!({ "expired": 1 }));
    assert_eq!((&ledger["unexpected"], &ledger["lost"]), (&1.into(), &1.into()));
    assert_eq!(
        (&ledger["clocks"], &json(&out, "summary.json")["clocks"]),
        (&"same".into(), &"same".into())
    );
    assert!(run.stderr.contains("1 out of order, 1 dead-lettered (expired)"), "{}", run.stderr);
}
