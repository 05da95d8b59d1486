//! The report: it says what the run directory says, and needs nothing but itself.

use std::fs;
use std::path::Path;

use ce_record::run_dir::{self, RUN, Run};
use tempfile::TempDir;

use crate::fixture::{self, Event};
use crate::{report_plot, runs};

/// Writes the run and renders it.
fn rendered(name: &str, events: &[Event]) -> String {
    let dir = TempDir::new().unwrap();
    fixture::write(dir.path(), name, events);
    render(dir.path())
}

fn render(dir: &Path) -> String {
    let run = report_plot().arg(dir).args(["--out", "-"]).run();
    run.expect_code(0);
    check_page(&run.stdout);
    run.stdout
}

/// What holds for every report: it stands alone, and its elements are closed in order.
#[track_caller]
fn check_page(html: &str) {
    assert!(html.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"), "{}", &html[..100]);
    assert!(html.trim_end().ends_with("</html>"));
    for foreign in
        ["http://", "https://", "<script", "<link", "<img", "@import", "url(", "javascript:"]
    {
        assert!(!html.contains(foreign), "{foreign} in the page");
    }
    check_nesting(html);
}

/// Markup without comments, as both HTML and SVG of ours are.
#[track_caller]
pub(crate) fn check_nesting(markup: &str) {
    const VOID: [&str; 2] = ["meta", "br"];
    let mut open: Vec<&str> = Vec::new();
    for tag in markup.split('<').skip(1).filter(|tag| !tag.starts_with('!')) {
        let (tag, _) = tag.split_once('>').expect("a tag ends");
        let name = tag.split([' ', '/', '\n']).find(|part| !part.is_empty()).unwrap();
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closed in the wrong order");
        } else if !tag.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
}

#[test]
fn the_report_of_a_stall_tells_it_in_numbers_and_charts() {
    let html = rendered("spike-1", &runs::stalled());
    for fact in [
        "<b>10,000</b> planned",
        "<b>8</b> lost",
        "<b>97.32 %</b> success",
        "<h2>Valid run</h2>",
        "Not judged yet: slo-check DIR --format json &#62; DIR/verdict.json",
        "2026-05-01 12:00:00 UTC",
        "amqp://guest:***@127.0.0.1:5672/",
        "2.00 s at worst, at 0:30",
        "not ok up to 99/s at 0:32",
        "Not ok: 268 of 10,000 events (2.68 %)",
        "queue &#34;builds&#34; is full, &#60;b&#62;try again&#60;/b&#62;",
        "network.notifi.lambda.parser.start",
        "Accepted by the target, and never arrived.",
    ] {
        assert!(html.contains(fact), "{fact} is missing");
    }
    assert_eq!(html.matches("<svg").count(), 7);
    assert_eq!(html.matches("<desc").count(), 7);
}

#[test]
fn equal_runs_give_equal_bytes() {
    let twin = || rendered("twice", &runs::stalled());
    assert_eq!(twin(), twin(), "wherever they lie");
}

#[test]
fn names_cannot_become_markup() {
    let hostile = "\"><script>alert('1')</script>&amp;";
    let mut events = runs::steady(hostile, 3, 10);
    for event in &mut events {
        event.kind = hostile.into();
    }
    let html = rendered(hostile, &events);
    assert!(
        html.contains("&#34;&#62;&#60;script&#62;alert(&#39;1&#39;)&#60;/script&#62;&#38;amp;")
    );
}

#[test]
fn an_empty_run_has_a_report_that_says_so() {
    let html = rendered("empty", &[]);
    assert!(html.contains("<h2>No data</h2>"));
    assert!(html.contains("No data: no sample has a latency."));
    assert!(!html.contains("<svg"));
}

#[test]
fn a_run_of_one_event_and_one_of_one_second_are_drawn() {
    assert!(rendered("single", &runs::steady("a", 1, 1)).contains("<b>1</b> planned"));
    assert!(rendered("second", &runs::steady("a", 1, 50)).contains("<b>50</b> planned"));
}

#[test]
fn ten_thousand_seconds_fit_on_a_page() {
    let html = rendered("long", &runs::steady("soak", 10_000, 2));
    assert!(html.contains("hours:minutes:seconds since 2026-05-01 12:00:00 UTC"));
    assert!(html.len() < 1_000_000, "{} bytes", html.len());
}

#[test]
fn a_run_that_proves_nothing_is_announced_as_such() {
    let dir = TempDir::new().unwrap();
    fixture::write(dir.path(), "weak", &runs::steady("a", 2, 10));
    let mut run: Run = run_dir::read(dir.path(), RUN).unwrap();
    run.complete = false;
    run.incomplete_because = vec!["samples.ndjson was cut short".into()];
    save(dir.path(), &run);
    assert!(render(dir.path()).contains("<h2>Incomplete run</h2>"));
    run.generator.valid = false;
    run.generator.notes = vec!["only 90 of 100 events were sent".into()];
    save(dir.path(), &run);
    let html = render(dir.path());
    assert!(html.contains("<h2>Invalid run</h2>"));
    assert!(
        html.contains(
            "<li>only 90 of 100 events were sent</li><li>samples.ndjson was cut short</li>"
        )
    );
    fs::write(dir.path().join("verdict.json"), r#"{"verdict":"pass"}"#).unwrap();
    assert!(render(dir.path()).contains("<h2>PASS – Invalid run</h2>"));
}

fn save(dir: &Path, run: &Run) {
    fs::write(dir.join(RUN), serde_json::to_string(run).unwrap()).unwrap();
}

#[test]
fn a_verdict_is_shown_with_its_objectives() {
    let dir = TempDir::new().unwrap();
    fixture::write(dir.path(), "judged", &runs::stalled());
    let verdict = r#"{"verdict":"fail","reasons":["p99 is beyond its critical level"],"notes":["no baseline"],
        "objectives":[
          {"name":"tail","metric":"latency","aggregate":"p(99)","scenario":"spike","type":null,"op":"<",
           "target":500,"critical":1000,"value":1680.4,"unit":"ms","count":4000,"verdict":"fail","note":null},
          {"name":"jobs","metric":"jobs","op":">","target":50,"value":null,"unit":"events/s","verdict":"no_data"}]}"#;
    fs::write(dir.path().join("verdict.json"), verdict).unwrap();
    let html = render(dir.path());
    for fact in [
        "<h2>FAIL</h2>",
        "<li>p99 is beyond its critical level</li>",
        "<li>no baseline</li>",
        "p(99) latency of spike",
        ">1.6804 s<",
        ">&#60; 500 ms<",
        ">&#60; 1 s<",
        "class=\"invalid\">NO DATA<",
    ] {
        assert!(html.contains(fact), "{fact} is missing");
    }
    assert!(!html.contains("Not judged yet"));
}

#[test]
fn optional_files_may_be_missing_and_the_report_says_why_that_matters() {
    let dir = TempDir::new().unwrap();
    fixture::write(dir.path(), "bare", &runs::stalled());
    for file in ["ledger.json", "errors.csv", "latency.hlog"] {
        fs::remove_file(dir.path().join(file)).unwrap();
    }
    let html = render(dir.path());
    for sentence in [
        "No data: latency.hlog is missing.",
        "No table: errors.csv is missing from the run directory.",
        "No table: ledger.json is missing from the run directory.",
        "<b>unknown</b> lost",
    ] {
        assert!(html.contains(sentence), "{sentence}");
    }
}

#[test]
fn marks_and_warm_up_are_drawn() {
    let dir = TempDir::new().unwrap();
    fixture::write(dir.path(), "marked", &runs::steady("a", 20, 5));
    let marks = "at_s,what,name,labels\n12.5,pod_ready,builder-1,{}\n9,chaos_kill,builder-0,{}\n";
    fs::write(dir.path().join("marks.csv"), marks).unwrap();
    let series = dir.path().join("series.csv");
    let warm = fs::read_to_string(&series).unwrap().replacen("false", "true", 3);
    fs::write(&series, warm).unwrap();
    let html = render(dir.path());
    assert!(html.contains("<li>0:09 chaos kill builder-0</li><li>0:12 pod ready builder-1</li>"));
    assert!(html.contains("<dt>Warm-up</dt><dd>0:00 to 0:03</dd>"));
    assert!(html.contains(">warm-up</text>") || html.contains(">\nwarm-up</text>"));
}
