//! A group as it stands in `totals.json`, and back.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use ce_record::total;
use ce_record::totals::{Distribution, GroupTotals};
use lat_hist::{Exact, Histogram, hlog};

use super::{Extent, Group};

/// A distribution of more values is none that somebody measured.
const COUNT_LIMIT: u64 = 1 << 53;

impl Group {
    /// Everything that is known of the group, exactly.
    pub(crate) fn totals(&self) -> anyhow::Result<GroupTotals> {
        let ends = |extent: &Extent| extent.first_and_last_ns.map(|(first, last)| [first, last]);
        let metrics = self.histograms().filter(|(_, histogram)| histogram.count() > 0);
        Ok(GroupTotals {
            outcomes: self.outcomes,
            retried: self.retried,
            codes: self.codes.clone(),
            received: self.received,
            due_ns: ends(&self.due),
            left_ns: ends(&self.left),
            answered_ok_ns: ends(&self.answered_ok),
            last_end_ns: self.last_end_ns,
            metrics: metrics
                .map(|(name, histogram)| Ok((name.to_owned(), distribution(histogram)?)))
                .collect::<anyhow::Result<_>>()?,
        })
    }

    /// The group that these totals are of, on a clock that began `shift_ns` earlier.
    pub(crate) fn of_totals(totals: &GroupTotals, shift_ns: i64) -> anyhow::Result<Self> {
        let extent = |ends: Option<[i64; 2]>| Extent {
            first_and_last_ns: ends.map(|ends| ends.map(|ns| ns.saturating_add(shift_ns)).into()),
        };
        let mut group = Self {
            outcomes: totals.outcomes,
            retried: totals.retried,
            codes: totals.codes.clone(),
            received: totals.received,
            due: extent(totals.due_ns),
            left: extent(totals.left_ns),
            answered_ok: extent(totals.answered_ok_ns),
            // Without an event it is where it was at first.
            last_end_ns: totals.due_ns.map_or(0, |_| totals.last_end_ns.saturating_add(shift_ns)),
            ..Self::default()
        };
        for (name, values) in &totals.metrics {
            let metric = group.histogram_mut(name);
            let metric = metric.with_context(|| format!("there is no metric `{name}`"))?;
            *metric = histogram(values).with_context(|| format!("metric `{name}`"))?;
        }
        Ok(group)
    }
}

fn distribution(histogram: &Histogram) -> anyhow::Result<Distribution> {
    let Exact { count, overflow, sum_ns, min_ns, max_ns } = histogram.exact();
    Ok(Distribution {
        count,
        overflow,
        sum_ns: sum_ns.to_string(),
        min_ns,
        max_ns,
        histogram: hlog::payload(histogram)?,
    })
}

fn histogram(values: &Distribution) -> anyhow::Result<Histogram> {
    let Distribution { count, overflow, min_ns, max_ns, .. } = *values;
    let sum_ns = values.sum_ns.parse().context("`sum_ns` is no whole number")?;
    let buckets = hlog::buckets(&values.histogram).context("cannot decode the histogram")?;
    let exact = Exact { count, overflow, sum_ns, min_ns, max_ns };
    let counted = total(buckets.iter().map(|(_, count)| *count));
    if counted.checked_add(overflow) != Some(count) {
        bail!("its histogram has {counted} values of {count}");
    }
    // Nobody has measured more; and the sums of all directories stay far from where numbers end.
    if count > COUNT_LIMIT || sum_ns > u128::from(count) * u128::from(max_ns) {
        bail!("`count`, `sum_ns` and `max_ns` are not those of one histogram");
    }
    Ok(Histogram::of(exact, buckets))
}

/// Adds groups of other directories to those that are here, by name.
pub(crate) fn add_totals(
    groups: &mut BTreeMap<String, Group>,
    others: &BTreeMap<String, GroupTotals>,
    shift_ns: i64,
) -> anyhow::Result<()> {
    for (name, totals) in others {
        let group = Group::of_totals(totals, shift_ns).with_context(|| format!("`{name}`"))?;
        groups.entry(name.clone()).or_default().add(&group);
    }
    Ok(())
}
