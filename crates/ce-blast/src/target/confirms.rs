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

/// A verdict about one publish.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// In a queue.
    Routed,
    /// No queue for it; the reply code and text of the broker.
    Returned(u16, String),
    /// Acknowledged, but the return that it may have had was lost with the connection.
    Unknown,
}

/// A message that came back.
#[derive(Debug)]
pub(super) struct ReturnedMessage {
    pub(super) message_id: String,
    pub(super) code: u16,
    pub(super) text: String,
}

/// Acknowledgements and returns that wait for each other. `T` tells publishes apart.
#[derive(Debug)]
pub(super) struct Confirms<T> {
    /// Publishes without a confirm, by message id, in order of publishing.
    open: HashMap<Box<str>, VecDeque<T>>,
    /// Acknowledged, and not yet certain to be routed.
    held: VecDeque<Held<T>>,
    /// Returns whose message has not been judged yet, by message id.
    returns: HashMap<Box<str>, VecDeque<(u16, String)>>,
    /// Message ids that are in both `open` and `returns`: returns that came early.
    early: usize,
    /// Whether a return may have been lost with the connection.
    is_doubtful: bool,
    round: u64,
}

#[derive(Debug)]
struct Held<T> {
    publish: T,
    message_id: Box<str>,
    ended_ns: u64,
    round: u64,
}

impl<T: Copy + PartialEq> Confirms<T> {
    pub(super) fn new() -> Self {
        Self {
            open: HashMap::new(),
            held: VecDeque::new(),
            returns: HashMap::new(),
            early: 0,
            is_doubtful: false,
            round: 0,
        }
    }

    /// A message was published.
    pub(super) fn published(&mut self, message_id: &str, publish: T) {
        if let Some(same) = self.open.get_mut(message_id) {
            return same.push_back(publish);
        }
        self.open.insert(message_id.into(), VecDeque::from([publish]));
        self.early += usize::from(self.returns.contains_key(message_id));
    }

    /// A publish ended without an acknowledgement.
    pub(super) fn forget(&mut self, message_id: &str, publish: T) {
        let Some(same) = self.open.get_mut(message_id) else { return };
        same.retain(|&open| open != publish);
        if same.is_empty() {
            self.open.remove(message_id);
            self.early -= usize::from(self.returns.contains_key(message_id));
        }
    }

    /// The confirm of a publish was lost with the connection. If its return came early, that took the
    /// place of another, which is lost as well: nothing more that is held is certain to be routed.
    pub(super) fn lost(&mut self, message_id: &str, publish: T) {
        self.is_doubtful |=
            self.open.contains_key(message_id) && self.returns.contains_key(message_id);
        self.forget(message_id, publish);
    }

    /// A message came back, with whatever confirm it may have come.
    pub(super) fn returned(&mut self, message: ReturnedMessage) {
        let ReturnedMessage { message_id, code, text } = message;
        if let Some(same) = self.returns.get_mut(message_id.as_str()) {
            return same.push_back((code, text));
        }
        self.early += usize::from(self.open.contains_key(message_id.as_str()));
        self.returns.insert(message_id.into(), VecDeque::from([(code, text)]));
    }

    /// A publish was acknowledged at `ended_ns`.
    pub(super) fn acknowledged(&mut self, message_id: &str, publish: T, ended_ns: u64) {
        self.forget(message_id, publish);
        let message_id = message_id.into();
        self.held.push_back(Held { publish, message_id, ended_ns, round: self.round });
    }

    /// Whether anything waits for [`Confirms::settle`].
    pub(super) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Ends a round of polling; tells `verdict` about each publish that has become certain: which,
    /// when it was acknowledged, and what became of it.
    pub(super) fn settle(&mut self, mut verdict: impl FnMut(T, u64, Verdict)) {
        self.round += 1;
        if self.early > 0 {
            return;
        }
        while let Some(held) = self.held.pop_front_if(|held| held.round + 2 <= self.round) {
            let result = match self.take_return(&held.message_id) {
                Some((code, text)) => Verdict::Returned(code, text),
                None if self.is_doubtful => Verdict::Unknown,
                None => Verdict::Routed,
            };
            verdict(held.publish, held.ended_ns, result);
        }
        if self.held.is_empty() {
            // What is left came back for publishes that have ended in another way.
            self.returns.clear();
        }
    }

