//! Where the live view is drawn. The frame is redrawn in place, without the alternate screen and
//! without hiding the cursor: so there is nothing to put back however the process ends, the last
//! frame stays to be read, and what other programs of the pipe say is not lost.

use std::io::Write;

use ce_cli::{Progress, stderr_is_terminal, stderr_size};

use super::snapshot::Snapshot;
use super::terminal::{Style, plain, render};
use crate::TOOL;

/// The live view on stderr.
#[derive(Debug)]
pub(crate) enum Screen {
    Terminal {
        colour: bool,
        /// Rows of the frame that is on the screen, and its width.
        drawn: (usize, usize),
    },
    /// No terminal: one line every ten seconds.
    Log(Progress),
}

impl Screen {
    pub(crate) fn new() -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        if !stderr_is_terminal() || dumb {
            return Self::Log(Progress::new(TOOL));
        }
        Self::Terminal { colour: !set("NO_COLOR"), drawn: (0, 0) }
    }

    /// Shows the run as it is now.
    pub(crate) fn show(&mut self, snapshot: &Snapshot) {
        match self {
            Self::Terminal { colour, drawn } => {
                let (width, rows) = stderr_size().unwrap_or((80, 24));
                let style = Style { width: width.saturating_sub(1).max(1), colour: *colour };
                let mut lines = render(snapshot, style);
                // One row is left for the cursor, so that nothing scrolls.
                lines.truncate(rows.saturating_sub(1).max(1));
                let frame = frame(&lines, *drawn, width);
                *drawn = (lines.len(), width);
                let mut stderr = std::io::stderr().lock();
                // A closed stderr must not stop a measurement.
                let _ = stderr.write_all(frame.as_bytes()).and_then(|()| stderr.flush());
            }
            Self::Log(progress) if progress.is_due() => progress.show(&plain(snapshot)),
            Self::Log(_) => {}
        }
    }
}

/// Goes back to the first row of the last frame and writes over it. In a terminal that became
/// narrower, the rows of that frame may have been wrapped: then the new one goes below it.
fn frame(lines: &[String], (rows, width): (usize, usize), width_now: usize) -> String {
    let mut frame = String::new();
    if rows > 0 && width_now >= width {
        frame = format!("\r\x1b[{rows}A");
    }
    for line in lines {
        frame.push_str(line);
        frame.push_str("\x1b[K\r\n");
    }
    if rows > lines.len() {
        frame.push_str("\x1b[J");
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::frame;

    #[test]
    fn a_frame_is_written_over_the_one_before() {
        let lines = ["a".to_owned(), "b".to_owned()];
        assert_eq!(frame(&lines, (0, 0), 80), "a\x1b[K\r\nb\x1b[K\r\n");
        assert_eq!(frame(&lines, (2, 80), 80), "\r\x1b[2Aa\x1b[K\r\nb\x1b[K\r\n");
        assert!(frame(&lines, (3, 80), 80).ends_with("\x1b[J"));
        assert!(frame(&lines, (3, 80), 40).starts_with("a\x1b[K"));
    }
}
