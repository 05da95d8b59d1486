//! A line on stderr that tells how far the run is. Quiet when stdout is a pipe: there the reader,
//! `lat-collect`, shows the whole picture, and two tools must not draw in one line.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use ce_cli::{Clock, Progress, stdout_is_pipe};

use crate::gate::Gate;
use crate::record::Live;

/// Shows the line now and then, until the sender of `over` is dropped; `look` is called ten times a
/// second.
pub(crate) fn show(
    over: &Receiver<()>,
    clock: Clock,
    gates: &[Gate],
    live: &Live,
    plan: Option<u64>,
    look: impl Fn(),
) {
    let mut progress = Progress::new("ce-blast");
    let planned = plan.map_or_else(String::new, |events| format!(" of {events}"));
    while over.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout) {
        look();
        if progress.is_due() && !stdout_is_pipe() {
            let (ended, ok) = (live.ended.load(Relaxed), live.ok.load(Relaxed));
            let seconds = clock.now_ns() / 1_000_000_000;
            let in_flight: u64 = gates.iter().map(Gate::in_flight).sum();
            let failed = ended - ok.min(ended);
            progress.show(&format!(
                "{seconds} s, {ended}{planned} ended: {ok} ok, {failed} not; {in_flight} in flight"
            ));
        }
    }
    progress.clear();
}
