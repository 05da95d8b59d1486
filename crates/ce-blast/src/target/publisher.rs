//! Publishes over one channel at a time, and opens another when that is lost.
//!
//! All of it is one task, and takes turns: messages that are due go into the buffer of the link,
//! which leaves as a whole, and then the broker is heard. A publish that has timed out stays under
//! way until its confirm comes: the numbers of those after it depend on it.

mod heard;

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use ce_record::Outcome;
use tokio::task::yield_now;
use tokio::time::{Sleep, sleep};

use super::Limits;
use super::amqp::AmqpTarget;
use super::confirms::{Confirms, Name, Returned};
use super::link::Link;
use super::pending::{Pending, Ticket, grace_is_over};
use super::reopen::Reopening;
use super::republish::Republish;
use super::standing::Standing;
use crate::job::{Answer, Job};
use crate::jobs::Jobs;
use crate::record::{Recorder, Tally};

/// The longest sleep, between two looks whether attempts are still waited for.
const NAP: Duration = Duration::from_millis(100);
/// Messages that go into one turn; then the broker is heard.
const TURN: u32 = 64;
/// Publishes that may have timed out and still be under way. A broker that has blocked us does not
/// let go of them, and they take memory.
const LATE: usize = 10_000;
/// The same in bytes that it has not taken.
const LATE_BYTES: usize = 48 << 20;

pub(super) struct Publisher<'a> {
    target: &'a AmqpTarget,
    limits: &'a Limits,
    /// `None` while there is no connection.
    link: Option<Link>,
    reopening: Reopening<'a>,
    standing: Standing,
    pending: Pending,
    /// When each attempt is given up. All have the same patience, so the first ends first.
    deadlines: VecDeque<(Instant, Ticket)>,
    confirms: Confirms<Ticket>,
    /// A message that is coming back: its routing key and why, until its header tells the rest.
    returning: Option<(String, Returned)>,
    republish: Republish,
    /// Events of users who wait for what becomes of the attempt to open a connection.
    stranded: Vec<Ticket>,
    /// When the turn before began. What had come by then has been heard, however late that was.
    last_turn: Instant,
    /// Whether there may be more jobs.
    is_open: bool,
}

impl<'a> Publisher<'a> {
    pub(super) fn new(
        target: &'a AmqpTarget,
        limits: &'a Limits,
        link: Link,
        recorder: Recorder,
    ) -> Self {
        Self {
            target,
            limits,
            link: Some(link),
            reopening: Reopening::new(target, limits.timeout),
            standing: Standing::new(target),
            pending: Pending::new(recorder),
            deadlines: VecDeque::new(),
            confirms: Confirms::new(),
            returning: None,
            republish: Republish::new(target.republish),
            stranded: Vec::new(),
            last_turn: Instant::now(),
            is_open: true,
        }
    }

    /// Publishes until there are no more jobs and everything is confirmed or given up.
    pub(super) async fn run(mut self, mut jobs: Jobs) -> (Tally, Option<Link>) {
        let mut nap = pin!(sleep(NAP));
        let mut grace = pin!(grace_is_over(self.limits));
        poll_fn(|cx| {
            let more = self.turn(&mut jobs, cx);
            let is_over =
                !self.is_open && (self.pending.is_empty() || grace.as_mut().poll(cx).is_ready());
            if is_over {
                return Poll::Ready(());
            }
            if more {
                // After a look at the sockets, which only the runtime can take.
                let _ = pin!(yield_now()).poll(cx);
            } else {
                self.nap(nap.as_mut(), cx);
            }
            Poll::Pending
        })
        .await;
        let mut tally = self.pending.finish();
        (tally.blocked_ns, tally.losses) = self.standing.finish(self.pending.now_ns());
        tally.own_limits.add(self.reopening.own_limits());
        (tally, self.link)
    }

    /// Does what there is to do now; true if there is more of it.
    fn turn(&mut self, jobs: &mut Jobs, cx: &mut Context<'_>) -> bool {
        let turn = Instant::now();
        let mut moved = self.hear(cx);
        moved |= self.reopen(cx);
        self.expire();
        self.last_turn = turn;
        let mut count = 0;
        while self.is_open && count < TURN {
            match jobs.poll_recv(cx) {
                Poll::Ready(Some(job)) => self.begin(job),
                Poll::Ready(None) => self.is_open = false,
                Poll::Pending => break,
            }
            count += 1;
        }
        while count < TURN && self.begin_again() {
            count += 1;
        }
        // What has just been published leaves, and who has said something may have said more. If not,
        // the socket wakes us.
        let heard = (moved || count > 0) && self.hear(cx);
        heard || count == TURN
    }

