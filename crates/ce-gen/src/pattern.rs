//! An event of the user's own: text and placeholders of any width, in the order in which they are
//! written.
//!
//! | module | knows |
//! |---|---|
//! | `placeholder` | the grammar of `${…}` |
//! | `part` | which members the event has, and in which order |
//! | `compile` | how the JSON of an event becomes a pattern |
//! | `file` | what a template file holds |
//! | `validate` | whether all its events are valid |

mod compile;
mod file;
mod part;
mod placeholder;
mod validate;

pub(crate) use file::{Patterns, read};
use uuid::fmt::Hyphenated;

use crate::chance::Choose;
use crate::template::{NUMBER_DIGITS, ordered_uuid, put_decimal, put_hex, put_uuid};

/// A part of a line.
#[derive(Debug, Clone)]
enum Piece {
    /// Text as it is.
    Text(String),
    /// The event's number, with all its digits.
    Number,
    /// The event's number as a JSON number.
    BareNumber,
    /// The version 4 UUID that the event has as its id if nothing else is said. It takes no number
    /// from those of the placeholders, so that `--id` changes the id and nothing else.
    Id,
    /// The same as a version 7 UUID.
    OrderedId,
    /// Another version 4 UUID.
    Uuid,
    /// When the event is made.
    Time,
    /// A whole number of `low` and the `span - 1` after it.
    Int { low: i64, span: u64 },
    /// So many hexadecimal digits.
    Hex(usize),
    /// One of these, by the sums of their weights.
    Choice { up_to: Vec<u64>, texts: Vec<String> },
    /// A cell of the row that this event has in the pattern's `pool`-th pool.
    Pick { pool: usize, column: usize },
    /// As much padding as the line needs to reach this size.
    Pad(usize),
}

/// Rows to pick from: for each its cells, as they stand in JSON.
type Rows = Vec<Vec<String>>;

/// A line with placeholders.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    pieces: Vec<Piece>,
    /// Which of all pools it picks from.
    pools: Vec<usize>,
}

/// Everything that a line is made of besides its pattern.
pub(crate) struct Moment<'a, C> {
    pub(crate) number: u64,
    pub(crate) id: [u8; 16],
    pub(crate) time: &'a [u8],
    pub(crate) choose: C,
}

impl Pattern {
    /// Whether it needs the time.
    fn is_timed(&self) -> bool {
        self.pieces.iter().any(|piece| matches!(piece, Piece::Time))
    }

    /// Appends a line. `rows` are those of all pools; `picked` is scratch.
    fn append<C: Choose>(
        &self,
        moment: &mut Moment<'_, C>,
        rows: &[Rows],
        picked: &mut Vec<usize>,
        to: &mut Vec<u8>,
    ) {
        let start = to.len();
        let mut padding = None;
        picked.clear();
        for &pool in &self.pools {
            let row = moment.choose.below(rows[pool].len() as u64);
            picked.push(usize::try_from(row).expect("it is below a length"));
        }
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => to.extend_from_slice(text.as_bytes()),
                Piece::Pick { pool, column } => {
                    let row = &rows[self.pools[*pool]][picked[*pool]];
                    to.extend_from_slice(row[*column].as_bytes());
                }
                Piece::Pad(size) => padding = Some((to.len(), *size)),
                _ => piece.append(moment, to),
            }
        }
        if let Some((at, size)) = padding {
            pad(to, at, start + size);
        }
        to.push(b'\n');
    }
}

impl Piece {
    /// Appends what does not depend on the rest of the line.
    fn append<C: Choose>(&self, moment: &mut Moment<'_, C>, to: &mut Vec<u8>) {
        match self {
            Self::Number => put_decimal(gap(to, NUMBER_DIGITS as usize), moment.number),
            Self::BareNumber => append_decimal(to, moment.number),
            Self::Id => append_uuid(to, uuid::Builder::from_random_bytes(moment.id)),
            Self::OrderedId => append_uuid(to, ordered_uuid(moment.number, &moment.id)),
            Self::Uuid => {
                let bits = (moment.choose.id_bits(), moment.choose.id_bits());
                let random = uuid::Uuid::from_u64_pair(bits.0, bits.1).into_bytes();
                append_uuid(to, uuid::Builder::from_random_bytes(random));
            }
            Self::Time => to.extend_from_slice(moment.time),
            Self::Int { low, span } => {
                let number = low.wrapping_add_unsigned(moment.choose.below(*span));
                if number < 0 {
                    to.push(b'-');
                }
                append_decimal(to, number.unsigned_abs());
            }
            Self::Hex(digits) => {
                for digits in gap(to, *digits).chunks_mut(16) {
                    put_hex(digits, moment.choose.id_bits());
                }
            }
            Self::Choice { up_to, texts } => {
                to.extend_from_slice(texts[moment.choose.weighted(up_to)].as_bytes());
            }
            Self::Text(_) | Self::Pick { .. } | Self::Pad(_) => {}
        }
    }

    /// How many values it can take that are worth a look each.
    fn variety(&self, rows: &[Rows], pools: &[usize]) -> usize {
        match self {
            Self::Choice { texts, .. } => texts.len(),
            Self::Pick { pool, .. } => rows[pools[*pool]].len(),
            _ => 1,
        }
    }
}

/// Makes room for `width` bytes.
fn gap(to: &mut Vec<u8>, width: usize) -> &mut [u8] {
    let start = to.len();
    to.resize(start + width, b'0');
    &mut to[start..]
}

fn append_uuid(to: &mut Vec<u8>, uuid: uuid::Builder) {
    put_uuid(gap(to, Hyphenated::LENGTH), uuid);
}

fn append_decimal(to: &mut Vec<u8>, number: u64) {
    let digits = number.checked_ilog10().map_or(1, |log| log + 1);
    put_decimal(gap(to, digits as usize), number);
}

/// Inserts padding at `at`, so that `line` ends at `end` if it has ended before.
fn pad(line: &mut Vec<u8>, at: usize, end: usize) {
    let before = line.len();
    if let Some(missing) = end.checked_sub(before) {
        line.resize(end, b'x');
        line.copy_within(at..before, at + missing);
        line[at..at + missing].fill(b'x');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_inserted_where_it_is_wanted() {
        let padded = |end| {
            let mut line = b"before[]".to_vec();
            pad(&mut line, 7, end);
            String::from_utf8(line).unwrap()
        };
        assert_eq!(padded(0), "before[]");
        assert_eq!(padded(8), "before[]");
        assert_eq!(padded(9), "before[x]");
        assert_eq!(padded(13), "before[xxxxx]");
    }

    #[test]
    fn numbers_have_as_many_digits_as_they_need() {
        for number in [0, 1, 9, 10, 99, 100, u64::MAX] {
            let mut text = Vec::new();
            append_decimal(&mut text, number);
            assert_eq!(String::from_utf8(text).unwrap(), number.to_string());
        }
    }
}
