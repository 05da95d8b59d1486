//! A table as the template takes it: every cell is text, and a class says how it is set.

/// Rows of equal length under a head.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// What the table holds, in one sentence.
    pub(super) caption: String,
    /// The names of the columns.
    pub(super) head: Vec<&'static str>,
    /// The rows.
    pub(super) rows: Vec<Vec<Cell>>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    /// How it is set.
    pub(super) class: &'static str,
    /// What it says; the template escapes it.
    pub(super) text: String,
}

impl Table {
    /// A table without rows yet.
    pub(super) fn new(caption: &str, head: &[&'static str]) -> Self {
        Self { caption: caption.into(), head: head.to_vec(), rows: Vec::new() }
    }

    /// The names of the columns, and whether they hold figures: a name is set as its values are.
    pub(super) fn columns(&self) -> Vec<(&'static str, bool)> {
        let first = self.rows.first().into_iter().flatten();
        let figures = first.map(|cell| cell.class.starts_with("figure"));
        self.head.iter().copied().zip(figures).collect()
    }
}

/// A cell of words.
pub(super) fn words(text: impl Into<String>) -> Cell {
    Cell { class: "", text: text.into() }
}

/// A cell of something typed or typable.
pub(super) fn code(text: impl Into<String>) -> Cell {
    Cell { class: "code", text: text.into() }
}

/// A cell with a number, set so that digits stand below digits.
pub(super) fn figure(text: impl Into<String>) -> Cell {
    Cell { class: "figure", text: text.into() }
}

/// The same, or a dash where there is no number.
pub(super) fn figure_or_dash(text: Option<String>) -> Cell {
    figure(text.unwrap_or_else(|| "–".into()))
}
