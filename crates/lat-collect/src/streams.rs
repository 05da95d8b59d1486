//! The inputs as streams: who wrote each, how it ended, and where its clock stands on the run's.

use std::collections::BTreeMap;
use std::path::PathBuf;

use ce_record::run_dir::Stream;
use ce_record::{End, Start, Stop};

use crate::input::Ending;

/// All inputs of a run.
#[derive(Debug)]
pub(crate) struct Streams {
    streams: Vec<Input>,
    /// The start of the first stream that has a plan: zero of the run's clock.
    zero: Option<Start>,
}

#[derive(Debug)]
struct Input {
    name: String,
    start: Option<Start>,
    end: Option<End>,
    records: u64,
    /// By scenario: on the stream's clock, the end of what the plan keeps out of the verdict.
    warm_up_until_ns: BTreeMap<String, u64>,
    /// From the run's zero to the stream's.
    offset_ns: Option<i64>,
    over: bool,
    ending: Ending,
}

impl Streams {
    pub(crate) fn new(paths: &[PathBuf]) -> Self {
        let input = |path: &PathBuf| Input {
            name: if path.as_os_str() == "-" { "stdin".into() } else { path.display().to_string() },
            start: None,
            end: None,
            records: 0,
            warm_up_until_ns: BTreeMap::new(),
            offset_ns: None,
            over: false,
            ending: Ending::default(),
        };
        Self { streams: paths.iter().map(input).collect(), zero: None }
    }

    pub(crate) fn started(&mut self, stream: usize, start: Start) {
        if self.zero.is_none() && !start.plan.is_null() {
            self.zero = Some(start.clone());
        }
        self.streams[stream].warm_up_until_ns = warm_up_until_ns(&start.plan);
        self.streams[stream].start = Some(start);
    }

    /// The plan keeps out of the verdict what is due before this time of the stream's clock.
    pub(crate) fn warm_up_until_ns(&self, stream: usize, scenario: &str) -> u64 {
        self.streams[stream].warm_up_until_ns.get(scenario).copied().unwrap_or(0)
    }

    pub(crate) fn ended(&mut self, stream: usize, end: End) {
        self.streams[stream].end = Some(end);
    }

    pub(crate) fn over(&mut self, stream: usize, ending: Ending) {
        self.streams[stream].over = true;
        self.streams[stream].ending = ending;
    }

    pub(crate) fn count(&mut self, stream: usize) {
        self.streams[stream].records += 1;
    }

    pub(crate) fn all_over(&self) -> bool {
        self.streams.iter().all(|stream| stream.over)
    }

    /// Whether the run's clock stands. It waits for a stream with a plan while one may still come.
    pub(crate) fn has_zero(&self) -> bool {
        self.zero.is_some()
    }

    /// Stops waiting for a plan: the earliest stream is zero.
    pub(crate) fn settle_zero(&mut self) {
        let starts = self.streams.iter().filter_map(|stream| stream.start.as_ref());
        self.zero = starts.min_by_key(|start| start.wall_start_ns).cloned();
    }

    /// The instant `ns` of a stream on the run's clock. Streams of one boot are aligned by its
    /// monotonic clock, which a correction of the wall clock does not move.
    pub(crate) fn on_run_clock(&mut self, stream: usize, ns: u64) -> i64 {
        let stream = &mut self.streams[stream];
        let offset = match (stream.offset_ns, &stream.start, &self.zero) {
            (Some(offset), ..) => offset,
            (None, Some(start), Some(zero)) => *stream.offset_ns.insert(offset_ns(start, zero)),
            _ => 0,
        };
        offset.saturating_add(signed(ns))
    }

    pub(crate) fn wall_start_ns(&self) -> u64 {
        self.zero.as_ref().map_or(0, |zero| zero.wall_start_ns)
    }

    /// The run's name as the senders know it.
    pub(crate) fn run_name(&self) -> Option<&str> {
        let starts = self.streams.iter().filter_map(|stream| stream.start.as_ref());
        starts.map(|start| start.run.as_str()).find(|run| !run.is_empty())
    }

