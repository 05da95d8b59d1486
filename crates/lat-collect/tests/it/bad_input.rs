//! Streams that are cut short, wrong or missing: what is whole is kept, and the exit code says so.

use crate::{Folder, json, lat_collect, sent};

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
