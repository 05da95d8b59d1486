//! The verdict for people: the answer in the first line, then a table that fits 80 columns.

use std::fmt::Write as _;

use crate::evaluate::{Judged, Verdict};
use crate::report::Report;
use slo::figure;

const COLUMNS: usize = 80;
/// Between two columns.
const GAP: usize = 2;
/// What the name of an objective gets at least; longer ones have a line of their own.
const NAME_MIN: usize = 20;

/// One line of the table; the first cell and the second are aligned to the left.
type Cells = [String; 6];

pub(crate) fn text(report: &Report) -> String {
    let conclusion = &report.conclusion;
    let mut out = String::new();
    line(
        &mut out,
        &format!("{}  {}: {}", word(conclusion.verdict), report.run, conclusion.headline),
    );
    line(&mut out, &report.state);
    if conclusion.verdict == Verdict::Invalid {
        for reason in &conclusion.reasons {
            item(&mut out, reason);
        }
    }
    line(&mut out, "");
    table(&mut out, &report.objectives);
    let notes = report.objectives.iter().filter_map(|judged| {
        judged.note.as_ref().map(|note| format!("{}: {note}", judged.objective.name))
    });
    let notes: Vec<_> = notes.chain(report.notes.iter().cloned()).collect();
    if !notes.is_empty() {
        line(&mut out, "");
        line(&mut out, "notes");
        for note in &notes {
            item(&mut out, note);
        }
    }
    out
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "PASS",
        Verdict::Warn => "WARN",
        Verdict::Fail => "FAIL",
        Verdict::NoData => "NO DATA",
        Verdict::Skip => "SKIP",
        Verdict::Invalid => "INVALID",
    }
}

fn table(out: &mut String, objectives: &[Judged]) {
    let head = ["verdict", "objective", "measured", "target", "critical", "n"].map(String::from);
    let rows: Vec<Cells> = std::iter::once(head).chain(objectives.iter().map(cells)).collect();
    let mut widths =
        std::array::from_fn(|i| rows.iter().map(|row| width(&row[i])).max().unwrap_or(0));
    let others: usize = widths.iter().sum::<usize>() - widths[1] + GAP * (widths.len() - 1);
    widths[1] = widths[1].min(COLUMNS.saturating_sub(others).max(NAME_MIN));
    for row in &rows {
        table_row(out, row, &widths);
    }
}

fn cells(judged: &Judged) -> Cells {
    let objective = &judged.objective;
    let none = || String::from("-");
    [
        word(judged.verdict).into(),
        objective.name.clone(),
        judged.figure.map_or_else(none, |found| figure::measured(objective, found.value)),
        figure::limit(objective, objective.target),
        objective.critical.map_or_else(none, |critical| figure::limit(objective, critical)),
        judged.figure.map_or_else(none, |found| found.count.to_string()),
    ]
}

fn table_row(out: &mut String, [verdict, name, figures @ ..]: &Cells, widths: &[usize; 6]) {
    let mut row = format!("{}{name}", padded(verdict, widths[0] + GAP));
    if width(name) > widths[1] {
        line(out, &row);
        row.clear();
    }
    row = padded(&row, widths[0] + GAP + widths[1]);
    for (figure, column) in figures.iter().zip(&widths[2..]) {
        row.extend(std::iter::repeat_n(' ', GAP + column - width(figure)));
        row.push_str(figure);
    }
    line(out, &row);
}

/// `µ` is two bytes and one column, so lengths are counted in characters.
fn width(text: &str) -> usize {
    text.chars().count()
}

fn padded(text: &str, columns: usize) -> String {
    format!("{text:columns$}")
}

/// A sentence of a list, broken between words.
fn item(out: &mut String, sentence: &str) {
    let mut row = String::from("  -");
    for word in sentence.split_whitespace() {
        if width(&row) + 1 + width(word) > COLUMNS && width(&row) > 3 {
            line(out, &row);
            row = String::from("   ");
        }
        write!(row, " {word}").expect("a String takes any text");
    }
    line(out, &row);
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}
