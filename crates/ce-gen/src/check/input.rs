//! How events are laid out: one in each line, or, as people and editors do, over several lines.
//!
//! The first line that is not blank decides. Lines are read one by one, so an endless stream costs
//! no memory; a layout over several lines is held whole, and so has a limit.

use std::io::{self, BufRead, BufReader, Chain, Cursor, Read};

use anyhow::{Context, ensure};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// A longer line is a finding, and is skipped without being held in memory.
const LIMIT_BYTES: usize = 16 << 20;
/// Bytes read at a time.
const BLOCK: usize = 256 * 1024;

type Bytes = Box<dyn Read + Send>;

/// An input that was looked at.
pub(super) enum Input {
    Lines(Lines),
    Document(Document),
}

/// Lines, each with an event or a batch.
pub(super) struct Lines {
    bytes: Chain<Cursor<Vec<u8>>, BufReader<Bytes>>,
    line: Vec<u8>,
}

/// A line without the space around it.
pub(super) enum Line<'a> {
    Whole(&'a [u8]),
    /// The last one, without a line end.
    CutShort(&'a [u8]),
    TooLong,
}

/// A text with values that are laid out over several lines.
pub(super) struct Document(Vec<u8>);

/// Finds out how the events of an input are laid out.
pub(super) fn open(bytes: Bytes) -> anyhow::Result<Input> {
    let mut bytes = BufReader::with_capacity(BLOCK, bytes);
    let mut head = Vec::new();
    while head.len() <= LIMIT_BYTES && head.trim_ascii().is_empty() {
        let left = (LIMIT_BYTES + 1 - head.len()) as u64;
        let read = Read::take(&mut bytes, left).read_until(b'\n', &mut head);
        if read.context("cannot read")? == 0 {
            break;
        }
    }
    if head.len() <= LIMIT_BYTES && is_unfinished(&head) {
        let left = (LIMIT_BYTES + 1 - head.len()) as u64;
        Read::take(&mut bytes, left).read_to_end(&mut head).context("cannot read")?;
        if is_whole(&head) || !has_event_in_second_line(&head) {
            ensure!(
                head.len() <= LIMIT_BYTES,
                "more than 16 MiB laid out over several lines; write an event in each line, e.g., \
                 with jq -c"
            );
            return Ok(Input::Document(Document(head)));
        }
    }
    Ok(Input::Lines(Lines { bytes: Cursor::new(head).chain(bytes), line: Vec::new() }))
}

/// Whether a line begins a value that later lines may complete.
fn is_unfinished(line: &[u8]) -> bool {
    let result: Result<IgnoredAny, _> = serde_json::from_slice(line);
    result.is_err_and(|err| err.is_eof()) && !line.trim_ascii().is_empty()
}

fn is_whole(text: &[u8]) -> bool {
    serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>().all(|it| it.is_ok())
}

/// Whether only the first line is broken, and what follows are events in lines.
fn has_event_in_second_line(text: &[u8]) -> bool {
    let mut lines = text.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let second = lines.by_ref().filter(|line| !line.is_empty()).nth(1).unwrap_or_default();
    matches!(second.first(), Some(b'{' | b'['))
        && serde_json::from_slice::<IgnoredAny>(second).is_ok()
}

impl Lines {
    /// The next line.
    pub(super) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let limit = LIMIT_BYTES as u64 + 1;
        if Read::take(&mut self.bytes, limit).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        if self.line.len() > LIMIT_BYTES {
            self.bytes.skip_until(b'\n')?;
            return Ok(Some(Line::TooLong));
        }
        let is_whole = self.line.ends_with(b"\n");
        let line = self.line.trim_ascii();
        Ok(Some(if is_whole { Line::Whole(line) } else { Line::CutShort(line) }))
    }
}

impl Document {
    /// The values in their order, up to the first that cannot be read.
    pub(super) fn values(&self) -> impl Iterator<Item = serde_json::Result<&RawValue>> {
        serde_json::Deserializer::from_slice(&self.0).into_iter()
    }

    /// Whether there is text after a line.
    pub(super) fn has_lines_after(&self, line: usize) -> bool {
        memchr::memchr_iter(b'\n', self.0.trim_ascii_end()).count() >= line
    }

    /// Tells in which line a part of the text begins; has to be asked in the order of the text.
    pub(super) fn line_of(&self) -> impl FnMut(&RawValue) -> u64 {
        let (mut line, mut offset) = (1, 0);
        move |part| {
            let start = part.get().as_ptr().addr() - self.0.as_ptr().addr();
            line += memchr::memchr_iter(b'\n', &self.0[offset..start]).count() as u64;
            offset = start;
            line
        }
    }
}
