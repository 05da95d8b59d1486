//! Publishes CloudEvents at controlled rates.

fn main() -> std::process::ExitCode {
    ce_cli::run(|cli, out| ce_blast::run(&cli, out))
}
