//! What the sink says of itself while it receives, every so often: whether it keeps up, and what
//! waits in front of it.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::intake::Intake;

/// A value with its name, and the queue that it belongs to, if it belongs to one.
pub(crate) struct Measured<'a> {
    pub(crate) name: &'static str,
    pub(crate) queue: Option<&'a str>,
    pub(crate) value: u64,
}

/// Writes gauges until it is dropped: those that every door has, and those that `measure` finds.
pub(crate) async fn tell<'a>(
    every: Duration,
    intake: &Intake,
    mut measure: impl AsyncFnMut() -> Vec<Measured<'a>>,
) {
    let received = || intake.counts().received.load(Ordering::Relaxed);
    let (mut due, mut before, mut looked) = (Instant::now(), received(), Instant::now());
    loop {
        // A tick that was missed, as in a stall, is not made up for.
        due = (due + every).max(Instant::now());
        sleep_until(due).await;
        let (now, count) = (Instant::now(), received());
        let rate = float(count - before) / now.duration_since(looked).as_secs_f64();
        (before, looked) = (count, now);
        intake.gauge("sink_receipts_per_second", BTreeMap::new(), rate);
        let waiting = float(intake.waiting_bytes());
        intake.gauge("sink_writer_queue_bytes", BTreeMap::new(), waiting);
        for Measured { name, queue, value } in measure().await {
            let labels = queue.map(|queue| ("queue".to_owned(), queue.to_owned()));
            intake.gauge(name, labels.into_iter().collect(), float(value));
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53")]
fn float(count: u64) -> f64 {
    count as f64
}
