//! What does not belong together. Everything is decided by what the streams say of themselves.

use std::collections::BTreeMap;
use std::fmt;

use ce_record::Start;

use super::part::Part;

/// What can be merged all the same, if it is asked for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Accept {
    /// Shards of the run that no directory has; the merged run stays incomplete
    MissingShards,
    /// A shard that two streams belong to, as after a restart
    DoubledShards,
    /// Senders with different plans or seeds
    MixedPlans,
    /// Directories whose times have nothing in common, without --sequence; or overlap, with it
    DisjointWindows,
    /// Directories that are not complete; nor is the merged run
    CutShort,
    /// Shards whose seconds begin at different instants: rows of series.csv may be a second off
    UnalignedSeconds,
    /// Receipts of events that nobody sent, although another directory might know them
    UnknownReceipts,
}

/// One reason not to merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// What accepts it; some things are never right.
    pub(super) by: Option<Accept>,
    pub(super) why: String,
}

impl Refusal {
    pub(super) fn new(by: Accept, why: String) -> Self {
        Self { by: Some(by), why }
    }

    /// What is never right.
    pub(super) fn never(why: String) -> Self {
        Self { by: None, why }
    }

    pub(super) fn is_in(&self, accepted: &[Accept]) -> bool {
        self.by.is_some_and(|by| accepted.contains(&by))
    }

    /// Whether a run that was merged all the same lacks something.
    pub(super) fn leaves_a_gap(&self) -> bool {
        matches!(self.by, Some(Accept::MissingShards | Accept::CutShort))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use clap::ValueEnum;
        f.write_str(&self.why)?;
        let name = self.by.and_then(|by| by.to_possible_value());
        name.map_or(Ok(()), |name| {
            write!(f, " (merged all the same with --accept {})", name.get_name())
        })
    }
}

/// All reasons not to merge these.
pub(super) fn refusals(parts: &[Part], sequence: bool) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    refusals.extend(same_streams(parts));
    refusals.extend(mixed_plans(parts));
    if sequence {
        // Each has to be whole in itself.
        refusals.extend(parts.iter().flat_map(|part| shards(std::slice::from_ref(part))));
    } else {
        refusals.extend(shards(parts));
        refusals.extend(unaligned(parts));
    }
    refusals.extend(windows(parts, sequence));
    refusals.extend(some_receipts(parts));
    for part in parts {
        let because = part.run.incomplete_because.join("; ");
        if !part.run.complete {
            let why = format!("{} is not complete: {because}", part.name());
            refusals.push(Refusal::new(Accept::CutShort, why));
        }
    }
    refusals
}

/// The same records twice would count each event twice.
fn same_streams(parts: &[Part]) -> Option<Refusal> {
    let mut seen: Vec<(&Start, &Part)> = Vec::new();
    for part in parts {
        for start in part.run.streams.iter().filter_map(|stream| stream.start.as_ref()) {
            if let Some((_, other)) = seen.iter().find(|(known, _)| *known == start) {
                let (this, other) = (part.name(), other.name());
                let why = format!("{this} holds a stream of {} that {other} holds", start.tool);
                return Some(Refusal::never(why));
            }
            seen.push((start, part));
        }
    }
    None
}

fn mixed_plans(parts: &[Part]) -> Option<Refusal> {
    let senders = || parts.iter().flat_map(|part| part.senders().map(move |start| (start, part)));
    let (first, of) = senders().next()?;
    let (_, other) =
        senders().find(|(start, _)| (&start.plan, start.seed) != (&first.plan, first.seed))?;
    let why = format!("{} and {} carried out different plans or seeds", of.name(), other.name());
    Some(Refusal::new(Accept::MixedPlans, why))
}

