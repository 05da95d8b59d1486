//! The pairs that build and delete events are about.

use std::path::Path;

use ce_record::Place;

use crate::table::{self, Row};

/// Made up by the authors, so that the tool works without a file.
const INVENTED: &str = include_str!("../data/pool.csv");

const COLUMNS: [&str; 2] = ["third_party_id", "parser_id"];

/// A third party and one of its parsers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The third party.
    pub third_party_id: String,
    /// The parser; unique within its third party.
    pub parser_id: String,
}

/// The id cannot stand in a URI.
#[derive(Debug, thiserror::Error)]
#[error(
    "{place}: `{column}` is {id:?}, and ids become part of the URI in `source`; use letters, \
     digits and `-._~` only"
)]
pub struct BadId {
    place: Place,
    column: &'static str,
    id: String,
}

/// The pool that is used without a file.
pub fn invented() -> Vec<Pair> {
    let rows = table::parse("invented pool", INVENTED, &COLUMNS).expect("the tests read this file");
    pairs("invented pool", rows).expect("the tests read this file")
}

/// Reads a pool from a file; `-` is stdin.
pub fn read(path: &Path) -> anyhow::Result<Vec<Pair>> {
    let (name, rows) = table::read(path, &COLUMNS)?;
    Ok(pairs(&name, rows)?)
}

fn pairs(name: &str, rows: Vec<Row>) -> Result<Vec<Pair>, BadId> {
    rows.into_iter().map(|row| pair(name, row)).collect()
}

fn pair(name: &str, row: Row) -> Result<Pair, BadId> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    for (column, id) in COLUMNS.into_iter().zip(&row.cells) {
        if id.is_empty() || !id.bytes().all(fits) {
            let place = Place { input: name.into(), line: row.line };
            return Err(BadId { place, column, id: id.clone() });
        }
    }
    let [third_party_id, parser_id] = row.cells.try_into().expect("as many cells as columns");
    Ok(Pair { third_party_id, parser_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Pair>, BadId> {
        pairs("pool", table::parse("pool", text, &COLUMNS).unwrap())
    }

    #[test]
    fn a_row_is_a_pair() {
        let pair =
            |one: &str, other: &str| Pair { third_party_id: one.into(), parser_id: other.into() };
        let found = parse("parser_id,third_party_id\np-1,a\np_2~,b.c\n").unwrap();
        assert_eq!(found, [pair("a", "p-1"), pair("b.c", "p_2~")]);
    }

    #[test]
    fn ids_that_a_uri_cannot_hold_are_refused_with_their_line() {
        let check = |text: &str, says: &str| {
            let err = parse(text).unwrap_err().to_string();
            assert!(err.starts_with(says), "{err}");
        };
        for id in ["", "a b", "a/b", "a#b", "a:b", "a%20b", "é", "a'b"] {
            let csv = format!("third_party_id,parser_id\na,b\na,{id}\n");
            check(&csv, &format!("pool:3: `parser_id` is {id:?}, and ids become part"));
        }
        let json = r#"{"third_party_id":"a\"b","parser_id":"b"}"#;
        check(json, r#"pool:1: `third_party_id` is "a\"b", and"#);
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
