//! The closed loop: N users, each waiting for its answer, then resting, then sending again.
//!
//! A target that stalls holds its users back, so the load that it should have had is never offered
//! and never measured (coordinated omission). The records say so.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use ce_record::Stop;
use load_plan::{VuStage, first_start_ns, most_users, users_at};
use tokio::sync::oneshot;
use tokio::time::{sleep, sleep_until};

use crate::job::Job;
use crate::jobs::Turns;
use crate::lane::{Course, Lane};
use crate::read::{Next, Timed};

/// How often somebody looks whether the run is over.
const LOOK_UP: Duration = Duration::from_millis(20);

/// Who sends how much.
#[derive(Debug, Clone)]
pub(crate) enum Users {
    /// As many as the stages say; each sends until its time is over.
    Staged { start: u32, stages: Vec<VuStage> },
    /// A number of events, of all users together or of each.
    Counted { vus: u32, iterations: u64, per_vu: bool, max_duration_ns: u64 },
}

/// The closed loop of one scenario.
#[derive(Debug)]
pub(crate) struct ClosedLoop {
    pub(crate) lane: Lane,
    pub(crate) senders: Turns,
    pub(crate) users: Users,
    /// When it begins on the run's clock.
    pub(crate) start_ns: u64,
    /// Each user rests this long after an answer.
    pub(crate) pause: Duration,
    /// Whether the plan has an end; without one the input has.
    pub(crate) is_endless: bool,
}

/// What the users share; they all live on one thread.
struct Shared {
    plan: ClosedLoop,
    supply: RefCell<crate::read::Supply>,
    seq: Cell<u64>,
    starved: Cell<u64>,
    stopped: Cell<Stop>,
}

impl Users {
    /// The most users that there are at one time.
    pub(crate) fn most(&self) -> u32 {
        match self {
            Self::Staged { start, stages } => most_users(*start, stages),
            Self::Counted { vus, .. } => *vus,
        }
    }

    /// When a user begins, from the start of the scenario.
    fn begins_ns(&self, user: u32) -> Option<u64> {
        match self {
            Self::Staged { start, stages } => first_start_ns(*start, stages, user),
            Self::Counted { .. } => Some(0),
        }
    }

    /// Whether a user may send its event number `own`, the number `all` over all users, at `ns`.
    fn may_send(&self, user: u32, own: u64, all: u64, ns: u64) -> bool {
        match self {
            Self::Staged { start, stages } => {
                users_at(*start, stages, ns).is_some_and(|users| user < users)
            }
            Self::Counted { iterations, per_vu, max_duration_ns, .. } => {
                let count = if *per_vu { own } else { all };
                count < *iterations && ns < *max_duration_ns
            }
        }
    }

    /// Whether nobody may send any more at `ns`.
    fn is_over(&self, ns: u64) -> bool {
        match self {
            Self::Staged { start, stages } => users_at(*start, stages, ns).is_none(),
            Self::Counted { max_duration_ns, .. } => ns >= *max_duration_ns,
        }
    }
}

impl ClosedLoop {
    /// Runs all users to the end, on the calling thread.
    pub(crate) fn run(mut self) -> std::io::Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let supply = std::mem::replace(&mut self.lane.supply, crate::read::Supply::empty());
        let shared = Shared {
            plan: self,
            supply: RefCell::new(supply),
            seq: Cell::new(0),
            starved: Cell::new(0),
            stopped: Cell::new(Stop::Done),
        };
        let count = shared.plan.users.most();
        let users = futures_util::future::join_all((0..count).map(|user| shared.user(user)));
        runtime.block_on(async {
            tokio::select! {
                _ = users => {}
                // Who still waits for an answer has nothing more to do with it; the sender has.
                () = shared.over() => {}
            }
        });
        let Shared { plan, supply, starved, stopped, .. } = shared;
        let mut lane = plan.lane;
        lane.supply = supply.into_inner();
        let course = Course { stopped: stopped.get(), starved: starved.get(), ..Course::default() };
        lane.finish(course, None);
        Ok(())
    }
}

impl Shared {
    /// One user: begins in its turn, then sends, waits and rests until the end.
    async fn user(&self, user: u32) {
        let lane = &self.plan.lane;
        let Some(begins_ns) = self.plan.users.begins_ns(user) else { return };
        let begins = lane.clock.instant(self.plan.start_ns.saturating_add(begins_ns));
        sleep_until(begins.into()).await;
        let mut own = 0;
        while self.goes_on() {
            if !self.plan.users.may_send(user, own, self.seq.get(), self.elapsed_ns()) {
                if matches!(self.plan.users, Users::Counted { .. }) {
                    return;
                }
                // Its place may come back in a later stage.
                sleep(LOOK_UP).await;
                continue;
            }
            let Some(Timed { event, .. }) = self.next_event().await else { return };
            own += 1;
            let seq = self.seq.replace(self.seq.get() + 1);
            let entered = lane.gate().try_enter();
            assert!(entered, "the gate has a place for each user");
            let (done, answered) = oneshot::channel();
            let due_ns = lane.clock.now_ns();
            let job = Job { scenario: lane.scenario, seq, due_ns, event, done: Some(done) };
            self.plan.senders.hand_over(job);
            // The sender answers each job, at the latest when the last of its attempts has timed out.
            let _ = answered.await;
            if !self.plan.pause.is_zero() {
                sleep(self.plan.pause).await;
            }
        }
    }

    /// Returns when no further event may start.
    async fn over(&self) {
        while self.goes_on() {
            sleep(LOOK_UP).await;
        }
    }

    fn elapsed_ns(&self) -> u64 {
        self.plan.lane.clock.now_ns().saturating_sub(self.plan.start_ns)
    }

    /// Whether another event may start. Notes an interrupt as the reason of the end.
    fn goes_on(&self) -> bool {
        if self.plan.lane.interrupt.asked() {
            self.stopped.set(Stop::Interrupted);
            return false;
        }
        !self.plan.users.is_over(self.elapsed_ns())
    }

    async fn next_event(&self) -> Option<Timed> {
        let mut starved = false;
        loop {
            let next = self.supply.borrow_mut().next();
            match next {
                Next::Event(timed) => return Some(timed),
                Next::End => {
                    if !self.plan.is_endless {
                        self.stopped.set(Stop::InputEnded);
                    }
                    return None;
                }
                Next::NotYet if !self.goes_on() => return None,
                Next::NotYet => {
                    self.starved.set(self.starved.get() + u64::from(!starved));
                    starved = true;
                    sleep(Duration::from_millis(1)).await;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_iterations_are_counted_over_all_users_and_others_by_each() {
        let users = |per_vu| Users::Counted { vus: 2, iterations: 3, per_vu, max_duration_ns: 100 };
        assert!(users(true).may_send(1, 2, 5, 0) && !users(true).may_send(1, 3, 3, 0));
        assert!(users(false).may_send(1, 0, 2, 0) && !users(false).may_send(1, 0, 3, 0));
        assert!(!users(true).may_send(0, 0, 0, 100) && users(true).is_over(100));
    }

    #[test]
    fn staged_users_send_while_the_stage_has_a_place_for_them() {
        let stages =
            vec![VuStage { duration_ns: 100, target: 10 }, VuStage { duration_ns: 100, target: 0 }];
        let users = Users::Staged { start: 0, stages };
        assert_eq!((users.most(), users.begins_ns(4)), (10, Some(50)));
        assert!(users.may_send(4, 0, 0, 60) && !users.may_send(4, 0, 0, 190));
        assert!(!users.is_over(199) && users.is_over(200));
    }
}
