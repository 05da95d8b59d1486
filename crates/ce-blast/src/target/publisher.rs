//! Publishes over one channel at a time, and opens another when that is lost.
//!
//! One task owns the channel, because lapin credits confirms to the wrong message when tasks share
//! one. Within that task many publishes are under way at a time. A publish that has timed out stays
//! under way: what comes with its confirm may be about another message (see [`super::confirms`]).

use std::collections::VecDeque;
use std::future::Future;
use std::time::{Duration, Instant};

use ce_record::Outcome;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::sleep;

use super::Limits;
use super::amqp::{AmqpTarget, Link, News};
use super::confirms::{Confirms, Verdict};
use super::message::Message;
use super::outcome::{Confirmed, Ended, publish};
use super::pending::{Pending, Ticket, grace_is_over};
use super::reopen::Reopening;
use super::republish::Republish;
use super::standing::Standing;
use crate::job::{Answer, Job};
use crate::jobs::Jobs;
use crate::record::{Recorder, Tally};

/// A round of polling ends at least this often while verdicts are held back.
const ROUND: Duration = Duration::from_millis(1);
/// The longest sleep; nothing depends on it.
const NAP: Duration = Duration::from_secs(1);
/// Publishes that may have timed out and still be under way. A broker that has blocked us does not
/// let go of them, and they take memory.
const LATE: usize = 10_000;

