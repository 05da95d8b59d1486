//! A run of some length: the account is exact to the event, and the memory is that of a short one.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use ce_testkit::MadeRecords;

use crate::{Folder, json, lat_collect};

const RUN: MadeRecords = MadeRecords { events: 5_000_000, lost: 137, duplicated: 61 };

/// The streams come through FIFOs, so nothing of this size is on the disk.
fn streams(folder: &Folder) -> [PathBuf; 2] {
    let writers: [fn(fs::File) -> std::io::Result<()>; 2] =
        [|to| RUN.samples(to), |to| RUN.receipts(to)];
    let mut writers = writers.into_iter();
    ["sent", "received"].map(|name| {
        let path = folder.path(name);
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let (write, fifo) = (writers.next().unwrap(), path.clone());
        thread::spawn(move || write(OpenOptions::new().write(true).open(fifo).unwrap()));
        path
    })
}

#[test]
fn five_million_events_are_accounted_for_to_the_event() {
    let folder = Folder::new();
    let out = folder.path("run");
    let mut collecting = lat_collect()
        .args(streams(&folder))
        .arg("--out")
        .arg(&out)
        .deadline(Duration::from_mins(10))
        .spawn();
    assert_eq!(collecting.wait(), 0, "{}", collecting.stderr());

    let ledger = json(&out, "ledger.json");
    let delivered = RUN.events - RUN.lost;
    for (field, count) in [
        ("planned", RUN.events),
        ("acked", RUN.events),
        ("received", delivered),
        ("delivered", delivered),
        ("lost", RUN.lost),
        ("duplicates", RUN.duplicated),
        ("redelivered", 0),
        ("unexpected", 0),
        ("unacked_arrived", 0),
        ("negative_e2e", 0),
    ] {
        assert_eq!(ledger[field], count, "{field}: {ledger}");
    }
    let missing = fs::read_to_string(out.join("missing.ndjson")).unwrap();
    assert_eq!(missing.lines().count() as u64, RUN.lost);
    let overall = &json(&out, "summary.json")["overall"];
    assert_eq!(overall["metrics"]["latency_us"]["count"], RUN.events);
    assert_eq!(overall["metrics"]["e2e_us"]["count"], delivered);
    let unsettled = fs::read_to_string(out.join("unsettled.ndjson")).unwrap();
    assert_eq!(unsettled.lines().count() as u64, RUN.lost);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 11, "no spill is left");
    let peak = json(&out, "run.json")["collector"]["peak_rss_bytes"].as_u64().unwrap();
    assert!(peak < 256 << 20, "{} MiB", peak >> 20);
}
