//! A line of the view for terminals, in colours and no longer than the terminal is wide.

use std::fmt::Write as _;

/// Room for the name of a row.
pub(super) const NAME: usize = 10;
/// Room for a figure.
pub(super) const CELL: usize = 10;

/// How to draw.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    pub(crate) width: usize,
    pub(crate) colour: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Dim,
    Bold,
    Good,
    Warn,
    Bad,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Dim => "2",
            Self::Bold => "1",
            Self::Good => "32",
            Self::Warn => "33",
            Self::Bad => "1;31",
        }
    }
}

/// A line of coloured pieces that is cut at the width.
pub(super) struct Line {
    style: Style,
    text: String,
    used: usize,
}

impl Line {
    pub(super) fn new(style: Style) -> Self {
        Self { style, text: String::new(), used: 0 }
    }

    pub(super) fn named(style: Style, name: &str) -> Self {
        Self::new(style).add(Tone::Dim, &format!(" {name:<width$}", width = NAME - 1))
    }

    pub(super) fn add(mut self, tone: Tone, text: &str) -> Self {
        let room = self.style.width - self.used;
        // What came over the wire must not move the cursor.
        let shown: String =
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(room).collect();
        self.used += shown.chars().count();
        if self.style.colour && tone != Tone::Plain && !shown.is_empty() {
            let _ = write!(self.text, "\x1b[{}m{shown}\x1b[0m", tone.code());
        } else {
            self.text.push_str(&shown);
        }
        self
    }

    pub(super) fn cells(self, cells: impl IntoIterator<Item = String>) -> Self {
        cells.into_iter().fold(self, |line, cell| line.cell(Tone::Plain, &cell))
    }

    /// A figure, right-aligned; one that has no room whole is left out.
    pub(super) fn cell(self, tone: Tone, text: &str) -> Self {
        if self.style.width - self.used < CELL {
            return self;
        }
        self.add(tone, &format!("{text:>CELL$}"))
    }

    pub(super) fn done(self) -> String {
        self.text.trim_end().to_owned()
    }
}
