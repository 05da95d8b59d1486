//! Makes CloudEvents as NDJSON.

fn main() -> std::process::ExitCode {
    ce_cli::run(ce_gen::run)
}
