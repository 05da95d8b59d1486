//! Whether all events of a template are valid, found out before the first of them is written.

use ce_event::Event;

use super::{Moment, Patterns, Piece};
use crate::chance::Choose;
use crate::plan::MAX_LINE_BYTES;
use crate::stamp::SAMPLE;

/// Why an event of a template is no CloudEvent.
pub(super) struct Invalid {
    /// The member that is to blame, if it is one alone.
    pub(super) member: Option<String>,
    /// Why, and what to do.
    pub(super) what: String,
}

/// Fills in every value of every placeholder at least once, with both ends of all ranges, and
/// holds each line to the specification. `last` is the highest number that an event can have.
pub(super) fn validate(patterns: &Patterns, at: usize, last: u64) -> Result<(), Invalid> {
    let pattern = &patterns.shares[at].1;
    let variety = |piece: &Piece| piece.variety(&patterns.rows, &pattern.pools);
    let rounds = pattern.pieces.iter().map(variety).max().unwrap_or(1) as u64;
    let (mut picked, mut line) = (Vec::new(), Vec::new());
    for round in (0..rounds).map(Sweep::Nth).chain([Sweep::Last]) {
        line.clear();
        let number = if matches!(round, Sweep::Last) { last } else { 0 };
        let mut moment = Moment { number, id: [0; 16], time: SAMPLE, choose: round };
        patterns.append(at, &mut moment, &mut picked, &mut line);
        if line.len() > MAX_LINE_BYTES + 1 {
            let what = "lines have at most 1MiB, and this one becomes longer; shorten it";
            return Err(Invalid { member: None, what: what.into() });
        }
        Event::from_json(line.trim_ascii_end()).map_err(|err| Invalid {
            member: err.member().map(String::from),
            what: err.to_string(),
        })?;
    }
    Ok(())
}

/// Chooses what is to be looked at instead of what is random.
#[derive(Debug, Clone, Copy)]
enum Sweep {
    /// The n-th possibility, beginning again where there are fewer.
    Nth(u64),
    /// The last possibility.
    Last,
}

impl Choose for Sweep {
    fn below(&mut self, bound: u64) -> u64 {
        match self {
            Self::Nth(n) => *n % bound,
            Self::Last => bound - 1,
        }
    }

    fn weighted(&mut self, up_to: &[u64]) -> usize {
        let position = self.below(up_to.len() as u64);
        usize::try_from(position).expect("it is below a length")
    }

    fn id_bits(&mut self) -> u64 {
        u64::MAX
    }
}
