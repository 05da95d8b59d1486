//! The lists of single events in a run directory: `missing.ndjson` and `unsettled.ndjson`. Both have a
//! limit; what stands in them is the head of the sorted whole, and so the same for the same records.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context, anyhow};
use ce_record::run_dir::MISSING;
use ce_record::totals::{UNSETTLED, Unsettled};
use serde::{Deserialize, Serialize};

use crate::group::seconds;
use crate::out_dir::OutDir;
use crate::smallest::Smallest;

/// Lost events that are listed by name; the count is exact beyond that.
const MISSING_LIMIT: usize = 10_000;
/// Unsettled events that are listed. Beyond it, directories that depend on each other cannot be merged.
pub(crate) const UNSETTLED_LIMIT: usize = 100_000;

/// An event that was acknowledged and never arrived.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lost {
    pub(crate) due_ns: i64,
    pub(crate) source: String,
    pub(crate) id: String,
}

/// A line of `missing.ndjson`.
#[derive(Serialize, Deserialize)]
struct Line {
    due_s: f64,
    id: String,
    source: String,
}

/// As many lost events as are listed.
pub(crate) fn lost() -> Smallest<Lost> {
    Smallest::new(MISSING_LIMIT)
}

/// As many unsettled events as are listed.
pub(crate) fn unsettled() -> Smallest<Unsettled> {
    Smallest::new(UNSETTLED_LIMIT)
}

/// Writes `missing.ndjson`.
pub(crate) fn write_lost(dir: &OutDir, lost: Smallest<Lost>) -> anyhow::Result<()> {
    let lines = lost.into_sorted().into_iter().map(|Lost { due_ns, source, id }| Line {
        due_s: seconds(due_ns),
        id,
        source,
    });
    write(dir, MISSING, lines)
}

/// Writes `unsettled.ndjson`, if there is anything to write.
pub(crate) fn write_unsettled(dir: &OutDir, unsettled: Smallest<Unsettled>) -> anyhow::Result<()> {
    if unsettled.count() == 0 {
        return Ok(());
    }
    write(dir, UNSETTLED, unsettled.into_sorted().into_iter())
}

fn write(
    dir: &OutDir,
    name: &str,
    lines: impl Iterator<Item = impl Serialize>,
) -> anyhow::Result<()> {
    let mut file = dir.file(name)?;
    for line in lines {
        serde_json::to_writer(&mut file, &line)
            .map_err(std::io::Error::from)
            .and_then(|()| file.write_all(b"\n"))
            .with_context(|| dir.cannot_write(name))?;
    }
    file.flush().with_context(|| dir.cannot_write(name))
}

/// Reads the lost events of a directory whose clock is `shift_ns` behind.
pub(crate) fn read_lost(dir: &Path, shift_ns: i64) -> anyhow::Result<Vec<Lost>> {
    let lines = read(&dir.join(MISSING))?;
    let lost = lines.into_iter().map(|Line { due_s, id, source }| {
        // Exact: a time of less than a hundred days has fewer digits than a `f64`.
        #[expect(clippy::cast_possible_truncation, reason = "a time of a run")]
        let due_ns = (due_s * 1e9).round() as i64;
        Lost { due_ns: due_ns.saturating_add(shift_ns), source, id }
    });
    Ok(lost.collect())
}

/// Reads NDJSON; a file that is not there has no line.
pub(crate) fn read<T: serde::de::DeserializeOwned>(path: &Path) -> anyhow::Result<Vec<T>> {
    let place = path.display();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(err) => return Err(err).with_context(|| format!("{place}: cannot open")),
    };
    let mut items = Vec::new();
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let line = line.with_context(|| format!("{place}:{number}: cannot read"))?;
        let item = serde_json::from_str(&line);
        items.push(item.map_err(|err| {
            anyhow!("{place}:{number}: not an event: {}", ce_record::json_error(&err))
        })?);
    }
    Ok(items)
}
