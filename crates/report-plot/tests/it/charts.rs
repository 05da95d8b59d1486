//! Charts as files.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use crate::report::check_nesting;
use crate::{fixture, report_plot, runs};

const ALL: [&str; 7] = ["e2e", "lag", "latency", "outcomes", "rate", "received", "spectrum"];

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn every_chart_is_an_svg_document_of_its_own() {
    let dir = TempDir::new().unwrap();
    let (run, out) = (dir.path().join("run"), dir.path().join("figures"));
    fixture::write(&run, "spike", &runs::stalled());
    let result = report_plot().arg("charts").arg(&run).arg("--out").arg(&out).run();
    result.expect_code(0);
    assert_eq!(result.stdout, "");
    assert_eq!(names(&out), ALL.map(|name| format!("{name}.svg")));
    for name in ALL {
        let svg = fs::read_to_string(out.join(format!("{name}.svg"))).unwrap();
        assert!(
            svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 2160 "),
            "{name}"
        );
        assert!(svg.contains("<title ") && svg.contains("<desc "), "{name}");
        check_nesting(&svg);
    }
}

#[test]
fn every_chart_is_a_png_file_with_the_same_bytes_each_time() {
    let dir = TempDir::new().unwrap();
    let run = dir.path().join("run");
    fixture::write(&run, "steady", &runs::steady("a", 20, 20));
    let draw = |out: &Path| {
        let tool = report_plot().arg("charts").arg(&run).arg("--out").arg(out);
        tool.args(["--format", "png"]).run().expect_code(0);
    };
    let (first, second) = (dir.path().join("a"), dir.path().join("b"));
    draw(&first);
    draw(&second);
    assert_eq!(names(&first), ["lag.png", "latency.png", "rate.png", "spectrum.png"]);
    for name in names(&first) {
        let png = fs::read(first.join(&name)).unwrap();
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "{name}");
        let length = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
        assert_eq!(length(16), 2160, "width of {name}");
        assert!((400..1000).contains(&length(20)), "height of {name}");
        assert!(png == fs::read(second.join(&name)).unwrap(), "{name} differs");
    }
}

#[test]
fn charts_without_data_are_left_out_with_a_reason() {
    let dir = TempDir::new().unwrap();
    let (run, out) = (dir.path().join("run"), dir.path().join("figures"));
    fixture::write(&run, "empty", &[]);
    let result = report_plot().arg("charts").arg(&run).arg("--out").arg(&out).run();
    result.expect_code(0);
    assert_eq!(names(&out), [""; 0]);
    assert_eq!(result.stderr.matches("No data: ").count(), 7, "{}", result.stderr);
}
