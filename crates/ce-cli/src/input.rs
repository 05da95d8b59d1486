//! Opens what a tool reads: a file, a FIFO, or stdin.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use anyhow::{Context, bail};

/// What a person has written, such as a plan, is not larger.
const TEXT_LIMIT_BYTES: u64 = 1 << 20;

/// Whether stdin is a person at a keyboard and not data.
pub fn stdin_is_terminal() -> bool {
    io::stdin().is_terminal()
}

/// An opened input and what errors call it.
pub struct Input {
    /// The bytes.
    pub bytes: Box<dyn Read + Send>,
    /// The path, or `stdin`.
    pub name: String,
}

impl std::fmt::Debug for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Input").field("name", &self.name).finish_non_exhaustive()
    }
}

/// Opens `path`; `-` is stdin. A terminal is refused: the tool would wait in silence. Opening a
/// FIFO waits for its writer.
pub fn open_input(path: &Path) -> anyhow::Result<Input> {
    if path.as_os_str() == "-" {
        if stdin_is_terminal() {
            bail!("stdin is a terminal: pipe data in, or name a file (see --help)");
        }
        return Ok(Input { bytes: Box::new(io::stdin()), name: "stdin".into() });
    }
    let name = path.display().to_string();
    let file = File::open(path).with_context(|| format!("{name}: cannot open"))?;
    if file.metadata().is_ok_and(|meta| meta.is_dir()) {
        bail!("{name}: is a directory, and a file is wanted");
    }
    Ok(Input { bytes: Box::new(file), name })
}

/// What errors call a file that a person has written, and its text; `-` is stdin. One above 1 MiB is
/// refused with the question whether it is `what`, e.g., `a plan`.
pub fn read_text(path: &Path, what: &str) -> anyhow::Result<(String, String)> {
    let Input { bytes, name } = open_input(path)?;
    let mut text = String::new();
    let read = bytes.take(TEXT_LIMIT_BYTES + 1).read_to_string(&mut text);
    if read.with_context(|| format!("{name}: cannot read"))? as u64 > TEXT_LIMIT_BYTES {
        bail!("{name}: larger than 1 MiB; is it {what}?");
    }
    Ok((name, text))
}
