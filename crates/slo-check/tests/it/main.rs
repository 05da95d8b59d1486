//! Runs the real `slo-check` on run directories: what a shell user would see is what is asserted.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has to fail")]

mod edges;
mod figures;
mod fixture;
mod output;
mod verdicts;
