//! Events on disk: parts of each, spread over files by fingerprint, so that one file at a time fits
//! into memory when the parts are put together.
//!
//! A line of a file is a length and as many bytes: fingerprint, counts, and what else is known.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use ce_record::Outcome;

use super::done::Done;
use super::event::{Event, Joined, Sent, Texts};
use super::{ByFingerprint, Table};

/// Files. With 100 million events each holds 1.6 million of them.
pub(super) const FILES: usize = 64;

/// Reasons are few.
const NO_REASON: u16 = u16::MAX;

/// The file that an event belongs to.
pub(super) fn file_of(key: u128) -> usize {
    usize::try_from(key % FILES as u128).expect("below FILES")
}

/// The file of this number.
pub(super) fn path(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{number:02}"))
}

/// A folder with all files, empty.
pub(super) fn create(folder: &Path) -> io::Result<Vec<BufWriter<File>>> {
    fs::create_dir_all(folder)?;
    (0..FILES).map(|number| File::create(path(folder, number)).map(BufWriter::new)).collect()
}

/// Events that were written to disk.
#[derive(Debug)]
pub(super) struct Spill {
    folder: PathBuf,
    files: Vec<BufWriter<File>>,
}

impl Spill {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, files: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Writes events, or parts of events.
    pub(super) fn write(
        &mut self,
        events: impl IntoIterator<Item = (u128, Event)>,
    ) -> io::Result<()> {
        let mut line = Vec::new();
        for (key, event) in events {
            if self.files.is_empty() {
                self.create()?;
            }
            line.clear();
            encode(&mut line, key, &event);
            let length = u32::try_from(line.len()).expect("a record's texts are below 1 MiB");
            self.files[file_of(key)].write_all(&length.to_le_bytes())?;
            self.files[file_of(key)].write_all(&line)?;
        }
        Ok(())
    }

    fn create(&mut self) -> io::Result<()> {
        self.files = create(&self.folder)?;
        Ok(())
    }

    /// Puts the parts of each event together, settled pairs among them; tells each event that is not
    /// merely a settled pair, and whether a sample and a receipt met only now. Returns the number of
    /// the others. The files are removed.
    pub(super) fn read_back(
        mut self,
        mut done: Done,
        mut each: impl FnMut(u128, Event, Option<Joined>),
    ) -> io::Result<u64> {
        done.close()?;
        if self.files.is_empty() {
            self.create()?;
        }
        self.files.iter_mut().try_for_each(Write::flush)?;
        let mut alone = 0;
        for number in 0..FILES {
            let (mut met, mut events) = (ByFingerprint::default(), Table::default());
            self.read_file(number, &mut events, &mut met)?;
            alone += done.rejoin_file(number, &mut events)?;
            for (key, event) in events {
                each(key, event, met.remove(&key));
            }
        }
        fs::remove_dir_all(&self.folder)?;
        Ok(alone)
    }

    fn read_file(
        &self,
        number: usize,
        events: &mut Table,
        met: &mut ByFingerprint<Joined>,
    ) -> io::Result<()> {
        let mut file = BufReader::new(File::open(path(&self.folder, number))?);
        let mut line = Vec::new();
        while let Some((key, part)) = read_part(&mut file, &mut line)? {
            if let Some(joined) = events.entry(key).or_default().absorb_named(part) {
                met.entry(key).or_insert(joined);
            }
        }
        Ok(())
    }
}

impl Event {
    /// Puts a part that has names to one that may have none yet.
    pub(crate) fn absorb_named(&mut self, mut part: Self) -> Option<Joined> {
        if self == &Self::default() {
            *self = part;
            return None;
        }
        let texts = self.texts.take().or(part.texts.take());
        self.texts = texts;
        self.absorb(&part)
    }
}

