//! The inputs as streams: who wrote each, how it ended, and where its clock stands on the run's.

mod account;

use std::collections::BTreeSet;
use std::path::PathBuf;

use ce_record::run_dir::Clocks;
use ce_record::totals::Zero;
use ce_record::{End, Start};

use crate::input::Ending;
use crate::plan::{Plan, Planned};

pub(crate) use account::{checks, connections, rank, run_name, sort};

/// All inputs of a run.
#[derive(Debug)]
pub(crate) struct Streams {
    inputs: Vec<Input>,
    /// The start of the earliest stream that has a plan: zero of the run's clock.
    zero: Option<Start>,
    shards: u64,
}

#[derive(Debug)]
struct Input {
    name: String,
    start: Option<Start>,
    end: Option<End>,
    records: u64,
    /// It holds another start record, as when two streams stand in one file.
    has_another: bool,
    /// It holds samples or receipts.
    has_events: bool,
    plan: Plan,
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
            has_another: false,
            has_events: false,
            plan: Plan::default(),
            offset_ns: None,
            over: false,
            ending: Ending::default(),
        };
        Self { inputs: paths.iter().map(input).collect(), zero: None, shards: 1 }
    }

    pub(crate) fn started(&mut self, stream: usize, start: Start) {
        let shards = start.shard.as_deref().and_then(|shard| shard.split_once('/')?.1.parse().ok());
        self.shards = self.shards.max(shards.unwrap_or(1));
        self.inputs[stream].plan = Plan::read(&start.plan);
        self.inputs[stream].start = Some(start);
    }

    /// Another stream begins within the stream, whose times nobody can tell.
    pub(crate) fn started_again(&mut self, stream: usize) {
        self.inputs[stream].has_another = true;
    }

    /// What the stream's own plan says of a scenario.
    pub(crate) fn planned(&self, stream: usize, scenario: &str) -> Option<&Planned> {
        self.inputs[stream].plan.scenario(scenario)
    }

    /// What any plan says of a scenario.
    pub(crate) fn planned_anywhere(&self, scenario: &str) -> Option<&Planned> {
        self.inputs.iter().find_map(|stream| stream.plan.scenario(scenario))
    }

    /// The phase of the plan that a second of the run's clock belongs to; empty where there is none.
    pub(crate) fn phase(&self, scenario: &str, second: i64) -> String {
        let planned = self.inputs.iter().find_map(|stream| {
            let offset_ns = stream.offset_ns.or_else(|| {
                Some(offset_ns(&stream.start.as_ref()?.into(), &self.zero.as_ref()?.into()))
            })?;
            Some((stream.plan.scenario(scenario)?, offset_ns))
        });
        let begin_ns = second.saturating_mul(1_000_000_000);
        planned.map_or_else(String::new, |(planned, offset_ns)| {
            planned.phase(begin_ns.saturating_sub(offset_ns))
        })
    }

    pub(crate) fn ended(&mut self, stream: usize, end: End) {
        self.inputs[stream].end = Some(end);
    }

    pub(crate) fn over(&mut self, stream: usize, ending: Ending) {
        self.inputs[stream].over = true;
        self.inputs[stream].ending = ending;
    }

    pub(crate) fn count(&mut self, stream: usize) {
        self.inputs[stream].records += 1;
    }

    pub(crate) fn all_over(&self) -> bool {
        self.inputs.iter().all(|stream| stream.over)
    }

    /// Whether there is a stream with a plan.
    pub(crate) fn any_plan(&self) -> bool {
        self.inputs.iter().any(|stream| stream.start.as_ref().is_some_and(has_plan))
    }

    /// Whether every stream has begun, or is over without a beginning.
    pub(crate) fn all_heard_of(&self) -> bool {
        self.inputs.iter().all(|stream| stream.start.is_some() || stream.over)
    }

    /// The scenarios of all plans.
    pub(crate) fn planned_scenarios(&self) -> BTreeSet<String> {
        self.inputs.iter().flat_map(|stream| stream.plan.scenarios()).map(str::to_owned).collect()
    }

    /// Whether the run's clock stands. It waits for a stream with a plan while one may still come.
    pub(crate) fn has_zero(&self) -> bool {
        self.zero.is_some()
    }

    /// Stops waiting: the earliest stream with a plan is zero, or else the earliest of all.
    pub(crate) fn settle_zero(&mut self) {
        let starts = self.inputs.iter().filter_map(|stream| stream.start.as_ref());
        self.zero = starts.min_by_key(|start| (!has_plan(start), rank(start))).cloned();
    }

    /// Zero of the run's clock.
    pub(crate) fn zero(&self) -> Zero {
        let nowhere = Zero { wall_ns: 0, monotonic_ns: None, boot_id: None };
        self.zero.as_ref().map_or(nowhere, Zero::from)
    }

    /// The instant `ns` of a stream on the run's clock. Streams of one boot are aligned by its
    /// monotonic clock, which a correction of the wall clock does not move.
    pub(crate) fn on_run_clock(&mut self, stream: usize, ns: u64) -> i64 {
        let stream = &mut self.inputs[stream];
        let offset = match (stream.offset_ns, &stream.start, &self.zero) {
            (Some(offset), ..) => offset,
            (None, Some(start), Some(zero)) => {
                *stream.offset_ns.insert(offset_ns(&start.into(), &zero.into()))
            }
            _ => 0,
        };
        offset.saturating_add(signed(ns))
    }

    /// How many senders the load is spread over, also those that are not here.
    pub(crate) fn shards(&self) -> u64 {
        self.shards
    }

    /// Tells that samples or receipts came of a stream.
    pub(crate) fn has_events(&mut self, stream: usize) {
        self.inputs[stream].has_events = true;
    }

    /// Whether all streams of events count by one clock.
    pub(crate) fn clocks(&self) -> Clocks {
        Clocks::of(&self.boots())
    }

    /// The boots whose clocks the streams of events count by.
    pub(crate) fn boots(&self) -> BTreeSet<Option<String>> {
        let of_events = self.inputs.iter().filter(|stream| stream.has_events);
        let starts = of_events.filter_map(|stream| stream.start.as_ref());
        starts.map(|start| boot(start).map(ToOwned::to_owned)).collect()
    }

    pub(crate) fn wall_start_ns(&self) -> u64 {
        self.zero.as_ref().map_or(0, |zero| zero.wall_start_ns)
    }

    /// The run's name as the senders know it.
    pub(crate) fn run_name(&self) -> Option<&str> {
        let starts = self.inputs.iter().filter_map(|stream| stream.start.as_ref());
        starts.map(|start| start.run.as_str()).find(|run| !run.is_empty())
    }

    /// The ends of the streams that have one.
    pub(crate) fn ends(&self) -> impl Iterator<Item = &End> {
        self.inputs.iter().filter_map(|stream| stream.end.as_ref())
    }

    /// Whether there is anything to write about.
    pub(crate) fn any_started(&self) -> bool {
        self.inputs.iter().any(|stream| stream.start.is_some())
    }

    /// The first failure to read, to end with.
    pub(crate) fn take_failure(&mut self) -> Option<anyhow::Error> {
        self.inputs.iter_mut().find_map(|stream| stream.ending.failure.take())
    }
}

