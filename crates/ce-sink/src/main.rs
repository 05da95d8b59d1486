//! Receives CloudEvents and writes one receipt per event.

fn main() -> std::process::ExitCode {
    ce_cli::run(ce_sink::run)
}