pub(super) struct Publisher<'a> {
    target: &'a AmqpTarget,
    limits: &'a Limits,
    link: Link,
    reopening: Reopening<'a>,
    standing: Standing,
    pending: Pending,
    /// When each attempt is given up. All have the same patience, so the first ends first.
    deadlines: VecDeque<(Instant, Ticket)>,
    confirms: Confirms<Ticket>,
    republish: Republish,
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
            link,
            reopening: Reopening::new(target, limits.timeout),
            standing: Standing::new(target),
            pending: Pending::new(recorder),
            deadlines: VecDeque::new(),
            confirms: Confirms::new(),
            republish: Republish::new(target.republish),
        }
    }

    /// Publishes until the channel of jobs is closed and everything is confirmed or given up.
    pub(super) async fn run(mut self, mut jobs: Jobs) -> (Tally, Link) {
        let mut publishes = FuturesUnordered::new();
        let mut open = true;
        while open || !self.pending.is_empty() {
            let nap = self.nap();
            tokio::select! {
                biased;
                Some(ended) = publishes.next() => {
                    self.ended(ended);
                    // What is ready already belongs to the same round.
                    continue;
                }
                job = jobs.recv(), if open => match job {
                    Some(job) => {
                        let begun = self.begin(job, publishes.len());
                        publishes.extend(begun.map(|begun| self.publish(begun)));
                    }
                    None => open = false,
                },
                link = self.reopening.opened() => self.opened(link),
                // Not only when the next event is due: until then there may be a new connection.
                news = self.link.news() => self.heard(news),
                () = sleep(nap) => {}
                () = grace_is_over(self.limits), if !open => break,
            }
            self.settle();
            self.expire();
            while let Some(begun) = self.begin_again(publishes.len()) {
                publishes.push(self.publish(begun));
            }
        }
        self.settle();
        self.settle();
        let mut tally = self.pending.finish();
        (tally.blocked_ns, tally.losses) = self.standing.finish(self.pending.now_ns());
        (tally, self.link)
    }

    fn heard(&mut self, news: News) {
        match news {
            News::Blocked(reason) => self.standing.blocked(&mut self.pending, reason),
            News::Unblocked => self.standing.unblocked(&mut self.pending),
            News::Lost(why) => self.lost(why),
        }
    }

    fn lost(&mut self, why: String) {
        if self.reopening.begin() {
            self.standing.lost(&mut self.pending, why);
        }
    }

    fn opened(&mut self, link: Link) {
        self.link = link;
        let Self { confirms, pending, republish, .. } = self;
        confirms.start_over(|ticket, ended_ns, verdict| {
            republish.end(pending, ticket, ended_ns, verdict.into());
        });
        self.standing.restored(&mut self.pending);
    }

    /// How long nothing happens unless something comes in.
    fn nap(&self) -> Duration {
        if self.confirms.is_holding() {
            return ROUND;
        }
        let first = self.deadlines.front().map(|&(end, _)| end);
        let again = self.republish.first().filter(|_| self.is_open());
        let next = first.into_iter().chain(again).min();
        next.map_or(NAP, |next| next.saturating_duration_since(Instant::now()))
    }

    fn is_open(&self) -> bool {
        self.link.channel.status().connected()
    }

    /// Begins the first attempt of an event, unless that ends at once.
    fn begin(&mut self, job: Job, under_way: usize) -> Option<(Ticket, Message)> {
        // An event that cannot leave is not made into a message.
        let message = match self.cannot_publish(under_way) {
            Some(refusal) => Err(refusal),
            None => Message::new(self.target, &job.event)
                .map_err(|why| Answer::text(Outcome::ProtocolError, &why)),
        };
        let ticket = self.pending.begin(job);
        match message {
            Ok(message) => Some((ticket, message)),
            Err(refusal) => {
                self.pending.end(ticket, self.pending.now_ns(), refusal);
                None
            }
        }
    }

    /// Begins the next attempt of an event that waits for one, if its time has come.
    fn begin_again(&mut self, under_way: usize) -> Option<(Ticket, Message)> {
        if self.republish.first()? > Instant::now() || self.cannot_publish(under_way).is_some() {
            return None;
        }
        let before = self.republish.take_due()?;
        let (event, _) = self.pending.event(before)?;
        // It was a message before.
        let message = Message::new(self.target, event).ok()?;
        Some((self.pending.begin_again(before)?, message))
    }

    /// Publishes; the future ends with the confirm.
    fn publish(
        &mut self,
        (ticket, message): (Ticket, Message),
    ) -> impl Future<Output = Ended> + use<> {
        let Message { id: message_id, routing_key, properties, body } = message;
        self.confirms.published(message_id.as_str(), ticket);
        self.deadlines.push_back((Instant::now() + self.limits.timeout, ticket));
        // One that waits long at the front must not keep those that have ended behind it.
        if self.deadlines.len() > 2 * self.pending.len() + LATE {
            let pending = &self.pending;
            self.deadlines.retain(|&(_, ticket)| pending.is_open(ticket));
        }
        let channel = self.link.channel.clone();
        let exchange = self.target.exchange.clone();
        async move {
            let confirmed = publish(channel, exchange, routing_key, properties, body).await;
            Ended { ticket, message_id, confirmed }
        }
    }

    /// Why no event can be published at this time.
    fn cannot_publish(&mut self, under_way: usize) -> Option<Answer> {
        if !self.is_open() {
            self.lost("the broker closed the channel".to_owned());
            Some(Answer::text(Outcome::ConnectError, self.reopening.why()))
        } else if under_way >= self.pending.len() + LATE {
            let why = "the broker holds back too many confirms";
            Some(Answer::text(Outcome::ConnectError, why))
        } else {
            None
        }
    }

    fn ended(&mut self, ended: Ended) {
        let Ended { ticket, message_id, confirmed: Confirmed { failure, returned } } = ended;
        let ended_ns = self.pending.now_ns();
        if let Some(answer) = failure {
            if answer.outcome == Outcome::InDoubt {
                self.confirms.lost(message_id.as_str(), ticket);
            } else {
                self.confirms.forget(message_id.as_str(), ticket);
            }
            self.republish.end(&mut self.pending, ticket, ended_ns, answer);
        } else {
            self.confirms.acknowledged(message_id.as_str(), ticket, ended_ns);
        }
        if let Some(returned) = returned {
            self.confirms.returned(returned);
        }
    }

    fn settle(&mut self) {
        let Self { confirms, pending, republish, .. } = self;
        confirms.settle(|ticket, ended_ns, verdict| {
            republish.end(pending, ticket, ended_ns, verdict.into());
        });
    }

    /// Gives up the attempts whose time is over.
    fn expire(&mut self) {
        while let Some(&(end, ticket)) = self.deadlines.front() {
            if self.pending.is_open(ticket) {
                if end > Instant::now() {
                    return;
                }
                let now_ns = self.pending.now_ns();
                self.pending.end(ticket, now_ns, Answer::new(Outcome::Timeout));
            }
            self.deadlines.pop_front();
        }
    }
}

impl From<Verdict> for Answer {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Routed => Self::new(Outcome::Ok),
            Verdict::Returned(code, text) => {
                Self { error: Some(text.into()), ..Self::code(Outcome::Returned, code) }
            }
            Verdict::Unknown => {
                let why =
                    "acknowledged, and the connection lost before a return could be ruled out";
                Self::text(Outcome::InDoubt, why)
            }
        }
    }
}
