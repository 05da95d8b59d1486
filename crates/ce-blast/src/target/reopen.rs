//! Opens a new connection after a loss: soon at first, then less and less often.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::sleep;

use super::amqp::AmqpTarget;
use super::backoff::doubled;
use super::dial::NotOpened;
use super::link::Link;
use crate::own_limit::OwnLimits;

/// From the loss until the first attempt. It keeps a broker that accepts connections and drops them
/// at once from being loaded with attempts.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// A broker may be away for minutes, and is then found soon enough.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

pub(super) struct Reopening<'a> {
    target: &'a AmqpTarget,
    /// How long one attempt may take.
    patience: Duration,
    attempt: Option<Boxed<'a, anyhow::Result<Link>>>,
    /// Attempts since the loss, with the next one.
    nth: u32,
    /// Attempts that have failed, of all losses.
    failures: u64,
    why: Box<str>,
    own_limits: OwnLimits,
}

impl<'a> Reopening<'a> {
    pub(super) fn new(target: &'a AmqpTarget, patience: Duration) -> Self {
        let why = "the connection was lost".into();
        let own_limits = OwnLimits::default();
        Self { target, patience, attempt: None, nth: 1, failures: 0, why, own_limits }
    }

    /// Why there is no connection, when there is none.
    pub(super) fn why(&self) -> &str {
        &self.why
    }

    /// How many attempts have failed.
    pub(super) fn failures(&self) -> u64 {
        self.failures
    }

    /// Attempts that failed because this machine had no more of something.
    pub(super) fn own_limits(&self) -> &OwnLimits {
        &self.own_limits
    }

    /// The connection was lost: begins to open another, unless that is under way.
    pub(super) fn lost(&mut self, why: &str) {
        self.why = format!("the connection was lost: {why}").into();
        self.begin();
    }

    fn begin(&mut self) {
        if self.attempt.is_some() {
            return;
        }
        let Self { target, patience, nth, .. } = *self;
        let wait = wait(nth);
        self.attempt = Some(Box::pin(async move {
            sleep(wait).await;
            target.open(patience).await
        }));
    }

    /// The new connection, after as many attempts as it takes.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Link> {
        while let Some(attempt) = &mut self.attempt {
            let opened = ready!(attempt.as_mut().poll(cx));
            self.attempt = None;
            match opened {
                Ok(link) => {
                    self.nth = 1;
                    return Poll::Ready(link);
                }
                Err(err) => {
                    let cause = err.downcast_ref::<NotOpened>();
                    if let Some(limit) = cause.and_then(|it| it.own_limit) {
                        self.own_limits.count(limit);
                    }
                    self.why = format!("{err:#}").into();
                    self.nth = self.nth.saturating_add(1);
                    self.failures += 1;
                    self.begin();
                }
            }
        }
        Poll::Pending
    }
}

/// The wait before an attempt.
fn wait(nth: u32) -> Duration {
    doubled(FIRST_WAIT, nth, LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_become_rarer_up_to_a_limit() {
        let waits: Vec<_> = (1..=8).map(|nth| wait(nth).as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(wait(u32::MAX), LONGEST_WAIT);
    }
}
