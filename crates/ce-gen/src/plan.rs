//! The command line with its values checked, alone and together.

use anyhow::{Context, bail, ensure};
use ce_event::Event;
use load_plan::Shard;
use serde_json::json;

use crate::cli::{Attributes, MAX_EVENTS, Make};
use crate::json::quoted;
use crate::kind::{Kind, Share};
use crate::pattern::{self, Patterns};
use crate::pool::{self, Pair};

/// Longest line that can be asked for; it has to fit into memory many times over, all along the
/// pipe.
pub(crate) const MAX_LINE_BYTES: usize = 1 << 20;

/// What to make.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What the events are.
    pub(crate) what: What,
    /// Chooses the events.
    pub(crate) seed: u64,
    /// Which of the events to make.
    pub(crate) shard: Shard,
    /// How many there are over all shards; endless without.
    pub(crate) count: Option<u64>,
    /// What holds for all events.
    pub(crate) common: Common,
}

/// Where the events come from.
#[derive(Debug, Clone)]
pub(crate) enum What {
    /// The kinds that the platform knows.
    Kinds {
        /// Each once, and at least one with a weight above zero.
        shares: Vec<Share>,
        /// Pairs for build and delete events; at least one.
        pool: Vec<Pair>,
        /// `type` of delete events.
        delete_type: String,
    },
    /// Events of the user's own.
    Templates(Patterns),
}

/// What holds for all events, wherever they come from.
#[derive(Debug, Clone)]
pub(crate) struct Common {
    /// Name of the run.
    pub(crate) run: String,
    /// Least bytes in a line, without its newline.
    pub(crate) size: Option<usize>,
    /// The highest number that an event can have.
    pub(crate) last: u64,
    /// Attributes that the flags set; each follows the rules of its type.
    pub(crate) attributes: Attributes,
}

impl Plan {
    /// Checks the flags, and reads the pool or the template.
    pub fn new(make: Make) -> anyhow::Result<Self> {
        let Make { kinds, template, pool, delete_type, attributes, .. } = make;
        check_attribute("--run", "id", &make.run)?;
        check_attribute("--delete-type", "type", &delete_type)?;
        check_attributes(&attributes)?;
        let size = make.size.map(|size| usize::try_from(size).unwrap_or(usize::MAX));
        let fits = size.is_none_or(|size| size <= MAX_LINE_BYTES);
        ensure!(fits, "--size: lines have at most 1MiB; ask for less");
        let last = make.count.unwrap_or(MAX_EVENTS).saturating_sub(1);
        let common = Common { run: make.run, size, last, attributes };
        let what = if let Some(template) = template {
            What::Templates(pattern::read(&template, &common)?)
        } else {
            check_shares(&kinds)?;
            check_data_is_json(common.attributes.datacontenttype.as_deref())?;
            let pool = pool.map_or_else(|| Ok(pool::invented()), |path| pool::read(&path))?;
            What::Kinds { shares: kinds, pool, delete_type }
        };
        Ok(Self { what, seed: make.seed, shard: make.shard, count: make.count, common })
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

fn check_attributes(said: &Attributes) -> anyhow::Result<()> {
    let texts = [
        ("--type", "type", &said.event_type),
        ("--source", "source", &said.source),
        ("--subject", "subject", &said.subject),
        ("--datacontenttype", "datacontenttype", &said.datacontenttype),
        ("--dataschema", "dataschema", &said.dataschema),
    ];
    for (flag, attribute, text) in texts {
        if let Some(text) = text {
            check_attribute(flag, attribute, text)?;
        }
    }
    for (at, extension) in said.extensions.iter().enumerate() {
        let name = &extension.name;
        let event = format!(
            r#"{{"specversion":"1.0","id":"0","source":"/","type":"t",{}:{}}}"#,
            quoted(name),
            extension.value
        );
        Event::from_json(event.as_bytes()).context("--extension")?;
        let is_first = said.extensions[..at].iter().all(|other| other.name != *name);
        ensure!(is_first, "--extension: `{name}` is given more than once; keep one");
        let is_free = name != "sequence" || !said.sequence;
        ensure!(is_free, "--extension: `sequence` is what --sequence sets; leave one of them out");
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

/// The data of all kinds is a JSON object, which only a JSON type may announce.
fn check_data_is_json(datacontenttype: Option<&str>) -> anyhow::Result<()> {
    let Some(media_type) = datacontenttype else { return Ok(()) };
    let event = json!({"specversion": "1.0", "id": "0", "source": "/", "type": "t",
        "datacontenttype": media_type})
    .to_string();
    let is_json = Event::from_json(event.as_bytes())?.declares_json();
    ensure!(
        is_json,
        "--datacontenttype: the data is JSON, and `{media_type}` is not; use application/json, a \
         type that ends in +json, or a --template with other data"
    );
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
