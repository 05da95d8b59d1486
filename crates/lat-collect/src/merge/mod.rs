//! Several run directories into one: the shards of a run, or runs one after the other.
//!
//! The directory that comes out is the one that `lat-collect` would have written, had it read all
//! streams at once: the same bytes, in whichever order the directories are named. Nothing is
//! averaged. Counts are added, histograms are added bucket by bucket, and what only several
//! directories together can know is found out here: an event that was sent in one and received in
//! another.
//!
//! `part` reads a directory; `check` says what does not belong together, without a look at the
//! figures; `settle` joins what is unsettled; `series` and `rows` go through the long files side by
//! side, so that memory does not grow with the length of a run; `write` puts it all together.

mod check;
mod part;
mod rows;
mod series;
mod settle;
mod write;

use anyhow::bail;
use ce_cli::{Exit, say};

use crate::TOOL;
use crate::cli::Merge;
use crate::out_dir::OutDir;
use crate::report;

pub use check::Accept;

use check::Refusal;
use part::Part;

/// Merges, or says why not.
pub(crate) fn run(args: &Merge) -> anyhow::Result<Exit> {
    let mut parts = args.dirs.iter().map(|dir| Part::read(dir)).collect::<Result<Vec<_>, _>>()?;
    if parts.is_empty() {
        bail!("name the run directories to merge");
    }
    part::align(&mut parts);
    let settled = settle::settle(&parts)?;
    let mut refusals = check::refusals(&parts, args.sequence);
    refusals.extend(settled.refusal.clone());
    let logs = parts.iter().map(Part::read_log).collect::<Result<Vec<_>, _>>()?;
    refusals.extend(logs.iter().filter_map(|log| log.foreign.clone().map(Refusal::never)));
    let (accepted, refused): (Vec<_>, Vec<_>) =
        refusals.into_iter().partition(|refusal| refusal.is_in(&args.accept));
    if !refused.is_empty() {
        for refusal in &refused {
            say(TOOL, &refusal.to_string());
        }
        return Ok(Exit::NoVerdict);
    }
    logs.iter().filter_map(|log| log.torn.as_ref()).for_each(|torn| say(TOOL, torn));
    let dir = OutDir::create(&args.out)?;
    let collected = write::write(&parts, settled, &accepted, dir)?;
    say(TOOL, &report::text(&collected));
    Ok(if collected.run.complete { Exit::Yes } else { Exit::NoVerdict })
}
