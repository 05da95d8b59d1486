//! A target that answers at once: what is left is the cost and the precision of this process.

use ce_record::Outcome;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::job::{Answer, Job};
use crate::record::Tally;
use crate::target::Seat;

pub(super) fn send(mut jobs: UnboundedReceiver<Job>, seat: Seat) -> Tally {
    let Some(((), mut recorder)) = seat.take(Ok(())) else { return Tally::default() };
    while let Some(job) = jobs.blocking_recv() {
        let now_ns = recorder.now_ns();
        recorder.answered(job, now_ns, now_ns, Answer::new(Outcome::Ok));
    }
    recorder.finish()
}