    /// The ends of the streams that have one.
    pub(crate) fn ends(&self) -> impl Iterator<Item = &End> {
        self.streams.iter().filter_map(|stream| stream.end.as_ref())
    }

    /// Whether there is anything to write about.
    pub(crate) fn any_started(&self) -> bool {
        self.streams.iter().any(|stream| stream.start.is_some())
    }

    /// Why the run is not whole, one sentence for each reason.
    pub(crate) fn incomplete_because(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        for stream in &self.streams {
            let name = &stream.name;
            if let Some(failure) = &stream.ending.failure {
                reasons.push(format!("{failure:#}"));
            } else if let Some(truncated) = &stream.ending.truncated {
                reasons.push(truncated.clone());
            } else if let Some(end) = &stream.end {
                if end.dropped_records > 0 {
                    let lost = end.dropped_records;
                    reasons.push(format!("{name}: {lost} records were dropped by their writer"));
                }
                if end.stopped == Stop::Failed {
                    reasons.push(format!("{name}: its writer failed before the end"));
                }
                let (read, told) = (stream.records, end.records);
                if read + stream.ending.bad_lines != told {
                    reasons.push(format!("{name}: {read} records were read of {told} written"));
                }
            } else if stream.over {
                reasons.push(format!("{name}: cut short, there is no end record"));
            }
            if stream.ending.bad_lines > 0 {
                let bad = stream.ending.bad_lines;
                reasons.push(format!("{name}: {bad} lines were no records"));
            }
        }
        reasons
    }

    /// The first failure to read, to end with.
    pub(crate) fn take_failure(&mut self) -> Option<anyhow::Error> {
        self.streams.iter_mut().find_map(|stream| stream.ending.failure.take())
    }

    pub(crate) fn describe(&self) -> Vec<Stream> {
        let describe = |stream: &Input| Stream {
            input: stream.name.clone(),
            start: stream.start.clone(),
            end: stream.end.clone(),
            records: stream.records,
        };
        self.streams.iter().map(describe).collect()
    }
}

/// A span or an instant of a record, in nanoseconds; 292 years are enough.
pub(crate) fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

fn warm_up_until_ns(plan: &serde_json::Value) -> BTreeMap<String, u64> {
    let scenarios = plan["scenarios"].as_object().into_iter().flatten();
    scenarios
        .filter_map(|(name, it)| Some((name.clone(), it["warm_up_until_ns"].as_u64()?)))
        .collect()
}

fn offset_ns(start: &Start, zero: &Start) -> i64 {
    let monotonic = |start: &Start| start.boot_id.clone().zip(start.monotonic_start_ns);
    match (monotonic(start), monotonic(zero)) {
        (Some((boot, ours)), Some((same, theirs))) if boot == same => signed(ours) - signed(theirs),
        _ => signed(start.wall_start_ns) - signed(zero.wall_start_ns),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(wall_start_ns: u64, monotonic_start_ns: u64, boot: &str) -> Start {
        Start {
            format: 1,
            tool: "t".into(),
            version: "0".into(),
            run: String::new(),
            shard: None,
            wall_start_ns,
            monotonic_start_ns: Some(monotonic_start_ns),
            boot_id: Some(boot.into()),
            args: Vec::new(),
            seed: None,
            plan: serde_json::Value::Null,
            calibration: None,
        }
    }

    #[test]
    fn streams_of_one_boot_ignore_a_step_of_the_wall_clock() {
        let (zero, later) = (start(1_000, 500, "b"), start(9_999, 700, "b"));
        assert_eq!(offset_ns(&later, &zero), 200);
        let elsewhere = start(1_300, 5, "other");
        assert_eq!(offset_ns(&elsewhere, &zero), 300);
    }

    #[test]
    fn the_stream_with_a_plan_is_zero_wherever_it_stands() {
        let mut streams = Streams::new(&["a".into(), "b".into()]);
        streams.started(0, start(1_000, 1_000, "b"));
        assert!(!streams.has_zero());
        let sender = Start { plan: serde_json::json!({}), ..start(3_000, 3_000, "b") };
        streams.started(1, sender);
        assert_eq!(streams.on_run_clock(0, 2_500), 500);
        assert_eq!(streams.on_run_clock(1, 7), 7);
    }
}
