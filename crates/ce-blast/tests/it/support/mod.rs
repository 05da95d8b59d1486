//! What several tests need: a server that behaves as told, a broker's topology and
//! a proxy before it, a stream of records.

pub(crate) mod proxy;
pub(crate) mod server;
pub(crate) mod stream;
pub(crate) mod topology;

pub(crate) use server::{Act, Server};
pub(crate) use stream::Stream;
