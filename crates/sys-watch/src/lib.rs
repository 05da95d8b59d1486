//! Observes the system under test: what the load does to processes, to their host, to `RabbitMQ`.
//!
//! ```text
//! /proc ──▶ processes, host ── at each tick ──┐
//!                                             ├─▶ session ──Gauge, Mark──▶ stdout
//! management API ──▶ broker, a thread of its own ──┘
//! ```
//!
//! A broker under load answers late, and that must not delay the looks at `/proc`; hence the thread.
//! Parsers and the comparison of a look with the one before are pure: text and numbers in, records
//! out. Looks have absolute due times, so that an hour holds 3600 of them.

mod cli;
mod host;
mod journal;
mod plan;
mod proc;
mod rabbitmq;
mod record;
mod session;

pub use cli::Cli;

/// The name on stderr and in the start record.
const TOOL: &str = "sys-watch";

/// Watches until the time is over, nothing is left to watch, or somebody asks for the end.
pub fn run(cli: Cli, out: &mut ce_cli::DataOut) -> anyhow::Result<ce_cli::Exit> {
    ce_cli::refuse_passwords(&plan::LOGIN.remedy())?;
    session::watch(&plan::Plan::new(cli)?, out)
}
