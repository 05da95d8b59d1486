//! The grammar of `${…}`.

use ce_cli::parse;

use load_plan::suggest::remedy;

use crate::plan::MAX_LINE_BYTES;

const NAMES: [&str; 9] = ["seq", "uuid", "run", "time", "int", "hex", "choice", "pick", "pad"];

/// Larger numbers lose digits in readers that hold them as floating point.
const MAX_INT: i64 = 1 << 53;
const MAX_HEX_DIGITS: usize = 4096;

/// What a placeholder asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Placeholder {
    Seq,
    Uuid,
    Run,
    Time,
    /// Both ends are possible.
    Int {
        low: i64,
        high: i64,
    },
    /// So many digits.
    Hex(usize),
    /// Texts and their weights; at least one, and no weight is zero.
    Choice(Vec<(String, u32)>),
    Pick {
        file: String,
        column: String,
    },
    /// Up to so many bytes of the whole line.
    Pad(usize),
}

/// Reads what stands between `${` and `}`, and whether it starts with `=`: without quotes.
pub(crate) fn parse(text: &str) -> Result<(Placeholder, bool), String> {
    let (text, is_bare) = text.strip_prefix('=').map_or((text, false), |text| (text, true));
    let text = text.trim();
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let rest = rest.trim_start();
    let placeholder = match name {
        "seq" => Placeholder::Seq,
        "uuid" => Placeholder::Uuid,
        "run" => Placeholder::Run,
        "time" => Placeholder::Time,
        "int" => int(rest)?,
        "hex" => hex(rest)?,
        "choice" => choice(rest)?,
        "pick" => pick(rest)?,
        "pad" => pad(rest)?,
        _ => {
            let remedy = remedy(name, NAMES);
            return Err(format!(
                "`{name}` is not a placeholder; {remedy}; write $${{ for ${{ itself"
            ));
        }
    };
    let takes_nothing = matches!(name, "seq" | "uuid" | "run" | "time");
    if takes_nothing && !rest.is_empty() {
        return Err(format!("`{name}` takes nothing; write ${{{name}}}"));
    }
    if is_bare && !matches!(name, "seq" | "int" | "choice" | "pick") {
        return Err(format!("`{name}` is always text; take the = away"));
    }
    Ok((placeholder, is_bare))
}

fn int(text: &str) -> Result<Placeholder, String> {
    let number = |text: &str| text.trim().parse().ok().filter(|n| (-MAX_INT..=MAX_INT).contains(n));
    let range = text.split_once("..").and_then(|(low, high)| Some((number(low)?, number(high)?)));
    match range {
        Some((low, high)) if low <= high => Ok(Placeholder::Int { low, high }),
        _ => Err(format!(
            "`{text}` is no range; write ${{int 1..100}}, with numbers up to 2^53, the smaller \
             first"
        )),
    }
}

fn hex(text: &str) -> Result<Placeholder, String> {
    let digits = text.parse().ok().filter(|digits| (1..=MAX_HEX_DIGITS).contains(digits));
    digits.map(Placeholder::Hex).ok_or_else(|| {
        format!("`{text}` is no number of digits; write ${{hex 16}}, up to {MAX_HEX_DIGITS}")
    })
}

fn choice(text: &str) -> Result<Placeholder, String> {
    if text.is_empty() {
        return Err(
            "there is nothing to choose from; write ${choice a|b}, or ${choice a=3|b}".into()
        );
    }
    text.split('|').map(option).collect::<Result<_, _>>().map(Placeholder::Choice)
}

/// A whole number behind the last `=` is the weight.
fn option(text: &str) -> Result<(String, u32), String> {
    let text = text.trim();
    let weight = text.rsplit_once('=').filter(|(_, weight)| is_number(weight.trim()));
    let Some((text, weight)) = weight else { return Ok((text.into(), 1)) };
    match weight.trim().parse() {
        Ok(weight) if weight > 0 => Ok((text.trim_end().into(), weight)),
        _ => Err(format!("`{weight}` is no weight; use a whole number from 1 to {}", u32::MAX)),
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn pick(text: &str) -> Result<Placeholder, String> {
    match text.split_once(char::is_whitespace) {
        Some((file, column)) if file != "-" => {
            Ok(Placeholder::Pick { file: file.into(), column: column.trim().into() })
        }
        _ => Err("a file and one of its columns are wanted; write ${pick pool.csv name}".into()),
    }
}

fn pad(text: &str) -> Result<Placeholder, String> {
    let bytes = parse::size(text).map_err(|err| err + "; write ${pad 4KiB}")?;
    let bytes = usize::try_from(bytes).ok().filter(|&bytes| bytes <= MAX_LINE_BYTES);
    bytes.map(Placeholder::Pad).ok_or_else(|| "lines have at most 1MiB; ask for less".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, placeholder: Placeholder) {
        assert_eq!(parse(text), Ok((placeholder, false)), "{text}");
    }

    #[test]
    fn placeholders_are_read() {
        check("seq", Placeholder::Seq);
        check(" uuid ", Placeholder::Uuid);
        check("run", Placeholder::Run);
        check("time", Placeholder::Time);
        check("int 1..100", Placeholder::Int { low: 1, high: 100 });
        check("int  -5 .. -5", Placeholder::Int { low: -5, high: -5 });
        check("hex 16", Placeholder::Hex(16));
        check("pad 4KiB", Placeholder::Pad(4096));
        let pick = |file: &str, column: &str| Placeholder::Pick {
            file: file.into(),
            column: column.into(),
        };
        check("pick pool.csv third_party_id", pick("pool.csv", "third_party_id"));
        check("pick a/b.ndjson  a column ", pick("a/b.ndjson", "a column"));
        assert_eq!(parse("=seq"), Ok((Placeholder::Seq, true)));
    }

    #[test]
    fn options_have_weights() {
        let check = |text: &str, options: &[(&str, u32)]| {
            let options = options.iter().map(|&(text, weight)| (text.into(), weight)).collect();
            check(text, Placeholder::Choice(options));
        };
        check("choice a", &[("a", 1)]);
        check("choice a=3|b=1", &[("a", 3), ("b", 1)]);
        check("choice a = 3 | b c |", &[("a", 3), ("b c", 1), ("", 1)]);
        check("choice x=y|x=5=2", &[("x=y", 1), ("x=5", 2)]);
    }

    #[test]
    fn mistakes_are_refused_with_a_remedy() {
        for (text, remedy) in [
            ("", "valid are seq, uuid, run"),
            ("uid", "`uid` is not a placeholder; did you mean `uuid`?; write $${ for ${ itself"),
            ("seq 5", "write ${seq}"),
            ("=uuid", "take the = away"),
            ("=pad 5", "take the = away"),
            ("int", "write ${int 1..100}"),
            ("int 5", "write ${int 1..100}"),
            ("int 5..4", "the smaller first"),
            ("int 1..9007199254740993", "up to 2^53"),
            ("hex 0", "write ${hex 16}"),
            ("hex 4097", "up to 4096"),
            ("choice", "write ${choice a|b}"),
            ("choice a=0", "from 1 to 4294967295"),
            ("choice a=4294967296", "from 1 to 4294967295"),
            ("pick pool.csv", "write ${pick pool.csv name}"),
            ("pick - a", "write ${pick pool.csv name}"),
            ("pad", "write ${pad 4KiB}"),
            ("pad 2MiB", "at most 1MiB"),
        ] {
            let err = parse(text).unwrap_err();
            assert!(err.contains(remedy), "{text}: {err}");
        }
    }
}
