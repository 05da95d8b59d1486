//! Events that are settled: sent once, acknowledged, received once. What is left of one is its
//! fingerprint, in memory up to a limit and then in files that are spread as those of the spill are.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Write};
use std::path::PathBuf;

use super::Table;
use super::spill::{create, file_of, path};

/// The fingerprints of settled events.
#[derive(Debug)]
pub(super) struct Done {
    folder: PathBuf,
    /// How many may be in memory.
    limit: usize,
    recent: Vec<u128>,
    files: Vec<BufWriter<File>>,
}

impl Done {
    /// The folder is made when it is needed.
    pub(super) fn new(folder: PathBuf, limit: usize) -> Self {
        Self { folder, limit, recent: Vec::new(), files: Vec::new() }
    }

    pub(super) fn push(&mut self, key: u128) -> io::Result<()> {
        self.recent.push(key);
        if self.recent.len() >= self.limit { self.write() } else { Ok(()) }
    }

    pub(super) fn is_in_memory(&self) -> bool {
        self.files.is_empty()
    }

    fn write(&mut self) -> io::Result<()> {
        if self.files.is_empty() {
            self.files = create(&self.folder)?;
        }
        for key in self.recent.drain(..) {
            self.files[file_of(key)].write_all(&key.to_le_bytes())?;
        }
        Ok(())
    }

    /// Everything goes to the files, to be read one after the other.
    pub(super) fn close(&mut self) -> io::Result<()> {
        self.write()?;
        self.files.iter_mut().try_for_each(Write::flush)
    }

    /// Puts the settled events of one file to what else is known of them; returns how many there is
    /// nothing else to know of.
    pub(super) fn rejoin_file(&self, number: usize, events: &mut Table) -> io::Result<u64> {
        let mut file = BufReader::new(File::open(path(&self.folder, number))?);
        let mut keys = std::iter::from_fn(|| {
            let mut key = [0; 16];
            match file.read_exact(&mut key) {
                Err(err) if err.kind() == ErrorKind::UnexpectedEof => None,
                result => Some(result.map(|()| u128::from_le_bytes(key))),
            }
        });
        rejoin(&mut keys, events)
    }

    /// The same for those in memory.
    pub(super) fn rejoin(self, events: &mut Table) -> io::Result<u64> {
        rejoin(&mut self.recent.into_iter().map(Ok), events)
    }
}

fn rejoin(
    keys: &mut impl Iterator<Item = io::Result<u128>>,
    events: &mut Table,
) -> io::Result<u64> {
    let mut alone = 0;
    for key in keys {
        match events.get_mut(&key?) {
            Some(event) => event.rejoin_plain_pair(),
            None => alone += 1,
        }
    }
    Ok(alone)
}
