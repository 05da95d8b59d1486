//! The pairs that build and delete events are about.

use std::io::Read;
use std::path::Path;

use ce_cli::open_input;
use ce_record::{Place, json_error};
use serde::Deserialize;

/// Made up by the authors, so that the tool works without a file.
const INVENTED: &str = include_str!("../data/pool.csv");

/// A larger file is refused: it is no pool, and is held in memory whole.
const MAX_BYTES: u64 = 16 << 20;
/// Each pair is held as finished lines, so this bounds the memory.
const MAX_PAIRS: usize = 100_000;

const HINT: &str =
    "write CSV with the header `third_party_id,parser_id`, or NDJSON with these keys";

/// A third party and one of its parsers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Pair {
    /// The third party.
    pub third_party_id: String,
    /// The parser; unique within its third party.
    pub parser_id: String,
}

/// Why a pool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// There is nothing to pick from.
    #[error("{0}: no pairs; {HINT}")]
    Empty(String),
    /// More than a pool needs, and than memory should hold.
    #[error("{0}: more than {MAX_PAIRS} pairs, or than 16 MiB; use a part of it")]
    TooLarge(String),
    /// The header lacks a column.
    #[error("{0}: no column `{1}` in the header; {HINT}")]
    NoColumn(Place, &'static str),
    /// The line is not a pair.
    #[error("{0}: not a pair: {1}; {HINT}")]
    Malformed(Place, String),
    /// The id cannot stand in a URI.
    #[error(
        "{0}: `{1}` is {2:?}, and ids become part of the URI in `source`; use letters, digits \
         and `-._~` only"
    )]
    BadId(Place, &'static str, String),
}

/// The pool that is used without a file.
pub fn invented() -> Vec<Pair> {
    parse("invented pool", INVENTED).expect("the tests read this file")
}

/// Reads a pool from a file; `-` is stdin.
pub fn read(path: &Path) -> anyhow::Result<Vec<Pair>> {
    let input = open_input(path)?;
    let mut bytes = Vec::new();
    input
        .bytes
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(|err| anyhow::Error::from(err).context(format!("{}: cannot read", input.name)))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(PoolError::TooLarge(input.name).into());
    }
    let text = str::from_utf8(&bytes).map_err(|err| {
        let before = bytes.iter().take(err.valid_up_to());
        let line = before.filter(|&&byte| byte == b'\n').count() as u64 + 1;
        PoolError::Malformed(place(&input.name, line), "not UTF-8".into())
    })?;
    Ok(parse(&input.name, text)?)
}

/// Reads a pool from text; `name` is what errors call it.
pub fn parse(name: &str, text: &str) -> Result<Vec<Pair>, PoolError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let numbered =
        if text.starts_with('{') { parse_ndjson(name, text) } else { parse_csv(name, text) }?;
    let pairs = numbered
        .into_iter()
        .map(|(line, pair)| {
            check_id(name, line, "third_party_id", &pair.third_party_id)?;
            check_id(name, line, "parser_id", &pair.parser_id)?;
            Ok(pair)
        })
        .collect::<Result<Vec<_>, _>>()?;
    match pairs.len() {
        0 => Err(PoolError::Empty(name.into())),
        1..=MAX_PAIRS => Ok(pairs),
        _ => Err(PoolError::TooLarge(name.into())),
    }
}

fn parse_ndjson(name: &str, text: &str) -> Result<Vec<(u64, Pair)>, PoolError> {
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .map(|(number, line)| match serde_json::from_str(line) {
            Ok(pair) => Ok((number, pair)),
            Err(err) => Err(PoolError::Malformed(place(name, number), json_error(&err))),
        })
        .collect()
}

fn parse_csv(name: &str, text: &str) -> Result<Vec<(u64, Pair)>, PoolError> {
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(|err| malformed(name, &err))?.clone();
    if header.is_empty() {
        return Ok(Vec::new());
    }
    let column = |wanted: &'static str| {
        let found = header.iter().position(|column| column == wanted);
        found.ok_or_else(|| PoolError::NoColumn(place(name, 1), wanted))
    };
    let (third_party, parser) = (column("third_party_id")?, column("parser_id")?);
    let mut pairs = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|err| malformed(name, &err))?;
        let line = record.position().map_or(1, |position| line_of(position, text));
        let field = |at: usize, column: &str| match record.get(at) {
            Some(field) => Ok(field.to_owned()),
            None => Err(PoolError::Malformed(place(name, line), format!("`{column}` is missing"))),
        };
        let third_party_id = field(third_party, "third_party_id")?;
        pairs.push((line, Pair { third_party_id, parser_id: field(parser, "parser_id")? }));
    }
    Ok(pairs)
}

/// The reader's position comes before the blank lines that it skips, and before the second half of a
/// `\r\n`.
fn line_of(position: &csv::Position, text: &str) -> u64 {
    let start = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let ahead = text.bytes().skip(start).take_while(|byte| b"\r\n".contains(byte));
    position.line() + ahead.filter(|&byte| byte == b'\n').count() as u64
}

