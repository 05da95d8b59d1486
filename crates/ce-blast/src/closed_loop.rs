//! The closed loop: N senders, each waiting for its answer, then resting, then sending again.
//!
//! A target that stalls holds its senders back, so the load that it should have had is never
//! offered and never measured (coordinated omission). The records say so.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use ce_cli::{Clock, Interrupt};
use ce_record::Stop;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use tokio::time::{sleep, sleep_until};

use crate::gate::Gate;
use crate::job::Job;
use crate::open_loop::Course;
use crate::read::{Next, Supply};

/// How often somebody looks whether the run is over.
const LOOK_UP: Duration = Duration::from_millis(20);

/// What the virtual users share.
#[derive(Debug, Clone)]
pub(crate) struct ClosedLoop {
    pub(crate) vus: u32,
    /// The users start evenly over this time.
    pub(crate) ramp_up: Duration,
    /// Each rests this long after an answer.
    pub(crate) pause: Duration,
    /// No event starts after this time; without it the input decides.
    pub(crate) duration: Option<Duration>,
}

struct Shared<'a> {
    plan: &'a ClosedLoop,
    clock: Clock,
    gate: &'a Gate,
    interrupt: &'a Interrupt,
    senders: Vec<UnboundedSender<Job>>,
    supply: RefCell<&'a mut Supply>,
    seq: Cell<u64>,
    starved: Cell<u64>,
    stopped: Cell<Stop>,
}

impl ClosedLoop {
    /// Runs all users to the end, on the calling thread.
    pub(crate) fn run(
        &self,
        clock: Clock,
        gate: &Gate,
        interrupt: &Interrupt,
        senders: Vec<UnboundedSender<Job>>,
        supply: &mut Supply,
    ) -> std::io::Result<Course> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let shared = Rc::new(Shared {
            plan: self,
            clock,
            gate,
            interrupt,
            senders,
            supply: RefCell::new(supply),
            seq: Cell::new(0),
            starved: Cell::new(0),
            stopped: Cell::new(Stop::Done),
        });
        let users = futures_util::future::join_all((0..self.vus).map(|user| shared.user(user)));
        runtime.block_on(async {
            tokio::select! {
                _ = users => {}
                // Who still waits for an answer has nothing more to do with it; the sender has.
                () = shared.over() => {}
            }
        });
        Ok(Course { stopped: shared.stopped.get(), starved: shared.starved.get(), held_back: 0 })
    }
}

impl Shared<'_> {
    /// One user: starts in its turn, then sends, waits and rests until the end.
    async fn user(&self, user: u32) {
        let start = self.plan.ramp_up * user / self.plan.vus;
        sleep_until((self.clock.instant(0) + start).into()).await;
        while self.goes_on() {
            let Some(event) = self.next_event().await else { return };
            let seq = self.seq.replace(self.seq.get() + 1);
            let entered = self.gate.try_enter();
            assert!(entered, "the gate has a place for each user");
            let (done, answered) = oneshot::channel();
            let job = Job { seq, due_ns: self.clock.now_ns(), event, done: Some(done) };
            let turn = usize::try_from(seq % self.senders.len() as u64).expect("a small number");
            let sent = self.senders[turn].send(job);
            assert!(sent.is_ok(), "senders outlive the users");
            // The sender answers each job, at the latest when its timeout has passed.
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

    /// Whether another event may start. Notes an interrupt as the reason of the end.
    fn goes_on(&self) -> bool {
        if self.interrupt.asked() {
            self.stopped.set(Stop::Interrupted);
            return false;
        }
        let elapsed = Duration::from_nanos(self.clock.now_ns());
        self.plan.duration.is_none_or(|duration| elapsed < duration)
    }

    async fn next_event(&self) -> Option<crate::event::Event> {
        let mut starved = false;
        loop {
            let next = self.supply.borrow_mut().next();
            match next {
                Next::Event(event) => return Some(event),
                Next::End => {
                    if self.plan.duration.is_some() {
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
