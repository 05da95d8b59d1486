//! Streams that are cut short, wrong or missing: what is whole is kept, and the exit code says so.

use std::fs;
use std::path::Path;

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
