//! The receiving end of a load test: one receipt per CloudEvent, over HTTP or from a queue.
//!
//! ```text
//! http, amqp ──Receipt──▶ Intake ──queue, bounded in bytes──▶ writer ──▶ stdout
//!      ▲                    │ counts, and asks for the end           │
//!      └──────── Stop ──────┴────────────────────────────────────────┘
//! ```
//!
//! Over HTTP an event is acknowledged when its receipt is in the queue; to a broker, when its receipt
//! has been written out. A full queue makes senders wait; it never drops.

mod amqp;
mod cli;
mod complaint;
mod gauges;
mod http;
mod intake;
mod session;
mod stop;
mod writer;

pub use cli::{Cli, Command};

/// Receives events until the end is asked for.
pub fn run(cli: Cli, out: &mut ce_cli::DataOut) -> anyhow::Result<ce_cli::Exit> {
    match cli.command {
        Command::Http(args) => http::run(&args, out),
        Command::Amqp(args) => {
            ce_cli::refuse_passwords(&ce_cli::AMQP_LOGIN.remedy())?;
            amqp::run(&args, out)
        }
    }
}
