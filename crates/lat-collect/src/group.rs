//! Everything that is counted about a group of events: all of them, a scenario, a type.

mod totals;

use std::collections::BTreeMap;

use ce_record::run_dir::{Block, METRICS, PERCENTILES, Stats};
use ce_record::{Outcome, OutcomeCounts};
use lat_hist::{Histogram, Quantile};

use crate::batch::{Opened, SampleItem};
use crate::streams::signed;

pub(crate) use totals::add_totals;

/// The index of each metric in [`METRICS`].
pub(crate) const LATENCY: usize = 0;
pub(crate) const SERVICE: usize = 1;
pub(crate) const LAG: usize = 2;
pub(crate) const E2E: usize = 3;
/// What there is of connections only.
const CONNECT: &str = "connect";
const TLS: &str = "tls";

/// The counts of a group.
#[derive(Debug, Default)]
pub(crate) struct Group {
    outcomes: OutcomeCounts,
    retried: u64,
    codes: BTreeMap<u16, u64>,
    metrics: [Histogram; METRICS.len()],
    connect: Histogram,
    tls: Histogram,
    received: u64,
    due: Extent,
    left: Extent,
    answered_ok: Extent,
    /// The last answer, on the run's clock.
    last_end_ns: i64,
}

/// How far some instants reach.
#[derive(Debug, Default, Clone, Copy)]
struct Extent {
    first_and_last_ns: Option<(i64, i64)>,
}

impl Extent {
    fn add(&mut self, ns: i64) {
        let (first, last) = self.first_and_last_ns.unwrap_or((ns, ns));
        self.first_and_last_ns = Some((first.min(ns), last.max(ns)));
    }

    fn extend(&mut self, other: Self) {
        if let Some((first, last)) = other.first_and_last_ns {
            self.add(first);
            self.add(last);
        }
    }

    /// `count` instants lie over this extent: their rate, from the gaps between them.
    fn per_second(&self, count: u64) -> Option<f64> {
        let (first, last) = self.first_and_last_ns?;
        (last > first && count > 1).then(|| to_f64(count - 1) / seconds(last.saturating_sub(first)))
    }
}

impl Group {
    /// Enters a sample that was due at `due_ns` of the run's clock. An event left when it left for
    /// the first time, which also is what its lag tells; everything else its last attempt tells.
    pub(crate) fn sample(&mut self, sample: &SampleItem, due_ns: i64) {
        if sample.is_first() {
            self.metrics[LAG].record(sample.lag_ns);
            if sample.outcome.was_sent() {
                self.left.add(due_ns.saturating_add(signed(sample.lag_ns)));
            }
        }
        if sample.superseded {
            self.retried += 1;
            return;
        }
        self.outcomes[sample.outcome] += 1;
        if let Some(code) = sample.code {
            *self.codes.entry(code).or_default() += 1;
        }
        let latency_ns = sample.lag_ns.saturating_add(sample.service_ns);
        self.metrics[LATENCY].record(latency_ns);
        self.due.add(due_ns);
        if sample.outcome.was_sent() {
            self.metrics[SERVICE].record(sample.service_ns);
        }
        let end_ns = due_ns.saturating_add(signed(latency_ns));
        self.last_end_ns = self.last_end_ns.max(end_ns);
        if sample.outcome == Outcome::Ok {
            self.answered_ok.add(end_ns);
        }
    }

    /// Adds what was counted in another group.
    pub(crate) fn add(&mut self, other: &Self) {
        self.outcomes.add(&other.outcomes);
        self.retried = self.retried.saturating_add(other.retried);
        for (&code, &count) in &other.codes {
            let sum = self.codes.entry(code).or_default();
            *sum = sum.saturating_add(count);
        }
        for (mine, theirs) in self.metrics.iter_mut().zip(&other.metrics) {
            mine.add(theirs);
        }
        self.connect.add(&other.connect);
        self.tls.add(&other.tls);
        self.received = self.received.saturating_add(other.received);
        self.due.extend(other.due);
        self.left.extend(other.left);
        self.answered_ok.extend(other.answered_ok);
        self.last_end_ns = self.last_end_ns.max(other.last_end_ns);
    }

