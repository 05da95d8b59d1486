//! The only way to stderr: for people, and never a reason to fail.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

/// Says one thing in one line: `tool: text`. Line breaks in `text` are kept for hints and tables.
pub fn say(tool: &str, text: &str) {
    // A closed stderr must not stop a measurement.
    let _ = writeln!(std::io::stderr(), "{tool}: {text}");
}

/// Whether a person is looking.
pub fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// Columns and rows of the terminal on stderr; `None` when it is none.
pub fn stderr_size() -> Option<(usize, usize)> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stderr()).ok()?;
    (size.ws_col > 0 && size.ws_row > 0).then(|| (size.ws_col.into(), size.ws_row.into()))
}

/// A line that tells how far the work is: redrawn in place on a terminal, else a plain line every
/// ten seconds, so that a log stays short and a job that looks for signs of life sees them.
#[derive(Debug)]
pub struct Progress {
    tool: &'static str,
    terminal: bool,
    next: Instant,
    width: usize,
}

impl Progress {
    /// Quiet until the first interval has passed.
    pub fn new(tool: &'static str) -> Self {
        let terminal = stderr_is_terminal();
        Self { tool, terminal, next: Instant::now() + Self::interval(terminal), width: 0 }
    }

    /// Whether it is time for a new line. Cheap enough to ask often.
    pub fn is_due(&self) -> bool {
        Instant::now() >= self.next
    }

    /// Shows the line now.
    pub fn show(&mut self, text: &str) {
        self.next = Instant::now() + Self::interval(self.terminal);
        if !self.terminal {
            return say(self.tool, text);
        }
        let line = format!("{}: {text}", self.tool);
        let columns = stderr_size().map_or(80, |(columns, _)| columns.max(20));
        let line: String = line.chars().take(columns - 1).collect();
        let blank = self.width.saturating_sub(line.chars().count());
        self.width = line.chars().count();
        let _ = write!(std::io::stderr(), "\r{line}{:blank$}", "");
    }

    /// Takes the line away, so that what follows starts in an empty one.
    pub fn clear(&mut self) {
        if self.terminal && self.width > 0 {
            let _ = write!(std::io::stderr(), "\r{:width$}\r", "", width = self.width);
            self.width = 0;
        }
    }

    fn interval(terminal: bool) -> Duration {
        if terminal { Duration::from_millis(500) } else { Duration::from_secs(10) }
    }
}
