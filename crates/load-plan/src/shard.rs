//! A share of a plan: of N senders, sender `i` takes every N-th event, beginning with the i-th.
//!
//! The shares interleave, so together they have the same instants as one sender would, and nobody
//! has to know how many others are running.

use std::fmt;
use std::str::FromStr;

/// One of `count` shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    index: u64,
    count: u64,
}

/// Why a text is not a share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ShardError {
    /// Write `index/count`, counted from zero.
    #[error("`{0}` is no share: write index/count such as 0/3, 1/3 and 2/3")]
    Malformed(String),
}

impl Shard {
    /// All of a plan.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Whether event `k` (from zero) is of this share.
    pub fn has(self, k: u64) -> bool {
        k % self.count == self.index
    }

    /// The number of the j-th event of this share.
    pub fn nth(self, j: u64) -> Option<u64> {
        j.checked_mul(self.count)?.checked_add(self.index)
    }

    /// How many of the first `events` events are of this share.
    pub fn of(self, events: u64) -> u64 {
        events / self.count + u64::from(events % self.count > self.index)
    }

    /// Whether there is only one share.
    pub fn is_whole(self) -> bool {
        self.count == 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let malformed = || ShardError::Malformed(text.to_owned());
        let (index, count) = text.split_once('/').ok_or_else(malformed)?;
        let number = |text: &str| text.parse::<u64>().map_err(|_| malformed());
        let (index, count) = (number(index)?, number(count)?);
        if index < count { Ok(Self { index, count }) } else { Err(malformed()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_and_wrong_ones_refused() {
        assert_eq!("2/3".parse::<Shard>().unwrap().to_string(), "2/3");
        assert!("0/1".parse::<Shard>().unwrap().is_whole());
        for text in ["", "3/3", "1", "-1/3", "0/0", "a/b", "1/2/3"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_disjoint_and_complete() {
        for count in [1, 2, 3, 7] {
            for events in [0, 1, 6, 7, 8, 100] {
                let shards = (0..count).map(|index| Shard { index, count });
                let mut all: Vec<u64> = Vec::new();
                for shard in shards {
                    let mine = (0..shard.of(events)).map(|j| shard.nth(j).unwrap());
                    let mine: Vec<u64> = mine.inspect(|&k| assert!(shard.has(k))).collect();
                    all.extend(mine);
                }
                all.sort_unstable();
                assert_eq!(all, (0..events).collect::<Vec<_>>(), "{events} over {count}");
            }
        }
    }
}
