//! Rows of text from a file: CSV, or NDJSON with one object in each line.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use ce_cli::open_input;
use ce_record::{Place, json_error};
use serde_json::value::RawValue;

/// A larger file is refused: it is no pool, and is held in memory whole.
const MAX_BYTES: u64 = 16 << 20;
/// Rows are held in memory, some as finished lines.
pub(crate) const MAX_ROWS: usize = 100_000;

/// One row, with the cells that were asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Where it starts, counted from one.
    pub(crate) line: u64,
    /// Its cells, in the order in which their columns were asked for.
    pub(crate) cells: Vec<String>,
}

/// Why a file cannot be used. The last text of each is what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    /// There is nothing to pick from.
    #[error("{0}: no rows; {1}")]
    Empty(String, String),
    /// More than a pool needs, and than memory should hold.
    #[error("{0}: more than {MAX_ROWS} rows, or than 16 MiB; use a part of it")]
    TooLarge(String),
    /// The header lacks a column.
    #[error("{0}: no column `{1}` in the header; {2}")]
    NoColumn(Place, String, String),
    /// The line is not a row.
    #[error("{0}: not a row: {1}; {2}")]
    Malformed(Place, String, String),
}

/// Reads these columns from a file; `-` is stdin. Returns what errors call the file, too.
pub(crate) fn read(path: &Path, columns: &[&str]) -> anyhow::Result<(String, Vec<Row>)> {
    let (name, text) = read_text(path, MAX_BYTES, TableError::TooLarge)?;
    let text = text.map_err(|line| TableError::Malformed(line, "not UTF-8".into(), hint(columns)));
    let rows = parse(&name, &text?, columns)?;
    Ok((name, rows))
}

/// The name of a file, which is read whole, and its text, or the line that is not UTF-8.
pub(crate) fn read_text<E: std::error::Error + Send + Sync + 'static>(
    path: &Path,
    max_bytes: u64,
    too_large: impl FnOnce(String) -> E,
) -> anyhow::Result<(String, Result<String, Place>)> {
    let input = open_input(path)?;
    let mut bytes = Vec::new();
    input
        .bytes
        .take(max_bytes + 1)
        .read_to_end(&mut bytes)
        .map_err(|err| anyhow::Error::from(err).context(format!("{}: cannot read", input.name)))?;
    if bytes.len() as u64 > max_bytes {
        return Err(too_large(input.name).into());
    }
    let text = String::from_utf8(bytes).map_err(|err| {
        let before = err.as_bytes().iter().take(err.utf8_error().valid_up_to());
        place(&input.name, before.filter(|&&byte| byte == b'\n').count() as u64 + 1)
    });
    Ok((input.name, text))
}

/// Reads these columns from text; `name` is what errors call it.
pub(crate) fn parse(name: &str, text: &str, columns: &[&str]) -> Result<Vec<Row>, TableError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let is_ndjson = text.starts_with('{');
    let rows = if is_ndjson { ndjson(name, text, columns) } else { csv(name, text, columns) }?;
    match rows.len() {
        0 => Err(TableError::Empty(name.into(), hint(columns))),
        1..=MAX_ROWS => Ok(rows),
        _ => Err(TableError::TooLarge(name.into())),
    }
}

fn ndjson(name: &str, text: &str, columns: &[&str]) -> Result<Vec<Row>, TableError> {
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(|(number, line)| match object(line, columns) {
            Ok(cells) => Ok(Row { line: number, cells }),
            Err(why) => Err(TableError::Malformed(place(name, number), why, hint(columns))),
        })
        .collect()
}

fn object(line: &str, columns: &[&str]) -> Result<Vec<String>, String> {
    let object: BTreeMap<String, &RawValue> =
        serde_json::from_str(line).map_err(|err| json_error(&err))?;
    columns.iter().map(|&column| cell(column, object.get(column).copied())).collect()
}

/// A string is what it says; numbers and booleans are their text.
fn cell(column: &str, value: Option<&RawValue>) -> Result<String, String> {
    let json = value.ok_or_else(|| format!("`{column}` is missing"))?.get();
    match json.as_bytes()[0] {
        b'"' => serde_json::from_str(json).map_err(|err| json_error(&err)),
        b'[' | b'{' | b'n' => Err(format!("`{column}` is neither text nor a number")),
        _ => Ok(json.into()),
    }
}

