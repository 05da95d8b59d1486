//! A target that answers at once: what is left is the cost and the precision of this process.

use ce_record::Outcome;

use crate::job::Answer;
use crate::jobs::Jobs;
use crate::record::Tally;
use crate::target::Seat;

pub(super) async fn send(mut jobs: Jobs, seat: Seat) -> Tally {
    let Some(((), mut recorder)) = seat.take(Ok(())) else { return Tally::default() };
    while let Some(job) = jobs.recv().await {
        let now_ns = recorder.now_ns();
        recorder.answered(job, now_ns, now_ns, Answer::new(Outcome::Ok));
    }
    recorder.finish()
}
