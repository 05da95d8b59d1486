//! The run directory while it is being written: under a name of its own until it is whole.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;

/// A directory that takes its final name at the end.
#[derive(Debug)]
pub(crate) struct OutDir {
    partial: PathBuf,
    last: PathBuf,
}

impl OutDir {
    /// Makes `<dir>.partial`. What a killed run has left there is replaced.
    pub(crate) fn create(dir: &Path) -> anyhow::Result<Self> {
        if dir.symlink_metadata().is_ok() {
            bail!("{}: exists already: name another directory, or remove it", dir.display());
        }
        let Some(name) = dir.file_name() else {
            bail!("{}: is no name for a new directory", dir.display());
        };
        let mut partial = name.to_owned();
        partial.push(".partial");
        let partial = dir.with_file_name(partial);
        if partial.exists() {
            fs::remove_dir_all(&partial)
                .with_context(|| format!("{}: cannot remove", partial.display()))?;
        }
        fs::create_dir_all(&partial)
            .with_context(|| format!("{}: cannot create", partial.display()))?;
        Ok(Self { partial, last: dir.to_owned() })
    }

    /// A new file of the directory.
    pub(crate) fn file(&self, name: &str) -> anyhow::Result<BufWriter<File>> {
        let path = self.partial.join(name);
        let file = File::create(&path).with_context(|| cannot_write(&path))?;
        Ok(BufWriter::new(file))
    }

    /// Where something of that name is, for now.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.partial.join(name)
    }

    /// What an error about one of its files says.
    pub(crate) fn cannot_write(&self, name: &str) -> String {
        cannot_write(&self.partial.join(name))
    }

    /// Writes a whole JSON file.
    pub(crate) fn json(&self, name: &str, value: &impl Serialize) -> anyhow::Result<()> {
        let mut file = self.file(name)?;
        serde_json::to_writer_pretty(&mut file, value)
            .map_err(std::io::Error::from)
            .and_then(|()| file.write_all(b"\n"))
            .and_then(|()| file.flush())
            .with_context(|| self.cannot_write(name))
    }

    /// Removes what was written so far.
    pub(crate) fn discard(self) -> anyhow::Result<()> {
        fs::remove_dir_all(&self.partial)
            .with_context(|| format!("{}: cannot remove", self.partial.display()))
    }

    /// The name that it will have.
    pub(crate) fn name(&self) -> String {
        self.last.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Gives the directory its name.
    pub(crate) fn finish(self) -> anyhow::Result<PathBuf> {
        fs::rename(&self.partial, &self.last).with_context(|| {
            format!("{}: cannot rename to {}", self.partial.display(), self.last.display())
        })?;
        Ok(self.last)
    }
}

fn cannot_write(path: &Path) -> String {
    format!("{}: cannot write", path.display())
}