fn check_id(name: &str, line: u64, column: &'static str, id: &str) -> Result<(), PoolError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    if id.is_empty() || !id.bytes().all(fits) {
        return Err(PoolError::BadId(place(name, line), column, id.into()));
    }
    Ok(())
}

fn place(name: &str, line: u64) -> Place {
    Place { input: name.into(), line }
}

fn malformed(name: &str, err: &csv::Error) -> PoolError {
    let line = err.position().map_or(1, csv::Position::line);
    PoolError::Malformed(place(name, line), err.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: [(&str, &str); 2] = [("a", "p-1"), ("b.c", "p_2~")];

    #[track_caller]
    fn check(text: &str, pairs: &[(&str, &str)]) {
        let found = parse("pool", text).unwrap();
        let found: Vec<_> =
            found.iter().map(|pair| (&*pair.third_party_id, &*pair.parser_id)).collect();
        assert_eq!(found, pairs);
    }

    #[track_caller]
    fn check_refused(text: &str, says: &str) {
        let err = parse("pool", text).unwrap_err().to_string();
        assert!(err.starts_with("pool:") && err.contains(says), "{err}");
    }

    #[test]
    fn csv_is_read_by_its_header() {
        check("third_party_id,parser_id\na,p-1\nb.c,p_2~\n", &TWO);
        check("\u{feff}third_party_id,parser_id\r\na,p-1\r\n\r\nb.c,p_2~", &TWO);
        check("note,parser_id,third_party_id\n\"x,\ny\", p-1 ,a\n,\"p_2~\",b.c,more\n", &TWO);
    }

    #[test]
    fn ndjson_is_read_by_its_keys() {
        let (one, two) = (
            r#"{"third_party_id":"a","parser_id":"p-1"}"#,
            r#"{"note":[1],"parser_id":"p_2~","third_party_id":"b.c"}"#,
        );
        check(&format!("{one}\n{two}\n"), &TWO);
        check(&format!("{one}\r\n\n{two}"), &TWO);
    }

    #[test]
    fn bad_csv_is_refused_with_its_line() {
        check_refused("", "pool: no pairs; write CSV");
        check_refused("third_party_id,parser_id\n", "pool: no pairs; write CSV");
        check_refused("third_party_id;parser_id\na;b\n", "pool:1: no column `third_party_id`");
        check_refused("third_party_id\na\n", "pool:1: no column `parser_id`");
        check_refused(
            "third_party_id,parser_id\na,b\n\nc\n",
            "pool:4: not a pair: `parser_id` is missing",
        );
        check_refused(
            "third_party_id,parser_id\r\na,b\r\nc d,e\r\n",
            "pool:3: `third_party_id` is \"c d\"",
        );
    }

    #[test]
    fn bad_ndjson_is_refused_with_its_line() {
        let good = r#"{"third_party_id":"a","parser_id":"b"}"#;
        for (bad, cause) in [
            (r#"{"third_party_id":"a""#, "EOF while parsing an object at column 21; write"),
            (r#"{"third_party_id":"a"}"#, "missing field `parser_id` at column 22; write"),
            (r#"{"third_party_id":7,"parser_id":"b"}"#, "invalid type: integer `7`"),
            ("a,b", "expected value at column 1; write"),
        ] {
            check_refused(&format!("{good}\n\n{bad}"), &format!("pool:3: not a pair: {cause}"));
        }
    }

    #[test]
    fn ids_that_a_uri_cannot_hold_are_refused_with_their_line() {
        for id in ["", "a b", "a/b", "a#b", "a:b", "a%20b", "é", "a'b"] {
            let csv = format!("third_party_id,parser_id\na,b\na,{id}\n");
            check_refused(&csv, &format!("pool:3: `parser_id` is {id:?}, and ids become part"));
        }
        let json = r#"{"third_party_id":"a\"b","parser_id":"b"}"#;
        check_refused(json, r#"pool:1: `third_party_id` is "a\"b", and"#);
    }

    #[test]
    fn a_pool_is_bounded() {
        let text = format!("third_party_id,parser_id\n{}", "a,b\n".repeat(MAX_PAIRS));
        assert_eq!(parse("pool", &text).unwrap().len(), MAX_PAIRS);
        check_refused(&format!("{text}a,b\n"), "pool: more than 100000 pairs");
    }

    #[test]
    fn the_invented_pool_holds_24_different_pairs() {
        let mut pairs = invented();
        assert!(pairs.iter().all(|pair| pair.third_party_id.starts_with("example-")));
        pairs.sort_by(|one, other| {
            (&one.third_party_id, &one.parser_id).cmp(&(&other.third_party_id, &other.parser_id))
        });
        pairs.dedup();
        assert_eq!(pairs.len(), 24);
    }
}
