//! Which publisher confirm says what about which message.
//!
//! The broker numbers the publishes of a channel from one, and so do we; a confirm names its publish,
//! or all up to it. A message that no queue takes comes back before it is acknowledged, and is told by
//! its message id, its routing key, and its properties: events of two sources may have the same id, and
//! then one of them may reach a queue and the other none. Of those with all in common it is the oldest
//! that has not come back: a channel is served in order.

use std::collections::VecDeque;

/// The reply code and text of a message that came back.
pub(super) type Returned = (u16, Box<str>);

/// What a message that comes back is told by.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Name {
    message_id: Box<str>,
    routing_key: Box<str>,
    /// Of all properties, by which an exchange may route as well. A broker may have added to them.
    fingerprint: u64,
}

impl Name {
    pub(super) fn new(message_id: &str, routing_key: &str, fingerprint: u64) -> Self {
        Self { message_id: message_id.into(), routing_key: routing_key.into(), fingerprint }
    }

    fn is_like(&self, other: &Self) -> bool {
        self.message_id == other.message_id && self.routing_key == other.routing_key
    }
}

/// The publishes of a channel that have no confirm yet. `T` tells them apart.
#[derive(Debug)]
pub(super) struct Confirms<T> {
    /// By their numbers, without a gap; `None` is one that was confirmed before others.
    open: VecDeque<Option<Publish<T>>>,
    /// The number of the first.
    first: u64,
    /// Those that have no confirm.
    count: usize,
    /// Where to look for the next message that comes back: after the one before it.
    next_return: u64,
}

#[derive(Debug)]
struct Publish<T> {
    whose: T,
    name: Name,
    returned: Option<Box<Returned>>,
}

/// A confirm for no publish that is under way.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the broker confirms message {0} of this channel, which is not under way")]
pub(super) struct Foreign(u64);

impl<T> Confirms<T> {
    pub(super) fn new() -> Self {
        Self { open: VecDeque::new(), first: 1, count: 0, next_return: 1 }
    }

    /// How many publishes have no confirm.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The next message was published.
    pub(super) fn published(&mut self, name: Name, publish: T) {
        self.count += 1;
        self.open.push_back(Some(Publish { whose: publish, name, returned: None }));
    }

    /// A message came back. One that is not under way is nobody's.
    pub(super) fn returned(&mut self, name: &Name, returned: Returned) {
        let first = self.first;
        let exact = self.place_of(|open| open == name);
        let place = exact.or_else(|| self.place_of(|open| open.is_like(name)));
        if let Some(place) = place
            && let Some(open) = &mut self.open[place]
        {
            open.returned = Some(Box::new(returned));
            self.next_return = first + place as u64 + 1;
        }
    }

    /// Where the next message is that has not come back, and whose name it may be.
    fn place_of(&self, is_it: impl Fn(&Name) -> bool) -> Option<usize> {
        let is_it = |publish: &Option<Publish<T>>| {
            let open = publish.as_ref().filter(|open| open.returned.is_none());
            open.is_some_and(|open| is_it(&open.name))
        };
        let start = self.next_return.saturating_sub(self.first);
        let start = usize::try_from(start).unwrap_or(usize::MAX).min(self.open.len());
        let after = self.open.range(start..).position(&is_it).map(|place| start + place);
        after.or_else(|| self.open.range(..start).position(&is_it))
    }

    /// A confirm came for the message `tag`, or for all up to it; zero is all. Tells `each` of them,
    /// and how it came back if it did.
    pub(super) fn confirmed(
        &mut self,
        tag: u64,
        multiple: bool,
        mut each: impl FnMut(T, Option<Returned>),
    ) -> Result<(), Foreign> {
        let last = self.first + self.open.len() as u64 - 1;
        let tag = if multiple && tag == 0 { last } else { tag };
        if multiple && tag < self.first {
            // All of them were confirmed one by one.
            return Ok(());
        }
        let place = tag.checked_sub(self.first).filter(|_| tag <= last).ok_or(Foreign(tag))?;
        let place = usize::try_from(place).map_err(|_| Foreign(tag))?;
        let mut take = |slot: &mut Option<Publish<T>>| {
            let taken = slot.take();
            if let Some(Publish { whose, returned, .. }) = taken {
                self.count -= 1;
                each(whose, returned.map(|returned| *returned));
                return true;
            }
            false
        };
        if multiple {
            for slot in self.open.range_mut(..=place) {
                take(slot);
            }
        } else if !take(&mut self.open[place]) {
            return Err(Foreign(tag));
        }
        while self.open.pop_front_if(|slot| slot.is_none()).is_some() {
            self.first += 1;
        }
        Ok(())
    }

