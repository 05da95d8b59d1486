//! TLS for the tools that talk to a network: the flags, the files that they name, and what to do
//! about a handshake that fails.
//!
//! It is apart from ce-cli, so that tools without a network are built without rustls. There is one
//! crypto provider, ring, and no way to leave the verification of a peer out.

#[cfg(feature = "amqp")]
pub mod amqp;
mod args;
mod client;
mod explain;

pub use args::TlsArgs;
pub use client::TlsClient;
pub use explain::{explain, remedy};
