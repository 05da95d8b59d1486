//! Runs the real `report-plot`: what a shell user would see is what is asserted.

#![expect(
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the runs are small, and a helper of a test fails as the test would"
)]

mod charts;
mod edge;
mod fixture;
mod report;
mod runs;

use ce_testkit::Tool;

fn report_plot() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_report-plot"))
}
