//! A run directory that is to be merged, and where its clock stands on the merged run's.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use ce_record::run_dir::{self, HISTOGRAMS, LAYOUT, LEDGER, Ledger, RUN, Run, Stream};
use ce_record::totals::{TOTALS, Totals, UNSETTLED, Unsettled, Zero};
use lat_hist::Histogram;
use lat_hist::hlog::{HlogReadError, HlogReader, PayloadError};

use crate::{lists, streams};

pub(super) const SECOND_NS: i64 = 1_000_000_000;

/// A directory, without its long files.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) dir: PathBuf,
    pub(super) run: Run,
    pub(super) ledger: Ledger,
    pub(super) totals: Totals,
    pub(super) unsettled: Vec<Unsettled>,
    /// From the merged run's zero to this one's.
    pub(super) shift_ns: i64,
}

/// What is wrong with a log.
#[derive(Debug)]
pub(super) struct Log {
    /// Its histograms have other buckets, so that their counts cannot be added.
    pub(super) foreign: Option<String>,
    /// It was cut short, as by a full disk. What it lacks is missing in the merged log and in the
    /// percentiles of its second; all totals have it.
    pub(super) torn: Option<String>,
}

impl Part {
    pub(super) fn read(dir: &Path) -> anyhow::Result<Self> {
        let run: Run = run_dir::read(dir, RUN)?;
        if run.format != LAYOUT {
            let (place, format) = (dir.join(RUN), run.format);
            bail!("{}: format {format} is unknown (this version reads {LAYOUT})", place.display());
        }
        let path = dir.join(TOTALS);
        if !path.exists() {
            bail!(
                "{}: is missing; an older version wrote the directory: collect its streams again",
                path.display()
            );
        }
        let unsettled = lists::read(&dir.join(UNSETTLED))?;
        let (ledger, totals) = (run_dir::read(dir, LEDGER)?, run_dir::read(dir, TOTALS)?);
        Ok(Self { dir: dir.to_owned(), run, ledger, totals, unsettled, shift_ns: 0 })
    }

    /// What people call it.
    pub(super) fn name(&self) -> String {
        self.dir.display().to_string()
    }

    /// The streams that a sender wrote: those with a plan.
    pub(super) fn senders(&self) -> impl Iterator<Item = &ce_record::Start> {
        let starts = self.run.streams.iter().filter_map(|stream: &Stream| stream.start.as_ref());
        starts.filter(|start| !start.plan.is_null())
    }

    /// Whole seconds from the merged run's zero to this one's.
    pub(super) fn shift_s(&self) -> i64 {
        self.shift_ns.div_euclid(SECOND_NS)
    }

    /// How much later the seconds of this directory begin than those of the merged run.
    pub(super) fn misaligned_ns(&self) -> i64 {
        self.shift_ns.rem_euclid(SECOND_NS)
    }

    /// When it began and when it was over, on the merged run's clock.
    pub(super) fn extent_ns(&self) -> (i64, i64) {
        (self.shift_ns, self.shift_ns.saturating_add(self.totals.last_ns))
    }

    /// Whether all unsettled events are listed.
    pub(super) fn lists_all_unsettled(&self) -> bool {
        self.totals.unsettled == self.unsettled.len() as u64
    }

    /// Goes through the log once, before anything is written.
    pub(super) fn read_log(&self) -> anyhow::Result<Log> {
        let path = self.dir.join(HISTOGRAMS);
        let place = path.display();
        let file = File::open(&path).with_context(|| format!("{place}: cannot open"))?;
        let mut log = HlogReader::new(BufReader::with_capacity(128 * 1024, file));
        let mut scratch = Histogram::default();
        for interval in log.by_ref() {
            let added = interval.and_then(|interval| {
                scratch.clear();
                interval.add_to(&mut scratch)
            });
            match added {
                Err(HlogReadError::Payload(line, other @ PayloadError::Configuration { .. })) => {
                    let foreign = Some(format!("{place}:{line}: {other}"));
                    return Ok(Log { foreign, torn: None });
                }
                added => added.map_err(|err| anyhow!("{place}:{err}"))?,
            }
        }
        let say =
            |line| format!("{place}:{line}: the log ends within this line, which is left out");
        Ok(Log { foreign: None, torn: log.torn_line().map(say) })
    }
}

/// Puts all directories on one clock, that of the earliest, and into an order that does not depend
/// on how they were named.
pub(super) fn align(parts: &mut [Part]) {
    parts.sort_by_cached_key(|part| {
        let senders = part.senders().map(streams::rank).min();
        let zero = &part.totals.zero;
        (senders.is_none(), senders, zero.wall_ns, part.dir.clone())
    });
    let zero = zero(parts);
    for part in parts {
        part.shift_ns = streams::offset_ns(&part.totals.zero, &zero);
    }
}

/// The earliest zero, of a sender if there is one.
pub(super) fn zero(parts: &[Part]) -> Zero {
    let has_sender = |part: &&Part| part.senders().next().is_some();
    let of_senders = parts.iter().filter(has_sender).min_by_key(|part| part.totals.zero.wall_ns);
    let first = of_senders.or(parts.iter().min_by_key(|part| part.totals.zero.wall_ns));
    first.expect("there is a directory").totals.zero.clone()
}
