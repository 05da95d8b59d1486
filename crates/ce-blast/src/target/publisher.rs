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
use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{Channel, Confirmation};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::sleep;

use super::Limits;
use super::amqp::{AmqpTarget, Link};
use super::confirms::{Confirms, ReturnedMessage, Verdict};
use super::message::Message;
use super::pending::{Pending, Ticket, grace_is_over};
use super::reopen::Reopening;
use crate::job::{Answer, Job};
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
    pending: Pending,
    /// When each attempt is given up. All have the same patience, so the first ends first.
    deadlines: VecDeque<(Instant, Ticket)>,
    confirms: Confirms<Ticket>,
}

/// The end of one publish.
struct Ended {
    ticket: Ticket,
    message_id: ShortString,
    confirmed: Confirmed,
}

struct Confirmed {
    /// What went wrong; `None` is an acknowledgement.
    failure: Option<Answer>,
    /// What came in its company.
    returned: Option<ReturnedMessage>,
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
            pending: Pending::new(recorder),
            deadlines: VecDeque::new(),
            confirms: Confirms::new(),
        }
    }

    /// Publishes until the channel of jobs is closed and everything is confirmed or given up.
    pub(super) async fn run(mut self, mut jobs: UnboundedReceiver<Job>) -> (Tally, Link) {
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
                    Some(job) => publishes.extend(self.begin(job, publishes.len())),
                    None => open = false,
                },
                link = self.reopening.opened() => self.link = link,
                // Not only when the next event is due: until then there may be a new connection.
                () = self.link.lost() => self.reopening.begin(),
                () = sleep(nap) => {}
                () = grace_is_over(self.limits), if !open => break,
            }
            self.settle();
            self.expire();
        }
        self.settle();
        self.settle();
        (self.pending.finish(), self.link)
    }

    /// How long nothing happens unless something comes in.
    fn nap(&self) -> Duration {
        if self.confirms.is_holding() {
            return ROUND;
        }
        let first = self.deadlines.front();
        first.map_or(NAP, |&(end, _)| end.saturating_duration_since(Instant::now()))
    }

    /// Begins an attempt; the future, if there is one, ends with its confirm.
    fn begin(&mut self, job: Job, under_way: usize) -> Option<impl Future<Output = Ended> + use<>> {
        // An event that cannot leave is not made into a message.
        let message = match self.cannot_publish(under_way) {
            Some(refusal) => Err(refusal),
            None => Message::new(self.target, &job.event)
                .map_err(|why| Answer::text(Outcome::ProtocolError, &why)),
        };
        let ticket = self.pending.begin(job);
        match message {
            Ok(message) => {
                self.confirms.published(message.id.as_str(), ticket);
                self.deadlines.push_back((Instant::now() + self.limits.timeout, ticket));
                let channel = self.link.channel.clone();
                let exchange = self.target.exchange.clone();
                Some(async move {
                    let message_id = message.id.clone();
                    let confirmed = publish(channel, exchange, message).await;
                    Ended { ticket, message_id, confirmed }
                })
            }
            Err(refusal) => {
                self.pending.end(ticket, self.pending.now_ns(), refusal);
                None
            }
        }
    }

    /// Why no event can be published at this time.
    fn cannot_publish(&mut self, under_way: usize) -> Option<Answer> {
        if !self.link.channel.status().connected() {
            self.reopening.begin();
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
            self.confirms.forget(message_id.as_str(), ticket);
            self.pending.end(ticket, ended_ns, answer);
        } else {
            self.confirms.acknowledged(message_id.as_str(), ticket, ended_ns);
        }
        if let Some(returned) = returned {
            self.confirms.returned(returned);
        }
    }

    fn settle(&mut self) {
        let pending = &mut self.pending;
        self.confirms.settle(|ticket, ended_ns, verdict| {
            let answer = match verdict {
                Verdict::Routed => Answer::new(Outcome::Ok),
                Verdict::Returned(code, text) => {
                    Answer { error: Some(text.into()), ..Answer::code(Outcome::Returned, code) }
                }
            };
            pending.end(ticket, ended_ns, answer);
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

impl Confirmed {
    fn failed(answer: Answer) -> Self {
        Self { failure: Some(answer), returned: None }
    }
}

/// Publishes one message and waits for its confirm.
async fn publish(channel: Channel, exchange: ShortString, message: Message) -> Confirmed {
    let Message { routing_key, properties, body, .. } = message;
    // It may have left even where lapin could not say so.
    let in_doubt = |err| Confirmed::failed(Answer::error(Outcome::InDoubt, &err));
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let sent = channel.basic_publish(exchange, routing_key, options, &body, properties).await;
    // A slice of a larger block, which need not stay in memory for the confirm.
    drop(body);
    let confirm = match sent {
        Ok(confirm) => confirm.await,
        Err(err) => return in_doubt(err),
    };
    match confirm {
        Ok(Confirmation::Ack(message)) => {
            Confirmed { failure: None, returned: message.as_ref().map(returned) }
        }
        Ok(Confirmation::Nack(message)) => Confirmed {
            failure: Some(Answer::new(Outcome::Rejected)),
            returned: message.as_ref().map(returned),
        },
        Ok(Confirmation::NotRequested) => {
            let why = "the channel is not in confirm mode";
            Confirmed::failed(Answer::text(Outcome::ProtocolError, why))
        }
        Err(err) => in_doubt(err),
    }
}

fn returned(message: &lapin::message::BasicReturnMessage) -> ReturnedMessage {
    let message_id = message.delivery.properties.message_id().as_ref();
    ReturnedMessage {
        message_id: message_id.map(ToString::to_string).unwrap_or_default(),
        code: message.reply_code,
        text: message.reply_text.to_string(),
    }
}
