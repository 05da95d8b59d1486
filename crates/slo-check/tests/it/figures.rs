//! Whether each figure is the right one, to the last digit.

use ce_record::CheckCount;
use serde_json::Value;

use crate::fixture::{BUILD, Fixture, good, stats};

fn objective(fixture: &Fixture, threshold: &str) -> Value {
    let run = fixture.check(&["--format", "json", "--threshold", threshold]);
    assert_eq!(run.stderr, "", "{threshold}");
    let mut json: Value = serde_json::from_str(&run.stdout).unwrap();
    json["objectives"].as_array_mut().unwrap().pop().unwrap()
}

fn value(fixture: &Fixture, threshold: &str) -> f64 {
    let found = objective(fixture, threshold);
    found["value"].as_f64().unwrap_or_else(|| panic!("{threshold}: {found}"))
}

#[test]
#[expect(clippy::float_cmp, reason = "the figures are exact")]
fn every_metric_has_its_figure() {
    let mut fixture = good();
    fixture.ledger.duplicates = 7;
    let count = |name: &str, passes, fails| CheckCount { name: name.into(), passes, fails };
    fixture.summary.overall.checks = vec![count("status 202", 90, 10), count("within 1s", 95, 5)];
    let check =
        |threshold: &str, expected| assert_eq!(value(&fixture, threshold), expected, "{threshold}");
    check("latency: avg<1", 500.5);
    check("latency: min<1", 1.0);
    check("latency: max<1", 1000.0);
    check("latency: med<1", 500.0);
    check("latency: p(95)<1", 950.0);
    check("latency: p(0)<1", 1.0);
    check("latency: p(100)<1", 1000.0);
    check("e2e: p(99)<1", 1980.0);
    check("failed: rate<1", 0.005);
    check("success: rate<1", 0.995);
    check("checks: rate<1", 0.925);
    check("planned: count<1", 1000.0);
    check("sent: count<1", 998.0);
    check("planned: rate<1", 100.0);
    check("sent: rate<1", 99.8);
    check("http_reqs: rate<1", 99.8);
    check("ok: count<1", 995.0);
    check("ok: rate<1", 99.5);
    check("received: count<1", 995.0);
    check("received: rate<1", 79.6);
    check("lost: count<1", 0.0);
    check("duplicates: count<1", 7.0);
    check("dropped: count<1", 2.0);
    check("unsent: count<1", 0.0);
    check(&format!("ok{{type:{BUILD}}}: rate<1"), 99.5);
}

#[test]
fn checks_that_were_never_made_are_no_data() {
    let found = objective(&good(), "checks: rate>0.9");
    assert_eq!((&found["verdict"], &found["value"]), (&"no_data".into(), &Value::Null));
    let note = found["note"].as_str().unwrap();
    assert!(note.contains("no answer was checked: give ce-blast an --expect-"), "{note}");
}

#[test]
#[expect(clippy::float_cmp, reason = "the figures are exact")]
fn other_percentiles_come_from_the_histograms() {
    let fixture = good();
    // The upper end of the bucket that holds the value, which is at most 0.1 % wide.
    assert_eq!(value(&fixture, "latency: p(0.1)<1"), 1.0);
    assert_eq!(value(&fixture, "latency: p(97.5)<1"), 975.359);
    assert_eq!(value(&fixture, "latency{scenario:baseline}: p(97.5)<1"), 975.359);
    // Never above the exact maximum.
    assert_eq!(value(&fixture, "latency: p(99.95)<1"), 1000.0);
}

#[test]
#[expect(clippy::float_cmp, reason = "the figures are exact")]
fn values_beyond_the_histogram_still_have_their_rank() {
    let mut fixture = good();
    let mut latency = stats(&fixture.latencies_us);
    latency.count = 1010;
    latency.overflow = 10;
    latency.max = 4e9;
    fixture.summary.overall.metrics.insert("latency_us".into(), latency);
    assert_eq!(value(&fixture, "latency: p(99.2)<1"), 4e6);
    assert!(value(&fixture, "latency: p(98.9)<1") < 1000.0);
}

/// A plan of exactly 100/s meets an objective of 100/s, although the last answer takes its time.
#[test]
fn waiting_for_the_last_answer_does_not_lower_the_rate_of_sending() {
    let mut fixture = good();
    fixture.summary.overall.sent_per_s = Some(100.0);
    fixture.summary.overall.elapsed_s = 10.000_001;
    assert_eq!(objective(&fixture, "sent: rate>=100")["verdict"], "pass");
}

#[test]
#[expect(clippy::float_cmp, reason = "the figures are exact")]
fn events_of_a_single_instant_have_no_rate_and_no_events_have_a_rate_of_zero() {
    let mut fixture = good();
    fixture.summary.overall.sent_per_s = None;
    let found = objective(&fixture, "sent: rate>100");
    assert_eq!(found["verdict"], "no_data");
    assert_eq!(found["note"], "no data: no rate of `sent`: it all happened at once");
    fixture.summary.overall.sent = 0;
    assert_eq!(value(&fixture, "sent: rate>100"), 0.0);
}

#[test]
fn a_log_that_does_not_hold_every_value_is_no_data() {
    let mut fixture = good();
    fixture.latencies_us.truncate(900);
    let found = objective(&fixture, "latency: p(97.5)<5000");
    assert_eq!(found["verdict"], "no_data");
    assert_eq!(found["value"], Value::Null);
    let note = "no data: latency.hlog holds 900 values, and summary.json counts 1000";
    assert_eq!(found["note"], note);
}

#[test]
fn few_values_pass_with_a_note() {
    let mut fixture = good();
    fixture.summary.overall.metrics.insert("latency_us".into(), stats(&[1000; 71]));
    let found = objective(&fixture, "latency: p(95)<5000");
    assert_eq!((&found["verdict"], &found["count"]), (&"pass".into(), &71.into()));
    assert_eq!(found["note"], "n=71 is too few to prove p95: it takes 72");
    fixture.summary.overall.metrics.insert("latency_us".into(), stats(&[1000; 72]));
    assert_eq!(objective(&fixture, "latency: p(95)<5000")["note"], Value::Null);
}
