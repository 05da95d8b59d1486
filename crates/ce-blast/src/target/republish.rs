//! Which attempts are followed by another for the same event, and when.
//!
//! The broker removes no duplicates: an event in doubt that had arrived arrives twice. Two attempts
//! of an event are never under way on one channel: one that was refused has ended, and one in doubt
//! has lost its channel.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ce_record::Outcome;

use super::backoff::doubled;
use super::pending::{Pending, Ticket};
use crate::cli::republish::{RepublishArgs, What};
use crate::job::Answer;

/// From the end of a first attempt until the second.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Which attempts are followed by another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    in_doubt: bool,
    nacked: bool,
    /// Attempts of an event, the first among them.
    attempts: u32,
}

impl Policy {
    pub(crate) fn new(args: &RepublishArgs) -> Self {
        let has = |what| args.what.contains(&what);
        Self {
            in_doubt: has(What::InDoubt),
            nacked: has(What::Nacked),
            attempts: args.limit.saturating_add(1),
        }
    }

    /// How long to wait for the next attempt after one that ended so; `None` if it was the last.
    fn wait(self, outcome: Outcome, attempt: u32) -> Option<Duration> {
        let wanted = match outcome {
            Outcome::InDoubt => self.in_doubt,
            Outcome::Rejected => self.nacked,
            _ => false,
        };
        (wanted && attempt < self.attempts).then(|| doubled(FIRST_WAIT, attempt, LONGEST_WAIT))
    }
}

/// Events that wait for their next attempt.
#[derive(Debug)]
pub(super) struct Republish {
    policy: Policy,
    /// By when they are due; the number tells those of one instant apart.
    waiting: BTreeMap<(Instant, u64), Ticket>,
    entered: u64,
}

impl Republish {
    pub(super) fn new(policy: Policy) -> Self {
        Self { policy, waiting: BTreeMap::new(), entered: 0 }
    }

    /// Ends an attempt, or puts it aside until its event is published again.
    pub(super) fn end(
        &mut self,
        pending: &mut Pending,
        ticket: Ticket,
        ended_ns: u64,
        answer: Answer,
    ) {
        let attempt = if pending.is_open(ticket) { pending.event(ticket) } else { None };
        let wait = attempt.and_then(|(_, attempt)| self.policy.wait(answer.outcome, attempt));
        let Some(wait) = wait else { return pending.end(ticket, ended_ns, answer) };
        pending.put_aside(ticket, ended_ns, answer);
        self.entered += 1;
        self.waiting.insert((Instant::now() + wait, self.entered), ticket);
    }

    /// When the first one is due.
    pub(super) fn first(&self) -> Option<Instant> {
        self.waiting.first_key_value().map(|(&(due, _), _)| due)
    }

    /// Takes one that is due.
    pub(super) fn take_due(&mut self) -> Option<Ticket> {
        let entry = self.waiting.first_entry()?;
        (entry.key().0 <= Instant::now()).then(|| entry.remove())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits_ms(policy: Policy, outcome: Outcome) -> Vec<u128> {
        let waits = (1..).map_while(|attempt| policy.wait(outcome, attempt));
        waits.map(|wait| wait.as_millis()).collect()
    }

    #[test]
    fn an_event_is_published_again_as_often_as_allowed_and_less_and_less_soon() {
        let args = |what: &[What], limit| RepublishArgs { what: what.to_vec(), limit };
        let policy = Policy::new(&args(&[What::Nacked], 8));
        assert_eq!(waits_ms(policy, Outcome::InDoubt), Vec::<u128>::new());
        let waits = waits_ms(policy, Outcome::Rejected);
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        let policy = Policy::new(&args(&[What::InDoubt, What::Nacked], 1000));
        assert_eq!(waits_ms(policy, Outcome::InDoubt).len(), 1000);
        assert_eq!(waits_ms(policy, Outcome::Rejected).last(), Some(&5000));
        for outcome in [Outcome::Ok, Outcome::Returned, Outcome::Timeout, Outcome::ConnectError] {
            assert_eq!(policy.wait(outcome, 1), None);
        }
    }
}