    /// Enters a connection that was opened for an attempt.
    pub(crate) fn opened(&mut self, opened: Opened) {
        self.connect.record(opened.connect_ns);
        if let Some(tls_ns) = opened.tls_ns {
            self.tls.record(tls_ns);
        }
    }

    /// Enters the end-to-end time of an event that has arrived; `None` where it is below zero.
    pub(crate) fn arrived(&mut self, e2e_ns: Option<u64>) {
        self.received += 1;
        if let Some(e2e_ns) = e2e_ns {
            self.metrics[E2E].record(e2e_ns);
        }
    }

    /// The sum of some groups.
    pub(crate) fn sum<'a>(groups: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut sum = Self::default();
        groups.into_iter().for_each(|group| sum.add(group));
        sum
    }

    pub(crate) fn outcomes(&self) -> &OutcomeCounts {
        &self.outcomes
    }

    pub(crate) fn retried(&self) -> u64 {
        self.retried
    }

    pub(crate) fn metric(&self, metric: usize) -> &Histogram {
        &self.metrics[metric]
    }

    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// The figures of the group for `summary.json`.
    pub(crate) fn block(&self) -> Block {
        let planned = self.outcomes.planned();
        let first_due_ns = self.due.first_and_last_ns.map_or(0, |(first, _)| first);
        let elapsed_s = seconds(self.last_end_ns.saturating_sub(first_due_ns).max(0));
        let ok = self.outcomes[Outcome::Ok];
        Block {
            elapsed_s,
            planned,
            sent: self.outcomes.sent(),
            received: self.received,
            outcomes: self.outcomes,
            retried: self.retried,
            success_ratio: (planned > 0).then(|| to_f64(ok) / to_f64(planned)),
            planned_per_s: self.due.per_second(planned),
            sent_per_s: self.left.per_second(self.outcomes.sent()),
            ok_per_s: self.answered_ok.per_second(ok),
            codes: self.codes.clone(),
            checks: Vec::new(),
            metrics: self
                .histograms()
                .filter_map(|(name, histogram)| Some((format!("{name}_us"), stats(histogram)?)))
                .collect(),
        }
    }

    /// All its distributions by name.
    fn histograms(&self) -> impl Iterator<Item = (&'static str, &Histogram)> {
        let of_connections = [(CONNECT, &self.connect), (TLS, &self.tls)];
        METRICS.into_iter().zip(&self.metrics).chain(of_connections)
    }

    fn histogram_mut(&mut self, name: &str) -> Option<&mut Histogram> {
        match name {
            CONNECT => Some(&mut self.connect),
            TLS => Some(&mut self.tls),
            _ => METRICS.iter().zip(&mut self.metrics).find(|(it, _)| **it == name).map(|it| it.1),
        }
    }
}

/// The figures of a metric; `None` when it has no value.
pub(crate) fn stats(histogram: &Histogram) -> Option<Stats> {
    let (min_ns, max_ns) = histogram.min_ns().zip(histogram.max_ns())?;
    let percentiles = PERCENTILES.into_iter().filter_map(|(name, numerator, denominator)| {
        let us = histogram.quantile_us(Quantile::new(numerator, denominator))?;
        Some((name.to_owned(), us))
    });
    Some(Stats {
        count: histogram.count(),
        min: microseconds(min_ns),
        mean: mean_us(histogram),
        max: microseconds(max_ns),
        percentiles: percentiles.collect(),
        overflow: histogram.overflow(),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a mean has no more digits than its values")]
fn mean_us(histogram: &Histogram) -> f64 {
    histogram.sum_ns() as f64 / to_f64(histogram.count()) / 1e3
}

fn microseconds(ns: u64) -> f64 {
    to_f64(ns) / 1e3
}

#[expect(clippy::cast_precision_loss, reason = "exact below 2^53, and a figure to show")]
fn to_f64(count: u64) -> f64 {
    count as f64
}

#[expect(clippy::cast_precision_loss, reason = "a figure to show")]
pub(crate) fn seconds(ns: i64) -> f64 {
    ns as f64 / 1e9
}
