//! ce-blast: takes events from a pipe and sends each when it is due.
//!
//! Threads, each with one duty, joined by queues of limited size:
//!
//! ```text
//! read events ─▶ senders, which keep the schedules of what they send ─▶ write records
//! ```
//!
//! In the order of reading: [`cli`] and `plan` say what is wanted; `read` supplies events; `scenario`
//! starts each scenario in a `lane` of its own; `open_loop` (or `closed_loop`) decides when, `jobs`
//! and `pace` wait for it; `senders`, `fleet` and `target` send (`routing` makes the keys of
//! messages); `record` counts and writes; `calibrate` and `judge` say what this machine can do and
//! whether the schedule was kept; `preview` shows a plan without carrying it out, and `topology` what
//! a broker does with its events.

mod absence;
mod broker_url;
mod calibrate;
pub mod cli;
mod closed_loop;
mod event;
mod fleet;
mod gate;
mod grace;
mod job;
mod jobs;
mod judge;
mod lane;
mod open_loop;
mod own_limit;
mod pace;
mod plan;
mod preview;
mod progress;
mod queue;
mod read;
mod record;
mod routing;
mod run;
mod scenario;
mod senders;
pub mod start_at;
mod tally;
mod target;
mod topology;

pub use run::run;
