//! Sent × received: what became of every event, in memory that does not grow with the run.
//!
//! Events are joined by a 128-bit fingerprint of (source, id). Samples and receipts may come in any
//! order and at any distance. What is known of an event is a [`Event`], and two parts of it can be
//! put together in any order; so events that nothing was heard of for long are written to disk, and
//! their parts are put together at the end.

mod event;
mod report;
mod spill;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::path::PathBuf;

use ce_record::Outcome;
use ce_record::run_dir::Ledger as Report;

pub(crate) use event::{Joined, Sent, Texts};
pub(crate) use report::Missing;

use event::Event;
use spill::Spill;

/// Events of one generation. There are two, of about 100 bytes an event.
const GENERATION: usize = 400_000;

/// All events of a run.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Events that something was heard of lately, and those of the generation before.
    young: HashMap<u128, Event>,
    old: HashMap<u128, Event>,
    generation: usize,
    spill: Spill,
    has_receipts: bool,
}

/// A receipt, as far as the ledger needs it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Received {
    pub(crate) recv_ns: i64,
    pub(crate) redelivered: bool,
    pub(crate) dead_lettered: bool,
}

impl Ledger {
    /// A ledger that writes to `folder` what does not fit into memory. The folder is made when it is
    /// needed.
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self::with_generation(folder, GENERATION)
    }

    fn with_generation(folder: PathBuf, generation: usize) -> Self {
        Self {
            young: HashMap::new(),
            old: HashMap::new(),
            generation,
            spill: Spill::new(folder),
            has_receipts: false,
        }
    }

    /// Enters a sample.
    pub(crate) fn sent(&mut self, texts: (&str, &str), sent: Sent) -> io::Result<Option<Joined>> {
        self.enter(texts, |event| event.add_sample(sent))
    }

    /// Enters a receipt.
    pub(crate) fn received(
        &mut self,
        texts: (&str, &str),
        received: Received,
    ) -> io::Result<Option<Joined>> {
        self.has_receipts = true;
        self.enter(texts, |event| event.add_receipt(received))
    }

    fn enter(
        &mut self,
        (source, id): (&str, &str),
        add: impl FnOnce(&mut Event) -> Option<Joined>,
    ) -> io::Result<Option<Joined>> {
        let key = fingerprint(source, id);
        if let Some(event) = self.old.remove(&key) {
            self.young.insert(key, event);
        }
        let joined = add(self.young.entry(key).or_insert_with(|| Event::named(source, id)));
        if self.young.len() >= self.generation {
            let old = std::mem::replace(&mut self.old, std::mem::take(&mut self.young));
            self.spill.write(old)?;
        }
        Ok(joined)
    }

    /// Adds everything up, forgetting it. `late` is told of events whose parts met only now, and
    /// `missing` of each event that was acknowledged and never arrived.
    pub(crate) fn report(
        mut self,
        report: &Report,
        mut late: impl FnMut(Joined),
        missing: &mut Missing<'_>,
    ) -> io::Result<Report> {
        let mut report = Report { has_receipts: self.has_receipts, ..report.clone() };
        let in_memory =
            std::mem::take(&mut self.young).into_iter().chain(std::mem::take(&mut self.old));
        if self.spill.is_empty() {
            in_memory.for_each(|(_, event)| report::enter(&mut report, &event, missing));
            return Ok(report);
        }
        self.spill.write(in_memory)?;
        self.spill.read_back(|event, met_late| {
            if let Some(joined) = met_late {
                late(joined);
            }
            report::enter(&mut report, &event, missing);
        })?;
        Ok(report)
    }
}

/// Tells events apart without keeping their texts. Two independent 64-bit hashes: with a billion
/// events the chance of one collision is below 10⁻²⁰.
fn fingerprint(source: &str, id: &str) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        hasher.write_u8(salt);
        hasher.write(source.as_bytes());
        // No UTF-8 text holds this byte, so (`a`, `bc`) is not (`ab`, `c`).
        hasher.write_u8(0xff);
        hasher.write(id.as_bytes());
        u128::from(hasher.finish())
    };
    half(0) << 64 | half(1)
}

/// Whether a target took responsibility for an event.
fn is_acked(outcome: Outcome) -> bool {
    outcome == Outcome::Ok
}

#[cfg(test)]
mod tests;
