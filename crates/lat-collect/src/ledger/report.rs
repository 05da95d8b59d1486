//! The fate of an event as a row of the ledger.

use ce_record::Outcome;
use ce_record::run_dir::Ledger as Report;

use super::event::{Event, Joined};
use super::is_acked;

/// Told of each event that is unsettled: with its fingerprint, and what reasons are called.
pub(crate) type Open<'a> = dyn FnMut(u128, &Event, &[String]) + 'a;

/// End-to-end times below zero.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Negative {
    count: u64,
    lowest_ns: i64,
}

impl Negative {
    pub(super) fn look_at(&mut self, joined: Joined) {
        self.count += u64::from(joined.e2e_ns < 0);
        self.lowest_ns = self.lowest_ns.min(joined.e2e_ns);
    }

    pub(super) fn report(self, report: &mut Report) {
        report.negative_e2e = self.count;
        report.negative_e2e_lowest_ns = (self.count > 0).then_some(self.lowest_ns);
    }
}

/// A report that is being added up.
pub(super) struct Account {
    report: Report,
    /// Dead-lettered events by the number of the reason.
    reasons: Vec<u64>,
}

impl Account {
    /// Begins with what is known already.
    pub(super) fn open(report: &Report, has_receipts: bool) -> Self {
        Self { report: Report { has_receipts, ..report.clone() }, reasons: Vec::new() }
    }

    /// Adds events that were sent once, acknowledged, and received once.
    pub(super) fn enter_plain(&mut self, pairs: u64) {
        self.report.received += pairs;
        self.report.arrived[Outcome::Ok] += pairs;
        self.report.delivered += pairs;
    }

    /// Adds one event.
    pub(super) fn enter(&mut self, event: &Event) {
        if let Some(reason) = event.dead_lettered {
            self.enter_dead_letter(usize::from(reason));
        }
        let report = &mut self.report;
        let Some(sent) = event.sent else {
            report.unexpected += u64::from(event.receipts.max(1));
            return;
        };
        let (samples, receipts) = (u64::from(event.samples), u64::from(event.receipts));
        let arrived = receipts.min(samples);
        let absent = if report.has_receipts { samples - arrived } else { 0 };
        report.received += arrived;
        report.arrived[sent.outcome] += arrived;
        match sent.outcome {
            outcome if is_acked(outcome) => {
                report.delivered += arrived;
                report.lost += if event.dead_lettered.is_some() { 0 } else { absent };
            }
            Outcome::InDoubt => {
                report.in_doubt_arrived += arrived;
                report.in_doubt_missing += absent;
            }
            outcome => {
                report.unacked_arrived += arrived;
                report.returned += if outcome == Outcome::Returned { samples } else { 0 };
            }
        }
        let further = receipts - arrived;
        let redelivered = further.min(u64::from(event.redelivered));
        report.redelivered += redelivered;
        report.duplicates += further - redelivered;
    }

    fn enter_dead_letter(&mut self, reason: usize) {
        self.report.dead_lettered += 1;
        if self.reasons.len() <= reason {
            self.reasons.resize(reason + 1, 0);
        }
        self.reasons[reason] += 1;
    }

    /// The report, as far as it is counted by event.
    pub(super) fn close(self, reasons: &[String]) -> Report {
        let mut report = self.report;
        let named = reasons.iter().cloned().zip(self.reasons);
        report.dead_letter_reasons = named.filter(|(_, count)| *count > 0).collect();
        report
    }
}
