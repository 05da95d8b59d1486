//! From the command line to an exit code.

use std::process::ExitCode;

use crate::{DataOut, StdoutError, say};

/// The exit codes, the same in every tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done; the answer is yes.
    Yes = 0,
    /// Done, and the answer is no: an objective breached, an invalid event.
    No = 1,
    /// Could not do it: usage, configuration, I/O, a guard rail.
    CouldNot = 2,
    /// No verdict is possible: no data, a stream cut short, a generator that was the limit.
    NoVerdict = 3,
}

/// Parses the arguments, runs `body`, flushes stdout, and reports a failure in one line.
pub fn run<A: clap::Parser>(
    body: impl FnOnce(A, &mut DataOut) -> anyhow::Result<Exit>,
) -> ExitCode {
    let mut out = DataOut::stdout();
    let result = body(A::parse(), &mut out).and_then(|exit| Ok(out.flush().map(|()| exit)?));
    let exit = match result {
        Ok(exit) => exit,
        Err(err) if reader_left(&err) => Exit::Yes,
        Err(err) => {
            say(A::command().get_name(), &one_line(&err));
            Exit::CouldNot
        }
    };
    ExitCode::from(exit as u8)
}

/// A closed stdout is how `| head` says "enough". A closed *socket* is trouble, although the
/// operating system reports both as `BrokenPipe`; hence our own error type for stdout.
fn reader_left(err: &anyhow::Error) -> bool {
    err.chain().any(|cause| matches!(cause.downcast_ref(), Some(StdoutError::Closed)))
}

/// The chain of causes in one line. A cause that its parent already quotes is not said twice.
fn one_line(err: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in err.chain().map(ToString::to_string) {
        if text.is_empty() {
            text = cause;
        } else if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn causes_are_joined_and_not_repeated() {
        let err = anyhow!("permission denied").context("out.csv: cannot write").context("collect");
        assert_eq!(one_line(&err), "collect: out.csv: cannot write: permission denied");
        let quoted = anyhow!("no such host").context("cannot connect: no such host");
        assert_eq!(one_line(&quoted), "cannot connect: no such host");
    }

    #[test]
    fn a_reader_that_left_is_told_from_a_peer_that_left() {
        let stdout = anyhow::Error::from(StdoutError::Closed).context("writing records");
        assert!(reader_left(&stdout));
        let socket = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        assert!(!reader_left(&anyhow::Error::from(socket)));
    }
}
