//! What the broker says to a publisher, and that it says nothing more.

use std::task::{Context, Poll};

use ce_amqp::Said;
use ce_record::Outcome;

use super::Publisher;
use crate::job::Answer;
use crate::target::confirms::{Name, Returned};

impl Publisher<'_> {
    /// Lets the link write and read; true if there was something to hear.
    pub(super) fn hear(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(link) = &mut self.link else { return false };
        let heard = match link.poll(cx) {
            Poll::Pending if link.is_silent() => {
                self.lost("no heartbeat from the broker".to_owned());
                return true;
            }
            Poll::Pending => return false,
            Poll::Ready(read) => read.and_then(|()| self.understand()),
        };
        if let Err(why) = heard {
            self.lost(why);
        }
        true
    }

    /// Takes all that the broker has said; an error is why there is no link any more.
    fn understand(&mut self) -> Result<(), String> {
        let ended_ns = self.pending.now_ns();
        while let Some(link) = &mut self.link
            && let Some(said) = link.next()?
        {
            match said {
                Said::Ack { tag, multiple } => {
                    self.confirmed((tag, multiple), Outcome::Ok, ended_ns)?;
                }
                Said::Nack { tag, multiple } => {
                    self.confirmed((tag, multiple), Outcome::Rejected, ended_ns)?;
                }
                Said::Return { code, text, routing_key } => {
                    self.returning = Some((routing_key, (code, text.into())));
                }
                Said::Header { message_id, fingerprint } => {
                    if let Some((routing_key, returned)) = self.returning.take() {
                        let id = message_id.unwrap_or_default();
                        let name = Name::new(&id, &routing_key, fingerprint);
                        self.confirms.returned(&name, returned);
                    }
                }
                Said::Blocked(reason) => {
                    link.set_blocked(true);
                    self.standing.blocked(&mut self.pending, reason);
                }
                Said::Unblocked => {
                    link.set_blocked(false);
                    self.standing.unblocked(&mut self.pending);
                }
                Said::Close { code, text } | Said::ChannelClose { code, text } => {
                    return Err(format!("{code} {text}"));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A confirm came, for the message of this number or for all up to it.
    fn confirmed(
        &mut self,
        (tag, multiple): (u64, bool),
        outcome: Outcome,
        ended_ns: u64,
    ) -> Result<(), String> {
        let Self { confirms, pending, republish, .. } = self;
        let confirmed = confirms.confirmed(tag, multiple, |ticket, returned| {
            let answer = returned.map_or_else(|| Answer::new(outcome), returned_answer);
            republish.end(pending, ticket, ended_ns, answer);
        });
        confirmed.map_err(|err| err.to_string())
    }

    /// There is no link any more. What it had under way may have arrived, or not.
    fn lost(&mut self, why: String) {
        self.link = None;
        self.returning = None;
        self.reopening.lost(&why);
        let Self { confirms, pending, republish, .. } = self;
        let ended_ns = pending.now_ns();
        confirms.start_over(|ticket, returned| {
            let in_doubt = || Answer::text(Outcome::InDoubt, &why);
            let answer = returned.map_or_else(in_doubt, returned_answer);
            republish.end(pending, ticket, ended_ns, answer);
        });
        self.standing.lost(&mut self.pending, why);
    }
}

fn returned_answer((code, text): Returned) -> Answer {
    Answer { error: Some(text), ..Answer::code(Outcome::Returned, code) }
}
