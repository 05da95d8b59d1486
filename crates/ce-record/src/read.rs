//! Reads a stream of records, line by line, without copying strings.

use std::fmt;
use std::io::{self, BufRead};

use serde::Deserialize;

use crate::record::Record;
use crate::shape;
use crate::stream::{End, FORMAT, Start};

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
    /// The length of the last line, where it still lies in the input's buffer.
    taken: usize,
    /// The last line, where it did not lie there whole.
    carried: Vec<u8>,
}

/// Where a line lies.
#[derive(Clone, Copy)]
enum Line {
    InBuffer(usize),
    Carried,
}

impl<R: BufRead> RecordReader<R> {
    /// `name` is what errors call the input.
    pub fn new(input: R, name: impl Into<String>) -> Self {
        let place = Place { input: name.into(), line: 0 };
        Self { input, place, taken: 0, carried: Vec::new() }
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
        let found = self.next_line();
        let place = &self.place;
        let cannot_read = |err| ReadError::Io(place.clone(), err);
        let Some(found) = found.map_err(cannot_read)? else { return Ok(None) };
        let line = found.bytes(&mut self.input, &self.carried).map_err(cannot_read)?;
        if line.len() > LINE_LIMIT {
            let why = format!("longer than {LINE_LIMIT} bytes");
            return Err(ReadError::Malformed(place.clone(), why));
        }
        match parse(line.trim_ascii()) {
            Ok(record) => Ok(Some(record)),
            Err(_) if !line.ends_with(b"\n") => Err(ReadError::Truncated(place.clone())),
            Err(err) => Err(ReadError::Malformed(place.clone(), json_error(&err))),
        }
    }

    fn next_line(&mut self) -> io::Result<Option<Line>> {
        loop {
            self.place.line += 1;
            let Some(found) = self.find_line()? else { return Ok(None) };
            let line = found.bytes(&mut self.input, &self.carried)?;
            if !line.trim_ascii_start().is_empty() {
                return Ok(Some(found));
            }
        }
    }

    /// Nearly every line lies in the input's buffer whole and stays there while it is looked at.
    fn find_line(&mut self) -> io::Result<Option<Line>> {
        self.input.consume(std::mem::take(&mut self.taken));
        match self.input.fill_buf() {
            Ok([]) => return Ok(None),
            Ok(buffer) => {
                if let Some(end) = memchr::memchr(b'\n', buffer) {
                    self.taken = end + 1;
                    return Ok(Some(Line::InBuffer(end + 1)));
                }
            }
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
        self.carried.clear();
        let limit = LINE_LIMIT as u64 + 1;
        io::Read::take(&mut self.input, limit).read_until(b'\n', &mut self.carried)?;
        Ok((!self.carried.is_empty()).then_some(Line::Carried))
    }
}
impl<R: io::Read> RecordReader<io::BufReader<R>> {
    /// Whether the next record has to be waited for: no whole line of what was read is left.
    pub fn is_drained(&self) -> bool {
        let left = self.input.buffer().get(self.taken..).unwrap_or_default();
        memchr::memchr(b'\n', left).is_none()
    }
}

impl Line {
    fn bytes<'a>(self, input: &'a mut impl BufRead, carried: &'a [u8]) -> io::Result<&'a [u8]> {
        match self {
            Self::InBuffer(length) => Ok(&input.fill_buf()?[..length]),
            Self::Carried => Ok(carried),
        }
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
            let end = memchr::memchr(b'"', rest).unwrap_or(rest.len());
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
        "window" => Record::Window(serde_json::from_slice(line)?),
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

    const MARK: &str = r#"{"kind":"mark","at_ns":7,"what":"w","name":"n"}"#;

    /// What a reader finds: the name of each mark, or the error that it stops at.
    fn marks(input: impl BufRead) -> Vec<Result<String, String>> {
        let mut reader = RecordReader::new(input, "in");
        std::iter::from_fn(|| match reader.next_record() {
            Ok(Some(Record::Mark(mark))) => Some(Ok(mark.name.into_owned())),
            Ok(Some(other)) => panic!("{other:?}"),
            Ok(None) => None,
            Err(err) => Some(Err(err.to_string())),
        })
        .take(100)
        .collect()
    }

    #[test]
    fn the_size_of_the_buffer_changes_nothing() {
        let name = |number: usize| "x".repeat(number * 7 % 90);
        let line = |number: usize| MARK.replace("\"n\"", &format!("\"{}\"", name(number)));
        let mut text: String = (0..40).map(|number| line(number) + "\r\n \n").collect();
        text += &line(40)[..50];
        let wanted: Vec<_> = (0..40)
            .map(|number| Ok(name(number)))
            .chain([Err("in:81: input ends in the middle of a record".to_owned())])
            .collect();
        for capacity in [1, 2, 50, 64, 1000, 1 << 20] {
            let input = io::BufReader::with_capacity(capacity, text.as_bytes());
            assert_eq!(marks(input), wanted, "{capacity}");
        }
        assert_eq!(marks(text.as_bytes()), wanted);
    }

    #[test]
    fn the_beginning_of_a_line_is_no_record_to_go_on_with() {
        let text = format!("{MARK}\n{MARK}\n{}", &MARK[..20]);
        let mut reader = RecordReader::new(io::BufReader::new(text.as_bytes()), "in");
        assert!(reader.is_drained(), "nothing has been read");
        for is_drained in [false, true] {
            reader.next_record().unwrap().unwrap();
            assert_eq!(reader.is_drained(), is_drained);
        }
    }

    #[test]
    fn a_line_without_end_is_refused_before_it_fills_the_memory() {
        let text = "x".repeat(LINE_LIMIT + 1) + "\n" + MARK + "\n";
        let long = "in:1: not a valid record: longer than 1048576 bytes";
        let found = marks(text.as_bytes());
        assert_eq!(found, [Err(long.to_owned()), Ok("n".to_owned())]);
        let input = io::BufReader::with_capacity(4096, text.as_bytes());
        assert_eq!(marks(input)[0], found[0]);
    }

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
