//! Where things go wrong: files that are missing or damaged, and places that cannot be written.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::{fixture, report_plot, runs};

/// A small run, and the directory that holds it.
fn small_run() -> TempDir {
    let dir = TempDir::new().unwrap();
    fixture::write(dir.path(), "small", &runs::steady("a", 3, 10));
    dir
}

/// The one line that a failure says, without the name of the directory.
#[track_caller]
fn refusal(dir: &Path) -> String {
    let run = report_plot().arg(dir).args(["--out", "-"]).run();
    run.expect_code(2);
    assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{}", run.stderr);
    run.stderr.replace(&format!("{}/", dir.display()), "")
}

#[test]
fn the_help_has_examples() {
    let run = report_plot().arg("--help").run();
    run.expect_code(0);
    assert!(run.stdout.contains("Examples:\n  report-plot results/spike --out spike.html"));
}

#[test]
fn a_missing_file_that_is_needed_is_named_with_a_remedy() {
    for file in ["run.json", "summary.json", "series.csv"] {
        let dir = small_run();
        fs::remove_file(dir.path().join(file)).unwrap();
        let refusal = refusal(dir.path());
        assert!(refusal.starts_with(&format!("report-plot: {file}: cannot read: ")), "{refusal}");
        assert!(
            refusal.ends_with("run directories are made by `lat-collect --out DIR`\n"),
            "{refusal}"
        );
    }
}

#[test]
fn an_empty_file_is_not_a_series() {
    let dir = small_run();
    fs::write(dir.path().join("series.csv"), "").unwrap();
    let refusal = refusal(dir.path());
    assert!(refusal.contains("series.csv:1: column `second` is missing"), "{refusal}");
}

#[test]
fn a_number_below_zero_is_not_of_a_series() {
    for (column, name) in [(4, "planned"), (18, "latency_p50_us")] {
        let dir = small_run();
        let series = dir.path().join("series.csv");
        let text = fs::read_to_string(&series).unwrap();
        let row = text.lines().nth(1).unwrap();
        let mut fields: Vec<&str> = row.split(',').collect();
        fields[column] = "-9223372036854775808";
        fs::write(&series, text.replace(row, &fields.join(","))).unwrap();
        let refusal = refusal(dir.path());
        let says = format!("series.csv: a row has a `{name}` below zero; collect the run again\n");
        assert_eq!(refusal, format!("report-plot: {says}"));
    }
}

#[test]
fn a_last_row_that_was_cut_short_is_left_out_and_said() {
    let dir = small_run();
    let series = dir.path().join("series.csv");
    let text = fs::read_to_string(&series).unwrap();
    fs::write(&series, &text[..text.len() - 5]).unwrap();
    let run = report_plot().arg(dir.path()).args(["--out", "-"]).run();
    run.expect_code(0);
    let note = "series.csv ends in the middle of a line; that line is left out.";
    assert!(run.stderr.contains(note), "{}", run.stderr);
    assert!(run.stdout.contains(&format!("<li>{note}</li>")));
}

#[test]
fn a_malformed_row_is_named() {
    let dir = small_run();
    let series = dir.path().join("series.csv");
    let text = fs::read_to_string(&series).unwrap();
    fs::write(&series, text.replacen("\n1,", "\n1,2,", 1)).unwrap();
    let fields = refusal(dir.path());
    assert!(
        fields.starts_with("report-plot: series.csv:3: 35 fields, and the header has 34"),
        "{fields}"
    );
    fs::write(&series, text.replacen(",10,", ",ten,", 1)).unwrap();
    let value = refusal(dir.path());
    assert!(value.contains("series.csv: not what this version of lat-collect writes: "), "{value}");
    assert!(value.contains("`ten`"), "{value}");
    fs::write(&series, text.replacen(",10,", ",,", 1)).unwrap();
    let empty = refusal(dir.path());
    assert!(empty.contains("series.csv: a row has no `planned`"), "{empty}");
}

#[test]
fn damaged_optional_files_are_errors_and_not_gaps() {
    for (file, text) in [
        ("ledger.json", "{"),
        ("verdict.json", "[]"),
        ("errors.csv", "a,b\n"),
        (
            "errors.csv",
            "outcome,code,message,count,first_s,last_s,sample_id\nrejected,503,,,0.1,0.2,a\n",
        ),
        ("marks.csv", "at_s,what\n"),
        ("latency.hlog", "nonsense\n"),
    ] {
        let dir = small_run();
        fs::write(dir.path().join(file), text).unwrap();
        let refusal = refusal(dir.path());
        assert!(refusal.starts_with(&format!("report-plot: {file}")), "{refusal}");
    }
}

#[test]
fn the_report_appears_whole_under_its_name() {
    let dir = small_run();
    let out = TempDir::new().unwrap();
    let path = out.path().join("report.html");
    let run = report_plot().arg(dir.path()).arg("--out").arg(&path).run();
    run.expect_code(0);
    assert_eq!(run.stderr, format!("report-plot: wrote {}\n", path.display()));
    assert_eq!(run.stdout, "");
    assert!(fs::read_to_string(&path).unwrap().ends_with("</html>\n"));
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 1);
}

#[test]
fn a_report_cannot_be_put_where_there_is_no_directory() {
    let dir = small_run();
    let path = dir.path().join("nowhere/report.html");
    let run = report_plot().arg(dir.path()).arg("--out").arg(&path).run();
    run.expect_code(2);
    let folder = dir.path().join("nowhere");
    let reason = format!("there is no directory `{}`; make it first", folder.display());
    assert_eq!(run.stderr, format!("report-plot: {}: {reason}\n", path.display()));
}

#[test]
fn flags_can_come_from_the_environment() {
    let dir = small_run();
    let path = dir.path().join("r.html");
    report_plot().arg(dir.path()).env("CE_OUT", &path).run().expect_code(0);
    assert!(path.exists());
}

#[test]
fn a_reader_that_leaves_early_is_not_an_error() {
    let dir = small_run();
    let run = report_plot().arg(dir.path()).args(["--out", "-"]).close_stdout().run();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn a_full_disk_is_one_line_and_not_a_success() {
    let dir = small_run();
    let run = report_plot().arg(dir.path()).args(["--out", "-"]).stdout_file("/dev/full").run();
    run.expect_code(2);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
}
