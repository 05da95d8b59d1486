//! A wider pipe to the next tool.
//!
//! At full speed the pipe is the limit. One of 64 KiB, the usual, is full after a single write, and
//! every write then waits for the reader to be scheduled; with 1 MiB both keep going, and the system
//! spends two thirds of the time on the same data.

/// What Linux allows every user, unless it was configured otherwise.
#[cfg(target_os = "linux")]
const PIPE_BYTES: usize = 1 << 20;

/// Widens stdout if that is a pipe. A system that refuses only makes us slower.
#[cfg(target_os = "linux")]
pub(crate) fn widen_stdout() {
    let _ = rustix::pipe::fcntl_setpipe_size(rustix::stdio::stdout(), PIPE_BYTES);
}

/// Other systems size their pipes themselves.
#[cfg(not(target_os = "linux"))]
pub(crate) fn widen_stdout() {}
