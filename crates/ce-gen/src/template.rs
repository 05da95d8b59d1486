//! A finished line with holes of fixed width: most of an event is the same every time, so making
//! one is a copy and a few patches.
//!
//! ```text
//! {"specversion":"1.0","id":"                                    ","type":"network.notifi…
//!                            ^ Hole::Uuid, 36 bytes
//! ```
//!
//! Fixed widths keep every line of a template equally long. That is what lets padding be worked out
//! once, before the first event.

use uuid::fmt::Hyphenated;

use crate::chance::{Draw, below};

/// How many digits an event number has wherever it is written.
pub(crate) const NUMBER_DIGITS: u32 = 12;

/// Width of a time in UTC with milliseconds, e.g., `2026-01-31T09:15:00.250Z`.
pub(crate) const TIME_BYTES: usize = 24;

/// Block ids are 9 digits; the first is never zero.
const FIRST_BLOCK: u64 = 100_000_000;
const BLOCKS: u64 = 900_000_000;

/// Log indices have 3 digits, and each stays in a range of its own, so they rise.
const FIRST_LOG: u64 = 100;
const LOGS_APART: u64 = 112;

/// What goes into a gap of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hole {
    /// A version 4 UUID.
    Uuid,
    /// A version 7 UUID.
    OrderedUuid,
    /// The event's number.
    Number,
    /// The time at which the event is made.
    Time,
    /// 16 hexadecimal digits.
    ContextId,
    /// A block.
    BlockId,
    /// The `n`-th log index of the block, from zero.
    LogIndex(usize),
}

/// All that differs from event to event.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    pub(crate) number: u64,
    pub(crate) draw: &'a Draw,
    pub(crate) time: &'a [u8],
}

/// A line with holes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Template {
    text: Vec<u8>,
    holes: Vec<(usize, Hole)>,
    /// How many padding bytes come between the text and the end.
    padding: usize,
    end: Vec<u8>,
}

impl Hole {
    fn width(self) -> usize {
        match self {
            Self::Uuid | Self::OrderedUuid => Hyphenated::LENGTH,
            Self::Number => NUMBER_DIGITS as usize,
            Self::Time => TIME_BYTES,
            Self::ContextId => 16,
            Self::BlockId => 9,
            Self::LogIndex(_) => 3,
        }
    }

    fn fill(self, gap: &mut [u8], event: &Event<'_>) {
        let draw = event.draw;
        match self {
            Self::Uuid => put_uuid(gap, uuid::Builder::from_random_bytes(draw.id)),
            Self::OrderedUuid => put_uuid(gap, ordered_uuid(event.number, &draw.id)),
            Self::Number => put_decimal(gap, event.number),
            Self::Time => gap.copy_from_slice(event.time),
            Self::ContextId => put_hex(gap, draw.context),
            Self::BlockId => put_decimal(gap, FIRST_BLOCK + below(draw.block, BLOCKS)),
            Self::LogIndex(n) => {
                let byte = u64::from(draw.logs.to_le_bytes()[n]);
                put_decimal(gap, FIRST_LOG + n as u64 * LOGS_APART + byte * LOGS_APART / 256);
            }
        }
    }
}

impl Template {
    /// Adds text as it is.
    pub(crate) fn text(mut self, text: &str) -> Self {
        self.text.extend_from_slice(text.as_bytes());
        self
    }

    /// Adds text that stands inside a JSON string.
    pub(crate) fn escaped(self, text: &str) -> Self {
        let quoted = serde_json::Value::from(text).to_string();
        self.text(&quoted[1..quoted.len() - 1])
    }

    /// Adds a hole.
    pub(crate) fn hole(mut self, hole: Hole) -> Self {
        self.holes.push((self.text.len(), hole));
        self.text.resize(self.text.len() + hole.width(), b' ');
        self
    }

    /// Adds `n` bytes of padding, so that the line with `end` is at least `line_bytes` long; then
    /// `end`, and closes the line.
    pub(crate) fn end(mut self, line_bytes: usize, end: &str) -> Self {
        self.padding = line_bytes.saturating_sub(self.text.len() + end.len());
        self.end = format!("{end}\n").into_bytes();
        self
    }

