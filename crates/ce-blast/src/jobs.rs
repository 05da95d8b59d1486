//! Where a sender takes its jobs from: schedules that it keeps itself, and a channel.
//!
//! A schedule lives on the thread that sends for it, so that nobody has to be woken when an event is
//! due. Only where several senders share one does it need a thread of its own, and so do the users
//! of a closed loop; those send their jobs through the channel.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::task::{consume_budget, yield_now};

use crate::job::Job;
use crate::open_loop::{OpenLoop, Step};
use crate::pace::{Alarm, Lead, Wake};

/// What a sender is given to do.
#[derive(Debug)]
pub(crate) enum Work {
    /// To be sent at once.
    Job(Job),
    /// To be kept.
    Schedule(Box<OpenLoop>),
}

/// The jobs of one sender.
#[derive(Debug)]
pub(crate) struct Jobs {
    /// `None` when it is closed.
    work: Option<UnboundedReceiver<Work>>,
    schedules: Vec<OpenLoop>,
    /// The schedule that is asked first.
    turn: usize,
    alarm: Alarm,
    /// Who may be late need not be early.
    lead: Option<Rc<Lead>>,
}

/// The channels of the senders of a scenario, served in turn. The gate limits what they hold.
#[derive(Debug, Clone)]
pub(crate) struct Turns {
    senders: Vec<UnboundedSender<Work>>,
    /// The sender that is next.
    next: Cell<usize>,
}

impl Jobs {
    /// The jobs that come from `work`, for the runtime that is entered. They may come `slack` later
    /// than they are due.
    pub(crate) fn new(work: UnboundedReceiver<Work>, slack: Duration) -> std::io::Result<Self> {
        Self::from(Some(work), Vec::new(), slack)
    }

    /// The jobs of one schedule.
    pub(crate) fn of(schedule: OpenLoop, slack: Duration) -> std::io::Result<Self> {
        Self::from(None, vec![schedule], slack)
    }

    fn from(
        work: Option<UnboundedReceiver<Work>>,
        schedules: Vec<OpenLoop>,
        slack: Duration,
    ) -> std::io::Result<Self> {
        let (alarm, lead) = (Alarm::new(slack)?, slack.is_zero().then(Rc::default));
        Ok(Self { work, schedules, turn: 0, alarm, lead })
    }

    /// How much earlier than they are due jobs come. None, unless somebody lets it learn.
    pub(crate) fn lead(&self) -> Rc<Lead> {
        self.lead.clone().unwrap_or_default()
    }

    /// Waits for the next job, to be sent at once or when it is due; `None` means that there will be no
    /// more. May be cancelled.
    pub(crate) async fn recv(&mut self) -> Option<Job> {
        // A schedule that is behind always has a job. Answers must be heard nevertheless.
        consume_budget().await;
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// The same for who has other things to do as well, and sees to it that answers are heard.
    pub(crate) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Job>> {
        // Once more if the time has come already.
        for _ in 0..2 {
            if let Some(job) = self.poll_work(cx) {
                return Poll::Ready(Some(job));
            }
            let wake = match self.step(cx) {
                Step::Send(job) => return Poll::Ready(Some(job)),
                Step::Over if self.work.is_none() => return Poll::Ready(None),
                // The channel wakes.
                Step::Over => return Poll::Pending,
                Step::Wait(wake) => wake,
            };
            if self.alarm.poll_until(wake, cx).is_pending() {
                return Poll::Pending;
            }
        }
        let _ = pin!(yield_now()).poll(cx);
        Poll::Pending
    }

    /// Takes what has been given to do.
    fn poll_work(&mut self, cx: &mut Context<'_>) -> Option<Job> {
        loop {
            match self.work.as_mut()?.poll_recv(cx) {
                Poll::Ready(Some(Work::Job(job))) => return Some(job),
                Poll::Ready(Some(Work::Schedule(schedule))) => self.schedules.push(*schedule),
                Poll::Ready(None) => self.work = None,
                Poll::Pending => return None,
            }
        }
    }

    /// Asks all schedules what is to be done, beginning with the one after that which was served.
    fn step(&mut self, cx: &mut Context<'_>) -> Step {
        let lead = self.lead.as_ref().map_or(Duration::ZERO, |lead| lead.get());
        let mut first: Option<Wake> = None;
        let mut asked = 0;
        while asked < self.schedules.len() {
            let number = (self.turn + asked) % self.schedules.len();
            match self.schedules[number].step(lead, cx) {
                Step::Send(job) => {
                    self.turn = number + 1;
                    return Step::Send(job);
                }
                Step::Wait(next) => {
                    first = first.into_iter().chain([next]).min_by_key(|wake| wake.time());
                    asked += 1;
                }
                Step::Over => self.schedules.remove(number).finish(),
            }
        }
        first.map_or(Step::Over, Step::Wait)
    }
}

impl Turns {
    pub(crate) fn new(senders: Vec<UnboundedSender<Work>>) -> Self {
        Self { senders, next: Cell::default() }
    }

    /// Gives a job to the sender whose turn it is.
    pub(crate) fn hand_over(&self, job: Job) {
        // Not by the position in the schedule: a shard has only every nth.
        let next = self.next.get();
        self.next.set((next + 1) % self.senders.len());
        give(&self.senders[next], Work::Job(job));
    }

    /// Lets the only sender keep a schedule itself; gives it back if there are several.
    pub(crate) fn keep(&self, schedule: Box<OpenLoop>) -> Option<Box<OpenLoop>> {
        match self.senders.as_slice() {
            [sender] => {
                give(sender, Work::Schedule(schedule));
                None
            }
            _ => Some(schedule),
        }
    }
}

fn give(sender: &UnboundedSender<Work>, work: Work) {
    // A sender that has failed records what it was sent; its channel stays open until then.
    assert!(sender.send(work).is_ok(), "senders outlive the schedule");
}
