//! CloudEvents 1.0: the attributes, the JSON format, and the HTTP and AMQP bindings.
//!
//! Everything borrows from the bytes that came in, and payloads stay the bytes that they were: a
//! load test that changed what it forwards would measure something else. Reading is as strict as
//! the specification's MUSTs, so that "not a CloudEvent" means the same here as everywhere.
//!
//! | to | use |
//! |---|---|
//! | tell events apart, as cheaply as possible | [`Identity::from_json`] |
//! | look at one more attribute of it | [`attribute`] |
//! | look at one value in its data | [`Pointer`] |
//! | read and check a whole event | [`Event::from_json`], [`Event::batch_from_json`] |
//! | know how a message carries its event | [`Mode::of`] |
//! | read an event from the headers of a message | [`http::event`], [`amqp::event`] |
//! | write an event as headers and body | [`Binary`] with [`http::headers`] or [`amqp::Dialect::header`] |

mod attributes;
mod binary;
mod characters;
mod data;
mod error;
mod event;
mod identity;
mod json;
mod media_type;
mod pointer;
mod time;
mod uri;

pub mod amqp;
pub mod http;

pub use binary::Binary;
pub use data::Data;
pub use error::EventError;
pub use event::{Event, Value};
pub use identity::{Identity, attribute};
pub use media_type::Mode;
pub use pointer::{Pointer, PointerError};
