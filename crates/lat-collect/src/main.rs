//! Records results: streams in, run directory out.

fn main() -> std::process::ExitCode {
    ce_cli::run(|cli, out| lat_collect::run(&cli, out))
}
