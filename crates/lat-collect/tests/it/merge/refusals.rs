//! What does not belong together is refused with exit code 3, and what may be right all the same is
//! accepted by name.

use std::fs;
use std::path::PathBuf;

use ce_record::Outcome;
use serde_json::{Value, json};

use super::{collect, collected, few, merge, streams};
use crate::{Folder, json as read, lat_collect};

/// A run of two shards whose events all arrived.
fn two_shards(folder: &Folder) -> (Vec<[PathBuf; 2]>, Vec<PathBuf>) {
    let fates = few(&[("a", Outcome::Ok, Some(3), 0), ("b", Outcome::Ok, Some(3), 1)]);
    let streams = streams(folder, &fates, 2, 0, "s");
    let (dirs, _) = collected(folder, &streams, "s");
    (streams, dirs)
}

/// Is refused for this reason and leaves nothing behind, until it is accepted.
#[track_caller]
fn refused(folder: &Folder, dirs: &[PathBuf], why: &str, accept: Option<&str>) -> Option<Value> {
    let out = folder.path("out");
    let run = merge(dirs, &out, &[]);
    run.expect_code(3);
    assert!(run.stderr.contains(why), "{}", run.stderr);
    assert!(!out.exists() && !folder.path("out.partial").exists());
    let accept = accept?;
    assert!(run.stderr.contains(&format!("--accept {accept}")), "{}", run.stderr);
    let run = merge(dirs, &out, &["--accept", accept]);
    assert!(out.exists(), "{}", run.stderr);
    Some(read(&out, "run.json"))
}

#[test]
fn a_missing_shard_leaves_the_run_incomplete() {
    let folder = Folder::new();
    let (_, dirs) = two_shards(&folder);
    let why = "no directory has shard 1/2";
    let run = refused(&folder, &dirs[..1], why, Some("missing-shards")).unwrap();
    assert_eq!((&run["complete"], &run["incomplete_because"]), (&false.into(), &json!([why])));
}

#[test]
fn the_same_stream_twice_is_never_right() {
    let folder = Folder::new();
    let (streams, dirs) = two_shards(&folder);
    let again = folder.path("again");
    collect(&streams[0], &again);
    let dirs = [&dirs[..], &[again]].concat();
    refused(&folder, &dirs, "holds a stream of ce-blast that", None);
    let run = merge(&dirs, &folder.path("out"), &["--accept", "doubled-shards"]);
    run.expect_code(3);
}

/// The first shard with its `start` record changed, collected anew.
fn changed(folder: &Folder, stream: &[PathBuf; 2], from: &str, to: &str) -> PathBuf {
    let text = fs::read_to_string(&stream[0]).unwrap();
    assert!(text.contains(from), "{text}");
    let path = folder.write("changed.ndjson", text.replacen(from, to, 1));
    let dir = folder.path("changed");
    lat_collect().args([&path, &stream[1]]).arg("--out").arg(&dir).run();
    dir
}

#[test]
fn what_does_not_belong_together_is_refused_and_said_when_it_is_accepted() {
    for (from, to, why, accept) in [
        ("\"seed\":1", "\"seed\":2", "carried out different plans or seeds", "mixed-plans"),
        ("0/2", "1/2", "shard 1/2 is there twice, in ", "doubled-shards,missing-shards"),
        (
            "\"wall_start_ns\":1700000000",
            "\"wall_start_ns\":1700000900",
            "runs one after the other are --sequence",
            "disjoint-windows",
        ),
        (
            "\"wall_start_ns\":1700000000000",
            "\"wall_start_ns\":1700000000003",
            "give all shards the same --start-at",
            "unaligned-seconds",
        ),
    ] {
        let folder = Folder::new();
        let (streams, dirs) = two_shards(&folder);
        let changed = changed(&folder, &streams[0], from, to);
        let dirs = [changed, dirs[1].clone()];
        let out = folder.path("out");
        let run = merge(&dirs, &out, &[]);
        run.expect_code(3);
        assert!(run.stderr.contains(why), "{}", run.stderr);
        assert!(!out.exists(), "{why}");
        let run = merge(&dirs, &out, &["--accept", accept]);
        assert!(out.exists(), "{}", run.stderr);
        let said = read(&out, "run.json")["generator"]["notes"].to_string();
        assert!(said.contains("merged all the same: ") && said.contains(why), "{said}");
    }
}

#[test]
fn a_run_that_was_cut_short_stays_so() {
    let folder = Folder::new();
    let (streams, dirs) = two_shards(&folder);
    let changed = changed(&folder, &streams[0], "{\"kind\":\"end\"", "{\"kind\":\"over\"");
    let dirs = [changed, dirs[1].clone()];
    let why = "is not complete: ";
    let run = refused(&folder, &dirs, why, Some("cut-short")).unwrap();
    assert_eq!(run["complete"], false);
    assert!(run["incomplete_because"].to_string().contains("cut short, there is no end record"));
}

