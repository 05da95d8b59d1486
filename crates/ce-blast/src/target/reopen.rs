//! Opens a new connection after a loss: soon at first, then less and less often.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::sleep;

use super::amqp::AmqpTarget;
use super::link::Link;

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
    wait: Duration,
    why: Box<str>,
}

impl<'a> Reopening<'a> {
    pub(super) fn new(target: &'a AmqpTarget, patience: Duration) -> Self {
        let why = "the connection was lost".into();
        Self { target, patience, attempt: None, wait: FIRST_WAIT, why }
    }

    /// Why there is no connection, when there is none.
    pub(super) fn why(&self) -> &str {
        &self.why
    }

    /// Begins to open a connection, unless that is under way.
    pub(super) fn begin(&mut self) {
        if self.attempt.is_some() {
            return;
        }
        let Self { target, patience, wait, .. } = *self;
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
                    self.wait = FIRST_WAIT;
                    return Poll::Ready(link);
                }
                Err(err) => {
                    self.why = format!("{err:#}").into();
                    self.wait = longer(self.wait);
                    self.begin();
                }
            }
        }
        Poll::Pending
    }
}

/// The wait after an attempt that has failed.
fn longer(wait: Duration) -> Duration {
    (wait * 2).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_become_rarer_up_to_a_limit() {
        let waits = std::iter::successors(Some(FIRST_WAIT), |&wait| Some(longer(wait)));
        let waits: Vec<_> = waits.take(8).map(|wait| wait.as_millis()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000]);
    }
}
