//! Waits for a target that end in time, and do not take our own absence for its silence.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

/// A wait that ends so much too late ends because the thread did not run.
const LATE: Duration = Duration::from_millis(20);
/// How long to look then for what has come meanwhile. The timer may be heard before the socket, and an
/// answer takes several turns from there.
const LOOK: Duration = Duration::from_millis(100);

/// What comes of it within this time, or had come when somebody looked again.
pub(super) async fn within<F: Future>(patience: Duration, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let end = Instant::now() + patience;
    if let Ok(output) = timeout_at(end, future.as_mut()).await {
        return Some(output);
    }
    if end.elapsed() < LATE {
        return None;
    }
    // Boxed: it is rare, and each request would have room for it.
    Box::pin(timeout(LOOK, future)).await.ok()
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;
    use tokio::task::yield_now;
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_came_while_we_were_away_counts() {
        for (away_ms, heard) in [(999, true), (1001, false), (5000, true)] {
            let answer = Notify::new();
            let absence = async {
                advance(Duration::from_millis(away_ms)).await;
                // The timer is heard before the answer.
                yield_now().await;
                answer.notify_one();
            };
            let wait = within(Duration::from_secs(1), answer.notified());
            let (waited, ()) = tokio::join!(wait, absence);
            assert_eq!(waited.is_some(), heard, "{away_ms} ms");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_not_waited_for_much_longer() {
        let begun = Instant::now();
        let wait = within(Duration::from_secs(1), std::future::pending::<()>());
        let (waited, ()) = tokio::join!(wait, advance(Duration::from_secs(5)));
        assert!(waited.is_none() && begun.elapsed() < Duration::from_millis(5200));
    }
}
