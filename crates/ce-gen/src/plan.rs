//! The command line with its values checked, alone and together.

use anyhow::{Context, bail, ensure};
use ce_event::Event;
use serde_json::json;

use crate::cli::{Cli, IdStyle};
use crate::kind::{Kind, Share};
use crate::pool::{self, Pair};
use crate::stamp::TimeFrom;

/// Longest line that can be asked for; it has to fit into memory many times over, all along the pipe.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// What to make.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The kinds; each once, and at least one with a weight above zero.
    pub shares: Vec<Share>,
    /// Pairs for build and delete events; at least one.
    pub pool: Vec<Pair>,
    /// Chooses the events.
    pub seed: u64,
    /// Name of the run.
    pub run: String,
    /// How ids are made.
    pub id: IdStyle,
    /// Whether events are numbered.
    pub sequence: bool,
    /// `source` of parser events; a URI reference.
    pub source: String,
    /// `type` of delete events.
    pub delete_type: String,
    /// Least bytes in a line, without its newline.
    pub size: Option<usize>,
    /// The `time` attribute.
    pub time: TimeFrom,
}

impl Plan {
    /// Checks `cli`, and reads the pool.
    pub fn new(cli: Cli) -> anyhow::Result<Self> {
        check_shares(&cli.kinds)?;
        check_attribute("--run", "id", &cli.run)?;
        check_attribute("--source", "source", &cli.source)?;
        check_attribute("--delete-type", "type", &cli.delete_type)?;
        let size = cli.size.filter(|&size| size <= MAX_LINE_BYTES);
        ensure!(size == cli.size, "--size: lines have at most 1MiB; ask for less");
        let pool = match &cli.pool {
            None => pool::invented(),
            Some(path) => pool::read(path)?,
        };
        Ok(Self {
            shares: cli.kinds,
            pool,
            seed: cli.seed,
            run: cli.run,
            id: cli.id,
            sequence: cli.sequence,
            source: cli.source,
            delete_type: cli.delete_type,
            size: size.map(|size| usize::try_from(size).expect("1 MiB fits")),
            time: cli.time,
        })
    }
}

fn check_shares(shares: &[Share]) -> anyhow::Result<()> {
    for kind in [Kind::Build, Kind::Parser, Kind::Delete] {
        let times = shares.iter().filter(|share| share.kind == kind).count();
        ensure!(times <= 1, "--kind: {kind} is given {times} times; give it once, with a weight");
    }
    if shares.iter().all(|share| share.weight == 0) {
        bail!("--kind: all weights are 0, so there is nothing to make; raise one");
    }
    Ok(())
}

/// Holds `text` to the rules of the attribute that it becomes, or becomes a part of.
fn check_attribute(flag: &'static str, attribute: &str, text: &str) -> anyhow::Result<()> {
    let mut event = json!({"specversion": "1.0", "id": "0", "source": "/", "type": "t"});
    event[attribute] = text.into();
    Event::from_json(event.to_string().as_bytes()).context(flag)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_held_to_the_rules_of_their_attributes() {
        let check = |attribute, text| check_attribute("--flag", attribute, text).is_ok();
        for text in ["a", "a b", "\"\\", "é😀"] {
            assert!(check("id", text) && check("type", text), "{text}");
        }
        for text in ["", "a\nb", "\u{85}", "\u{ffff}"] {
            assert!(
                !check("id", text) && !check("type", text) && !check("source", text),
                "{text:?}"
            );
        }
        for text in ["/x?y=1#z", "urn:uuid:7", "https://[::1]:80/a%20b", "1-555-123"] {
            assert!(check("source", text), "{text}");
        }
        for text in ["a b", "a\"b", "é", "a%2", "<a>"] {
            assert!(!check("source", text), "{text}");
        }
    }

    #[test]
    fn a_mixture_needs_distinct_kinds_and_some_weight() {
        let check = |shares: &str| {
            let shares: Vec<Share> =
                shares.split(',').map(|share| share.parse().unwrap()).collect();
            check_shares(&shares).is_ok()
        };
        assert!(check("build"));
        assert!(check("build=0,parser=3,delete"));
        assert!(!check("build=0,delete=0"));
        assert!(!check("build,parser,build=2"));
    }
}
