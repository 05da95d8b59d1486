//! What `run.json` says of the streams, and whether they are whole.

use ce_record::run_dir::Stream;
use ce_record::{CheckCount, End, Held, Start, Stop};

use super::{Input, Streams, has_plan};

impl Streams {
    /// Why the run is not whole, one sentence for each reason.
    pub(crate) fn incomplete_because(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        for stream in &self.inputs {
            let name = &stream.name;
            if stream.has_another {
                reasons.push(format!(
                    "{name}: holds more than one stream: give each as a file of its own"
                ));
            }
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

    pub(crate) fn describe(&self) -> Vec<Stream> {
        let describe = |stream: &Input| Stream {
            input: stream.name.clone(),
            start: stream.start.clone(),
            end: stream.end.clone(),
            records: stream.records,
        };
        let mut streams: Vec<Stream> = self.inputs.iter().map(describe).collect();
        sort(&mut streams);
        streams
    }
}

/// Orders streams by what they say of themselves: when they began, and which shard they are.
pub(crate) fn rank(start: &Start) -> (u64, u64) {
    let shard =
        start.shard.as_deref().and_then(|shard| shard.split(['/', ',']).next()?.parse().ok());
    (start.wall_start_ns, shard.unwrap_or(0))
}

/// Puts streams into an order that does not depend on how they were named on the command line:
/// senders first.
pub(crate) fn sort(streams: &mut [Stream]) {
    streams.sort_by_cached_key(|stream| {
        let start = stream.start.as_ref();
        (!start.is_some_and(has_plan), start.is_none(), start.map(rank), stream.input.clone())
    });
}

/// The run's name as the senders know it.
pub(crate) fn run_name(streams: &[Stream]) -> Option<&str> {
    let starts = streams.iter().filter_map(|stream| stream.start.as_ref());
    starts.map(|start| start.run.as_str()).find(|run| !run.is_empty())
}

fn ends(streams: &[Stream]) -> impl Iterator<Item = &End> {
    streams.iter().filter_map(|stream| stream.end.as_ref())
}

/// What the senders say about the checks of answers.
pub(crate) fn checks(streams: &[Stream]) -> Vec<CheckCount> {
    let mut checks = Vec::new();
    for end in ends(streams) {
        CheckCount::add(&mut checks, &end.checks);
    }
    checks
}

/// What the senders say about the connections that they held.
pub(crate) fn connections(streams: &[Stream]) -> Vec<Held> {
    let mut connections = Vec::new();
    for end in ends(streams) {
        Held::add(&mut connections, &end.connections);
    }
    connections
}
