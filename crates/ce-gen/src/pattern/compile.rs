//! From the JSON of an event to a pattern: literal text is kept as it is written, placeholders
//! become pieces.

use std::ops::Range;

use serde_json::Value;

use super::part::{Content, parts};
use super::placeholder::{self, Placeholder};
use super::{Pattern, Piece};
use crate::cli::IdStyle;
use crate::json::{Kind, Token, members, quoted, tokens};
use crate::plan::Common;
use crate::stamp::TimeFrom;

/// The columns that a file is picked from.
#[derive(Debug)]
pub(crate) struct PoolUse {
    pub(crate) file: String,
    /// Where it is named first, as an offset in the template file.
    pub(crate) at: usize,
    pub(crate) columns: Vec<Column>,
}

#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) name: String,
    /// Where a value of it is wanted without quotes, as an offset in the template file.
    pub(crate) bare_at: Option<usize>,
}

/// What is wrong, and at which offset of the file.
#[derive(Debug)]
pub(crate) struct Mistake {
    pub(crate) at: usize,
    pub(crate) what: String,
}

struct Compiler<'a> {
    text: &'a str,
    common: &'a Common,
    /// Those of all templates of the file.
    pools: &'a mut Vec<PoolUse>,
    /// What the pieces so far do not hold yet.
    literal: String,
    pieces: Vec<Piece>,
    own_pools: Vec<usize>,
    is_padded: bool,
}

/// Compiles the event that stands in `event`.
pub(crate) fn compile(
    text: &str,
    event: Range<usize>,
    common: &Common,
    pools: &mut Vec<PoolUse>,
) -> Result<Pattern, Mistake> {
    let mut compiler = Compiler {
        text,
        common,
        pools,
        literal: String::new(),
        pieces: Vec::new(),
        own_pools: Vec::new(),
        is_padded: false,
    };
    compiler.event(event)?;
    compiler.flush();
    Ok(Pattern { pieces: compiler.pieces, pools: compiler.own_pools })
}

