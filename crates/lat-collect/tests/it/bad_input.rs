//! Streams that are cut short, wrong or missing: what is whole is kept, and the exit code says so.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use ce_record::{CheckCount, End, Gauge, Mark, Outcome, OutcomeCounts, Record, Sample};

use crate::{
    Folder, end, json, kept_its_schedule, lat_collect, receipt, sample, sent, start, stream,
};

#[test]
fn a_stream_that_ends_within_a_line_is_kept_and_marked() {
    let folder = Folder::new();
    let out = folder.path("run");
    let whole = sent(100);
    let lines: Vec<&str> = whole.lines().collect();
    let torn = format!("{}\n{}", lines[..50].join("\n"), &lines[50][..40]);
    let run = lat_collect().stdin(torn).arg("--out").arg(&out).run();
    run.expect_code(3);
    assert!(
        run.stderr.contains("INCOMPLETE stdin:51: input ends in the middle of a record"),
        "{}",
        run.stderr
    );
    assert_eq!(json(&out, "summary.json")["overall"]["planned"], 49);
    assert_eq!(json(&out, "run.json")["complete"], false);
}

#[test]
fn a_stream_without_an_end_is_cut_short() {
    let folder = Folder::new();
    let out = folder.path("run");
    let whole = sent(100);
    let cut = &whole[..=whole.trim_end().rfind('\n').unwrap()];
    let run = lat_collect().stdin(cut).arg("--out").arg(&out).run();
    run.expect_code(3);
    assert!(run.stderr.contains("stdin: cut short, there is no end record"), "{}", run.stderr);
    assert_eq!(json(&out, "summary.json")["overall"]["planned"], 100);
}

#[test]
fn a_bad_line_is_named_and_what_came_before_is_kept() {
    let folder = Folder::new();
    let text = sent(100).replacen("\"seq\":60,", "\"seq\":sixty,", 1);
    let out = folder.path("run");
    let run = lat_collect().stdin(text.clone()).arg("--out").arg(&out).run();
    run.expect_code(2);
    assert!(run.stderr.contains("lat-collect: stdin:62: not a valid record"), "{}", run.stderr);
    assert_eq!(json(&out, "summary.json")["overall"]["planned"], 60);

    let skipped = folder.path("skipped");
    let run = lat_collect().stdin(text).arg("--skip-bad-lines").arg("--out").arg(&skipped).run();
    run.expect_code(3);
    assert!(run.stderr.contains("stdin: 1 lines were no records"), "{}", run.stderr);
    assert_eq!(json(&skipped, "summary.json")["overall"]["planned"], 99);
}

#[test]
fn two_streams_in_one_are_told() {
    let folder = Folder::new();
    let out = folder.path("run");
    let run = lat_collect().stdin(sent(3) + &sent(3)).arg("--out").arg(&out).run();
    run.expect_code(3);
    let says = "INCOMPLETE stdin: holds more than one stream: give each as a file of its own\n";
    assert!(run.stderr.contains(says), "{}", run.stderr);
    assert_eq!(json(&out, "run.json")["complete"], false);
}

#[test]
fn an_empty_input_leaves_nothing_behind() {
    let folder = Folder::new();
    let out = folder.path("run");
    let run = lat_collect().stdin("").arg("--out").arg(&out).run();
    run.expect_code(3);
    assert_eq!(run.stderr, "lat-collect: nothing to collect: stdin: is empty\n");
    assert!(!out.exists() && !folder.path("run.partial").exists());
}

#[test]
fn a_stream_of_another_version_is_refused() {
    let folder = Folder::new();
    let text = sent(1).replacen("\"format\":1", "\"format\":2", 1);
    let run = lat_collect().stdin(text).arg("--out").arg(folder.path("run")).run();
    run.expect_code(2);
    let says = "lat-collect: stdin:1: format 2 is unknown (this version reads format 1)\n";
    assert_eq!(run.stderr, says);
}

#[test]
fn a_missing_file_is_found_before_anything_is_written() {
    let folder = Folder::new();
    let missing = folder.path("nothing");
    let run = lat_collect().arg(&missing).arg("--out").arg(folder.path("run")).run();
    run.expect_code(2);
    assert!(run.stderr.contains("nothing: cannot open: No such file"), "{}", run.stderr);
    assert!(!folder.path("run.partial").exists());
}

#[test]
fn a_directory_that_exists_is_not_touched() {
    let folder = Folder::new();
    let run = lat_collect().stdin(sent(1)).arg("--out").arg(folder.0.path()).run();
    run.expect_code(2);
    assert!(run.stderr.contains("exists already: name another directory"), "{}", run.stderr);
}

#[test]
fn what_can_be_read_once_is_not_taken_twice() {
    let folder = Folder::new();
    let (out, samples) = (folder.path("run"), folder.write("sent.ndjson", sent(3)));
    let other_name = folder.path(".").join("sent.ndjson");
    let refused = |inputs: [&Path; 2], why: &str| {
        let run = lat_collect().stdin(sent(3)).args(inputs).arg("--out").arg(&out).run();
        run.expect_code(2);
        assert_eq!(
            run.stderr,
            format!("lat-collect: {why}: is given twice, and can be read once\n")
        );
        assert!(!out.exists() && !folder.path("run.partial").exists());
    };
    refused([Path::new("-"), Path::new("-")], "-");
    refused([Path::new("-"), Path::new("/dev/stdin")], "/dev/stdin");
    refused([&samples, &samples], &samples.display().to_string());
    refused([&samples, &other_name], &other_name.display().to_string());
}

