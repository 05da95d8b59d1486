//! Sent × received: what became of every event, in memory that does not grow with the run.
//!
//! Events are joined by a 128-bit fingerprint of (source, id). Samples and receipts may come in any
//! order and at any distance. What is known of an event is a [`Event`], and two parts of it can be
//! put together in any order; so events that nothing was heard of for long are written to disk, and
//! their parts are put together at the end.
//!
//! Nearly all events are sent once, acknowledged, and received once. Such a pair leaves at once: only
//! its fingerprint is kept ([`done`]), so that a duplicate that comes later is told from a stranger.

mod done;
mod event;
mod order;
mod report;
mod spill;
mod unsettled;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasherDefault, Hasher};
use std::io;
use std::path::PathBuf;

use ce_record::Outcome;
use ce_record::run_dir::Ledger as Report;

pub(crate) use event::{Event, Joined, Sent};
pub(crate) use order::Place;
pub(crate) use report::Open;
pub(crate) use unsettled::EventNames;

use crate::names::Names;
use done::Done;
use event::Texts;
use order::Order;
use report::{Account, Negative};
use spill::Spill;

/// Events of one generation. There are two, of about 100 bytes an event.
const GENERATION: usize = 400_000;

type ByFingerprint<T> = HashMap<u128, T, BuildHasherDefault<FingerprintHasher>>;
type Table = ByFingerprint<Event>;

/// All events of a run.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Events that something was heard of lately, and those of the generation before.
    young: Table,
    old: Table,
    generation: usize,
    /// Pairs that have left.
    done: Done,
    spill: Spill,
    /// Why brokers moved events to dead-letter queues.
    reasons: Names,
    order: Order,
    negative: Negative,
    has_receipts: bool,
}

/// Which event a record speaks of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Identity<'a> {
    pub(crate) fingerprint: u128,
    pub(crate) source: &'a str,
    pub(crate) id: &'a str,
}

/// A receipt, as far as the ledger needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Received<'a> {
    pub(crate) recv_ns: i64,
    pub(crate) redelivered: bool,
    pub(crate) dead_lettered: Option<&'a str>,
    /// Its place among the events of its source, and by which way it came.
    pub(crate) place: Option<Place<'a>>,
}

impl Ledger {
    /// A ledger that writes to `folder` what does not fit into memory. The folder is made when it is
    /// needed.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self::with_generation(folder, GENERATION)
    }

    fn with_generation(folder: PathBuf, generation: usize) -> Self {
        Self {
            young: Table::default(),
            old: Table::default(),
            generation,
            done: Done::new(folder.join("done"), generation),
            spill: Spill::new(folder),
            reasons: Names::default(),
            order: Order::default(),
            negative: Negative::default(),
            has_receipts: false,
        }
    }

    /// Whoever writes receipts is there, so that it means something if none comes.
    pub(crate) fn expect_receipts(&mut self) {
        self.has_receipts = true;
    }

    pub(crate) fn has_receipts(&self) -> bool {
        self.has_receipts
    }

    /// Enters a sample.
    pub(crate) fn sent(&mut self, of: Identity<'_>, sent: Sent) -> io::Result<Option<Joined>> {
        self.enter(of, |event| event.add_sample(sent))
    }

    /// Enters a receipt.
    pub(crate) fn received(
        &mut self,
        of: Identity<'_>,
        received: Received<'_>,
    ) -> io::Result<Option<Joined>> {
        self.has_receipts = true;
        let Received { recv_ns, redelivered, dead_lettered, place } = received;
        if let Some(reason) = dead_lettered {
            let reason = self.reasons.number(reason);
            return self.enter(of, |event| event.add_dead_letter(reason));
        }
        if let Some(place) = place.filter(|_| !redelivered) {
            self.order.enter(of.source, place);
        }
        self.enter(of, |event| event.add_receipt(recv_ns, redelivered))
    }

    fn enter(
        &mut self,
        of: Identity<'_>,
        add: impl FnOnce(&mut Event) -> Option<Joined>,
    ) -> io::Result<Option<Joined>> {
        let mut event = match self.young.entry(of.fingerprint) {
            Entry::Occupied(event) => event,
            Entry::Vacant(place) => {
                let old = if self.old.is_empty() { None } else { self.old.remove(place.key()) };
                place.insert_entry(old.unwrap_or_default())
            }
        };
        let joined = add(event.get_mut());
        if let Some(joined) = joined {
            self.negative.look_at(joined);
        }
        if event.get().is_plain_pair() {
            event.remove();
            self.done.push(of.fingerprint)?;
            return Ok(joined);
        }
        let event = event.get_mut();
        if event.may_be_lost() && event.texts.is_none() {
            event.texts = Some(Texts::new(of.source, of.id));
        }
        if self.young.len() >= self.generation {
            let old = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
            self.spill.write(old)?;
        }
        Ok(joined)
    }

    /// Adds everything up, forgetting it. `late` is told of events whose parts met only now, and
    /// `open` of each event that is unsettled: sent and not received, or received only.
    pub(crate) fn report(
        mut self,
        report: &Report,
        mut late: impl FnMut(Joined),
        open: &mut Open<'_>,
    ) -> io::Result<Report> {
        let mut in_memory = std::mem::take(&mut self.young);
        in_memory.extend(std::mem::take(&mut self.old));
        let mut account = Account::open(report, self.has_receipts);
        let (has_receipts, reasons) = (self.has_receipts, self.reasons.all());
        let mut enter = |account: &mut Account, fingerprint, event: &Event| {
            account.enter(event);
            // Without receipts nothing is known of any event, and nothing is open.
            if has_receipts && !event.is_pair() {
                open(fingerprint, event, reasons);
            }
        };
        if self.spill.is_empty() && self.done.is_in_memory() {
            let alone = self.done.rejoin(&mut in_memory)?;
            account.enter_plain(alone);
            for (&fingerprint, event) in &in_memory {
                enter(&mut account, fingerprint, event);
            }
        } else {
            self.spill.write(in_memory)?;
            let negative = &mut self.negative;
            let alone = self.spill.read_back(self.done, |fingerprint, event, met_late| {
                if let Some(joined) = met_late {
                    negative.look_at(joined);
                    late(joined);
                }
                enter(&mut account, fingerprint, &event);
            })?;
            account.enter_plain(alone);
        }
        let mut report = account.close(reasons);
        (report.order_checked, report.out_of_order) =
            (self.order.checked(), self.order.out_of_order());
        report.order_unchecked = self.order.unchecked();
        self.negative.report(&mut report);
        Ok(report)
    }
}

/// A fingerprint is a hash already.
#[derive(Debug, Default)]
struct FingerprintHasher(u64);

impl Hasher for FingerprintHasher {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// Whether a target took responsibility for an event.
fn is_acked(outcome: Outcome) -> bool {
    outcome == Outcome::Ok
}

#[cfg(test)]
mod tests;
