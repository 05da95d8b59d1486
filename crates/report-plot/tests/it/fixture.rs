//! Makes run directories as `lat-collect` does: from events, with every file agreeing with the rest.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use ce_record::run_dir::{
    Block, ERRORS, ERRORS_COLUMNS, Generator, HISTOGRAMS, LEDGER, Ledger, METRICS, PERCENTILES,
    RUN, Run, SERIES, SERIES_COLUMNS, SUMMARY, Stats, Stream, Summary,
};
use ce_record::{End, Outcome, OutcomeCounts, Start, Stop};
use lat_hist::hlog::{HlogEncoder, header};
use lat_hist::{Histogram, Quantile};

/// Zero of every run: 2026-05-01 12:00:00 UTC.
const WALL_NS: u64 = 1_777_636_800_000_000_000;

/// One event and its end.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) scenario: String,
    pub(crate) kind: String,
    pub(crate) due_us: u64,
    pub(crate) lag_us: u64,
    pub(crate) service_us: u64,
    pub(crate) outcome: Outcome,
    pub(crate) code: Option<u16>,
    pub(crate) message: &'static str,
    /// From due until received.
    pub(crate) e2e_us: Option<u64>,
}

impl Event {
    fn values(&self) -> [Option<u64>; 4] {
        let sent = self.outcome.was_sent();
        let only = |us: u64| sent.then_some(us);
        [Some(self.lag_us + self.service_us), only(self.service_us), only(self.lag_us), self.e2e_us]
    }
}

/// Writes all files of the run `name`; receipts exist if any event has an end-to-end time.
pub(crate) fn write(dir: &Path, name: &str, events: &[Event]) {
    std::fs::create_dir_all(dir).unwrap();
    let put = |file: &str, text: String| std::fs::write(dir.join(file), text).unwrap();
    let run = run(name, events);
    put(RUN, serde_json::to_string_pretty(&run).unwrap());
    put(SUMMARY, serde_json::to_string_pretty(&summary(name, events)).unwrap());
    put(LEDGER, serde_json::to_string_pretty(&ledger(events)).unwrap());
    put(SERIES, series(events));
    put(ERRORS, errors(events));
    put(HISTOGRAMS, histograms(events));
}

fn run(name: &str, events: &[Event]) -> Run {
    let last_us = events.iter().map(|event| event.due_us + event.lag_us + event.service_us).max();
    let elapsed_ns = last_us.unwrap_or(0) * 1000;
    let args = ["ce-blast", "--to", "amqp://guest:***@127.0.0.1:5672/", "--rate", "100/s"];
    let start = Start {
        format: 1,
        run: name.into(),
        args: args.map(str::to_owned).to_vec(),
        seed: Some(7),
        ..Start::new("ce-blast", "0.1.0", WALL_NS)
    };
    let records = events.len() as u64;
    let end = End {
        outcomes: Some(outcomes(events.iter())),
        cpu_ns: 1_250_000_000,
        peak_rss_bytes: 23 << 20,
        ..End::new(elapsed_ns, Stop::Done, records)
    };
    let stream =
        Stream { input: "samples.ndjson".into(), start: Some(start), end: Some(end), records };
    Run {
        format: 1,
        run: name.into(),
        wall_start_ns: WALL_NS,
        elapsed_ns,
        complete: true,
        incomplete_because: Vec::new(),
        generator: Generator {
            valid: true,
            notes: Vec::new(),
            sent_ratio: (!events.is_empty()).then_some(1.0),
            lag_p99_us: histogram(events.iter(), 2).quantile_us(Quantile::new(99, 100)),
            open_loop: true,
        },
        streams: vec![stream],
        version: "0.1.0".into(),
        ..Run::default()
    }
}

fn outcomes<'a>(events: impl Iterator<Item = &'a Event>) -> OutcomeCounts {
    let mut counts = OutcomeCounts::default();
    events.for_each(|event| counts[event.outcome] += 1);
    counts
}

fn histogram<'a>(events: impl Iterator<Item = &'a Event>, metric: usize) -> Histogram {
    let mut histogram = Histogram::default();
    events.filter_map(|event| event.values()[metric]).for_each(|us| histogram.record(us * 1000));
    histogram
}

fn summary(name: &str, events: &[Event]) -> Summary {
    let mut scenarios: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
    let mut types: BTreeMap<String, Vec<&Event>> = BTreeMap::new();
    for event in events {
        scenarios.entry(event.scenario.clone()).or_default().push(event);
        types.entry(event.kind.clone()).or_default().push(event);
    }
    let blocks = |groups: BTreeMap<String, Vec<&Event>>| {
        groups.into_iter().map(|(name, events)| (name, block(&events))).collect()
    };
    Summary {
        format: 1,
        run: name.into(),
        overall: block(&events.iter().collect::<Vec<_>>()),
        warm_up: None,
        scenarios: blocks(scenarios),
        types: blocks(types),
        ..Summary::default()
    }
}

