//! Says whether a run met its objectives.

fn main() -> std::process::ExitCode {
    ce_cli::run(slo_check::run)
}
