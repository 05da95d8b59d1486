//! The only way to stdout: buffered, and with errors that tell a reader who left from a full disk.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;

const BUFFER: usize = 64 * 1024;

/// Why stdout took no more.
#[derive(Debug, thiserror::Error)]
pub enum StdoutError {
    /// The reader has left, as `head` does; not a failure.
    #[error("stdout was closed by its reader")]
    Closed,
    /// The disk is full, or the like.
    #[error("cannot write to stdout")]
    Io(#[source] io::Error),
}

/// Buffered stdout. What is not flushed is lost, so [`run`](crate::run) flushes after the tool.
pub struct DataOut {
    to: Box<dyn Write + Send>,
    buffer: Vec<u8>,
}

impl std::fmt::Debug for DataOut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataOut").field("buffered", &self.buffer.len()).finish_non_exhaustive()
    }
}

impl DataOut {
    /// The stdout of this process, without the line buffer of the standard library.
    pub fn stdout() -> Self {
        Self::to(Box::new(RawStdout))
    }

    /// Any other sink, for tests.
    pub fn to(to: Box<dyn Write + Send>) -> Self {
        Self { to, buffer: Vec::with_capacity(2 * BUFFER) }
    }

    /// Writes all of `data`, sooner or later.
    pub fn write(&mut self, data: &[u8]) -> Result<(), StdoutError> {
        self.buffer.extend_from_slice(data);
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Lends the buffer, to append to; [`DataOut::settle`] afterwards.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Writes the buffer out if it has become large.
    pub fn settle(&mut self) -> Result<(), StdoutError> {
        if self.buffer.len() >= BUFFER { self.flush() } else { Ok(()) }
    }

    /// Writes out everything that is buffered.
    pub fn flush(&mut self) -> Result<(), StdoutError> {
        let result = self.to.write_all(&self.buffer).and_then(|()| self.to.flush());
        self.buffer.clear();
        result.map_err(|err| match err.kind() {
            io::ErrorKind::BrokenPipe => StdoutError::Closed,
            _ => StdoutError::Io(err),
        })
    }
}

/// Whether another program reads stdout.
pub fn stdout_is_pipe() -> bool {
    let stdout = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    stdout.and_then(|stdout| stdout.metadata()).is_ok_and(|meta| meta.file_type().is_fifo())
}

/// `std::io::Stdout` looks for line ends in everything that passes; this does not.
struct RawStdout;

impl Write for RawStdout {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        rustix::io::write(rustix::stdio::stdout(), data).map_err(io::Error::from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
