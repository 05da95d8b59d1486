//! The smallest of many, as many as there is room for: a list that is cut off where the memory ends
//! is the same list, in whichever order its items come.

use std::collections::BinaryHeap;

/// Keeps the smallest items and counts all.
#[derive(Debug)]
pub(crate) struct Smallest<T> {
    limit: usize,
    kept: BinaryHeap<T>,
    count: u64,
}

impl<T: Ord> Smallest<T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, kept: BinaryHeap::new(), count: 0 }
    }

    pub(crate) fn push(&mut self, item: T) {
        self.count += 1;
        self.kept.push(item);
        if self.kept.len() > self.limit {
            self.kept.pop();
        }
    }

    /// Counts items that nobody has any more.
    pub(crate) fn count_unkept(&mut self, items: u64) {
        self.count += items;
    }

    /// How many there were.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Those that were kept, the smallest first.
    pub(crate) fn into_sorted(self) -> Vec<T> {
        self.kept.into_sorted_vec()
    }
}

impl<T: Ord> Extend<T> for Smallest<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, items: I) {
        items.into_iter().for_each(|item| self.push(item));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_kept_is_the_head_of_the_sorted_list(
            mut items in prop::collection::vec(0_u8..50, 0..60),
            limit in 0_usize..20,
        ) {
            let mut smallest = Smallest::new(limit);
            smallest.extend(items.iter().copied());
            prop_assert_eq!(smallest.count(), items.len() as u64);
            items.sort_unstable();
            items.truncate(limit);
            prop_assert_eq!(smallest.into_sorted(), items);
        }
    }
}
