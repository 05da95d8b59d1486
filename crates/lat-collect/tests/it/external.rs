//! Programs of others that the live view is tried with.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Where a program is. `make test` installs it; where it is missing all the same, its test is
/// skipped loudly, and in CI it fails.
pub(crate) fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.exists());
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
