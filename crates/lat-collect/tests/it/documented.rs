//! docs/run-directory.md describes every key and every column that is written.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ce_record::{
    Calibration, CheckCount, End, Gauge, Held, Mark, Outcome, Receipt, Record, Sample, Start,
};
use serde_json::Value;

use crate::{
    Folder, end, json, kept_its_schedule, lat_collect, receipt, received, sample, start, stream,
};

/// Keys below which names are chosen by others, and those below which the outcomes stand.
const OPEN: [&str; 7] =
    ["scenarios", "types", "tags", "codes", "dead_letter_reasons", "outcomes", "arrived"];

/// A sender's stream with everything that a stream can have.
fn sent() -> String {
    let plan = serde_json::json!({ "scenarios": { "default": {
        "tags": { "team": "blue" }, "warm_up_until_ns": 5, "phase_bounds_ns": [0, 1_000_000_000],
    } } });
    let Record::Start(first) = start("ce-blast", 1_000, plan) else { panic!() };
    let calibration = Calibration { sleep_late_p50_ns: 1, sleep_late_p99_ns: 1, ceiling_per_s: 1 };
    let first = Record::Start(Box::new(Start {
        shard: Some("0/1".into()),
        seed: Some(7),
        calibration: Some(calibration),
        ..*first
    }));
    let mut judged = kept_its_schedule();
    (judged.plan_events, judged.limited_by) = (Some(5), Some(ce_record::Limit::Input));
    let labels = || [("a".to_owned(), "1".to_owned())].into();
    let gauge = Gauge { at_ns: 1, name: "x_bytes".into(), labels: labels(), value: 1.0 };
    let mark = Mark { at_ns: 1, what: "pod_ready".into(), name: "p".into(), labels: labels() };
    let Record::Sample(failed) = sample(3, 30_000_000, 1_000_000, Outcome::Timeout) else {
        panic!()
    };
    let Record::Sample(opened) = sample(0, 0, 1_000_000, Outcome::Ok) else { panic!() };
    (judged.blocked_ns, judged.own_limits, judged.overslept) = (1, 1, 1);
    let Record::End(last) = end(7, Some(judged)) else { panic!() };
    let check = CheckCount { name: "status 202".into(), passes: 1, fails: 0 };
    let (retried, checks, connections) = (1, vec![check], vec![Held::default()]);
    let last = Record::End(Box::new(End { retried, checks, connections, ..*last }));
    let records = [
        first,
        Record::Sample(Sample { connect_ns: Some(9), tls_ns: Some(9), ..opened }),
        sample(1, 10_000_000, 1_000_000, Outcome::Ok),
        sample(2, 20_000_000, 1_000_000, Outcome::Rejected),
        Record::Sample(Sample { error: Some("slow".into()), ..failed }),
        sample(77, 40_000_000, 1_000_000, Outcome::Ok),
        Record::Gauge(gauge),
        Record::Mark(mark),
        last,
    ];
    stream(records)
}

/// The keys of an object and of all that is in it.
fn keys(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| keys(item, found)),
        Value::Object(members) => {
            for (name, value) in members {
                found.insert(name.clone());
                match value {
                    // Documented where plans are.
                    _ if name == "plan" => {}
                    Value::Object(open) if OPEN.contains(&name.as_str()) => {
                        open.values().for_each(|value| keys(value, found));
                    }
                    value => keys(value, found),
                }
            }
        }
        _ => {}
    }
}

/// What stands in backticks in the section about a file.
fn described(page: &str, file: &str) -> BTreeSet<String> {
    let section = page.split("\n## ").find(|section| section.starts_with(file));
    let section = section.unwrap_or_else(|| panic!("no section about {file}"));
    section.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_key_and_column_is_described() {
    let folder = Folder::new();
    let late = |seq| match receipt(seq, 1) {
        Record::Receipt(receipt) => Record::Receipt(Receipt {
            dead_lettered: (seq == 1).then(|| "expired".into()),
            ..receipt
        }),
        other => other,
    };
    let receipts =
        stream([start("ce-sink", 0, Value::Null), late(0), late(1), late(2), end(3, None)]);
    assert_ne!(receipts, received(3));
    let (sent, receipts) = (folder.write("sent", sent()), folder.write("received", receipts));
    let out = folder.path("run");
    lat_collect().args([&sent, &receipts]).arg("--out").arg(&out).run().expect_code(0);

    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/run-directory.md");
    let page = fs::read_to_string(page).unwrap();
    let mut missing = Vec::new();
    let mut check = |file: &str, found: BTreeSet<String>| {
        let described = described(&page, file);
        let gaps = found.into_iter().filter(|name| !described.contains(name));
        missing.extend(gaps.map(|name| format!("{file}: {name}")));
    };
    for file in ["run.json", "summary.json", "ledger.json"] {
        let mut found = BTreeSet::new();
        keys(&json(&out, file), &mut found);
        assert!(found.len() > 5, "{file}: {found:?}");
        check(file, found);
    }
    check("summary.json", Outcome::ALL.map(|outcome| outcome.as_str().to_owned()).into());
    let lost = fs::read_to_string(out.join("missing.ndjson")).unwrap();
    let mut found = BTreeSet::new();
    keys(&serde_json::from_str(&lost).unwrap(), &mut found);
    check("missing.ndjson", found);
    for file in ["series.csv", "errors.csv", "watch.csv", "marks.csv"] {
        let text = fs::read_to_string(out.join(file)).unwrap();
        assert!(text.lines().count() > 1, "{file} has no row");
        check(file, text.lines().next().unwrap().split(',').map(str::to_owned).collect());
    }
    assert!(missing.is_empty(), "not in docs/run-directory.md: {missing:#?}");
    for entry in fs::read_dir(&out).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(page.contains(&format!("\n## {name}\n")), "{name} is not described");
    }
}
