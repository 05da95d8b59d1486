//! CSV files as data frames, with the columns that are expected and no guesses about types.

use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use polars::prelude::{CsvReadOptions, DataFrame, DataType, Field, PlSmallStr, Schema, SerReader};

use super::whole_lines;

/// A column and what it holds.
pub(super) type Column = (&'static str, DataType);

/// Reads `columns` of the file at `path`; `None` if it is missing. Other columns are ignored.
pub(super) fn read(
    path: &Path,
    columns: &[Column],
    notes: &mut Vec<String>,
) -> anyhow::Result<Option<DataFrame>> {
    let place = path.display();
    let bytes = whole_lines(path, notes).with_context(|| format!("{place}: cannot read"))?;
    let Some(bytes) = bytes else { return Ok(None) };
    let header = bytes.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let header = String::from_utf8_lossy(header);
    let present: Vec<&str> =
        header.trim_end().split(',').map(|name| name.trim_matches('"')).collect();
    if let Some((missing, _)) = columns.iter().find(|(name, _)| !present.contains(name)) {
        bail!(
            "{place}:1: column `{missing}` is missing; collect the run again with this version \
             of lat-collect"
        );
    }
    if let Some((line, fields)) = odd_record(&bytes, present.len()) {
        let columns = present.len();
        bail!(
            "{place}:{line}: {fields} fields, and the header has {columns}; collect the run again"
        );
    }
    let frame =
        options(&present, columns).into_reader_with_file_handle(Cursor::new(bytes)).finish();
    frame.map(Some).map_err(|err| {
        anyhow!("{place}: not what this version of lat-collect writes: {}", first_line(&err))
    })
}

fn options(present: &[&str], columns: &[Column]) -> CsvReadOptions {
    // A column that we do not know is text, so that its content cannot be an error.
    let kind = |name: &str| {
        let known = columns.iter().find(|(known, _)| *known == name);
        known.map_or(DataType::String, |(_, kind)| kind.clone())
    };
    let schema: Schema =
        present.iter().map(|name| Field::new(PlSmallStr::from_str(name), kind(name))).collect();
    let wanted: Arc<[PlSmallStr]> =
        columns.iter().map(|(name, _)| PlSmallStr::from_str(name)).collect();
    CsvReadOptions::default()
        .with_has_header(true)
        .with_schema(Some(Arc::new(schema)))
        .with_columns(Some(wanted))
        .with_infer_schema_length(Some(0))
        .with_raise_if_empty(false)
        .with_n_threads(Some(1))
}

/// The rest of such an error is advice for programmers.
fn first_line(err: &dyn std::fmt::Display) -> String {
    err.to_string().lines().next().unwrap_or_default().to_owned()
}

/// The line and the number of fields of the first record that has not `columns` of them. Polars takes
/// such records and puts their values into the wrong columns.
fn odd_record(bytes: &[u8], columns: usize) -> Option<(usize, usize)> {
    let (mut line, mut begin, mut fields, mut quoted) = (1, 1, 1, false);
    for &byte in bytes {
        match byte {
            b'"' => quoted = !quoted,
            b',' if !quoted => fields += 1,
            b'\n' if !quoted && fields != columns => return Some((begin, fields)),
            b'\n' if !quoted => (begin, fields) = (line + 1, 1),
            _ => {}
        }
        line += usize::from(byte == b'\n');
    }
    quoted.then_some((begin, fields))
}

#[cfg(test)]
mod tests {
    use super::odd_record;

    #[test]
    fn a_record_of_another_length_is_found_by_its_line() {
        assert_eq!(odd_record(b"a,b\n1,2\n3,4\n", 2), None);
        assert_eq!(odd_record(b"a,b\n1,2\n3\n", 2), Some((3, 1)));
        assert_eq!(odd_record(b"a,b\n1,2,3\n", 2), Some((2, 3)));
    }

    #[test]
    fn commas_and_line_ends_in_quotes_belong_to_the_value() {
        assert_eq!(odd_record(b"a,b\n\"x,\ny\"\"z\",2\n3,4,5\n", 2), Some((4, 3)));
        assert_eq!(odd_record(b"a,b\n\"never closed,2\n3,4\n", 2), Some((2, 1)));
    }
}
