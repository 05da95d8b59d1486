//! What the sink says of itself while it receives, every so often: whether it keeps up, and what
//! waits in front of it.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::pending;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ce_cli::Ticks;
use tokio::time::sleep_until;

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
) -> Infallible {
    let clock = &intake.clock;
    let received = || intake.counts().received.load(Ordering::Relaxed);
    let mut ticks = Ticks::new(u64::try_from(every.as_nanos()).unwrap_or(u64::MAX), None);
    let (mut before, mut looked_ns) = (received(), clock.now_ns());
    loop {
        ticks.advance(clock.now_ns());
        match ticks.due_ns() {
            Some(due_ns) => sleep_until(clock.instant(due_ns).into()).await,
            None => pending().await,
        }
        let (now_ns, count) = (clock.now_ns(), received());
        let seconds = Duration::from_nanos(now_ns - looked_ns).as_secs_f64();
        let rate = float(count - before) / seconds;
        (before, looked_ns) = (count, now_ns);
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
