//! What the broker does to a connection: marks in the stream, and how long it was blocked.

use std::collections::BTreeMap;

use super::amqp::AmqpTarget;
use super::pending::Pending;

/// How one of our connections stands.
#[derive(Debug)]
pub(super) struct Standing {
    /// The broker, without its password.
    broker: String,
    /// Which of our connections it is, from one.
    number: u16,
    blocked_since_ns: Option<u64>,
    blocked_ns: u64,
    /// Connections that were lost in its place.
    losses: u64,
}

impl Standing {
    pub(super) fn new(target: &AmqpTarget) -> Self {
        Self {
            broker: target.shown.clone(),
            number: target.number,
            blocked_since_ns: None,
            blocked_ns: 0,
            losses: 0,
        }
    }

    /// The broker takes nothing from us any more, for want of memory or disk space.
    pub(super) fn blocked(&mut self, pending: &mut Pending, reason: String) {
        let at_ns = pending.now_ns();
        self.blocked_since_ns.get_or_insert(at_ns);
        self.mark(pending, at_ns, "connection_blocked", Some(reason));
    }

    pub(super) fn unblocked(&mut self, pending: &mut Pending) {
        let at_ns = pending.now_ns();
        self.end_blocked(at_ns);
        self.mark(pending, at_ns, "connection_unblocked", None);
    }

    pub(super) fn lost(&mut self, pending: &mut Pending, reason: String) {
        let at_ns = pending.now_ns();
        self.end_blocked(at_ns);
        self.losses += 1;
        self.mark(pending, at_ns, "connection_lost", Some(reason));
    }

    pub(super) fn restored(&mut self, pending: &mut Pending) {
        self.mark(pending, pending.now_ns(), "connection_restored", None);
    }

    /// How long it was blocked in all, and how often it was lost.
    pub(super) fn finish(mut self, now_ns: u64) -> (u64, u64) {
        self.end_blocked(now_ns);
        (self.blocked_ns, self.losses)
    }

    fn end_blocked(&mut self, now_ns: u64) {
        let since_ns = self.blocked_since_ns.take();
        self.blocked_ns += since_ns.map_or(0, |since_ns| now_ns.saturating_sub(since_ns));
    }

    fn mark(&self, pending: &mut Pending, at_ns: u64, what: &'static str, reason: Option<String>) {
        let mut labels = BTreeMap::from([("connection".to_owned(), self.number.to_string())]);
        labels.extend(reason.map(|reason| ("reason".to_owned(), reason)));
        pending.mark(at_ns, what, &self.broker, labels);
    }
}
