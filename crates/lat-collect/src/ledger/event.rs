//! What is known of one event. Parts of it add up in any order, so they may meet anywhere.

use ce_record::Outcome;

/// An event that was sent, received, or both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Event {
    pub(super) sent: Option<Sent>,
    /// How often it was handed to the target; more than once when the input repeats an id.
    pub(super) samples: u32,
    pub(super) receipts: u32,
    /// Receipts that the broker marked as delivered before.
    pub(super) redelivered: u32,
    /// Why it came to a dead-letter queue, as the ledger numbers reasons.
    pub(super) dead_lettered: Option<u16>,
    /// The earliest receipt, on the run's clock.
    pub(super) first_receipt_ns: Option<i64>,
    /// Its names, until it is known to have arrived.
    pub(super) texts: Option<Texts>,
}

/// What is kept of a sample. Times are nanoseconds on the run's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) due_ns: i64,
    pub(crate) outcome: Outcome,
    /// The groups of the event, as the caller numbers them.
    pub(crate) scenario: u16,
    pub(crate) event_type: u16,
    /// Whether the plan keeps it out of the verdict.
    pub(crate) warm_up: bool,
}

/// Names an event to people. Most events have theirs for a moment only, so it is one allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Texts {
    source_and_id: Box<str>,
    source_bytes: usize,
}

impl Texts {
    pub(super) fn new(source: &str, id: &str) -> Self {
        Self { source_and_id: [source, id].concat().into(), source_bytes: source.len() }
    }

    pub(crate) fn source(&self) -> &str {
        &self.source_and_id[..self.source_bytes]
    }

    pub(crate) fn id(&self) -> &str {
        &self.source_and_id[self.source_bytes..]
    }
}

/// An event whose sample and first receipt are both known now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Joined {
    pub(crate) sent: Sent,
    /// From due until received; negative when the clocks of the two ends disagree.
    pub(crate) e2e_ns: i64,
}

impl Event {
    pub(super) fn add_sample(&mut self, sent: Sent) -> Option<Joined> {
        self.absorb(&Self { sent: Some(sent), samples: 1, ..Self::default() })
    }

    pub(super) fn add_receipt(&mut self, recv_ns: i64, redelivered: bool) -> Option<Joined> {
        self.absorb(&Self {
            receipts: 1,
            redelivered: u32::from(redelivered),
            first_receipt_ns: Some(recv_ns),
            ..Self::default()
        })
    }

    pub(super) fn add_dead_letter(&mut self, reason: u16) -> Option<Joined> {
        self.absorb(&Self { dead_lettered: Some(reason), ..Self::default() })
    }

    /// Puts another part of the same event to this one; tells if that made a pair of sample and
    /// receipt which neither part was.
    pub(crate) fn absorb(&mut self, other: &Self) -> Option<Joined> {
        let was_pair = self.is_pair() || other.is_pair();
        self.sent = match (self.sent, other.sent) {
            // Of several attempts the best counts: what is acknowledged once is acknowledged.
            (Some(mine), Some(theirs)) => {
                let first = if theirs.due_ns < mine.due_ns { theirs } else { mine };
                let acked = super::is_acked(mine.outcome) || super::is_acked(theirs.outcome);
                Some(Sent { outcome: if acked { Outcome::Ok } else { first.outcome }, ..first })
            }
            (mine, theirs) => mine.or(theirs),
        };
        self.samples = self.samples.saturating_add(other.samples);
        self.receipts = self.receipts.saturating_add(other.receipts);
        self.redelivered = self.redelivered.saturating_add(other.redelivered);
        self.dead_lettered = self.dead_lettered.or(other.dead_lettered);
        self.first_receipt_ns = match (self.first_receipt_ns, other.first_receipt_ns) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        let (sent, received) = self.sent.zip(self.first_receipt_ns)?;
        self.texts = None;
        (!was_pair).then(|| Joined { sent, e2e_ns: received.saturating_sub(sent.due_ns) })
    }

    pub(crate) fn is_pair(&self) -> bool {
        self.sent.is_some() && self.first_receipt_ns.is_some()
    }

    /// Sent and not received: only such an event can turn out to be lost, and be named.
    pub(super) fn may_be_lost(&self) -> bool {
        self.sent.is_some() && self.first_receipt_ns.is_none()
    }

    /// Sent once, acknowledged, and received once: nothing about it is special, so its fingerprint is
    /// all that has to be kept.
    pub(super) fn is_plain_pair(&self) -> bool {
        self.is_pair()
            && self.sent.is_some_and(|sent| super::is_acked(sent.outcome))
            && (self.samples, self.receipts, self.redelivered) == (1, 1, 0)
            && self.dead_lettered.is_none()
    }

    /// Puts a plain pair to what was heard of its event after it had left. Its times were told when it
    /// met; of them nothing is known any more, and nothing has to be.
    pub(super) fn rejoin_plain_pair(&mut self) {
        let unknown = Sent {
            due_ns: i64::MAX,
            outcome: Outcome::Ok,
            scenario: 0,
            event_type: 0,
            warm_up: false,
        };
        self.absorb(&Self {
            sent: Some(unknown),
            samples: 1,
            receipts: 1,
            first_receipt_ns: Some(i64::MAX),
            ..Self::default()
        });
    }
}