impl Compiler<'_> {
    fn event(&mut self, event: Range<usize>) -> Result<(), Mistake> {
        let parts = parts(members(self.text, event.clone()), self.common);
        for (at, part) in parts.into_iter().enumerate() {
            self.literal.push(if at == 0 { '{' } else { ',' });
            self.literal.push_str(&quoted(&part.name));
            self.literal.push(':');
            match part.content {
                Content::Json(json) => self.literal.push_str(&json),
                Content::Written(value) if part.name == "data" => self.data(value)?,
                Content::Written(value) => self.value(value)?,
                Content::Id(IdStyle::Uuid4) => self.in_quotes(Piece::Id),
                Content::Id(IdStyle::Uuid7) => self.in_quotes(Piece::OrderedId),
                Content::Id(IdStyle::Seq) => {
                    self.literal.push('"');
                    self.run();
                    self.literal.push('-');
                    self.push(Piece::Number);
                    self.literal.push('"');
                }
                Content::Time => self.in_quotes(Piece::Time),
                Content::Sequence => self.in_quotes(Piece::Number),
            }
        }
        self.literal.push('}');
        if self.common.size.is_some() && !self.is_padded {
            let what =
                "--size pads `data`, and there is none; write \"data\":{}, or use ${pad 4KiB}";
            return Err(Mistake::new(event.start, what));
        }
        Ok(())
    }

    /// The data, with room for the padding that --size asks for.
    fn data(&mut self, value: Range<usize>) -> Result<(), Mistake> {
        let Some(size) = self.common.size else { return self.value(value) };
        let has_member = |name| members(self.text, value.clone()).iter().any(|m| m.name == name);
        if !self.text[value.clone()].starts_with('{') || has_member("padding") {
            let what = "--size adds a member `padding` to `data`, which has to be an object \
                        without it; use ${pad 4KiB} in one of its strings";
            return Err(Mistake::new(value.start, what));
        }
        self.value(value.start..value.end - 1)?;
        self.literal.push_str(if self.literal.ends_with('{') { "" } else { "," });
        self.literal.push_str(r#""padding":""#);
        self.pad(value.start, size)?;
        self.literal.push_str("\"}");
        Ok(())
    }

    /// Any JSON, without the space between its tokens.
    fn value(&mut self, value: Range<usize>) -> Result<(), Mistake> {
        let mut tokens = tokens(self.text, value).peekable();
        while let Some(Token { kind, at }) = tokens.next() {
            let is_name = tokens.peek().is_some_and(|next| next.kind == Kind::Colon);
            match kind {
                Kind::String => self.string(at, is_name)?,
                _ => self.literal.push_str(&self.text[at]),
            }
        }
        Ok(())
    }

    fn string(&mut self, string: Range<usize>, is_name: bool) -> Result<(), Mistake> {
        let inner = string.start + 1..string.end - 1;
        self.literal.push('"');
        let mut next = inner.start;
        while let Some(found) = self.text[next..inner.end].find("${") {
            let start = next + found;
            let before = &self.text[next..start];
            if let Some(before) = before.strip_suffix('$') {
                self.literal.push_str(before);
                self.literal.push_str("${");
                next = start + 2;
                continue;
            }
            self.literal.push_str(before);
            if is_name {
                let what = "names hold no placeholders, values do; write $${ for ${ itself";
                return Err(Mistake::new(start, what));
            }
            let Some(length) = self.text[start..inner.end].find('}') else {
                let what = "the placeholder has no end; write }, or $${ for ${ itself";
                return Err(Mistake::new(start, what));
            };
            next = start + length + 1;
            let json = format!("\"{}\"", &self.text[start + 2..next - 1]);
            let text: String = serde_json::from_str(&json).unwrap_or(json);
            let parsed = placeholder::parse(&text).map_err(|what| Mistake { at: start, what })?;
            let (placeholder, is_bare) = parsed;
            if !is_bare {
                self.placeholder(start, placeholder, false)?;
            } else if inner == (start..next) {
                self.literal.pop();
                return self.placeholder(start, placeholder, true);
            } else {
                let what = "what is written without quotes has to be alone in its string; take \
                            the = away";
                return Err(Mistake::new(start, what));
            }
        }
        self.literal.push_str(&self.text[next..inner.end]);
        self.literal.push('"');
        Ok(())
    }

    fn placeholder(&mut self, at: usize, what: Placeholder, is_bare: bool) -> Result<(), Mistake> {
        match what {
            Placeholder::Seq if is_bare => self.push(Piece::BareNumber),
            Placeholder::Seq => self.push(Piece::Number),
            Placeholder::Uuid => self.push(Piece::Uuid),
            Placeholder::Run => self.run(),
            Placeholder::Time => match &self.common.attributes.time {
                Some(TimeFrom::User(time)) => self.literal.push_str(time),
                _ => self.push(Piece::Time),
            },
            Placeholder::Int { low, high } => {
                self.push(Piece::Int { low, span: high.abs_diff(low) + 1 });
            }
            Placeholder::Hex(digits) => self.push(Piece::Hex(digits)),
            Placeholder::Choice(options) => self.choice(at, options, is_bare)?,
            Placeholder::Pick { file, column } => self.pick(at, &file, &column, is_bare),
            Placeholder::Pad(size) if self.common.size.is_none() => self.pad(at, size)?,
            Placeholder::Pad(_) => {
                let what = "the line is padded by --size already; leave one of the two out";
                return Err(Mistake::new(at, what));
            }
        }
        Ok(())
    }

    fn choice(
        &mut self,
        at: usize,
        options: Vec<(String, u32)>,
        is_bare: bool,
    ) -> Result<(), Mistake> {
        let (mut up_to, mut texts, mut sum) = (Vec::new(), Vec::new(), 0);
        for (text, weight) in options {
            sum += u64::from(weight);
            up_to.push(sum);
            texts.push(in_json(&text, is_bare).map_err(|what| Mistake { at, what })?);
        }
        self.push(Piece::Choice { up_to, texts });
        Ok(())
    }

    fn pick(&mut self, at: usize, file: &str, column: &str, is_bare: bool) {
        let pool = position_or_push(
            self.pools,
            |pool| pool.file == file,
            || PoolUse { file: file.into(), at, columns: Vec::new() },
        );
        let column = position_or_push(
            &mut self.pools[pool].columns,
            |known| known.name == column && known.bare_at.is_some() == is_bare,
            || Column { name: column.into(), bare_at: is_bare.then_some(at) },
        );
        let pool = position_or_push(&mut self.own_pools, |known| *known == pool, || pool);
        self.push(Piece::Pick { pool, column });
    }

    fn pad(&mut self, at: usize, size: usize) -> Result<(), Mistake> {
        if std::mem::replace(&mut self.is_padded, true) {
            return Err(Mistake::new(at, "the line is padded already; keep one ${pad}"));
        }
        self.push(Piece::Pad(size));
        Ok(())
    }

    fn run(&mut self) {
        let run = quoted(&self.common.run);
        self.literal.push_str(&run[1..run.len() - 1]);
    }

    fn in_quotes(&mut self, piece: Piece) {
        self.literal.push('"');
        self.push(piece);
        self.literal.push('"');
    }

    fn push(&mut self, piece: Piece) {
        self.flush();
        self.pieces.push(piece);
    }

    fn flush(&mut self) {
        if !self.literal.is_empty() {
            self.pieces.push(Piece::Text(std::mem::take(&mut self.literal)));
        }
    }
}

impl Mistake {
    fn new(at: usize, what: &str) -> Self {
        Self { at, what: what.into() }
    }
}

/// Text as it stands between quotes; with `is_bare` instead of them.
pub(crate) fn in_json(text: &str, is_bare: bool) -> Result<String, String> {
    if !is_bare {
        let quoted = quoted(text);
        return Ok(quoted[1..quoted.len() - 1].to_owned());
    }
    match serde_json::from_str(text) {
        Ok(Value::Number(_) | Value::Bool(_) | Value::Null) => Ok(text.trim().to_owned()),
        _ => Err(format!(
            "{text:?} is no number, true, false or null, and = writes it without quotes; take the \
             = away"
        )),
    }
}

fn position_or_push<T>(
    list: &mut Vec<T>,
    is_it: impl FnMut(&T) -> bool,
    new: impl FnOnce() -> T,
) -> usize {
    list.iter().position(is_it).unwrap_or_else(|| {
        list.push(new());
        list.len() - 1
    })
}