    /// The connection was lost and there is another: what was held back is told now, and no return of
    /// the old connection is taken for one of a message that is published again.
    pub(super) fn start_over(&mut self, mut verdict: impl FnMut(T, u64, Verdict)) {
        // No return is waited for any more, and one that had not come may have been lost.
        self.is_doubtful |= self.early > 0;
        self.early = 0;
        self.settle(&mut verdict);
        self.settle(&mut verdict);
        self.returns.clear();
        self.is_doubtful = false;
    }

    /// Takes the return of a message that no early return is known of.
    fn take_return(&mut self, message_id: &str) -> Option<(u16, String)> {
        let same = self.returns.get_mut(message_id)?;
        let returned = same.pop_front();
        if same.is_empty() {
            self.returns.remove(message_id);
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

    /// Settles until nothing is held, and lists (publish, was it routed).
    fn verdicts(confirms: &mut Confirms<usize>) -> Vec<(usize, bool)> {
        let mut all = Vec::new();
        for _ in 0..3 {
            confirms.settle(|publish, _, verdict| all.push((publish, verdict == Verdict::Routed)));
        }
        assert!(!confirms.is_holding());
        all
    }

    fn published(ids: &[&str]) -> Confirms<usize> {
        let mut confirms = Confirms::new();
        for (publish, id) in ids.iter().enumerate() {
            confirms.published(id, publish);
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
            confirms.settle(|publish, _, _| panic!("{publish} is not certain yet"));
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
        confirms.settle(|publish, ended_ns, verdict| seen = Some((publish, ended_ns, verdict)));
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
    fn a_return_of_a_lost_connection_is_not_that_of_the_next_attempt() {
        let mut confirms = published(&["a", "b"]);
        confirms.returned(back("a"));
        confirms.acknowledged("b", 1, 1);
        let mut all = Vec::new();
        confirms.start_over(|publish, _, verdict| all.push((publish, verdict)));
        assert_eq!(all, [(1, Verdict::Unknown)], "its return may have been lost");
        confirms.published("a", 2);
        // Only now the first attempt is known to have failed.
        confirms.forget("a", 0);
        confirms.acknowledged("a", 2, 2);
        assert_eq!(verdicts(&mut confirms), [(2, true)]);
    }

    #[test]
    fn a_confirm_that_is_lost_takes_the_certainty_of_others_with_it() {
        let mut confirms = published(&["w", "x", "y"]);
        // x completes and is handed the return of w; its own is still to come, and never does.
        confirms.acknowledged("x", 1, 1);
        confirms.returned(back("w"));
        confirms.lost("w", 0);
        // Seen only after the loss, and acknowledged before it.
        confirms.acknowledged("y", 2, 1);
        let mut all = Vec::new();
        for _ in 0..3 {
            confirms.settle(|publish, _, verdict| all.push((publish, verdict)));
        }
        assert_eq!(all, [(1, Verdict::Unknown), (2, Verdict::Unknown)]);
        confirms.start_over(|publish, _, _| panic!("{publish} was told before"));
        confirms.published("z", 3);
        confirms.acknowledged("z", 3, 2);
        assert_eq!(verdicts(&mut confirms), [(3, true)]);
    }

    #[test]
    fn a_negative_confirm_leaves_nothing_behind() {
        let mut confirms = published(&["a"]);
        confirms.forget("a", 0);
        assert!(confirms.open.is_empty());
        assert_eq!(verdicts(&mut confirms), []);
    }

    #[test]
    fn a_return_for_an_abandoned_publish_is_not_kept() {
        let mut confirms = published(&["a", "b"]);
        confirms.returned(back("a"));
        confirms.forget("a", 0);
        confirms.acknowledged("b", 1, 1);
        assert_eq!(verdicts(&mut confirms), [(1, true)]);
        confirms.published("a", 2);
        confirms.acknowledged("a", 2, 2);
        assert_eq!(verdicts(&mut confirms), [(2, true)]);
    }
}
