//! Renders the report and the charts of a run.

fn main() -> std::process::ExitCode {
    ce_cli::run(report_plot::run)
}
