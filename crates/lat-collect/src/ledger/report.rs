//! The fate of an event as a row of the ledger.

use ce_record::Outcome;
use ce_record::run_dir::Ledger as Report;

use super::event::{Event, Sent, Texts};
use super::is_acked;

/// Told of each event that was acknowledged and never arrived.
pub(crate) type Missing<'a> = dyn FnMut(&Texts, Sent) + 'a;

/// Adds events that were sent once, acknowledged, and received once.
pub(super) fn enter_plain(report: &mut Report, pairs: u64) {
    report.received += pairs;
    report.delivered += pairs;
}

/// Adds one event. Whether receipts were collected at all has to stand in the report before.
pub(super) fn enter(report: &mut Report, event: &Event, missing: &mut Missing<'_>) {
    report.dead_lettered += u64::from(event.dead_lettered);
    let Some(sent) = event.sent else {
        report.unexpected += u64::from(event.receipts.max(1));
        return;
    };
    let (samples, receipts) = (u64::from(event.samples), u64::from(event.receipts));
    let arrived = receipts.min(samples);
    let absent = if report.has_receipts { samples - arrived } else { 0 };
    report.received += arrived;
    match sent.outcome {
        outcome if is_acked(outcome) => {
            report.delivered += arrived;
            report.lost += if event.dead_lettered { 0 } else { absent };
        }
        Outcome::InDoubt => {
            report.in_doubt_arrived += arrived;
            report.in_doubt_missing += absent;
        }
        Outcome::Returned => report.returned += samples,
        _ => report.unacked_arrived += arrived,
    }
    let further = receipts - arrived;
    let redelivered = further.min(u64::from(event.redelivered));
    report.redelivered += redelivered;
    report.duplicates += further - redelivered;
    if let Some((received, sent)) = event.first_receipt_ns.zip(event.sent) {
        report.negative_e2e += u64::from(received < sent.due_ns);
    }
    let is_lost = report.has_receipts && is_acked(sent.outcome) && receipts == 0;
    if let Some(texts) = event.texts.as_ref().filter(|_| is_lost && !event.dead_lettered) {
        missing(texts, sent);
    }
}
