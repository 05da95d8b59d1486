//! Whether events arrived in the order of their source.
//!
//! An event that carries a sequence number (`ce-gen --sequence`) is out of order when one with a
//! higher number of the same source has arrived before it. Compared are receipts that came the same
//! way: by one stream and one door, because nothing is promised between two queues; and of one shard,
//! because senders of several shards do not wait for each other. Redeliveries and dead letters are
//! late by nature and not compared. What arrives twice without being marked counts each time.

use std::collections::HashMap;

use crate::names::Names;

/// Ways that are kept apart; those of more sources are not compared.
const WAYS: usize = 10_000;
/// Doors and sources that are told apart, within the same limit.
const TEXTS: usize = WAYS;

/// The place of an event among those of its source, and the way that it came.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) seq: u64,
    pub(crate) stream: usize,
    pub(crate) door: &'a str,
    /// How many shards the load is spread over; event `seq` is of shard `seq` modulo this.
    pub(crate) shards: u64,
}

/// The highest sequence number of each way so far.
#[derive(Debug)]
pub(super) struct Order {
    doors: Names,
    sources: Names,
    highest: HashMap<Way, u64>,
    checked: u64,
    late: u64,
    unchecked: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Way {
    stream: usize,
    door: u16,
    source: u16,
    shard: u64,
}

impl Default for Order {
    fn default() -> Self {
        Self {
            doors: Names::with_limit(TEXTS),
            sources: Names::with_limit(TEXTS),
            highest: HashMap::new(),
            checked: 0,
            late: 0,
            unchecked: 0,
        }
    }
}

impl Order {
    /// Enters a receipt of an event of `source`.
    pub(super) fn enter(&mut self, source: &str, place: Place<'_>) {
        let Place { seq, stream, door, shards } = place;
        let (door, source) = (self.doors.known(door), self.sources.known(source));
        let Some((door, source)) = door.zip(source) else {
            self.unchecked += 1;
            return;
        };
        let way = Way { stream, door, source, shard: seq % shards.max(1) };
        if let Some(highest) = self.highest.get_mut(&way) {
            self.late += u64::from(seq < *highest);
            *highest = seq.max(*highest);
        } else if self.highest.len() < WAYS {
            self.highest.insert(way, seq);
        } else {
            self.unchecked += 1;
            return;
        }
        self.checked += 1;
    }

    /// Receipts that were compared, each source's first one among them.
    pub(super) fn checked(&self) -> u64 {
        self.checked
    }

    pub(super) fn out_of_order(&self) -> u64 {
        self.late
    }

    /// Receipts of sources beyond the limit.
    pub(super) fn unchecked(&self) -> u64 {
        self.unchecked
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn place(seq: u64) -> Place<'static> {
        Place { seq, stream: 0, door: "/", shards: 1 }
    }

    #[test]
    fn what_follows_a_higher_number_is_out_of_order() {
        let mut order = Order::default();
        for seq in [0, 2, 1, 3, 3, 0] {
            order.enter("a", place(seq));
        }
        order.enter("b", place(0));
        order.enter("a", Place { door: "/other", ..place(1) });
        order.enter("a", Place { stream: 1, ..place(2) });
        assert_eq!((order.out_of_order(), order.checked(), order.unchecked()), (2, 9, 0));
    }

    #[test]
    fn shards_do_not_wait_for_each_other() {
        let mut order = Order::default();
        // Shard 1 of 2 is far ahead, and then an event of its own comes late.
        for seq in [0, 1, 3, 5, 2, 4, 3] {
            order.enter("a", Place { shards: 2, ..place(seq) });
        }
        assert_eq!((order.out_of_order(), order.checked()), (1, 7));
    }

    #[test]
    fn the_number_of_sources_is_limited_and_the_rest_is_counted() {
        let mut order = Order::default();
        for source in 0..WAYS + 500 {
            order.enter(&source.to_string(), place(1));
        }
        order.enter("0", place(0));
        assert_eq!((order.checked(), order.unchecked()), (WAYS as u64 + 1, 500));
        assert_eq!((order.out_of_order(), order.highest.len()), (1, WAYS));
    }

    proptest! {
        /// The rule as it is told: is there an earlier receipt with a higher number?
        #[test]
        fn the_count_is_that_of_looking_back(
            receipts in prop::collection::vec((0_u64..30, 0_u8..3, 0_usize..2, 0_u8..2), 0..200),
            shards in 1_u64..4,
        ) {
            let mut order = Order::default();
            let (mut before, mut late) = (Vec::new(), 0);
            for (seq, source, stream, door) in receipts {
                let names = (source.to_string(), door.to_string());
                order.enter(&names.0, Place { seq, stream, door: &names.1, shards });
                let way = (source, stream, door, seq % shards);
                late += u64::from(before.iter().any(|&(its, of)| of == way && its > seq));
                before.push((seq, way));
            }
            prop_assert_eq!(order.out_of_order(), late);
            prop_assert_eq!(order.checked(), before.len() as u64);
        }
    }
}
