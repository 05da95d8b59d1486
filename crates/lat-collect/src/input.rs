//! Reads every stream in a thread of its own: a FIFO may have no writer yet, and one slow stream
//! must not hold up the others.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use ce_cli::open_input;
use ce_record::{ReadError, Record, RecordReader};

use crate::batch::Batch;
use crate::fingerprint::Fingerprints;
use crate::inbox::Inbox;

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
pub(crate) fn start(paths: &[PathBuf], skip_bad_lines: bool) -> anyhow::Result<Arc<Inbox<News>>> {
    for (number, path) in paths.iter().enumerate() {
        check(path)?;
        once(path, &paths[..number])?;
    }
    let inbox = Arc::new(Inbox::new(paths.len()));
    for (stream, path) in paths.iter().cloned().enumerate() {
        let inbox = Arc::clone(&inbox);
        std::thread::Builder::new().name(format!("read {stream}")).spawn(move || {
            let mut ending = Ending::default();
            let mut lane = Lane { inbox: &inbox, stream, wall_start_ns: 0, at_ns: 0 };
            if let Err(err) = read(&path, skip_bad_lines, &mut lane, &mut ending) {
                ending.failure = Some(err);
            }
            lane.leave(News::Over(ending));
            inbox.close(stream);
        })?;
    }
    Ok(inbox)
}

/// A stream's place in the inbox, and how far it has been read.
struct Lane<'a> {
    inbox: &'a Inbox<News>,
    stream: usize,
    wall_start_ns: u64,
    /// Nanoseconds since 1970; to order streams, not to measure with.
    at_ns: u64,
}

impl Lane<'_> {
    /// Looks at the time of a record before it goes into its batch.
    fn reached(&mut self, record: &Record<'_>) {
        let ns = match record {
            Record::Start(start) => {
                self.wall_start_ns = start.wall_start_ns;
                0
            }
            // Written when it has ended, or when another attempt begins.
            Record::Sample(sample) => sample.due_ns.saturating_add(sample.latency_ns()),
            Record::Receipt(receipt) => receipt.recv_ns,
            Record::Gauge(gauge) => gauge.at_ns,
            Record::Mark(mark) => mark.at_ns,
            Record::End(_) | Record::Window(_) | Record::Unknown => return,
        };
        self.at_ns = self.wall_start_ns.saturating_add(ns);
    }

    fn leave(&self, news: News) {
        self.inbox.leave(self.stream, self.at_ns, news);
    }
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

/// What is read twice would count twice, and of stdin each reader would get a part.
fn once(path: &Path, earlier: &[PathBuf]) -> anyhow::Result<()> {
    let real = |path: &Path| {
        let is_stdin =
            ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"].map(Path::new).contains(&path);
        // A pipe has no path of its own.
        if is_stdin { PathBuf::from("-") } else { path.canonicalize().unwrap_or(path.to_owned()) }
    };
    if earlier.iter().any(|it| real(it) == real(path)) {
        bail!("{}: is given twice, and can be read once", path.display());
    }
    Ok(())
}

fn read(
    path: &Path,
    skip_bad_lines: bool,
    lane: &mut Lane<'_>,
    ending: &mut Ending,
) -> anyhow::Result<()> {
    let input = open_input(path)?;
    let mut reader =
        RecordReader::new(BufReader::with_capacity(128 * 1024, input.bytes), input.name);
    let (mut batch, mut fingerprints) = (Batch::default(), Fingerprints::default());
    let Some(start) = reader.start()? else {
        ending.truncated = Some(format!("{}: is empty", reader.place().input));
        return Ok(());
    };
    let start = Record::Start(Box::new(start));
    lane.reached(&start);
    batch.push(start, &mut fingerprints);
    loop {
        // What has been read is not kept waiting for what may come much later.
        if batch.is_full() || reader.is_drained() && !batch.items.is_empty() {
            lane.leave(News::Records(std::mem::take(&mut batch)));
        }
        let result = reader.next_record().map(|record| {
            record.map(|record| {
                lane.reached(&record);
                batch.push(record, &mut fingerprints);
            })
        });
        match result {
            Ok(Some(())) => continue,
            Ok(None) => {}
            Err(ReadError::Malformed(..)) if skip_bad_lines => {
                ending.bad_lines += 1;
                continue;
            }
            Err(err @ ReadError::Truncated(_)) => ending.truncated = Some(err.to_string()),
            Err(err) => ending.failure = Some(err.into()),
        }
        lane.leave(News::Records(batch));
        return Ok(());
    }
}