/// Each shard `i/N` must be there, and once. A sender that is no shard is the whole run.
fn shards(parts: &[Part]) -> Vec<Refusal> {
    let mut found: BTreeMap<(u64, u64), Vec<String>> = BTreeMap::new();
    for part in parts {
        for start in part.senders() {
            let (shard, of) = start.shard.as_deref().and_then(parse).unwrap_or((vec![0], 1));
            for shard in shard {
                found.entry((of, shard)).or_default().push(part.name());
            }
        }
    }
    let mut refusals = Vec::new();
    let counts: Vec<u64> = found.keys().map(|&(of, _)| of).collect();
    if let Some(of) = counts.iter().find(|&&of| of != counts[0]) {
        let why = format!("a run of {} shards and one of {of} are not the same", counts[0]);
        refusals.push(Refusal::new(Accept::DoubledShards, why));
        return refusals;
    }
    for ((of, shard), names) in &found {
        if let [first, second, ..] = names.as_slice() {
            let why = if *of == 1 {
                format!(
                    "{first} and {second} are whole runs: runs one after the other are --sequence"
                )
            } else {
                format!("shard {shard}/{of} is there twice, in {first} and {second}")
            };
            refusals.push(Refusal::new(Accept::DoubledShards, why));
        }
    }
    let of = counts.first().copied().unwrap_or(0);
    let missing: Vec<String> = (0..of)
        .filter(|&shard| !found.contains_key(&(of, shard)))
        .map(|shard| format!("{shard}/{of}"))
        .collect();
    if !missing.is_empty() {
        let why = format!("no directory has shard {}", missing.join(", "));
        refusals.push(Refusal::new(Accept::MissingShards, why));
    }
    refusals
}

/// `0/2` or `0,1/4`; a number of shards that no run has is none.
fn parse(shard: &str) -> Option<(Vec<u64>, u64)> {
    let (mine, of) = shard.split_once('/')?;
    let of = of.parse().ok().filter(|of| (1..=100_000).contains(of))?;
    Some((mine.split(',').map(|one| one.parse().ok()).collect::<Option<_>>()?, of))
}

/// Seconds of shards have to be the same seconds, else their rows cannot be added.
fn unaligned(parts: &[Part]) -> Option<Refusal> {
    let sends = |part: &&Part| part.senders().next().is_some();
    let part = parts.iter().filter(sends).find(|part| part.misaligned_ns() != 0)?;
    let why = format!(
        "the seconds of {} begin {} ms after those of the run: give all shards the same --start-at",
        part.name(),
        part.misaligned_ns() / 1_000_000
    );
    Some(Refusal::new(Accept::UnalignedSeconds, why))
}

fn windows(parts: &[Part], sequence: bool) -> Option<Refusal> {
    let mut senders: Vec<&Part> =
        parts.iter().filter(|part| part.senders().next().is_some()).collect();
    senders.sort_by_key(|part| part.extent_ns());
    let mut end = senders.first()?.extent_ns().1;
    for pair in senders.windows(2) {
        let (before, after) = (pair[0].name(), pair[1].name());
        let begin = pair[1].extent_ns().0;
        if !sequence && begin > end {
            let why = format!(
                "{after} began after {before} was over: runs one after the other are --sequence"
            );
            return Some(Refusal::new(Accept::DisjointWindows, why));
        }
        if sequence && begin < end {
            let why = format!("{after} began before {before} was over, and is no run after it");
            return Some(Refusal::new(Accept::DisjointWindows, why));
        }
        end = end.max(pair[1].extent_ns().1);
    }
    None
}

/// Whether an event arrived is known of all events or of none.
fn some_receipts(parts: &[Part]) -> Option<Refusal> {
    let with = parts.iter().find(|part| part.ledger.has_receipts)?;
    let without = parts.iter().find(|part| !part.ledger.has_receipts && part.ledger.planned > 0)?;
    let why = format!(
        "{} has receipts and {} has none: collect its samples together with the sink's stream",
        with.name(),
        without.name()
    );
    Some(Refusal::never(why))
}
