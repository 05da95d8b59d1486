//! Pools from files.

use std::collections::HashSet;
use std::path::PathBuf;

use ce_testkit::Run;
use tempfile::TempDir;

use crate::{ce_gen, events};

fn file(content: impl AsRef<[u8]>) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let path = dir.path().join("pool");
    std::fs::write(&path, content).expect("the folder is ours");
    (dir, path)
}

/// Runs with a pool that must be refused before the first event, in one line.
#[track_caller]
fn refused(content: impl AsRef<[u8]>) -> String {
    let (dir, _path) = file(content);
    let run = ce_gen().current_dir(dir.path()).args(["--pool", "pool", "--count", "1"]).run();
    check_refusal(&run).to_owned()
}

#[track_caller]
fn check_refusal(run: &Run) -> &str {
    run.expect_code(2);
    assert_eq!(run.stdout, "");
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    run.stderr.strip_prefix("ce-gen: ").expect("the tool says who it is")
}

#[test]
fn events_are_about_the_pairs_of_the_file() {
    let pairs = [("moon-1", "p~1"), ("moon_2", "p.2"), ("m3", "p3")];
    let csv = pairs.map(|(one, two)| format!("{one},{two}\n")).concat();
    let csv = format!("third_party_id,parser_id\n{csv}");
    let ndjson = pairs
        .map(|(one, two)| format!(r#"{{"third_party_id":"{one}","parser_id":"{two}"}}"#))
        .join("\n");
    let expected: HashSet<_> = pairs
        .iter()
        .map(|(one, two)| {
            (format!("network.notifi.parsers.{one}.{two}"), (*one).to_owned(), (*two).to_owned())
        })
        .collect();
    for content in [csv, ndjson] {
        let (_dir, path) = file(&content);
        let path = path.to_str().unwrap();
        let events = events(&["--pool", path, "--count", "200", "--kind", "build,delete"]);
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let found: HashSet<_> = events
            .iter()
            .map(|event| {
                let data = &event["data"];
                (text(&event["source"]), text(&data["third_party_id"]), text(&data["parser_id"]))
            })
            .collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn a_pool_can_come_through_a_pipe() {
    let pool = "third_party_id,parser_id\na,b\n";
    let run = ce_gen().args(["--pool", "-", "--count", "1"]).stdin(pool).run();
    assert!(run.expect_code(0).stdout.contains("network.notifi.parsers.a.b"));
}

#[test]
fn an_empty_pool_is_refused() {
    assert!(refused("").starts_with("pool: no rows; write CSV"));
    assert!(refused("third_party_id,parser_id\n").starts_with("pool: no rows; write CSV"));
}

#[test]
fn a_malformed_line_is_refused_with_its_number() {
    let says = refused("third_party_id,parser_id\na,b\nc\n");
    assert!(says.starts_with("pool:3: not a row: `parser_id` is missing; write CSV"), "{says}");
    let says = refused("third_party_id,parser_id\na,b\nc\"d,e f\n");
    assert!(says.starts_with(r#"pool:3: `third_party_id` is "c\"d", and"#), "{says}");
    let says = refused(b"third_party_id,parser_id\na,b\nc,\xff\n");
    assert!(says.starts_with("pool:3: not a row: not UTF-8; write CSV"), "{says}");
}

#[test]
fn a_truncated_last_line_is_refused_with_its_number() {
    let says = refused("{\"third_party_id\":\"a\",\"parser_id\":\"b\"}\n{\"third_party_id\":\"c");
    assert!(says.starts_with("pool:2: not a row: EOF while parsing a string at column"), "{says}");
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let says = refused("x".repeat((16 << 20) + 1));
    assert!(says.starts_with("pool: more than 100000 rows, or than 16 MiB; use a part"), "{says}");
}

#[test]
fn a_missing_file_is_refused() {
    let run = ce_gen().args(["--pool", "no/such/pool.csv", "--count", "1"]).run();
    assert!(check_refusal(&run).starts_with("no/such/pool.csv: cannot open: No such file"));
}