#[test]
fn receipts_of_nobody_may_be_duplicates_and_are_accepted_by_name() {
    let folder = Folder::new();
    let (streams, dirs) = two_shards(&folder);
    // The sink of shard 0 gets a second receipt of an event that shard 1 has settled.
    let text = fs::read_to_string(&streams[0][1]).unwrap();
    let other = fs::read_to_string(&streams[1][1]).unwrap();
    let line = other.lines().find(|line| line.contains("\"kind\":\"receipt\"")).unwrap();
    let (first, rest) = text.split_once('\n').unwrap();
    let text = format!("{first}\n{line}\n{rest}").replace("\"records\":7", "\"records\":8");
    fs::write(&streams[0][1], text).unwrap();
    let dir = folder.path("with-duplicate");
    collect(&streams[0], &dir);
    let dirs = [dir, dirs[1].clone()];
    let why = "1 events were received that no directory sent";
    refused(&folder, &dirs, why, Some("unknown-receipts")).unwrap();
    assert_eq!(read(&folder.path("out"), "ledger.json")["unexpected"], 1);
}

#[test]
fn a_directory_of_an_older_version_says_what_to_do() {
    let folder = Folder::new();
    let (_, dirs) = two_shards(&folder);
    fs::remove_file(dirs[0].join("totals.json")).unwrap();
    let run = merge(&dirs, &folder.path("out"), &[]);
    run.expect_code(2);
    assert!(
        run.stderr.contains("totals.json: is missing; an older version wrote"),
        "{}",
        run.stderr
    );
    assert_eq!(run.stderr.lines().count(), 1);
}

#[test]
fn a_torn_log_is_told_and_the_rest_is_merged() {
    let folder = Folder::new();
    let (_, dirs) = two_shards(&folder);
    let path = dirs[0].join("latency.hlog");
    let log = fs::read_to_string(&path).unwrap();
    fs::write(&path, &log[..log.len() - 9]).unwrap();
    let out = folder.path("out");
    let run = merge(&dirs, &out, &[]);
    run.expect_code(0);
    assert!(
        run.stderr.contains("the log ends within this line, which is left out"),
        "{}",
        run.stderr
    );
    assert_eq!(read(&out, "summary.json")["overall"]["planned"], 1);
}

/// A histogram of two digits, as another tool might write it.
const TWO_DIGITS: &str = "HISTFAAAACF4nJNpmSzMwMDAxAABMJoRRFybvITB/gNEgJcNAFozBJs=";

#[test]
fn histograms_with_other_buckets_are_refused_and_never_accepted() {
    let folder = Folder::new();
    let (_, dirs) = two_shards(&folder);
    let path = dirs[0].join("latency.hlog");
    let log = fs::read_to_string(&path).unwrap();
    let (before, payload) = log.trim_end().rsplit_once(',').unwrap();
    assert!(payload.starts_with("HISTFAAA"), "{payload}");
    fs::write(&path, format!("{before},{TWO_DIGITS}\n")).unwrap();
    let why =
        "it was made with another configuration (2 digits, 1 to 3600000000); ours is 3 digits";
    refused(&folder, &dirs, why, None);
    let place = format!("latency.hlog:{}: ", log.lines().count());
    let run = merge(&dirs, &folder.path("out"), &["--accept", "mixed-plans"]);
    assert!(run.expect_code(3).stderr.contains(&place), "{}", run.stderr);
}

#[test]
fn a_name_that_accepts_nothing_is_a_mistake() {
    let folder = Folder::new();
    let (_, dirs) = two_shards(&folder);
    let run = merge(&dirs, &folder.path("out"), &["--accept", "missing-shard"]);
    assert!(run.expect_code(2).stderr.contains("missing-shards"), "{}", run.stderr);
}

/// The text with the number at this place replaced; `None` where there is none.
fn with_number(text: &str, at: usize, number: &str) -> Option<String> {
    let is_digit = |letter: char| letter.is_ascii_digit();
    let rest = text[at..].trim_start_matches(is_digit);
    let is_first = text[at..].starts_with(is_digit) && !text[..at].ends_with(is_digit);
    is_first.then(|| text[..at].to_owned() + number + rest)
}

#[test]
fn a_number_that_nobody_writes_is_no_panic() {
    let folder = Folder::new();
    let (_, dirs) = two_shards(&folder);
    for file in ["totals.json", "ledger.json", "run.json", "series.csv", "watch.csv"] {
        let path = dirs[0].join(file);
        let text = fs::read_to_string(&path).unwrap();
        let (mut seen, mut tried) = (std::collections::BTreeSet::new(), 0);
        for (at, _) in text.char_indices() {
            // Of numbers that stand behind the same words one will do.
            let words = text[..at].rsplit(['\n', ',']).next().unwrap_or_default();
            let Some(changed) = with_number(&text, at, "9223372036854775807") else { continue };
            if !file.ends_with("csv") && !seen.insert(words.to_owned()) {
                continue;
            }
            tried += 1;
            fs::write(&path, changed).unwrap();
            let out = folder.path("out");
            let run = merge(&dirs, &out, &[]);
            assert!([0, 2, 3].contains(&run.code), "{file}, {words}: {} {}", run.code, run.stderr);
            if out.exists() {
                fs::remove_dir_all(&out).unwrap();
            }
        }
        assert!(tried > 3, "{file}: {tried} numbers");
        fs::write(&path, text).unwrap();
    }
}

#[test]
fn a_count_that_is_no_number_is_named_with_its_line() {
    let folder = Folder::new();
    let (_, dirs) = two_shards(&folder);
    let path = dirs[0].join("series.csv");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replacen(",1,", ",one,", 1)).unwrap();
    let run = merge(&dirs, &folder.path("out"), &[]);
    run.expect_code(2);
    assert!(
        run.stderr.contains("series.csv:2: `planned` is no number: collect its streams again"),
        "{}",
        run.stderr
    );
}
