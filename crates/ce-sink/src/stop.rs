//! Who asks for the end, and how everybody hears of it.

use tokio::sync::watch;

/// Why no more events are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// `--count` was reached.
    Enough,
    /// `--idle-exit` ran out.
    Idle,
    /// A signal.
    Interrupted,
    /// Stdout takes no more; the writer knows why.
    NoOutput,
}

/// The end can be asked for from any thread; the first reason stands.
#[derive(Debug, Clone)]
pub(crate) struct Stop(watch::Sender<Option<Why>>);

impl Stop {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(None))
    }

    pub(crate) fn ask(&self, why: Why) {
        self.0.send_if_modified(|asked| {
            let first = asked.is_none();
            *asked = asked.or(Some(why));
            first
        });
    }

    pub(crate) fn why(&self) -> Option<Why> {
        *self.0.borrow()
    }

    /// Waits until the end is asked for.
    pub(crate) async fn asked(&self) {
        // The sender lives in `self`, so the channel cannot close.
        let _ = self.0.subscribe().wait_for(Option::is_some).await;
    }
}