fn csv(name: &str, text: &str, columns: &[&str]) -> Result<Vec<Row>, TableError> {
    let malformed = |line, why| TableError::Malformed(place(name, line), why, hint(columns));
    let unreadable =
        |err: csv::Error| malformed(err.position().map_or(1, csv::Position::line), err.to_string());
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(unreadable)?.clone();
    if header.is_empty() {
        return Ok(Vec::new());
    }
    let position = |&wanted: &&str| {
        let found = header.iter().position(|column| column == wanted);
        found.ok_or_else(|| TableError::NoColumn(place(name, 1), wanted.into(), hint(columns)))
    };
    let positions = columns.iter().map(position).collect::<Result<Vec<_>, _>>()?;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(unreadable)?;
        let line = record.position().map_or(1, |position| line_of(position, text));
        let field = |(&at, column)| match record.get(at) {
            Some(field) => Ok(String::from(field)),
            None => Err(malformed(line, format!("`{column}` is missing"))),
        };
        let cells = positions.iter().zip(columns).map(field).collect::<Result<_, _>>()?;
        rows.push(Row { line, cells });
    }
    Ok(rows)
}

/// The reader's position comes before the blank lines that it skips, and before the second half of
/// a `\r\n`.
fn line_of(position: &csv::Position, text: &str) -> u64 {
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let ahead = text.bytes().skip(start).take_while(|byte| b"\r\n".contains(byte));
    position.line() + ahead.filter(|&byte| byte == b'\n').count() as u64
}

fn hint(columns: &[&str]) -> String {
    format!("write CSV with the header `{}`, or NDJSON with these keys", columns.join(","))
}

fn place(name: &str, line: u64) -> Place {
    Place { input: name.into(), line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, rows: &[(u64, [&str; 2])]) {
        let found = parse("pool", text, &["a", "b c"]).unwrap();
        let found: Vec<_> = found.iter().map(|row| (row.line, row.cells.clone())).collect();
        let rows = rows.iter().map(|(at, row)| (*at, row.map(String::from).to_vec()));
        assert_eq!(found, rows.collect::<Vec<_>>(), "{text}");
    }

    #[track_caller]
    fn check_refused(text: &str, says: &str) {
        let err = parse("pool", text, &["a", "b c"]).unwrap_err().to_string();
        assert!(err.starts_with(says), "{err}");
    }

    #[test]
    fn csv_is_read_by_its_header() {
        check("a,b c\n1,2\n3,4\n", &[(2, ["1", "2"]), (3, ["3", "4"])]);
        check("\u{feff}a,b c\r\n1,2\r\n\r\n3,4", &[(2, ["1", "2"]), (4, ["3", "4"])]);
        check("x,b c,a\n\"p,\nq\", 2 ,1\n,\"4\",3,more\n", &[(2, ["1", "2"]), (4, ["3", "4"])]);
    }

    #[test]
    fn ndjson_is_read_by_its_keys() {
        let text = "{\"a\":\"1\",\"b c\":\"\\u0032\"}\n\n{\"x\":[1],\"b c\":4.50,\"a\":true}";
        check(text, &[(1, ["1", "2"]), (3, ["true", "4.50"])]);
    }

    #[test]
    fn bad_csv_is_refused_with_its_line() {
        check_refused("", "pool: no rows; write CSV with the header `a,b c`, or NDJSON");
        check_refused("a,b c\n", "pool: no rows; write CSV");
        check_refused("a;b c\n1;2\n", "pool:1: no column `a` in the header; write CSV");
        check_refused("a\n1\n", "pool:1: no column `b c` in the header");
        check_refused("a,b c\n1,2\n\n3\n", "pool:4: not a row: `b c` is missing; write");
    }

    #[test]
    fn bad_ndjson_is_refused_with_its_line() {
        for (bad, cause) in [
            (r#"{"a":"1""#, "EOF while parsing an object at column 8; write"),
            (r#"{"a":"1"}"#, "`b c` is missing; write"),
            (r#"{"a":null,"b c":1}"#, "`a` is neither text nor a number; write"),
            (r#"{"a":[1],"b c":1}"#, "`a` is neither text nor a number; write"),
            ("a,b", "expected value at column 1; write"),
        ] {
            let text = format!("{{\"a\":1,\"b c\":2}}\n\n{bad}");
            check_refused(&text, &format!("pool:3: not a row: {cause}"));
        }
    }

    #[test]
    fn a_table_is_bounded() {
        let text = format!("a,b c\n{}", "1,2\n".repeat(MAX_ROWS));
        assert_eq!(parse("pool", &text, &["a"]).unwrap().len(), MAX_ROWS);
        check_refused(&format!("{text}1,2\n"), "pool: more than 100000 rows, or than 16 MiB");
    }
}
