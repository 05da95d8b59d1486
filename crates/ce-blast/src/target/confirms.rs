//! Which publisher confirm says what about which event.
//!
//! lapin hands a returned message to whichever confirm is completed next, not to the confirm of the
//! message that was returned; one `multiple` acknowledgement completes its confirms in any order.
//! So an acknowledgement alone does not prove that a message was routed. What does hold is:
//!
//! - the broker sends the return before the acknowledgement of the same message;
//! - lapin completes confirms one after the other and gives the oldest waiting return to each.
//!
//! An acknowledgement is therefore held back until every return that came before it has been seen:
//! until no return is known whose own message is still unconfirmed (such a return has pushed ours
//! one place back), and until whatever was completed earlier has been looked at, which two rounds of
//! polling make certain. Returned messages are then told by their `message_id`.

use std::collections::{HashMap, VecDeque};

/// A verdict about the publish in a slot.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// In a queue.
    Routed,
    /// No queue for it; the reply code and text of the broker.
    Returned(u16, String),
}

/// A message that came back.
#[derive(Debug)]
pub(super) struct ReturnedMessage {
    pub(super) message_id: String,
    pub(super) code: u16,
    pub(super) text: String,
}

/// Acknowledgements and returns that wait for each other.
#[derive(Debug, Default)]
pub(super) struct Confirms {
    /// Publishes without a confirm: message id to slots, in order of publishing.
    open: HashMap<Box<str>, VecDeque<usize>>,
    /// Acknowledged, and not yet certain to be routed.
    held: VecDeque<Held>,
    /// Returns that were seen before the confirm of their message.
    early: HashMap<Box<str>, VecDeque<(u16, String)>>,
    round: u64,
}

#[derive(Debug)]
struct Held {
    slot: usize,
    message_id: Box<str>,
    ended_ns: u64,
    round: u64,
}

impl Confirms {
    /// A message was published.
    pub(super) fn published(&mut self, message_id: &str, slot: usize) {
        self.open.entry(message_id.into()).or_default().push_back(slot);
    }

    /// The attempt in a slot ended without an acknowledgement.
    pub(super) fn forget(&mut self, message_id: &str, slot: usize) {
        if let Some(slots) = self.open.get_mut(message_id) {
            slots.retain(|&open| open != slot);
            if slots.is_empty() {
                self.open.remove(message_id);
            }
        }
    }

    /// A message came back, with whatever confirm it may have come.
    pub(super) fn returned(&mut self, message: ReturnedMessage) {
        let ReturnedMessage { message_id, code, text } = message;
        self.early.entry(message_id.into()).or_default().push_back((code, text));
    }

    /// The publish in `slot` was acknowledged at `ended_ns`.
    pub(super) fn acknowledged(&mut self, message_id: &str, slot: usize, ended_ns: u64) {
        self.forget(message_id, slot);
        let message_id = message_id.into();
        self.held.push_back(Held { slot, message_id, ended_ns, round: self.round });
    }

    /// Whether anything waits for [`Confirms::settle`].
    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Ends a round of polling; tells `verdict` about each publish that has become certain: its
    /// slot, when it was acknowledged, and what became of it.
    pub(super) fn settle(&mut self, mut verdict: impl FnMut(usize, u64, Verdict)) {
        self.round += 1;
        let held_by_early = self.early.keys().any(|id| self.open.contains_key(id));
        if held_by_early {
            return;
        }
        while let Some(held) = self.held.front() {
            if held.round + 2 > self.round {
                return;
            }
            let held = self.held.pop_front().expect("it was just looked at");
            let returned = self.take_return(&held.message_id);
            let result =
                returned.map_or(Verdict::Routed, |(code, text)| Verdict::Returned(code, text));
            verdict(held.slot, held.ended_ns, result);
        }
    }

    fn take_return(&mut self, message_id: &str) -> Option<(u16, String)> {
        let waiting = self.early.get_mut(message_id)?;
        let returned = waiting.pop_front();
        if waiting.is_empty() {
            self.early.remove(message_id);
        }
        returned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn back(id: &str) -> ReturnedMessage {
        ReturnedMessage { message_id: id.into(), code: 312, text: "NO_ROUTE".into() }
    }

    /// Settles until nothing is held, and lists (slot, was it routed).
    fn verdicts(confirms: &mut Confirms) -> Vec<(usize, bool)> {
        let mut all = Vec::new();
        for _ in 0..3 {
            confirms.settle(|slot, _, verdict| all.push((slot, verdict == Verdict::Routed)));
        }
        assert!(!confirms.is_holding());
        all
    }

    fn published(ids: &[&str]) -> Confirms {
        let mut confirms = Confirms::default();
        for (slot, id) in ids.iter().enumerate() {
            confirms.published(id, slot);
        }
        confirms
    }

    #[test]
    fn a_return_on_a_foreign_confirm_finds_its_message() {
        let mut confirms = published(&["a", "b"]);
        // One `multiple` acknowledgement: b is completed first and is handed the return of a.
        confirms.acknowledged("a", 0, 1);
        confirms.acknowledged("b", 1, 1);
        confirms.returned(back("a"));
        assert_eq!(verdicts(&mut confirms), [(0, false), (1, true)]);
    }

    #[test]
    fn a_return_before_its_confirm_holds_back_those_that_it_may_have_displaced() {
        let mut confirms = published(&["w", "x"]);
        // x completes and is handed the return of w, so that its own return is still to come.
        confirms.acknowledged("x", 1, 1);
        confirms.returned(back("w"));
        for _ in 0..5 {
            confirms.settle(|slot, _, _| panic!("{slot} is not certain yet"));
        }
        confirms.acknowledged("w", 0, 2);
        confirms.returned(back("x"));
        assert_eq!(verdicts(&mut confirms), [(1, false), (0, false)]);
    }

    #[test]
    fn an_acknowledgement_waits_for_two_rounds() {
        let mut confirms = published(&["a"]);
        confirms.acknowledged("a", 0, 7);
        confirms.settle(|_, _, _| panic!("too early"));
        let mut seen = None;
        confirms.settle(|slot, ended_ns, verdict| seen = Some((slot, ended_ns, verdict)));
        assert_eq!(seen, Some((0, 7, Verdict::Routed)));
    }

    #[test]
    fn equal_message_ids_are_told_apart_by_number() {
        let mut confirms = published(&["a", "a"]);
        confirms.acknowledged("a", 0, 1);
        confirms.acknowledged("a", 1, 1);
        confirms.returned(back("a"));
        confirms.returned(back("a"));
        assert_eq!(verdicts(&mut confirms), [(0, false), (1, false)]);
    }

    #[test]
    fn a_negative_confirm_leaves_nothing_behind() {
        let mut confirms = published(&["a"]);
        confirms.forget("a", 0);
        assert!(confirms.open.is_empty());
        assert_eq!(verdicts(&mut confirms), []);
    }
}