#[test]
fn an_input_that_cannot_be_read_is_named() {
    let folder = Folder::new();
    let whole = folder.write("sent.ndjson", sent(10));
    for (input, why, is_kept) in [
        ("/proc/self/mem", "/proc/self/mem:1: cannot read: ", true),
        ("/nowhere/sent", "/nowhere/sent: cannot open: ", false),
        ("/tmp", "/tmp: is a directory", false),
    ] {
        let out = folder.path("run");
        let run = lat_collect().arg(&whole).arg(input).arg("--out").arg(&out).run();
        run.expect_code(2);
        let last = run.stderr.lines().last().unwrap_or_default();
        assert!(last.starts_with(&format!("lat-collect: {why}")), "{}", run.stderr);
        // What the other stream said is kept where there was something to keep.
        assert_eq!(out.exists(), is_kept, "{}", run.stderr);
        if is_kept {
            assert_eq!(json(&out, "summary.json")["overall"]["planned"], 10);
            assert_eq!(json(&out, "run.json")["complete"], false);
            fs::remove_dir_all(&out).unwrap();
        }
    }
}

#[test]
fn a_place_where_no_directory_can_be_is_named() {
    for (out, why) in [
        ("/dev/full", "/dev/full: exists already: name another directory, or remove it"),
        ("/dev/full/run", "/dev/full/run.partial: cannot create: Not a directory (os error 20)"),
        ("/proc/run", "/proc/run.partial: cannot create: No such file or directory (os error 2)"),
        ("/", "/: exists already: name another directory, or remove it"),
    ] {
        let run = lat_collect().stdin(sent(3)).args(["--out", out]).run();
        run.expect_code(2);
        assert_eq!(run.stderr, format!("lat-collect: {why}\n"));
    }
}

/// The keys that have a whole number.
fn numbered(text: &str) -> BTreeSet<String> {
    let before = text.match_indices(':').filter(|&(at, _)| text[at + 1..].starts_with(digit));
    before.filter_map(|(at, _)| Some(text[..at].rsplit('"').nth(1)?.to_owned())).collect()
}

fn digit(letter: char) -> bool {
    letter.is_ascii_digit()
}

/// The text with each number of this key replaced.
fn with(text: &str, key: &str, number: &str) -> String {
    let key = format!("\"{key}\":");
    let mut parts = text.split(&key);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, rest| {
        let old = rest.trim_start_matches(digit);
        text + &key + if old.len() < rest.len() { number } else { "" } + old
    })
}

/// A sender's and a sink's stream with every number that a record can have.
fn every_number() -> [String; 2] {
    let plan = serde_json::json!({ "scenarios": { "default": {
        "warm_up_until_ns": 5, "phase_bounds_ns": [3, 1_000_000_000],
    } } });
    let Record::Sample(opened) = sample(0, 0, 1_000_000, Outcome::Ok) else { panic!() };
    let again = Sample { superseded: true, code: Some(503), ..opened.clone() };
    let opened = Sample { connect_ns: Some(9), tls_ns: Some(9), attempt: 2, ..opened };
    let labels = || [("a".to_owned(), "1".to_owned())].into();
    let gauge = Gauge { at_ns: 1, name: "x_bytes".into(), labels: labels(), value: 1.0 };
    let mark = Mark { at_ns: 1, what: "pod_ready".into(), name: "p".into(), labels: labels() };
    let mut judged = kept_its_schedule();
    (judged.plan_events, judged.blocked_ns) = (Some(5), 1);
    let Record::End(last) = end(6, Some(judged)) else { panic!() };
    let mut outcomes = OutcomeCounts::default();
    outcomes[Outcome::Ok] = 3;
    let check = CheckCount { name: "status 202".into(), passes: 1, fails: 1 };
    let checks = vec![check.clone(), check];
    let last = End { retried: 1, checks, outcomes: Some(outcomes), ..*last };
    let sent = [
        start("ce-blast", 1_000, plan),
        Record::Sample(again),
        Record::Sample(opened),
        sample(1, 10_000_000, 1_000_000, Outcome::Ok),
        sample(2, 20_000_000, 1_000_000, Outcome::Rejected),
        Record::Gauge(gauge),
        Record::Mark(mark),
        Record::End(Box::new(last)),
    ];
    let receipts = (0..3).map(|seq| match receipt(seq, seq * 10_000_000) {
        Record::Receipt(receipt) => {
            Record::Receipt(ce_record::Receipt { seq: Some(seq), ..receipt })
        }
        other => other,
    });
    let first = [start("ce-sink", 1_000, serde_json::Value::Null)];
    [stream(sent), stream(first.into_iter().chain(receipts).chain([end(3, None)]))]
}

#[test]
fn a_number_that_nobody_means_is_no_panic() {
    let folder = Folder::new();
    let [sent, received] = every_number();
    let keys = numbered(&(sent.clone() + &received));
    assert!(keys.len() > 30, "{keys:?}");
    for number in ["0", "18446744073709551615", "9223372036854775807"] {
        for key in &keys {
            let inputs = [&sent, &received].map(|text| {
                let name = if text == &sent { "sent" } else { "received" };
                folder.write(name, with(text, key, number))
            });
            let out = folder.path("run");
            let run = lat_collect().args(&inputs).arg("--windows").arg("--out").arg(&out).run();
            assert!([0, 2, 3].contains(&run.code), "{key} {number}: {} {}", run.code, run.stderr);
            if out.exists() {
                fs::remove_dir_all(&out).unwrap();
            }
        }
    }
}
