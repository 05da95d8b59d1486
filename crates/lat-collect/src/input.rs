//! Reads every stream in a thread of its own: a FIFO may have no writer yet, and one slow stream
//! must not hold up the others.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use ce_cli::open_input;
use ce_record::{ReadError, RecordReader};

use crate::batch::Batch;

/// Batches that may wait to be counted, over all streams.
const QUEUE: usize = 256;
/// At a low rate a batch is passed on before it is full.
const PATIENCE: Duration = Duration::from_millis(200);

/// What a reading thread has to say.
#[derive(Debug)]
pub(crate) enum News {
    Records(Batch),
    /// The stream has ended; the last thing that is heard of it.
    Over(Ending),
}

/// How a stream ended.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    pub(crate) bad_lines: u64,
    /// The input stopped before its first line, or in the middle of one.
    pub(crate) truncated: Option<String>,
    /// The rest could not be read.
    pub(crate) failure: Option<anyhow::Error>,
}

/// Starts to read all inputs; the number with each piece of news is the index of its path.
pub(crate) fn start(
    paths: &[PathBuf],
    skip_bad_lines: bool,
) -> anyhow::Result<Receiver<(usize, News)>> {
    for path in paths {
        check(path)?;
    }
    let (sender, news) = sync_channel(QUEUE);
    for (stream, path) in paths.iter().cloned().enumerate() {
        let sender = sender.clone();
        std::thread::Builder::new().name(format!("read {stream}")).spawn(move || {
            let mut ending = Ending::default();
            if let Err(err) = read(&path, stream, skip_bad_lines, &sender, &mut ending) {
                ending.failure = Some(err);
            }
            // When nobody counts any more, the process is about to end.
            let _ = sender.send((stream, News::Over(ending)));
        })?;
    }
    Ok(news)
}

/// A missing file is found before anything is written.
fn check(path: &Path) -> anyhow::Result<()> {
    let name = path.display();
    if path.as_os_str() == "-" {
        return Ok(());
    }
    let meta = std::fs::metadata(path).with_context(|| format!("{name}: cannot open"))?;
    if meta.is_dir() {
        bail!("{name}: is a directory, and a file of records is wanted");
    }
    Ok(())
}

fn read(
    path: &Path,
    stream: usize,
    skip_bad_lines: bool,
    to: &SyncSender<(usize, News)>,
    ending: &mut Ending,
) -> anyhow::Result<()> {
    let input = open_input(path)?;
    let mut reader =
        RecordReader::new(BufReader::with_capacity(128 * 1024, input.bytes), input.name);
    let mut batch = Batch::default();
    let Some(start) = reader.start()? else {
        ending.truncated = Some(format!("{}: is empty", reader.place().input));
        return Ok(());
    };
    batch.push(ce_record::Record::Start(Box::new(start)));
    let mut sent = Instant::now();
    loop {
        let result = reader.next_record().map(|record| record.map(|record| batch.push(record)));
        let over = match result {
            Ok(Some(())) => false,
            Ok(None) => true,
            Err(ReadError::Malformed(..)) if skip_bad_lines => {
                ending.bad_lines += 1;
                false
            }
            Err(err @ ReadError::Truncated(_)) => {
                ending.truncated = Some(err.to_string());
                true
            }
            Err(err) => {
                let _ = to.send((stream, News::Records(batch)));
                return Err(err.into());
            }
        };
        if over || batch.is_full() || sent.elapsed() > PATIENCE {
            sent = Instant::now();
            if to.send((stream, News::Records(std::mem::take(&mut batch)))).is_err() || over {
                return Ok(());
            }
        }
    }
}
