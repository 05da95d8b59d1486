//! Runs the real binaries, as a shell user would, with a deadline on every wait.
//!
//! Development only: no tool depends on this crate.

mod broker;
mod made_records;
mod node;
mod running;
mod tool;

pub use broker::{Broker, BrokerTls, broker, broker_tls, unique_name};
pub use made_records::MadeRecords;
pub use node::Node;
pub use running::Running;
pub use tool::{Run, Tool, binary, wait_until};
