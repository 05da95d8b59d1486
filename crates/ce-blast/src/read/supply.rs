//! The events of a scenario that were read ahead, and how whoever sends them takes them.

use std::task::{Context, Poll, ready};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::error::TryRecvError;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::BLOCKS_AHEAD;
use crate::event::Event;

/// Between two looks for more, where a thread waits for it.
const LOOK: Duration = Duration::from_millis(1);

/// What the reading thread tells a scenario.
pub(crate) enum Feed {
    Events {
        events: Vec<Timed>,
        /// Whether the input took longer to bring them than we took to read them.
        awaited: bool,
    },
    /// The input has ended before the plan did.
    Short,
    Failed(anyhow::Error),
}

/// An event and its place in the plan. A closed loop has no due times; it is zero there.
#[derive(Debug)]
pub(crate) struct Timed {
    /// Position in the scenario, from zero.
    pub(crate) seq: u64,
    /// When it is due on the run's clock.
    pub(crate) due_ns: u64,
    pub(crate) event: Event,
}

/// The events of one scenario that were read ahead.
#[derive(Debug)]
pub(crate) struct Supply {
    feed: Receiver<Feed>,
    ready: std::vec::IntoIter<Timed>,
    awaited: bool,
    is_short: bool,
    failure: Option<anyhow::Error>,
}

/// What there is to send now.
#[derive(Debug)]
pub(crate) enum Next {
    Event(Timed),
    /// Nothing yet: the input is slower than the schedule.
    NotYet,
    /// There is nothing more: the schedule or the input has ended, or cannot be read any further.
    End,
}

impl std::fmt::Debug for Feed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Events { events, .. } => write!(f, "{} events", events.len()),
            Self::Short => f.write_str("too short an input"),
            Self::Failed(err) => write!(f, "{err}"),
        }
    }
}

impl Supply {
    /// A supply without events.
    pub(crate) fn empty() -> Self {
        Self::fed().1
    }

    /// A supply, and where to put in what it hands out.
    pub(crate) fn fed() -> (Sender<Feed>, Self) {
        let (sender, feed) = channel(BLOCKS_AHEAD);
        let ready = Vec::new().into_iter();
        (sender, Self { feed, ready, awaited: false, is_short: false, failure: None })
    }

    /// The next event, without waiting.
    pub(crate) fn next(&mut self) -> Next {
        loop {
            if let Some(event) = self.ready.next() {
                return Next::Event(event);
            }
            match self.feed.try_recv() {
                Ok(feed) => self.take(feed),
                Err(TryRecvError::Empty) => return Next::NotYet,
                Err(TryRecvError::Disconnected) => return Next::End,
            }
        }
    }

    /// The next event; the task is woken when it has come. `None` is the end.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Timed>> {
        loop {
            if let Some(event) = self.ready.next() {
                return Poll::Ready(Some(event));
            }
            match ready!(self.feed.poll_recv(cx)) {
                Some(feed) => self.take(feed),
                None => return Poll::Ready(None),
            }
        }
    }

    /// The next event; the thread waits for it no longer than `patience`.
    pub(crate) fn next_within(&mut self, patience: Duration) -> Next {
        let deadline = Instant::now() + patience;
        loop {
            match self.next() {
                Next::NotYet if Instant::now() < deadline => thread::sleep(LOOK),
                next => return next,
            }
        }
    }

    fn take(&mut self, feed: Feed) {
        match feed {
            Feed::Events { events, awaited } => {
                (self.ready, self.awaited) = (events.into_iter(), awaited);
            }
            Feed::Short => self.is_short = true,
            Feed::Failed(err) => self.failure = Some(err),
        }
    }

    /// Whether it is the input that was slow to bring the event handed out last, and not we.
    pub(crate) fn was_awaited(&self) -> bool {
        self.awaited
    }

    /// Whether the input has ended before the plan did.
    pub(crate) fn is_short(&self) -> bool {
        self.is_short
    }

    /// Why the input ended, if that was not its natural end.
    pub(crate) fn into_failure(self) -> Option<anyhow::Error> {
        self.failure
    }
}
