//! A distribution of a run directory as text, for the plotters of `HdrHistogram`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::BufReader;

use anyhow::anyhow;
use ce_cli::{DataOut, Exit, say};
use ce_record::run_dir::{HISTOGRAMS, METRICS};
use lat_hist::hlog::HlogReader;
use lat_hist::{Histogram, hgrm};

use crate::TOOL;
use crate::cli::Hgrm;

/// Prints the values of a tag, or of a metric in all scenarios.
pub(crate) fn run(args: &Hgrm, out: &mut DataOut) -> anyhow::Result<Exit> {
    let path = args.dir.join(HISTOGRAMS);
    let place = path.display();
    let file = File::open(&path)
        .map_err(|err| anyhow!("{place}: cannot open: {err}; is this a run directory?"))?;
    let (mut histogram, mut others) = (Histogram::default(), BTreeSet::new());
    let mut log = HlogReader::new(BufReader::with_capacity(128 * 1024, file));
    for interval in log.by_ref() {
        let interval = interval.map_err(|err| anyhow!("{place}:{err}"))?;
        // A metric alone means all scenarios.
        let of_all = METRICS.contains(&args.tag.as_str()) && interval.metric() == args.tag;
        if of_all || interval.tag == args.tag {
            interval.add_to(&mut histogram).map_err(|err| anyhow!("{place}:{err}"))?;
        } else {
            others.insert(interval.tag);
        }
    }
    if let Some(line) = log.torn_line() {
        say(TOOL, &format!("{place}:{line}: the log ends within this line, which is left out"));
    }
    if histogram.count() == 0 {
        let tags = others.into_iter().collect::<Vec<_>>().join(", ");
        let tags = if tags.is_empty() { "none".to_owned() } else { tags };
        say(TOOL, &format!("{place}: no value has the tag `{}`; its tags: {tags}", args.tag));
        return Ok(Exit::NoVerdict);
    }
    let mut text = String::new();
    hgrm::write(&mut text, &histogram);
    out.write(text.as_bytes())?;
    Ok(Exit::Yes)
}
