//! The one thread that formats and writes records.
//!
//! A slow reader of stdout fills the queue, and a full queue makes senders wait.
//!
//! To wake a sleeping thread costs more than to write a receipt. So the writer takes what the queue
//! holds, writes it out, and takes a nap in which the queue fills without waking anybody. Only when
//! the queue was empty after a nap does it sleep until the next receipt.

use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use ce_cli::{DataOut, StdoutError};
use ce_record::{Gauge, Mark, Receipt, Record, append};
use tokio::sync::{Semaphore, oneshot};

use crate::stop::{Stop, Why};

/// Receipts and gauges that wait for the writer may take this many bytes.
const QUEUE_BYTES: u32 = 8 << 20;

/// The room that a gauge takes: with its labels, and rather more than less.
pub(crate) const GAUGE_BYTES: u32 = 512;

/// Short enough for `| jq` to look alive, and for the queue not to fill.
const NAP: Duration = Duration::from_millis(10);

/// What the queue holds.
pub(crate) enum Item {
    /// Write this; the number is the room that it takes in the queue.
    Receipt(Receipt<'static>, u32),
    /// Write this. Marks are too few to be given room.
    Mark(Box<Mark<'static>>),
    /// Write this. Takes [`GAUGE_BYTES`] of the queue.
    Gauge(Box<Gauge<'static>>),
    /// Say when everything before this is out. Who sends it unparks the writer.
    Flush(oneshot::Sender<()>),
}

/// How much of the queue is taken, in bytes.
pub(crate) fn taken(room: &Semaphore) -> u64 {
    (QUEUE_BYTES as usize).saturating_sub(room.available_permits()) as u64
}

/// The room in the queue, in bytes.
pub(crate) fn room() -> Semaphore {
    Semaphore::new(QUEUE_BYTES as usize)
}

/// The room that a receipt takes. One that is larger than the queue has it to itself.
pub(crate) fn size(receipt: &Receipt<'_>) -> u32 {
    let text = receipt.id.len() + receipt.source.len() + receipt.event_type.len();
    let key = receipt.key.as_ref().map_or(0, |key| key.len());
    let bytes = size_of::<Item>() + text + receipt.door.len() + key;
    u32::try_from(bytes).unwrap_or(u32::MAX).min(QUEUE_BYTES)
}

/// Writes until all senders of `queue` are gone; returns how many records there were. If stdout
/// takes no more, asks for the end and wakes everybody who waits for room.
pub(crate) fn write(
    out: &mut DataOut,
    queue: &Receiver<Item>,
    room: &Semaphore,
    stop: &Stop,
) -> Result<u64, StdoutError> {
    let result = write_all(out, queue, room);
    if result.is_err() {
        stop.ask(Why::NoOutput);
        room.close();
    }
    result
}

fn write_all(
    out: &mut DataOut,
    queue: &Receiver<Item>,
    room: &Semaphore,
) -> Result<u64, StdoutError> {
    let mut records = 0;
    let mut waiting = Vec::new();
    while let Ok(first) = queue.recv() {
        for item in std::iter::once(first).chain(queue.try_iter()) {
            match item {
                Item::Receipt(receipt, size) => {
                    append(out.buffer(), &Record::Receipt(receipt));
                    out.settle()?;
                    room.add_permits(size as usize);
                    records += 1;
                }
                Item::Mark(mark) => {
                    append(out.buffer(), &Record::Mark(*mark));
                    records += 1;
                }
                Item::Gauge(gauge) => {
                    append(out.buffer(), &Record::Gauge(*gauge));
                    room.add_permits(GAUGE_BYTES as usize);
                    records += 1;
                }
                Item::Flush(done) => waiting.push(done),
            }
        }
        out.flush()?;
        for done in waiting.drain(..) {
            // Nobody waits any more if the connection was lost in the meantime.
            let _ = done.send(());
        }
        thread::park_timeout(NAP);
    }
    Ok(records)
}
