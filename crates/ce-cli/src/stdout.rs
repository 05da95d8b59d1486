//! The only way to stdout: buffered, and with errors that tell a reader who left from a full disk.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;

/// From this length on the buffer is written out. A line of the usual length still fits before the
/// 64 KiB that an ordinary pipe takes at once, so that a write does not wait for its last few bytes.
const CHUNK: usize = 60 * 1024;

/// What Linux allows every user, unless it was configured otherwise.
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 1 << 20;

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
    /// The stdout of this process, without the line buffer of the standard library. If it is a pipe
    /// it is widened, for at full speed the pipe is the limit.
    pub fn stdout() -> Self {
        widen_pipe();
        Self::to(Box::new(RawStdout))
    }

    /// Any other sink, for tests.
    pub fn to(to: Box<dyn Write + Send>) -> Self {
        Self { to, buffer: Vec::with_capacity(2 * CHUNK) }
    }

    /// Writes all of `data`, sooner or later.
    pub fn write(&mut self, data: &[u8]) -> Result<(), StdoutError> {
        self.buffer.extend_from_slice(data);
        if self.buffer.len() >= CHUNK { self.flush() } else { Ok(()) }
    }

    /// Lends the buffer, to append to; [`DataOut::settle`] afterwards.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Writes the buffer out if it has become large.
    pub fn settle(&mut self) -> Result<(), StdoutError> {
        if self.buffer.len() >= CHUNK { self.flush() } else { Ok(()) }
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

/// A pipe of 64 KiB, the usual, is full after a single write, and every write then waits for the
/// reader to be scheduled. With 1 MiB both keep going. A system that refuses only makes us slower.
#[cfg(target_os = "linux")]
fn widen_pipe() {
    let _ = rustix::pipe::fcntl_setpipe_size(rustix::stdio::stdout(), PIPE_BYTES);
}

/// Other systems size their pipes themselves.
#[cfg(not(target_os = "linux"))]
fn widen_pipe() {}

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

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Reports the length of each write.
    struct Lengths(mpsc::Sender<usize>);

    impl Write for Lengths {
        fn write(&mut self, data: &[u8]) -> io::Result<usize> {
            self.0.send(data.len()).map_err(io::Error::other)?;
            Ok(data.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_write_holds_whole_lines_and_fits_an_ordinary_pipe() {
        let (sender, lengths) = mpsc::channel();
        let mut out = DataOut::to(Box::new(Lengths(sender)));
        let line = [b'x'; 999];
        for _ in 0..500 {
            out.write(&line).unwrap();
            out.buffer().extend_from_slice(&line);
            out.settle().unwrap();
        }
        out.flush().unwrap();
        drop(out);
        let lengths: Vec<_> = lengths.into_iter().collect();
        assert_eq!(lengths.iter().sum::<usize>(), 999_000);
        assert!(lengths.iter().all(|length| length % 999 == 0 && *length <= 64 * 1024));
        assert_eq!(lengths.len(), 999_000_usize.div_ceil(62 * 999));
    }
}
