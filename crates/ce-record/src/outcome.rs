//! How an attempt to deliver an event ended.

use std::ops::{Index, IndexMut};

use serde::{Deserialize, Serialize, ser::SerializeMap};

/// How one attempt ended. Every planned event ends in exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Accepted: a success status, or a positive publisher confirm.
    Ok,
    /// Refused: a status outside the success range, or a negative confirm.
    Rejected,
    /// Acknowledged but unroutable: the broker had no queue for it.
    Returned,
    /// No answer within the request timeout.
    Timeout,
    /// The connection could not be opened.
    ConnectError,
    /// The peer broke the protocol, or closed the connection in the middle of an answer.
    ProtocolError,
    /// The connection was lost with the confirm outstanding; the event may have arrived.
    InDoubt,
    /// Not sent, because the in-flight limit was reached and the policy says to drop.
    Dropped,
    /// Not sent: still queued when the run ended.
    Unsent,
    /// Sent, and no answer by the end of the grace period.
    Unfinished,
}

impl Outcome {
    /// All outcomes, in the order of reports.
    pub const ALL: [Self; 10] = [
        Self::Ok,
        Self::Rejected,
        Self::Returned,
        Self::Timeout,
        Self::ConnectError,
        Self::ProtocolError,
        Self::InDoubt,
        Self::Dropped,
        Self::Unsent,
        Self::Unfinished,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Rejected => "rejected",
            Self::Returned => "returned",
            Self::Timeout => "timeout",
            Self::ConnectError => "connect_error",
            Self::ProtocolError => "protocol_error",
            Self::InDoubt => "in_doubt",
            Self::Dropped => "dropped",
            Self::Unsent => "unsent",
            Self::Unfinished => "unfinished",
        }
    }

    /// Whether the event left for the target: planned = sent + dropped + unsent.
    pub fn was_sent(self) -> bool {
        !matches!(self, Self::Dropped | Self::Unsent)
    }
}

/// A count for each outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutcomeCounts([u64; Outcome::ALL.len()]);

impl OutcomeCounts {
    /// Events of every outcome: what was planned.
    pub fn planned(&self) -> u64 {
        total(self.0)
    }

    /// Events that left for the target.
    pub fn sent(&self) -> u64 {
        total(self.iter().filter(|(outcome, _)| outcome.was_sent()).map(|(_, count)| count))
    }

    /// Events that did not end in [`Outcome::Ok`].
    pub fn failed(&self) -> u64 {
        self.planned() - self[Outcome::Ok]
    }

    /// Each outcome with its count, in the order of [`Outcome::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Outcome, u64)> + '_ {
        Outcome::ALL.into_iter().zip(self.0)
    }

    /// Adds the counts of `other`.
    pub fn add(&mut self, other: &Self) {
        for (outcome, count) in other.iter() {
            self[outcome] = self[outcome].saturating_add(count);
        }
    }
}

/// The sum of counts that stand in a record or a file, where anybody may have written anything: one
/// that is too large for a number is the largest number.
pub fn total(counts: impl IntoIterator<Item = u64>) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

impl Index<Outcome> for OutcomeCounts {
    type Output = u64;

    fn index(&self, outcome: Outcome) -> &u64 {
        &self.0[outcome as usize]
    }
}

impl IndexMut<Outcome> for OutcomeCounts {
    fn index_mut(&mut self, outcome: Outcome) -> &mut u64 {
        &mut self.0[outcome as usize]
    }
}

impl Serialize for OutcomeCounts {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (outcome, count) in self.iter() {
            map.serialize_entry(outcome.as_str(), &count)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for OutcomeCounts {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let map = std::collections::BTreeMap::<String, u64>::deserialize(deserializer)?;
        let mut counts = Self::default();
        for outcome in Outcome::ALL {
            counts[outcome] = map.get(outcome.as_str()).copied().unwrap_or(0);
        }
        Ok(counts)
    }
}
