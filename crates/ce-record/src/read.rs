//! Reads a stream of records, line by line, without copying strings.

use std::fmt;
use std::io::{self, BufRead};

use serde::Deserialize;

use crate::record::{End, FORMAT, Record, Start};
use crate::shape;

/// A longer line is refused: it is no record, and would be held in memory whole.
const LINE_LIMIT: usize = 1 << 20;

/// Why the input could not be read. Each message starts with the place, as compilers do.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The line is not a record. Skip it, or mend the tool that wrote it.
    #[error("{0}: not a valid record: {1}")]
    Malformed(Place, String),
    /// The input ended in the middle of a line, so its writer was probably killed.
    #[error("{0}: input ends in the middle of a record")]
    Truncated(Place),
    /// The stream does not open with a `start` record. Was its beginning cut off?
    #[error("{0}: the stream does not open with a start record")]
    NoStart(Place),
    /// The stream was written by an incompatible version. Use the tools of one release.
    #[error("{0}: format {1} is unknown (this version reads format {FORMAT})")]
    UnknownFormat(Place, u32),
    /// The operating system refused.
    #[error("{0}: cannot read")]
    Io(Place, #[source] io::Error),
}

/// A line of an input, counted from one, as editors do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file name, or `stdin`.
    pub input: String,
    /// The line number.
    pub line: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.input, self.line)
    }
}

/// Reads records from one stream.
#[derive(Debug)]
pub struct RecordReader<R> {
    input: R,
    place: Place,
    line: Vec<u8>,
}

impl<R: BufRead> RecordReader<R> {
    /// `name` is what errors call the input.
    pub fn new(input: R, name: impl Into<String>) -> Self {
        Self { input, place: Place { input: name.into(), line: 0 }, line: Vec::with_capacity(512) }
    }

    /// The place of the record that was read last.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Reads the `start` record that opens every stream; `None` when the input is empty.
    pub fn start(&mut self) -> Result<Option<Start>, ReadError> {
        match self.next_record()? {
            None => Ok(None),
            Some(Record::Start(start)) if start.format == FORMAT => Ok(Some(*start)),
            Some(Record::Start(start)) => {
                Err(ReadError::UnknownFormat(self.place.clone(), start.format))
            }
            Some(_) => Err(ReadError::NoStart(self.place.clone())),
        }
    }

    /// The next record, or `None` at the end of the input. Blank lines are skipped.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, ReadError> {
        loop {
            self.line.clear();
            self.place.line += 1;
            let limit = LINE_LIMIT as u64 + 1;
            let read = io::Read::take(&mut self.input, limit)
                .read_until(b'\n', &mut self.line)
                .map_err(|err| ReadError::Io(self.place.clone(), err))?;
            if read == 0 {
                return Ok(None);
            }
            if self.line.len() > LINE_LIMIT {
                let why = format!("longer than {LINE_LIMIT} bytes");
                return Err(ReadError::Malformed(self.place.clone(), why));
            }
            if !self.line.trim_ascii().is_empty() {
                break;
            }
        }
        let whole = self.line.last() == Some(&b'\n');
        match parse(self.line.trim_ascii()) {
            Ok(record) => Ok(Some(record)),
            Err(_) if !whole => Err(ReadError::Truncated(self.place.clone())),
            Err(err) => Err(ReadError::Malformed(self.place.clone(), json_error(&err))),
        }
    }
}

impl<R: io::Read> RecordReader<io::BufReader<R>> {
    /// Whether the next record has to be waited for: nothing that was read is left.
    pub fn is_drained(&self) -> bool {
        self.input.buffer().is_empty()
    }
}

/// What decides how the rest of a line is read.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    kind: std::borrow::Cow<'a, str>,
}

/// Our own writers put the kind first, so it is seen without parsing the line twice.
fn parse(line: &[u8]) -> Result<Record<'_>, serde_json::Error> {
    const OPENING: &[u8] = b"{\"kind\":\"";
    let kind = match line.strip_prefix(OPENING) {
        Some(rest) => {
            let end = rest.iter().position(|&byte| byte == b'"').unwrap_or(rest.len());
            std::str::from_utf8(&rest[..end]).unwrap_or_default().into()
        }
        None => serde_json::from_slice::<Kind<'_>>(line)?.kind,
    };
    Ok(match kind.as_ref() {
        "sample" => match shape::sample(line) {
            Some(sample) => Record::Sample(sample),
            None => Record::Sample(serde_json::from_slice(line)?),
        },
        "receipt" => match shape::receipt(line) {
            Some(receipt) => Record::Receipt(receipt),
            None => Record::Receipt(serde_json::from_slice(line)?),
        },
        "gauge" => Record::Gauge(serde_json::from_slice(line)?),
        "mark" => Record::Mark(serde_json::from_slice(line)?),
        "start" => Record::Start(serde_json::from_slice::<Box<Start>>(line)?),
        "end" => Record::End(serde_json::from_slice::<Box<End>>(line)?),
        _ => {
            serde_json::from_slice::<Kind<'_>>(line)?;
            Record::Unknown
        }
    })
}

/// What is wrong with a line of JSON, and at which column. `serde_json` adds "at line 1", which
/// contradicts the number that the line has in its file.
pub fn json_error(err: &serde_json::Error) -> String {
    match err.column() {
        0 => json_cause(err),
        column => format!("{} at column {column}", json_cause(err)),
    }
}

/// What is wrong with a JSON text, for messages that begin with the place.
pub fn json_cause(err: &serde_json::Error) -> String {
    let text = err.to_string();
    let place = format!(" at line {} column {}", err.line(), err.column());
    text.strip_suffix(&place).unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_json_has_no_line_of_its_own() {
        let check = |json, error: &str, cause: &str| {
            let err = serde_json::from_str::<u64>(json).unwrap_err();
            assert_eq!((json_error(&err).as_str(), json_cause(&err).as_str()), (error, cause));
        };
        check("\n7x", "trailing characters at column 2", "trailing characters");
        check("", "EOF while parsing a value", "EOF while parsing a value");
        let quoted = "invalid type: string \" at line 1\", expected u64";
        check("\" at line 1\"", &format!("{quoted} at column 12"), quoted);
    }
}
