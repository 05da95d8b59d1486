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
mod report;
mod spill;

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hasher};
use std::io;
use std::path::PathBuf;

use ce_record::Outcome;
use ce_record::run_dir::Ledger as Report;

pub(crate) use event::{Joined, Sent, Texts};
pub(crate) use report::Missing;

use done::Done;
use event::Event;
use spill::Spill;

/// Events of one generation. There are two, of about 100 bytes an event.
const GENERATION: usize = 400_000;

type Table = HashMap<u128, Event, BuildHasherDefault<FingerprintHasher>>;

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
            young: Table::default(),
            old: Table::default(),
            generation,
            done: Done::new(folder.join("done"), generation),
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
        let known = self.young.remove(&key).or_else(|| self.old.remove(&key));
        let mut event = known.unwrap_or_default();
        let joined = add(&mut event);
        if event.is_plain_pair() {
            self.done.push(key)?;
            return Ok(joined);
        }
        if event.texts.is_none() && !event.is_pair() {
            event.texts = Some(Texts::boxed(source, id));
        }
        self.young.insert(key, event);
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
        let mut in_memory = std::mem::take(&mut self.young);
        in_memory.extend(std::mem::take(&mut self.old));
        if self.spill.is_empty() && self.done.is_in_memory() {
            let alone = self.done.rejoin(&mut in_memory)?;
            report::enter_plain(&mut report, alone);
            for event in in_memory.values() {
                report::enter(&mut report, event, missing);
            }
            return Ok(report);
        }
        self.spill.write(in_memory)?;
        let alone = self.spill.read_back(self.done, |event, met_late| {
            if let Some(joined) = met_late {
                late(joined);
            }
            report::enter(&mut report, &event, missing);
        })?;
        report::enter_plain(&mut report, alone);
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