fn has_plan(start: &Start) -> bool {
    !start.plan.is_null()
}

/// A span or an instant of a record, in nanoseconds; 292 years are enough.
pub(crate) fn signed(ns: u64) -> i64 {
    i64::try_from(ns).unwrap_or(i64::MAX)
}

/// From one zero to another. Senders that began at an agreed instant (`--start-at`) have the same wall
/// clock time, and began together by definition.
pub(crate) fn offset_ns(of: &Zero, zero: &Zero) -> i64 {
    let boot = |zero: &Zero| zero.boot_id.clone().zip(zero.monotonic_ns);
    match (boot(of), boot(zero)) {
        _ if of.wall_ns == zero.wall_ns => 0,
        (Some((boot, ours)), Some((same, theirs))) if boot == same => signed(ours) - signed(theirs),
        _ => signed(of.wall_ns) - signed(zero.wall_ns),
    }
}

/// Names the monotonic clock that a stream counts by, if it does.
fn boot(start: &Start) -> Option<&str> {
    start.boot_id.as_deref().filter(|_| start.monotonic_start_ns.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(wall_start_ns: u64, monotonic_start_ns: u64, boot: &str) -> Start {
        Start {
            monotonic_start_ns: Some(monotonic_start_ns),
            boot_id: Some(boot.into()),
            ..Start::new("t", "0", wall_start_ns)
        }
    }

    #[test]
    fn streams_of_one_boot_ignore_a_step_of_the_wall_clock() {
        let (zero, later) = (start(1_000, 500, "b"), start(9_999, 700, "b"));
        assert_eq!(offset_ns(&Zero::from(&later), &Zero::from(&zero)), 200);
        let elsewhere = start(1_300, 5, "other");
        assert_eq!(offset_ns(&Zero::from(&elsewhere), &Zero::from(&zero)), 300);
    }

    #[test]
    fn clocks_are_the_same_in_one_boot_only() {
        let check = |boots: [&str; 3], clocks| {
            let mut streams = Streams::new(&["a".into(), "b".into(), "c".into()]);
            for (stream, boot) in boots.iter().enumerate().filter(|(_, boot)| !boot.is_empty()) {
                streams.started(stream, start(1, 1, boot));
                streams.has_events(stream);
            }
            assert_eq!(streams.clocks(), clocks, "{boots:?}");
        };
        check(["b", "b", "b"], Clocks::Same);
        check(["b", "", "b"], Clocks::Same);
        check(["b", "other", "b"], Clocks::Cross);
        let mut streams = Streams::new(&["a".into(), "pods".into()]);
        streams.started(0, start(1, 1, "b"));
        streams.started(1, start(1, 1, "another machine's"));
        streams.has_events(0);
        assert_eq!(streams.clocks(), Clocks::Same);
        streams.started(0, Start { boot_id: None, ..start(1, 1, "") });
        assert_eq!(streams.clocks(), Clocks::Cross);
    }

    #[test]
    fn the_stream_with_a_plan_is_zero_wherever_it_stands() {
        let mut streams = Streams::new(&["a".into(), "b".into()]);
        streams.started(0, start(1_000, 1_000, "b"));
        assert!(!streams.has_zero());
        let sender = Start { plan: serde_json::json!({}), ..start(3_000, 3_000, "b") };
        streams.started(1, sender);
        assert!(streams.any_plan() && streams.all_heard_of());
        streams.settle_zero();
        assert_eq!(streams.on_run_clock(0, 2_500), 500);
        assert_eq!(streams.on_run_clock(1, 7), 7);
    }
}