    /// Sleeps until there is something to do that nobody tells.
    fn nap(&self, mut nap: Pin<&mut Sleep>, cx: &mut Context<'_>) {
        let first = self.deadlines.front().map(|&(end, _)| end);
        let again = self.republish.first().filter(|_| self.refusal().is_none());
        let beat = self.link.as_ref().and_then(Link::next_beat);
        let next = [first, again, beat].into_iter().flatten().min();
        let longest = Instant::now() + NAP;
        let next = next.map_or(longest, |next| next.min(longest)).into();
        // One that ends too soon does no harm, and setting it anew for each event would.
        if next < nap.deadline() || nap.is_elapsed() {
            nap.as_mut().reset(next);
        }
        if nap.poll(cx).is_ready() {
            let _ = pin!(yield_now()).poll(cx);
        }
    }

    /// Looks whether there is a connection again; true if there is.
    fn reopen(&mut self, cx: &mut Context<'_>) -> bool {
        let failures = self.reopening.failures();
        let opened = self.reopening.poll(cx);
        let is_open = opened.is_ready();
        if let Poll::Ready(link) = opened {
            self.link = Some(link);
            self.standing.restored(&mut self.pending);
        }
        if is_open || self.reopening.failures() > failures {
            for ticket in std::mem::take(&mut self.stranded) {
                self.go_on(ticket);
            }
        }
        is_open
    }

    /// Publishes an event that has waited for a connection, or says why there is none.
    fn go_on(&mut self, ticket: Ticket) {
        let Some((event, _)) = self.pending.event(ticket) else { return };
        let published = match &mut self.link {
            Some(link) => link
                .publish(self.target, event)
                .map_err(|why| Answer::text(Outcome::ProtocolError, &why)),
            None => Err(Answer::text(Outcome::ConnectError, self.reopening.why())),
        };
        match published {
            Ok(name) => self.confirms.published(name, ticket),
            Err(refusal) => self.pending.end(ticket, self.pending.now_ns(), refusal),
        }
    }

    /// Begins the first attempt of an event, unless that ends at once.
    fn begin(&mut self, job: Job) {
        if self.link.is_none() && job.done.is_some() {
            // Who waits for each answer would else have the next event at once, and so on.
            let ticket = self.pending.begin(job);
            self.stranded.push(ticket);
            return self.wait_for(ticket);
        }
        let refusal = self.refusal().map(|why| Answer::text(Outcome::ConnectError, why));
        // An event that cannot leave is not made into a message.
        let published = match (refusal, &mut self.link) {
            (None, Some(link)) => link
                .publish(self.target, &job.event)
                .map_err(|why| Answer::text(Outcome::ProtocolError, &why)),
            (refusal, _) => Err(refusal.unwrap_or_else(|| Answer::new(Outcome::ConnectError))),
        };
        let ticket = self.pending.begin(job);
        match published {
            Ok(name) => self.published(name, ticket),
            Err(refusal) => self.pending.end(ticket, self.pending.now_ns(), refusal),
        }
    }

    /// Begins the next attempt of an event that waits for one, if its time has come.
    fn begin_again(&mut self) -> bool {
        let is_due = self.republish.first().is_some_and(|first| first <= Instant::now());
        if !is_due || self.refusal().is_some() {
            return false;
        }
        let Some(before) = self.republish.take_due() else { return false };
        // What has been given up meanwhile is not there any more.
        if let Some((event, _)) = self.pending.event(before)
            && let Some(link) = &mut self.link
            // It was a message before.
            && let Ok(name) = link.publish(self.target, event)
            && let Some(ticket) = self.pending.begin_again(before)
        {
            self.published(name, ticket);
        }
        true
    }

    /// Why no event can be published at this time.
    fn refusal(&self) -> Option<&str> {
        let Some(link) = &self.link else { return Some(self.reopening.why()) };
        let late = self.confirms.len().saturating_sub(self.pending.len());
        if late >= LATE {
            Some("the broker holds back too many confirms")
        } else if late > 0 && link.unwritten() > LATE_BYTES {
            Some("the broker takes nothing, and too many bytes wait for it")
        } else {
            None
        }
    }

    fn published(&mut self, name: Name, ticket: Ticket) {
        self.confirms.published(name, ticket);
        self.wait_for(ticket);
    }

    /// Notes when an attempt that has just begun is given up.
    fn wait_for(&mut self, ticket: Ticket) {
        self.deadlines.push_back((Instant::now() + self.limits.timeout, ticket));
        // One that waits long at the front must not keep those that have ended behind it.
        if self.deadlines.len() > 2 * self.pending.len() + LATE {
            let pending = &self.pending;
            self.deadlines.retain(|&(_, ticket)| pending.is_open(ticket));
        }
    }

    /// Gives up the attempts whose time is over, or that of their scenario.
    fn expire(&mut self) {
        self.pending.give_up(&self.limits.last_answers);
        while let Some(&(end, ticket)) = self.deadlines.front() {
            if self.pending.is_open(ticket) {
                if end > self.last_turn {
                    return;
                }
                let late = if self.stranded.contains(&ticket) {
                    Answer::text(Outcome::ConnectError, self.reopening.why())
                } else {
                    Answer::new(Outcome::Timeout)
                };
                self.pending.end(ticket, self.pending.now_ns(), late);
            }
            self.deadlines.pop_front();
        }
    }
}
