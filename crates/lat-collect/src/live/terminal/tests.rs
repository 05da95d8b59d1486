//! What a person sees at every width.

use std::collections::BTreeMap;

use ce_record::run_dir::Stats;

use super::*;
use crate::live::alerts::Alert;
use crate::live::objective::Judged;
use crate::live::snapshot::{ErrorRow, LedgerNow};

fn snapshot() -> Snapshot {
    let percentiles = PERCENTILES.map(|(name, ..)| (name.to_owned(), 12_345));
    let stats = Stats {
        count: 9,
        min: 1.0,
        mean: 2.0,
        max: 98_765.4,
        percentiles: percentiles.into_iter().collect(),
        overflow: 0,
    };
    let mut overall = Block { planned: 10_000, sent: 9_990, received: 9_000, ..Block::default() };
    overall.outcomes[Outcome::Ok] = 9_980;
    overall.outcomes[Outcome::Timeout] = 10;
    overall.success_ratio = Some(0.998);
    overall.metrics.insert("latency_us".into(), stats.clone());
    overall.metrics.insert("lag_us".into(), stats);
    let point = |second: u64| Point {
        second: i64::try_from(second).unwrap(),
        planned: 100,
        sent: 100 + second % 7,
        ok: 99,
        latency_us: [Some(1000), Some(2000), Some(3000 + second * 100)],
        ..Point::default()
    };
    Snapshot {
        run: "spike".into(),
        done: false,
        elapsed_s: 83.0,
        overall,
        scenarios: BTreeMap::new(),
        ledger: LedgerNow {
            receipts: 9_001,
            received: 9_000,
            awaited: 980,
            further: 1,
            account: None,
        },
        in_flight_at_least: 7,
        errors: vec![ErrorRow {
            outcome: Outcome::Timeout,
            code: None,
            message: "no answer\x1b[2J within 1 s".into(),
            count: 10,
        }],
        generator: ce_record::run_dir::Generator {
            valid: true,
            notes: Vec::new(),
            sent_ratio: Some(1.0),
            lag_p99_us: Some(99),
            open_loop: true,
        },
        incomplete_because: Vec::new(),
        alerts: vec![Alert {
            name: "high latency",
            rule: "",
            firing: true,
            known: true,
            value: "12.00 s".into(),
            since_s: Some(4.0),
        }],
        objectives: vec![objective()],
        marks: Vec::new(),
        gauges: BTreeMap::new(),
        points: (0..83).map(point).collect(),
        watch: Vec::new(),
        figures: Vec::new(),
    }
}

fn drawn(width: usize) -> Vec<String> {
    render(&snapshot(), Style { width, colour: false })
}

fn objective() -> Judged {
    Judged {
        name: "success".into(),
        standing: Standing::Warn,
        measured: "97 %".into(),
        wanted: "> 99 %".into(),
    }
}

#[test]
fn the_view_fits_into_24_rows_of_80_columns_and_says_it_all() {
    let lines = drawn(79);
    assert!(lines.len() < 24, "{}", lines.len());
    let text = lines.join("\n");
    for expected in [
        " spike  running  01:23  success 99.80 %",
        "    planned      sent     acked  received in flight",
        " per s         100.0     103.0      99.0       0.0",
        " in all        10000      9990      9980      9000       ≥ 7",
        " latency     12.3 ms   12.3 ms   12.3 ms   12.3 ms   98.7 ms",
        " service           –",
        " lag         12.3 ms",
        " outcomes  9980 ok  10 timeout",
        " errors    timeout × 10  no answer [2J within 1 s",
        " ledger    9000 received, 980 acked and awaited, 1 receipts repeated or early",
        " generator keeps the schedule, lag p99 99 µs",
        " alerts    high latency (12.00 s)",
        " slo       warning  success 97 % (> 99 %)",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }
    assert!(text.contains('█') && text.contains("104/s"), "{text}");
}

#[test]
fn no_line_is_longer_than_the_terminal_is_wide() {
    for width in 1..200 {
        for line in drawn(width) {
            assert!(line.chars().count() <= width, "{width}: {line:?}");
        }
    }
}

#[test]
fn figures_are_whole_or_absent() {
    for width in 1..80 {
        let lines = drawn(width);
        let row = lines.iter().find(|line| line.starts_with(" latency")).map_or("", |line| line);
        let rest = row.trim_start_matches(" latency").replace("12.3 ms", "").replace("98.7 ms", "");
        assert_eq!(rest.trim(), "", "{width}: {row:?}");
    }
}

#[test]
fn colours_change_nothing_but_the_colour() {
    let plain = drawn(100);
    let coloured = render(&snapshot(), Style { width: 100, colour: true });
    assert!(
        coloured.join("").contains("\x1b[1;31mhigh latency")
            || coloured.join("").contains("\x1b[1;31m high latency")
    );
    for (plain, coloured) in plain.iter().zip(&coloured) {
        let mut text = String::new();
        let mut rest = coloured.as_str();
        while let Some((before, after)) = rest.split_once("\x1b[") {
            text.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        text.push_str(rest);
        assert_eq!(text.trim_end(), plain);
    }
}

#[test]
fn a_run_without_a_single_record_can_be_drawn() {
    let empty = Snapshot {
        overall: Block::default(),
        ledger: LedgerNow::default(),
        points: Vec::new(),
        errors: Vec::new(),
        alerts: Vec::new(),
        objectives: Vec::new(),
        ..snapshot()
    };
    let text = render(&empty, Style { width: 79, colour: false }).join("\n");
    for expected in ["waiting for samples", "no receipts: delivery is not known", "alerts    none"]
    {
        assert!(text.contains(expected), "{expected:?} is not in\n{text}");
    }
    assert!(plain(&empty).starts_with("01:23: 0 planned"));
}

#[test]
fn a_log_has_one_line_with_what_matters() {
    assert_eq!(
        plain(&snapshot()),
        "01:23: 10000 planned, 9990 sent, 9980 ok, 10 not; 103.0/s sent; latency p50 12.3 ms, \
         p95 12.3 ms, p99 12.3 ms; 9000 received, 980 awaited; ALERT high latency (12.00 s)"
    );
}
