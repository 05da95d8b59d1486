//! One publish and what lapin says about it.

use bytes::Bytes;
use ce_record::Outcome;
use lapin::options::BasicPublishOptions;
use lapin::types::ShortString;
use lapin::{BasicProperties, Channel, Confirmation};

use super::confirms::ReturnedMessage;
use super::pending::Ticket;
use crate::job::Answer;

/// The end of one publish.
pub(super) struct Ended {
    pub(super) ticket: Ticket,
    pub(super) message_id: ShortString,
    pub(super) confirmed: Confirmed,
}

pub(super) struct Confirmed {
    /// What went wrong; `None` is an acknowledgement.
    pub(super) failure: Option<Answer>,
    /// What came in its company.
    pub(super) returned: Option<ReturnedMessage>,
}

impl Confirmed {
    fn failed(answer: Answer) -> Self {
        Self { failure: Some(answer), returned: None }
    }
}

/// Publishes one message and waits for its confirm.
pub(super) async fn publish(
    channel: Channel,
    exchange: ShortString,
    routing_key: ShortString,
    properties: BasicProperties,
    body: Bytes,
) -> Confirmed {
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
