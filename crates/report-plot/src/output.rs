//! Writes files so that nobody ever sees half of one.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

/// Lets `write` make a file beside `path`, and gives it its name when it is whole.
pub fn replace(path: &Path, write: impl FnOnce(&Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let place = path.display();
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => bail!("{place}: is not a file name"),
    };
    if !folder.is_dir() {
        bail!("{place}: there is no directory `{}`; make it first", folder.display());
    }
    let temporary = temporary_name(path)?;
    let written = write(&temporary).and_then(|()| {
        std::fs::rename(&temporary, path).with_context(|| format!("{place}: cannot write"))
    });
    if written.is_err() {
        // The reason for the failure is worth more than that of the tidying up.
        let _ = std::fs::remove_file(&temporary);
    }
    written
}

/// Hidden, of this process alone, and with the same ending, by which formats are told.
fn temporary_name(path: &Path) -> anyhow::Result<PathBuf> {
    let Some(name) = path.file_name() else {
        bail!("{}: is not a file name", path.display());
    };
    let name = format!(".{}.{}", std::process::id(), name.to_string_lossy());
    Ok(path.with_file_name(name))
}
