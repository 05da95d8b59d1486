//! Programs of others that ours is tried with.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Where a program is. `make test` installs it; where it is missing all the same, its test is
/// skipped loudly, and in CI it fails.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.exists());
    or_skip(name, found)
}

/// A Python that has the package `hdrhistogram`.
pub(crate) fn python() -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/python/bin/python");
    or_skip("a Python with hdrhistogram (scripts/live-tools.sh)", path.exists().then_some(path))
}

fn or_skip(name: &str, found: Option<PathBuf>) -> Option<PathBuf> {
    if found.is_none() {
        assert!(
            std::env::var_os("CI").is_none(),
            "{name} is missing, and CI must not skip its test"
        );
        // Past the capture of the test, so that it is seen.
        let _ = writeln!(std::io::stderr(), "{name} is missing: a test is SKIPPED");
    }
    found
}

/// A file of examples/observability.
pub(crate) fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/observability").join(name)
}
