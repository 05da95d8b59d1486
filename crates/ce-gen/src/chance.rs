//! What is random about an event, as a pure function of (seed, run, number).
//!
//! Each event has a generator of its own, seeded with the mixed seed plus the event's number. A
//! generator that runs on from event to event would have to make all earlier events first; this one
//! can start anywhere.
//!
//! The run changes nothing but the ids: two runs with one seed put the same load on the platform,
//! which still sees events that it has not seen before.
//!
//! Kinds need a fixed [`Draw`]; a template needs as many numbers as it has placeholders, and goes
//! on where the draw has ended.

use rand_xoshiro::rand_core::{Rng, SeedableRng};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};
use uuid::Uuid;

/// Draws for every event of a run.
#[derive(Debug, Clone)]
pub(crate) struct Chance {
    seed: u64,
    run: (u64, u64),
    /// Differs in all its bits from run to run, so that the shortest of ids does.
    mixed_run: u64,
}

/// The raw numbers that one event is made of. All are drawn for every event, needed or not, so
/// that a number never depends on another choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Draw {
    /// Chooses the kind.
    pub(crate) kind: u64,
    /// Chooses among the lines of a kind.
    pub(crate) line: u64,
    /// Becomes the id.
    pub(crate) id: [u8; 16],
    /// Becomes the context id.
    pub(crate) context: u64,
    /// Becomes the block id.
    pub(crate) block: u64,
    /// Becomes the log indices, a byte each.
    pub(crate) logs: u64,
}

/// Decides whatever a template leaves open.
pub(crate) trait Choose {
    /// A number in `0..bound`; `bound` is not zero.
    fn below(&mut self, bound: u64) -> u64;

    /// A position in `up_to`, which holds the sums of the weights up to each.
    fn weighted(&mut self, up_to: &[u64]) -> usize;

    /// 64 bits of an id.
    fn id_bits(&mut self) -> u64;
}

/// The numbers of one event that come after its draw.
#[derive(Debug)]
pub(crate) struct More {
    rng: Xoshiro256PlusPlus,
    run: u64,
}

impl Chance {
    pub(crate) fn new(seed: u64, run: &str) -> Self {
        let run = Uuid::from_u128(fnv1a(run)).as_u64_pair();
        let mix = |bits| SplitMix64::seed_from_u64(bits).next_u64();
        Self { seed: mix(seed), run, mixed_run: mix(run.0 ^ run.1) }
    }

    /// The draw of event `number`.
    pub(crate) fn draw(&self, number: u64) -> Draw {
        self.drawn(number).0
    }

    /// What comes after the draw of event `number`.
    pub(crate) fn more(&self, number: u64) -> More {
        More { rng: self.drawn(number).1, run: self.mixed_run }
    }

    #[inline]
    fn drawn(&self, number: u64) -> (Draw, Xoshiro256PlusPlus) {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(self.seed.wrapping_add(number));
        let mut next = || rng.next_u64();
        let (kind, line) = (next(), next());
        let id = Uuid::from_u64_pair(next() ^ self.run.0, next() ^ self.run.1).into_bytes();
        let draw =
            Draw { kind, line, id, context: next() ^ self.run.0, block: next(), logs: next() };
        (draw, rng)
    }
}

impl Choose for More {
    fn below(&mut self, bound: u64) -> u64 {
        below(self.rng.next_u64(), bound)
    }

    fn weighted(&mut self, up_to: &[u64]) -> usize {
        let sum = *up_to.last().expect("there is something to choose from");
        let share = self.below(sum);
        up_to.partition_point(|&up_to| up_to <= share)
    }

    fn id_bits(&mut self) -> u64 {
        self.rng.next_u64() ^ self.run
    }
}

/// Maps a drawn number to `0..bound`. Of two results one may come more often by one in 2^64.
pub(crate) fn below(drawn: u64, bound: u64) -> u64 {
    drawn.carrying_mul(bound, 0).1
}

/// The 128-bit Fowler-Noll-Vo hash; short, and the same on every machine for ever.
fn fnv1a(text: &str) -> u128 {
    text.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_changes_the_ids_and_nothing_else() {
        let (here, there) = (Chance::new(7, "a"), Chance::new(7, "b"));
        for number in 0..1000 {
            let (one, other) = (here.draw(number), there.draw(number));
            assert_ne!(one.id, other.id);
            assert_ne!(one.context, other.context);
            assert_eq!(Draw { id: one.id, context: one.context, ..other }, one);
        }
    }

    #[test]
    fn neighbouring_seeds_and_numbers_have_nothing_in_common() {
        let draws = [(1, 5), (2, 4), (2, 5), (1, 6)].map(|(seed, n)| Chance::new(seed, "").draw(n));
        for (at, one) in draws.iter().enumerate() {
            for other in &draws[..at] {
                assert!(one.kind != other.kind && one.line != other.line && one.id != other.id);
            }
        }
    }

    #[test]
    fn below_covers_its_range_evenly() {
        assert_eq!(below(0, 10), 0);
        assert_eq!(below(u64::MAX, 10), 9);
        assert_eq!(below(u64::MAX / 2, 10), 4);
        assert_eq!(below(u64::MAX, 1), 0);
    }

    #[test]
    fn more_goes_on_where_the_draw_has_ended() {
        let chance = Chance::new(7, "");
        let (draw, mut more) = (chance.draw(0), chance.more(0));
        let bits = u64::from_be_bytes(*draw.id.first_chunk().unwrap());
        assert!(![draw.kind, draw.line, bits, draw.context].contains(&more.id_bits()));
        assert_ne!(Chance::new(7, "a").more(0).id_bits(), Chance::new(7, "b").more(0).id_bits());
        let below = |run| Chance::new(7, run).more(0).below(u64::MAX);
        assert_eq!(below("a"), below("b"));
    }

    #[test]
    fn weights_are_kept_and_all_positions_reached() {
        let chance = Chance::new(0, "");
        let mut counts = [0; 3];
        for number in 0..8000 {
            counts[chance.more(number).weighted(&[1, 4, 8])] += 1;
        }
        // Five standard deviations.
        assert!((852..=1148).contains(&counts[0]), "{counts:?}");
        assert!((2783..=3217).contains(&counts[1]), "{counts:?}");
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(fnv1a("a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }
}
