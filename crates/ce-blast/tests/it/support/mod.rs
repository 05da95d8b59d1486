//! What several tests need: servers that behave as told, a broker's topology and a proxy before it,
//! a run that publishes through it, a stream of records, a plan
//! that holds connections.

pub(crate) mod amqp_server;
pub(crate) mod authority;
pub(crate) mod http2;
pub(crate) mod lab;
pub(crate) mod proxy;
pub(crate) mod rig;
pub(crate) mod server;
pub(crate) mod stream;
pub(crate) mod tls_server;
pub(crate) mod topology;

pub(crate) use rig::Rig;
pub(crate) use server::{Act, Server};
pub(crate) use stream::Stream;
