//! The kinds of events that the platform knows, and their shares in a mixture.

use std::fmt;
use std::str::FromStr;

/// What an event asks the platform to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Build a parser.
    Build,
    /// Run a parser on a block.
    Parser,
    /// Delete a parser.
    Delete,
}

/// A kind and how often it comes, compared with the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The kind.
    pub kind: Kind,
    /// Of each (sum of all weights) events, this many are of this kind on average.
    pub weight: u32,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Build => "build",
            Self::Parser => "parser",
            Self::Delete => "delete",
        })
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "build" => Ok(Self::Build),
            "parser" => Ok(Self::Parser),
            "delete" => Ok(Self::Delete),
            _ => Err(format!("`{text}` is not a kind of event; use build, parser or delete")),
        }
    }
}

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, weight) = text.split_once('=').unwrap_or((text, "1"));
        let weight = weight.parse().map_err(|_| {
            format!("`{weight}` is not a weight; use a whole number from 0 to {}", u32::MAX)
        })?;
        Ok(Self { kind: kind.parse()?, weight })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_kind_and_a_weight() {
        let check = |text: &str, kind, weight| {
            assert_eq!(text.parse(), Ok(Share { kind, weight }), "{text}");
        };
        check("build", Kind::Build, 1);
        check("parser=3", Kind::Parser, 3);
        check("delete=0", Kind::Delete, 0);
        check("build=4294967295", Kind::Build, u32::MAX);
    }

    #[test]
    fn other_texts_are_refused_with_a_remedy() {
        for (text, remedy) in [
            ("", "use build, parser or delete"),
            ("Build", "use build, parser or delete"),
            ("build=", "use a whole number"),
            ("build=-1", "use a whole number"),
            ("build=0.5", "use a whole number"),
            ("build=4294967296", "use a whole number"),
        ] {
            let err = text.parse::<Share>().unwrap_err();
            assert!(err.contains(remedy), "{text}: {err}");
        }
    }
}
