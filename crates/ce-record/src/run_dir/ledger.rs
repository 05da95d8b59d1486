//! `ledger.json`: what became of every event.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Clocks;
use crate::OutcomeCounts;

/// `ledger.json`: what became of every event. Counts are events and not messages, unless said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Ledger {
    /// Version of the run directory's layout.
    pub format: u32,
    /// Samples and receipts with a key: these were joined by it, and not by source and id.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub keyed: Keyed,
    /// Whether receipts were collected; without them nothing below `outcomes` can be known.
    pub has_receipts: bool,
    /// Events that the schedule called for.
    pub planned: u64,
    /// Events that left for the target.
    pub sent: u64,
    /// Events that the target acknowledged.
    pub acked: u64,
    /// How the planned events ended.
    pub outcomes: OutcomeCounts,
    /// Distinct sent events that arrived.
    pub received: u64,
    /// The same by how their sending had ended: `arrived.rejected` were refused and delivered all the
    /// same.
    #[serde(default)]
    pub arrived: OutcomeCounts,
    /// Acknowledged and arrived.
    pub delivered: u64,
    /// Acknowledged and never arrived, neither at a sink nor in a dead-letter queue.
    pub lost: u64,
    /// Further receipts of events that had arrived, not marked as redelivered by the broker.
    pub duplicates: u64,
    /// Further receipts of events that had arrived, marked as redelivered by the broker.
    pub redelivered: u64,
    /// In doubt, and arrived.
    pub in_doubt_arrived: u64,
    /// In doubt, and did not arrive.
    pub in_doubt_missing: u64,
    /// Not acknowledged (refused, returned, timed out, failed), and arrived all the same.
    pub unacked_arrived: u64,
    /// Unroutable when they were sent.
    pub returned: u64,
    /// Events that arrived in a dead-letter queue.
    pub dead_lettered: u64,
    /// The same by the reason that the broker gave, of several the first.
    #[serde(default)]
    pub dead_letter_reasons: BTreeMap<String, u64>,
    /// Receipts of events that no sample speaks of.
    pub unexpected: u64,
    /// Receipts that carry a sequence number and could be compared with those before: the first
    /// deliveries of a source, by one door, of one shard.
    #[serde(default)]
    pub order_checked: u64,
    /// Of these, the ones below the highest number that had come before.
    #[serde(default)]
    pub out_of_order: u64,
    /// Receipts with a sequence number of more sources than are kept apart.
    #[serde(default)]
    pub order_unchecked: u64,
    /// What to think of end-to-end times; missing without receipts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clocks: Option<Clocks>,
    /// End-to-end times below zero: the clocks of sender and receiver disagree.
    pub negative_e2e: u64,
    /// The lowest of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negative_e2e_lowest_ns: Option<i64>,
    /// Records that a writer dropped because its reader was too slow.
    pub dropped_records: u64,
}

/// Records that are joined by the value that `--correlate` names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Keyed {
    /// Samples that have one.
    pub samples: u64,
    /// Receipts that have one.
    pub receipts: u64,
}