fn block(events: &[&Event]) -> Block {
    let all = || events.iter().copied();
    let outcomes = outcomes(all());
    let metrics = METRICS.iter().enumerate().filter_map(|(index, metric)| {
        Some((format!("{metric}_us"), stats(&histogram(all(), index))?))
    });
    Block {
        planned: outcomes.planned(),
        sent: outcomes.sent(),
        received: all().filter(|event| event.e2e_us.is_some()).count() as u64,
        success_ratio: (!events.is_empty())
            .then(|| outcomes[Outcome::Ok] as f64 / outcomes.planned() as f64),
        outcomes,
        metrics: metrics.collect(),
        ..Block::default()
    }
}

fn stats(histogram: &Histogram) -> Option<Stats> {
    let us = |ns: u64| ns as f64 / 1000.0;
    let percentile = |(name, numerator, denominator): (&str, u64, u64)| {
        let value = histogram.quantile_us(Quantile::new(numerator, denominator));
        (name.to_owned(), value.unwrap())
    };
    Some(Stats {
        count: histogram.count(),
        min: us(histogram.min_ns()?),
        mean: histogram.sum_ns() as f64 / 1000.0 / histogram.count() as f64,
        max: us(histogram.max_ns()?),
        percentiles: PERCENTILES.into_iter().map(percentile).collect(),
        overflow: histogram.overflow(),
    })
}

fn ledger(events: &[Event]) -> Ledger {
    let counts = outcomes(events.iter());
    let arrived = |event: &&Event| event.e2e_us.is_some();
    let acked = || events.iter().filter(|event| event.outcome == Outcome::Ok);
    let has_receipts = events.iter().any(|event| event.e2e_us.is_some());
    Ledger {
        format: 1,
        has_receipts,
        planned: counts.planned(),
        sent: counts.sent(),
        acked: counts[Outcome::Ok],
        outcomes: counts,
        received: events.iter().filter(arrived).count() as u64,
        delivered: acked().filter(arrived).count() as u64,
        lost: if has_receipts { acked().filter(|event| !arrived(event)).count() as u64 } else { 0 },
        ..Ledger::default()
    }
}

/// Quotes a CSV field.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn series(events: &[Event]) -> String {
    let mut text = SERIES_COLUMNS.join(",") + "\n";
    let mut due: BTreeMap<(u64, &str), Vec<&Event>> = BTreeMap::new();
    let mut happened: BTreeMap<(u64, &str), [u64; 2]> = BTreeMap::new();
    for event in events {
        let second = |us: u64| (us / 1_000_000, event.scenario.as_str());
        due.entry(second(event.due_us)).or_default().push(event);
        if event.outcome.was_sent() {
            happened.entry(second(event.due_us + event.lag_us)).or_default()[0] += 1;
        }
        if let Some(us) = event.e2e_us {
            happened.entry(second(event.due_us + us)).or_default()[1] += 1;
        }
    }
    let mut keys: Vec<(u64, &str)> = due.keys().chain(happened.keys()).copied().collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        let events = due.get(&key).map_or(&[][..], Vec::as_slice);
        let [sent, received] = happened.get(&key).copied().unwrap_or_default();
        row(&mut text, key, events, sent, received);
    }
    text
}

fn row(text: &mut String, key: (u64, &str), events: &[&Event], sent: u64, received: u64) {
    let counts = outcomes(events.iter().copied());
    write!(text, "{},{},false,1,{},{sent}", key.0, quoted(key.1), events.len()).unwrap();
    counts.iter().for_each(|(_, count)| write!(text, ",{count}").unwrap());
    write!(text, ",0,{received}").unwrap();
    for metric in 0..METRICS.len() {
        let histogram = histogram(events.iter().copied(), metric);
        for (numerator, denominator) in [(1, 2), (19, 20), (99, 100), (1, 1)] {
            let value = histogram.quantile_us(Quantile::new(numerator, denominator));
            write!(text, ",{}", value.map(|us| us.to_string()).unwrap_or_default()).unwrap();
        }
    }
    text.push('\n');
}

fn errors(events: &[Event]) -> String {
    let mut kinds: BTreeMap<(Outcome, Option<u16>, &str), Vec<u64>> = BTreeMap::new();
    for event in events.iter().filter(|event| event.outcome != Outcome::Ok) {
        kinds.entry((event.outcome, event.code, event.message)).or_default().push(event.due_us);
    }
    let mut text = ERRORS_COLUMNS.join(",") + "\n";
    for ((outcome, code, message), due) in kinds {
        let code = code.map(|code| code.to_string()).unwrap_or_default();
        let seconds = |us: u64| us as f64 / 1e6;
        let (first, last) = (seconds(due[0]), seconds(due[due.len() - 1]));
        let (outcome, message, count) = (outcome.as_str(), quoted(message), due.len());
        writeln!(text, "{outcome},{code},{message},{count},{first:.3},{last:.3},id-{count}")
            .unwrap();
    }
    text
}

fn histograms(events: &[Event]) -> String {
    let mut text = header(WALL_NS);
    let mut encoder = HlogEncoder::default();
    for (index, metric) in METRICS.iter().enumerate() {
        let histogram = histogram(events.iter(), index);
        if histogram.count() > 0 {
            let tag = format!("default.{metric}");
            encoder.interval(&mut text, &tag, 0, 1_000_000_000, &histogram).unwrap();
        }
    }
    text
}