fn read_part(file: &mut impl Read, line: &mut Vec<u8>) -> io::Result<Option<(u128, Event)>> {
    let mut length = [0; 4];
    match file.read_exact(&mut length) {
        Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    line.resize(u32::from_le_bytes(length) as usize, 0);
    file.read_exact(line)?;
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the spilled ledger is damaged");
    Ok(Some(decode(line).ok_or_else(damaged)?))
}

fn encode(out: &mut Vec<u8>, key: u128, event: &Event) {
    out.extend_from_slice(&key.to_le_bytes());
    for count in [event.samples, event.receipts, event.redelivered] {
        out.extend_from_slice(&count.to_le_bytes());
    }
    out.extend_from_slice(&event.dead_lettered.unwrap_or(NO_REASON).to_le_bytes());
    // A pair has been told of; only what may still be looked at is kept of its times.
    out.push(u8::from(event.sent.is_some()));
    if let Some(sent) = event.sent {
        out.extend_from_slice(&sent.due_ns.to_le_bytes());
        out.push(sent.outcome as u8);
        out.extend_from_slice(&sent.scenario.to_le_bytes());
        out.extend_from_slice(&sent.event_type.to_le_bytes());
        out.push(u8::from(sent.warm_up));
    }
    out.push(u8::from(event.first_receipt_ns.is_some()));
    if let Some(ns) = event.first_receipt_ns {
        out.extend_from_slice(&ns.to_le_bytes());
    }
    if let Some(texts) = &event.texts {
        let length = u32::try_from(texts.source().len()).expect("a record's texts are below 1 MiB");
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(texts.source().as_bytes());
        out.extend_from_slice(texts.id().as_bytes());
    }
}

fn decode(line: &[u8]) -> Option<(u128, Event)> {
    let mut rest = line;
    let key = u128::from_le_bytes(take(&mut rest)?);
    let [samples, receipts, redelivered] = {
        let mut count = || Some(u32::from_le_bytes(take(&mut rest)?));
        [count()?, count()?, count()?]
    };
    let dead_lettered = Some(u16::from_le_bytes(take(&mut rest)?)).filter(|it| *it != NO_REASON);
    let [has_sent] = take(&mut rest)?;
    let sent = if has_sent == 1 {
        let due_ns = i64::from_le_bytes(take(&mut rest)?);
        let [outcome] = take(&mut rest)?;
        Some(Sent {
            due_ns,
            outcome: *Outcome::ALL.get(usize::from(outcome))?,
            scenario: u16::from_le_bytes(take(&mut rest)?),
            event_type: u16::from_le_bytes(take(&mut rest)?),
            warm_up: take::<1>(&mut rest)? == [1],
        })
    } else {
        None
    };
    let [has_receipt] = take(&mut rest)?;
    let first_receipt_ns =
        if has_receipt == 1 { Some(i64::from_le_bytes(take(&mut rest)?)) } else { None };
    let texts = if rest.is_empty() {
        None
    } else {
        let length = u32::from_le_bytes(take(&mut rest)?) as usize;
        let (source, id) = rest.split_at_checked(length)?;
        let text = |bytes| std::str::from_utf8(bytes).ok();
        Some(Texts::new(text(source)?, text(id)?))
    };
    let event =
        Event { sent, samples, receipts, redelivered, dead_lettered, first_receipt_ns, texts };
    Some((key, event))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_survives_the_disk() {
        let sent = Sent {
            due_ns: -5,
            outcome: Outcome::Unfinished,
            scenario: 3,
            event_type: 65_535,
            warm_up: true,
        };
        let named = |source: &str, id: &str| Event {
            texts: Some(Texts::new(source, id)),
            ..Event::default()
        };
        let mut full = named("s\u{e9}", "");
        full.sent = Some(sent);
        full.samples = 2;
        let received = Event { receipts: 7, first_receipt_ns: Some(i64::MAX), ..Event::default() };
        for event in [full, received, Event { dead_lettered: Some(7), ..named("", "x") }] {
            let mut line = Vec::new();
            encode(&mut line, u128::MAX - 1, &event);
            assert_eq!(decode(&line), Some((u128::MAX - 1, event)));
            assert_eq!(decode(&line[..20]), None);
        }
    }
}