    /// The channel is no more: tells `each` publish without a confirm, and how it came back if it did.
    /// The next channel counts from one again.
    pub(super) fn start_over(&mut self, mut each: impl FnMut(T, Option<Returned>)) {
        for Publish { whose, returned, .. } in self.open.drain(..).flatten() {
            each(whose, returned.map(|returned| *returned));
        }
        *self = Self::new();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(id: &str) -> Name {
        Name::new(id, "key", 1)
    }

    fn published(ids: &[&str]) -> Confirms<usize> {
        let mut confirms = Confirms::new();
        for (publish, id) in ids.iter().enumerate() {
            confirms.published(name(id), publish);
        }
        confirms
    }

    fn back() -> Returned {
        (312, "NO_ROUTE".into())
    }

    /// Confirms, and lists (publish, did it come back).
    #[track_caller]
    fn confirm(confirms: &mut Confirms<usize>, tag: u64, multiple: bool) -> Vec<(usize, bool)> {
        let mut all = Vec::new();
        let each = |publish, returned: Option<Returned>| all.push((publish, returned.is_some()));
        confirms.confirmed(tag, multiple, each).unwrap();
        all
    }

    #[test]
    fn a_confirm_is_about_the_message_that_it_names() {
        let mut confirms = published(&["a", "b", "c", "d"]);
        assert_eq!(confirm(&mut confirms, 2, false), [(1, false)]);
        assert_eq!(confirm(&mut confirms, 3, true), [(0, false), (2, false)]);
        assert_eq!(confirm(&mut confirms, 3, true), []);
        confirms.published(name("e"), 4);
        assert_eq!((confirms.len(), confirm(&mut confirms, 5, false)), (2, vec![(4, false)]));
        assert_eq!(confirm(&mut confirms, 0, true), [(3, false)]);
        assert_eq!((confirms.len(), confirms.first), (0, 6));
    }

    #[test]
    fn a_message_that_came_back_is_told_by_its_id() {
        let mut confirms = published(&["a", "b", "c"]);
        confirms.returned(&name("b"), back());
        confirms.returned(&name("nobody"), back());
        assert_eq!(confirm(&mut confirms, 3, true), [(0, false), (1, true), (2, false)]);
    }

    #[test]
    fn of_equal_ids_the_oldest_comes_back_first() {
        let mut confirms = published(&["a", "a", "b", "a"]);
        confirms.returned(&name("a"), back());
        confirms.returned(&name("b"), back());
        assert_eq!(confirm(&mut confirms, 3, true), [(0, true), (1, false), (2, true)]);
        confirms.returned(&name("a"), back());
        assert_eq!(confirm(&mut confirms, 4, false), [(3, true)]);
    }

    #[test]
    fn of_equal_ids_the_one_with_all_else_in_common_comes_back() {
        let all = [("ok", 1), ("nowhere", 1), ("nowhere", 2), ("ok", 1)];
        let check = |name: Name, back: usize| {
            let mut confirms = Confirms::new();
            for (publish, (key, print)) in all.into_iter().enumerate() {
                confirms.published(Name::new("a", key, print), publish);
            }
            confirms.returned(&name, self::back());
            let told = confirm(&mut confirms, 4, true);
            assert_eq!(told, [0, 1, 2, 3].map(|publish| (publish, publish == back)));
        };
        check(Name::new("a", "nowhere", 1), 1);
        check(Name::new("a", "nowhere", 2), 2);
        // The broker has added something.
        check(Name::new("a", "nowhere", 3), 1);
    }

    #[test]
    fn a_message_before_the_last_that_came_back_is_found_too() {
        let mut confirms = published(&["a", "b"]);
        confirms.returned(&name("b"), back());
        confirms.returned(&name("a"), back());
        assert_eq!(confirm(&mut confirms, 2, true), [(0, true), (1, true)]);
    }

    #[test]
    fn a_confirm_for_nothing_is_an_error() {
        let mut confirms = published(&["a", "b", "c"]);
        let mut check = |tag, multiple| {
            let each = |publish, _| panic!("{publish} is not meant");
            assert_eq!(confirms.confirmed(tag, multiple, each), Err(Foreign(tag)));
        };
        check(0, false);
        check(4, false);
        check(4, true);
        confirm(&mut confirms, 2, false);
        assert_eq!(confirms.confirmed(2, false, |_, _| {}), Err(Foreign(2)));
        assert_eq!(published(&[]).confirmed(1, false, |_, _| {}), Err(Foreign(1)));
        assert_eq!(published(&[]).confirmed(0, true, |_, _| {}), Ok(()));
    }

    #[test]
    fn a_lost_channel_leaves_what_has_no_confirm() {
        let mut confirms = published(&["a", "b", "c"]);
        confirms.returned(&name("c"), back());
        confirm(&mut confirms, 2, false);
        let mut all = Vec::new();
        confirms.start_over(|publish, returned| all.push((publish, returned.is_some())));
        assert_eq!((all, confirms.len()), (vec![(0, false), (2, true)], 0));
        confirms.published(name("d"), 3);
        assert_eq!(confirm(&mut confirms, 1, false), [(3, false)]);
    }
}
