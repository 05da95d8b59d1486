//! Observes the system under test.

fn main() -> std::process::ExitCode {
    ce_cli::run(sys_watch::run)
}
