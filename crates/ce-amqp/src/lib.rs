//! AMQP 0.9.1 on the wire, as far as it takes to open a connection, to hold it, and to publish over
//! it with confirms. Pure: bytes in, words out, and the other way round.
//!
//! A client library hides what a measurement must know: which confirm is about which message, and
//! what a returned message came before. It also costs more than the message itself, in threads and
//! buffers for each connection, and in hand-overs for each publish.

mod fields;
mod frame;
mod hear;
mod publish;
mod say;

pub use fields::ShortText;
pub use frame::{FrameError, HEAD, PROTOCOL};
pub use hear::{Said, parse};
pub use publish::{HeaderTooLong, Properties, publish};
pub use say::{
    ExchangeName, close, close_ok, confirm_select, heartbeat, look_for_exchange, open,
    open_channel, start_ok, tune_ok,
};
