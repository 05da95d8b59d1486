//! `watch.csv` and `marks.csv` of several directories, in the order of time.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use anyhow::Context;

use super::part::Part;
use crate::timeline;

/// The rows of one file that are still to come.
struct Source {
    rows: csv::StringRecordsIntoIter<File>,
    next: Option<(i64, Vec<String>)>,
    shift_ns: i64,
    path: PathBuf,
}

impl Source {
    fn open(part: &Part, name: &str) -> anyhow::Result<Self> {
        let path = part.dir.join(name);
        let rows = csv::Reader::from_path(&path)
            .with_context(|| format!("{}: cannot read", path.display()))?;
        let mut source =
            Self { rows: rows.into_records(), next: None, shift_ns: part.shift_ns, path };
        source.advance()?;
        Ok(source)
    }

    /// Takes the next row and moves on.
    fn advance(&mut self) -> anyhow::Result<Option<(i64, Vec<String>)>> {
        let place = self.path.display();
        let next = self.rows.next().transpose().with_context(|| format!("{place}: cannot read"))?;
        let next = match next {
            Some(row) => {
                let mut fields = row.iter().map(str::to_owned);
                let at_ms = fields.next().and_then(|at| timeline::parse_ms(&at));
                let at_ms = at_ms.with_context(|| format!("{place}: a row without a time"))?;
                Some((at_ms.saturating_add(timeline::ms(self.shift_ns)), fields.collect()))
            }
            None => None,
        };
        Ok(std::mem::replace(&mut self.next, next))
    }
}

/// Writes the rows of all directories.
pub(super) fn merge(
    parts: &[Part],
    name: &str,
    columns: &[&str],
    to: BufWriter<File>,
) -> anyhow::Result<()> {
    let mut sources =
        parts.iter().map(|part| Source::open(part, name)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut rows = csv::Writer::from_writer(to);
    rows.write_record(columns)?;
    loop {
        let first = sources
            .iter_mut()
            .filter(|source| source.next.is_some())
            .min_by(|a, b| a.next.cmp(&b.next));
        let Some(source) = first else { break };
        if let Some((at_ms, fields)) = source.advance()? {
            let at = timeline::format_ms(at_ms);
            rows.write_record(std::iter::once(&at).chain(&fields))?;
        }
    }
    rows.flush()?;
    Ok(())
}