    /// Appends the line of `event`.
    pub(crate) fn append(&self, event: &Event<'_>, to: &mut Vec<u8>) {
        let start = to.len();
        to.extend_from_slice(&self.text);
        for &(at, hole) in &self.holes {
            let at = start + at;
            hole.fill(&mut to[at..at + hole.width()], event);
        }
        to.resize(to.len() + self.padding, b'x');
        to.extend_from_slice(&self.end);
    }
}

/// A version 7 UUID: its time is the number, as no clock is the same in every run.
pub(crate) fn ordered_uuid(number: u64, random: &[u8; 16]) -> uuid::Builder {
    let (random, _) = random.split_first_chunk().expect("10 are fewer than 16");
    uuid::Builder::from_unix_timestamp_millis(number, random)
}

/// Fills `gap` with a UUID.
pub(crate) fn put_uuid(gap: &mut [u8], uuid: uuid::Builder) {
    uuid.into_uuid().hyphenated().encode_lower(gap);
}

/// Fills `gap` with the last digits of `number`.
pub(crate) fn put_decimal(gap: &mut [u8], mut number: u64) {
    for digit in gap.iter_mut().rev() {
        *digit = b'0' + (number % 10).to_le_bytes()[0];
        number /= 10;
    }
}

/// Fills a gap of up to 16 bytes with the first digits of `number`.
pub(crate) fn put_hex(gap: &mut [u8], number: u64) {
    for (pair, byte) in gap.chunks_mut(2).zip(number.to_be_bytes()) {
        pair[0] = HEX[usize::from(byte >> 4)];
        if let Some(second) = pair.get_mut(1) {
            *second = HEX[usize::from(byte & 15)];
        }
    }
}

const HEX: &[u8; 16] = b"0123456789abcdef";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;

    fn line(template: &Template, number: u64) -> String {
        let draw = Chance::new(0, "").draw(number);
        let mut line = Vec::new();
        template.append(&Event { number, draw: &draw, time: &[b'T'; TIME_BYTES] }, &mut line);
        String::from_utf8(line).unwrap()
    }

    #[test]
    fn holes_are_filled_where_they_are() {
        let template = Template::default()
            .hole(Hole::Number)
            .text("<")
            .hole(Hole::Time)
            .escaped("\"\n")
            .hole(Hole::Number)
            .end(0, ">");
        let expected = "000000000042<TTTTTTTTTTTTTTTTTTTTTTTT\\\"\\n000000000042>\n";
        assert_eq!(line(&template, 42), expected);
        assert_eq!(line(&template, 999_999_999_999).matches("999999999999").count(), 2);
    }

    #[test]
    fn padding_reaches_the_size_and_never_cuts() {
        let sized = |bytes| line(&Template::default().text("[").end(bytes, "]"), 0);
        assert_eq!(sized(0), "[]\n");
        assert_eq!(sized(2), "[]\n");
        assert_eq!(sized(3), "[x]\n");
        assert_eq!(sized(10), "[xxxxxxxx]\n");
    }

    #[test]
    fn log_indices_rise_and_have_three_digits() {
        let logs = |draw: &Draw| -> Vec<u32> {
            let mut gap = [0; 3];
            let mut log = |n| {
                Hole::LogIndex(n).fill(&mut gap, &Event { number: 0, draw, time: &[] });
                std::str::from_utf8(&gap).unwrap().parse().unwrap()
            };
            (0..8).map(&mut log).collect()
        };
        let draw = Chance::new(0, "").draw(0);
        for bits in [0, u64::MAX, 0x00ff_00ff_00ff_00ff, 0xff00_ff00_ff00_ff00] {
            let logs = logs(&Draw { logs: bits, ..draw.clone() });
            assert!(logs.is_sorted_by(|one, next| one < next), "{logs:?}");
            assert!(logs.iter().all(|log| (100..=999).contains(log)), "{logs:?}");
        }
    }

    #[test]
    fn hexadecimal_keeps_its_leading_zeros() {
        let mut gap = [b' '; 16];
        put_hex(&mut gap, 0x00ab_cdef_0123_4567);
        assert_eq!(&gap, b"00abcdef01234567");
        put_hex(&mut gap[..3], 0x1230_0000_0000_0000);
        assert_eq!(&gap[..4], b"123b");
    }
}
