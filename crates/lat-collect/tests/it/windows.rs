//! `--windows`: each event enters one window, and all windows together are the summary.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use ce_record::{Outcome, Record, RecordReader, Sample, Stop, Window};
use serde_json::{Value, json};

use crate::{
    Folder, end, json as read, kept_its_schedule, lat_collect, receipt, received, sample, sent,
    start, stream,
};

/// What stands on stdout: the windows, and how many records its end speaks of.
fn windows(stdout: &str) -> (Vec<Window>, u64) {
    let mut reader = RecordReader::new(stdout.as_bytes(), "stdout");
    let first = reader.start().unwrap().unwrap();
    assert_eq!((first.tool.as_str(), &first.plan), ("lat-collect", &Value::Null));
    let mut windows = Vec::new();
    loop {
        match reader.next_record().unwrap().unwrap() {
            Record::Window(window) => windows.push(*window),
            Record::End(end) => {
                assert_eq!((end.stopped, end.dropped_records), (Stop::Done, 0));
                assert!(reader.next_record().unwrap().is_none());
                return (windows, end.records);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The sum of a count over windows.
fn sum(windows: &[Window], warm_up: bool, count: impl Fn(&Window) -> u64) -> u64 {
    windows.iter().filter(|window| window.warm_up == warm_up).map(count).sum()
}

#[test]
fn every_event_enters_the_window_that_it_ended_in_and_all_windows_are_the_summary() {
    let folder = Folder::new();
    let plan = json!({ "scenarios": {
        "default": { "warm_up_until_ns": 1_000_000_000 }, "idle": {},
    } });
    // Due every 100 ms; each third is slow, and each seventh is tried twice.
    let (mut records, mut naive) = (Vec::new(), BTreeMap::<i64, u64>::new());
    for seq in 0..60_u64 {
        let due_ns = seq * 100_000_000;
        let service_ns = if seq % 3 == 0 { 2_500_000_000 } else { 1_000_000 };
        let outcome = if seq % 10 == 9 { Outcome::Rejected } else { Outcome::Ok };
        let Record::Sample(last) = sample(seq, due_ns, service_ns, outcome) else { panic!() };
        let attempt = if seq % 7 == 0 { 2 } else { 1 };
        if attempt == 2 {
            records.push(Record::Sample(Sample { superseded: true, ..last.clone() }));
        }
        let end_ns = i64::try_from(due_ns + last.latency_ns()).unwrap();
        *naive.entry(end_ns / 1_000_000_000).or_default() += 1;
        records.push(Record::Sample(Sample { attempt, ..last }));
    }
    let count = records.len() as u64;
    let first = [start("ce-blast", 1_000, plan)];
    let records = first.into_iter().chain(records);
    let text = stream(records.chain([end(count, Some(kept_its_schedule()))]));
    let receipts = (0..50).map(|seq| receipt(seq, seq * 100_000_000 + 3_000_000_000));
    let first = [start("ce-sink", 0, Value::Null)];
    let receipts = stream(first.into_iter().chain(receipts).chain([end(50, None)]));
    let (samples, receipts) = (folder.write("sent", text), folder.write("received", receipts));
    let out = folder.path("run");
    let run =
        lat_collect().args([&samples, &receipts]).arg("--windows").arg("--out").arg(&out).run();
    let (windows, told) = windows(&run.expect_code(0).stdout);
    assert_eq!(told, windows.len() as u64);

    let summary = read(&out, "summary.json");
    for (block, warm_up) in [("overall", false), ("warm_up", true)] {
        let block = &summary[block];
        assert_eq!(block["planned"], sum(&windows, warm_up, |it| it.planned));
        assert_eq!(block["received"], sum(&windows, warm_up, |it| it.received));
        assert_eq!(block["retried"], sum(&windows, warm_up, |it| it.retried));
        for (outcome, count) in block["outcomes"].as_object().unwrap() {
            let outcome = Outcome::ALL.into_iter().find(|it| it.as_str() == outcome).unwrap();
            assert_eq!(*count, sum(&windows, warm_up, |it| it.outcomes[outcome]));
        }
        for metric in ["latency_us", "service_us", "lag_us", "e2e_us"] {
            let values = |it: &Window| it.metrics.get(metric).map_or(0, |stats| stats.count);
            assert_eq!(block["metrics"][metric]["count"], sum(&windows, warm_up, values));
            let largest = windows.iter().filter(|it| it.warm_up == warm_up);
            let largest = largest.filter_map(|it| it.metrics.get(metric)).map(|it| it.max);
            let largest = largest.fold(0.0, f64::max);
            assert_eq!(block["metrics"][metric]["max"], largest, "{metric}");
        }
    }
    let ended = |second: i64| {
        let of_second = windows.iter().filter(|it| it.at_ns == second * 1_000_000_000);
        of_second.map(|it| it.planned).sum::<u64>()
    };
    for second in 0..9 {
        assert_eq!(ended(second), naive.get(&second).copied().unwrap_or(0), "second {second}");
    }
    // Each second has a window of each scenario, and they come in the order of time.
    let idle: Vec<i64> =
        windows.iter().filter(|it| it.scenario == "idle").map(|it| it.at_ns).collect();
    assert_eq!(idle, (0..9).map(|second| second * 1_000_000_000).collect::<Vec<_>>());
    assert!(windows.is_sorted_by_key(|it| it.at_ns));
}

#[test]
fn a_window_is_written_while_the_run_goes_on() {
    let folder = Folder::new();
    let fifo = folder.path("sent");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let stdout = folder.path("windows");
    let mut collecting = lat_collect()
        .arg(&fifo)
        .arg("--windows")
        .arg("--out")
        .arg(folder.path("run"))
        .stdout_file(&stdout)
        .spawn();
    let mut pipe = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    let text = sent(600);
    // In the middle of a line: what came before it does not wait for the rest.
    let (first, rest) = text.split_at(text.len() * 9 / 10);
    std::io::Write::write_all(&mut pipe, first.as_bytes()).unwrap();
    collecting.wait_until("two windows", || {
        fs::read_to_string(&stdout).unwrap().matches("\"kind\":\"window\"").count() >= 2
    });
    std::io::Write::write_all(&mut pipe, rest.as_bytes()).unwrap();
    drop(pipe);
    assert_eq!(collecting.wait(), 0);
    assert_eq!(windows(&fs::read_to_string(&stdout).unwrap()).0.len(), 6);
}

/// An earlier stream with a plan would be zero of the run's clock, so those that nothing was heard of
/// are waited for; but not for ever.
#[test]
fn a_stream_that_nobody_writes_yet_does_not_hold_up_the_others() {
    let folder = Folder::new();
    let fifos = ["sent", "received"].map(|name| {
        let fifo = folder.path(name);
        assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        fifo
    });
    let (stdout, out) = (folder.path("windows"), folder.path("run"));
    let mut collecting = lat_collect()
        .args(&fifos)
        .arg("--windows")
        .arg("--out")
        .arg(&out)
        .stdout_file(&stdout)
        .spawn();
    fs::write(&fifos[0], sent(600)).unwrap();
    collecting.wait_until("two windows", || {
        fs::read_to_string(&stdout).unwrap().matches("\"kind\":\"window\"").count() >= 2
    });
    fs::write(&fifos[1], received(600)).unwrap();
    assert_eq!(collecting.wait(), 0, "{}", collecting.stderr());
    assert_eq!(read(&out, "ledger.json")["delivered"], 600);
    let (windows, _) = windows(&fs::read_to_string(&stdout).unwrap());
    assert_eq!(sum(&windows, false, |it| it.received), 600);
}

#[test]
fn a_reader_that_leaves_costs_no_more_than_its_windows() {
    let folder = Folder::new();
    let out = folder.path("run");
    let run =
        lat_collect().stdin(sent(900)).arg("--windows").arg("--out").arg(&out).close_stdout().run();
    run.expect_code(0);
    assert_eq!(read(&out, "summary.json")["overall"]["planned"], 900);
}

#[test]
fn a_full_disk_is_told_and_the_directory_is_whole() {
    let folder = Folder::new();
    let (samples, receipts) =
        (folder.write("sent", sent(900)), folder.write("received", received(900)));
    let out = folder.path("run");
    let run = lat_collect()
        .args([&samples, &receipts])
        .arg("--windows")
        .arg("--out")
        .arg(&out)
        .stdout_file("/dev/full")
        .run();
    run.expect_code(2);
    assert!(run.stderr.contains("lat-collect: cannot write to stdout"), "{}", run.stderr);
    assert_eq!(read(&out, "ledger.json")["delivered"], 900);
}
