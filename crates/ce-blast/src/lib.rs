//! ce-blast: takes events from a pipe and sends each when it is due.
//!
//! Threads, each with one duty, joined by queues of limited size:
//!
//! ```text
//! read events ─▶ schedule (this thread) ─▶ senders ─▶ write records
//! ```
//!
//! In the order of reading: [`cli`] and `plan` say what is wanted; `read` supplies events; `pace`
//! and `open_loop` (or `closed_loop`) decide when; `target` sends; `record` counts and writes;
//! `judge` says whether the schedule was kept.

pub mod cli;
mod closed_loop;
mod event;
mod gate;
mod job;
mod judge;
mod open_loop;
mod pace;
mod plan;
mod progress;
mod read;
mod record;
mod run;
mod target;

pub use run::run;
