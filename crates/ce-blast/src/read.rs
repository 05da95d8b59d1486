//! Reads events ahead of the schedule, in a thread of its own, into a queue of limited size.

use std::io::Read;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::Duration;

use anyhow::{Context, anyhow};
use bytes::{Buf, Bytes, BytesMut};
use ce_cli::Input;

use crate::event::Event;

/// Bytes read at a time. Slices of a block keep it in memory until the last of them is done with.
const BLOCK: usize = 128 * 1024;
/// Blocks that may wait for the schedule: 4 MiB.
const BLOCKS_AHEAD: usize = 32;
/// A longer line is refused.
const LINE_LIMIT: usize = 1 << 20;

enum Feed {
    Events(Vec<Event>),
    Failed(anyhow::Error),
}

/// The events that were read ahead.
#[derive(Debug)]
pub(crate) struct Supply {
    feed: Receiver<Feed>,
    ready: std::vec::IntoIter<Event>,
    failure: Option<anyhow::Error>,
}

/// What there is to send now.
#[derive(Debug)]
pub(crate) enum Next {
    Event(Event),
    /// Nothing yet: the input is slower than the schedule.
    NotYet,
    /// The input has ended, or cannot be read any further.
    End,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Events(events) => write!(f, "{} events", events.len()),
            Self::Failed(err) => write!(f, "{err}"),
        }
    }
}

impl Supply {
    /// Starts to read.
    pub(crate) fn start(input: Input) -> std::io::Result<Self> {
        let (sender, feed) = sync_channel(BLOCKS_AHEAD);
        std::thread::Builder::new().name("read events".into()).spawn(move || {
            if let Err(err) = read(input, &sender) {
                // Nobody listens any more when the schedule has ended.
                let _ = sender.send(Feed::Failed(err));
            }
        })?;
        Ok(Self { feed, ready: Vec::new().into_iter(), failure: None })
    }

    /// The next event, without waiting.
    pub(crate) fn next(&mut self) -> Next {
        loop {
            if let Some(event) = self.ready.next() {
                return Next::Event(event);
            }
            match self.feed.try_recv() {
                Ok(Feed::Events(events)) => self.ready = events.into_iter(),
                Ok(Feed::Failed(err)) => self.failure = Some(err),
                Err(TryRecvError::Empty) => return Next::NotYet,
                Err(TryRecvError::Disconnected) => return Next::End,
            }
        }
    }

    /// The next event; waits for it no longer than `patience`.
    pub(crate) fn next_within(&mut self, patience: Duration) -> Next {
        match self.next() {
            Next::NotYet => {}
            next => return next,
        }
        match self.feed.recv_timeout(patience) {
            Ok(Feed::Events(events)) => self.ready = events.into_iter(),
            Ok(Feed::Failed(err)) => self.failure = Some(err),
            Err(_) => {}
        }
        self.next()
    }

    /// Why the input ended, if that was not its natural end.
    pub(crate) fn into_failure(self) -> Option<anyhow::Error> {
        self.failure
    }
}

/// Sends what each block completes; a block that completes no line is read on.
fn read(mut input: Input, to: &SyncSender<Feed>) -> anyhow::Result<()> {
    let mut lines = Lines { name: input.name, number: 0 };
    let mut block = BytesMut::with_capacity(BLOCK);
    loop {
        let filled = block.len();
        block.resize(filled + BLOCK, 0);
        let read = input.bytes.read(&mut block[filled..]).with_context(|| lines.place())?;
        block.truncate(filled + read);
        let whole = match memchr::memrchr(b'\n', &block[filled..]) {
            Some(last) => filled + last + 1,
            None if read == 0 => block.len(),
            None if block.len() > LINE_LIMIT => {
                lines.number += 1;
                return Err(lines.error(&"the line is longer than 1 MiB"));
            }
            None => continue,
        };
        let mut events = Vec::new();
        let result = lines.parse(block.split_to(whole).freeze(), &mut events);
        if !events.is_empty() && to.send(Feed::Events(events)).is_err() {
            return Ok(());
        }
        result?;
        if read == 0 {
            return Ok(());
        }
    }
}

/// Cuts text into events and knows the line number.
struct Lines {
    name: String,
    number: u64,
}

impl Lines {
    fn place(&self) -> String {
        format!("{}:{}: cannot read", self.name, self.number + 1)
    }

    fn error(&self, why: &dyn std::fmt::Display) -> anyhow::Error {
        anyhow!("{}:{}: {why}", self.name, self.number)
    }

    fn parse(&mut self, mut text: Bytes, events: &mut Vec<Event>) -> anyhow::Result<()> {
        while text.has_remaining() {
            let end = memchr::memchr(b'\n', &text).unwrap_or(text.len());
            let mut line = text.split_to(end);
            text.advance(text.len().min(1));
            self.number += 1;
            line.truncate(line.trim_ascii_end().len());
            if !line.is_empty() {
                events.push(Event::new(line).map_err(|err| self.error(&err))?);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn supply(text: &str) -> Supply {
        let bytes = Box::new(std::io::Cursor::new(text.to_owned().into_bytes()));
        Supply::start(Input { bytes, name: "stdin".into() }).unwrap()
    }

    fn drain(mut supply: Supply) -> (Vec<String>, Option<String>) {
        let mut ids = Vec::new();
        while let Next::Event(event) = supply.next_within(Duration::from_secs(30)) {
            ids.push(event.id().to_owned());
        }
        (ids, supply.into_failure().map(|err| format!("{err:#}")))
    }

    fn line(id: u32) -> String {
        format!(r#"{{"specversion":"1.0","type":"t","source":"s","id":"{id}"}}"#)
    }

    #[test]
    fn every_line_is_an_event_and_the_last_needs_no_line_end() {
        let (ids, failure) = drain(supply(&format!("{}\n\n{}\r\n{}", line(1), line(2), line(3))));
        assert_eq!((ids, failure), (vec!["1".into(), "2".into(), "3".into()], None));
    }

    #[test]
    fn blocks_do_not_cut_lines() {
        let text: String = (0..20_000).map(|id| line(id) + "\n").collect();
        assert!(text.len() > 5 * BLOCK);
        let (ids, failure) = drain(supply(&text));
        assert_eq!((ids.len(), failure), (20_000, None));
        assert_eq!(ids[19_999], "19999");
    }

    #[test]
    fn what_comes_before_a_bad_line_is_sent() {
        let (ids, failure) = drain(supply(&format!("{}\n\n{{\"id\":1}}\n", line(1))));
        assert_eq!(ids, ["1"]);
        assert!(failure.unwrap().starts_with("stdin:3: "));
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let (ids, failure) = drain(supply(&"x".repeat(2 * LINE_LIMIT)));
        assert_eq!(
            (ids.len(), failure),
            (0, Some("stdin:1: the line is longer than 1 MiB".into()))
        );
    }
}
