//! What a chart shows, as plain data: the charts are built without a drawing library and tested
//! without a picture, and one painter draws them all.

use crate::theme::{Colour, SCALE};

/// A point in the units of the axes.
pub type Point = (f64, f64);

/// One chart.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Name of its file and its anchor.
    pub id: &'static str,
    /// What can be seen, in one line.
    pub title: String,
    /// What is drawn and how, for those who cannot see it.
    pub description: String,
    /// Height of the plot without title and legend, in pixels.
    pub height: u32,
    /// From left to right.
    pub x: Axis,
    /// From bottom to top.
    pub y: Axis,
    /// From back to front.
    pub layers: Vec<Layer>,
}

/// An axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it measures, with the unit.
    pub name: String,
    /// Where it starts.
    pub from: f64,
    /// Where it ends.
    pub to: f64,
    /// Positions and what is written there.
    pub ticks: Vec<(f64, String)>,
}

/// Something drawn in one colour.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// What the legend calls it; empty for what needs no entry.
    pub label: String,
    /// Its colour.
    pub colour: Colour,
    /// From 0, which cannot be seen, to 1.
    pub opacity: f64,
    /// Its form.
    pub shape: Shape,
}

/// The form of a layer.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Lines; a new run begins after each gap.
    Lines {
        /// Points that are connected.
        runs: Vec<Vec<Point>>,
        /// Pixels.
        width: u32,
    },
    /// The same with dashes.
    Dashes(Vec<Vec<Point>>),
    /// A dot for each point.
    Dots(Vec<Point>),
    /// Filled outlines.
    Areas(Vec<Vec<Point>>),
    /// Vertical lines with a label each.
    Rules(Vec<(f64, String)>),
}

impl Layer {
    /// Opaque lines.
    pub fn lines(label: &str, colour: Colour, runs: Vec<Vec<Point>>) -> Self {
        Self::wide_lines(label, colour, runs, 0)
    }

    /// The same, wider, so that lines in front of it do not hide it.
    pub fn wide_lines(label: &str, colour: Colour, runs: Vec<Vec<Point>>, wider: u32) -> Self {
        let shape = Shape::Lines { runs, width: 2 * SCALE - 1 + wider * SCALE };
        Self { label: label.into(), colour, opacity: 1.0, shape }
    }

    /// Opaque dashes.
    pub fn dashes(colour: Colour, runs: Vec<Vec<Point>>) -> Self {
        Self { label: String::new(), colour, opacity: 1.0, shape: Shape::Dashes(runs) }
    }

    /// Faint dots.
    pub fn dots(label: &str, colour: Colour, points: Vec<Point>) -> Self {
        Self { label: label.into(), colour, opacity: 0.55, shape: Shape::Dots(points) }
    }

    /// Filled outlines.
    pub fn areas(label: &str, colour: Colour, opacity: f64, outlines: Vec<Vec<Point>>) -> Self {
        Self { label: label.into(), colour, opacity, shape: Shape::Areas(outlines) }
    }
}

/// Values that belong to spans of the time axis, with `None` where there is none.
#[derive(Debug, Clone, Copy)]
pub struct Spans<'a> {
    /// Where each span starts.
    pub starts: &'a [f64],
    /// The length of each.
    pub width: f64,
}

impl Spans<'_> {
    /// A dot in the middle of each span.
    pub fn dots(self, values: &[Option<f64>]) -> Vec<Point> {
        let points = self.starts.iter().zip(values);
        points.filter_map(|(start, value)| Some((start + self.width / 2.0, (*value)?))).collect()
    }

    /// Lines through the middle of each span; across it where it stands alone.
    pub fn lines(self, values: &[Option<f64>]) -> Vec<Vec<Point>> {
        self.runs(values).into_iter().map(|run| self.middles(&run)).collect()
    }

    /// Lines that keep their value over each span.
    pub fn steps(self, values: &[Option<f64>]) -> Vec<Vec<Point>> {
        self.runs(values).into_iter().map(|run| self.stairs(&run)).collect()
    }

    /// Outlines of the space between two lines through the middles.
    pub fn between_lines(self, low: &[Option<f64>], high: &[Option<f64>]) -> Vec<Vec<Point>> {
        self.outlines(low, high, Self::middles)
    }

    /// Outlines of the space between two lines of steps.
    pub fn between_steps(self, low: &[Option<f64>], high: &[Option<f64>]) -> Vec<Vec<Point>> {
        self.outlines(low, high, Self::stairs)
    }

    fn middles(&self, run: &[Point]) -> Vec<Point> {
        match run {
            [(start, value)] => vec![(*start, *value), (start + self.width, *value)],
            _ => run.iter().map(|&(start, value)| (start + self.width / 2.0, value)).collect(),
        }
    }

    fn stairs(&self, run: &[Point]) -> Vec<Point> {
        let mut points: Vec<Point> = Vec::with_capacity(2 * run.len());
        for &(start, value) in run {
            // A level that goes on is one line and not many.
            let level = |point: Option<&Point>| point.is_some_and(|&(_, last)| same(last, value));
            if level(points.last()) && points.len() >= 2 && level(points.get(points.len() - 2)) {
                points.pop();
            } else {
                points.push((start, value));
            }
            points.push((start + self.width, value));
        }
        points
    }

    fn outlines(
        self,
        low: &[Option<f64>],
        high: &[Option<f64>],
        path: impl Fn(&Self, &[Point]) -> Vec<Point>,
    ) -> Vec<Vec<Point>> {
        let open = |(low, high): (&Option<f64>, &Option<f64>)| {
            low.zip(*high).filter(|(low, high)| high > low)
        };
        let both: Vec<Option<(f64, f64)>> = low.iter().zip(high).map(open).collect();
        let lows = self.runs(&both.iter().map(|pair| pair.map(|(low, _)| low)).collect::<Vec<_>>());
        let highs =
            self.runs(&both.iter().map(|pair| pair.map(|(_, high)| high)).collect::<Vec<_>>());
        let outline = |(low, high): (Vec<Point>, Vec<Point>)| {
            let mut outline = path(&self, &high);
            outline.extend(path(&self, &low).into_iter().rev());
            outline
        };
        lows.into_iter().zip(highs).map(outline).collect()
    }

    /// Start and value of neighbouring spans, split where a value or a span is missing.
    fn runs(self, values: &[Option<f64>]) -> Vec<Vec<Point>> {
        let mut runs: Vec<Vec<Point>> = Vec::new();
        let mut next = f64::NEG_INFINITY;
        for (&start, value) in self.starts.iter().zip(values) {
            let Some(value) = value else {
                next = f64::NEG_INFINITY;
                continue;
            };
            if !same(start, next) {
                runs.push(Vec::new());
            }
            if let Some(run) = runs.last_mut() {
                run.push((start, *value));
            }
            next = start + self.width;
        }
        runs
    }
}

/// Spans start at whole seconds, and values are compared with themselves: there is no rounding.
fn same(a: f64, b: f64) -> bool {
    a.total_cmp(&b).is_eq()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPANS: Spans<'_> = Spans { starts: &[0.0, 1.0, 2.0, 5.0], width: 1.0 };

    #[test]
    fn a_line_is_broken_where_a_value_or_a_span_is_missing() {
        let lines = SPANS.lines(&[Some(7.0), Some(8.0), Some(9.0), Some(1.0)]);
        assert_eq!(lines, [vec![(0.5, 7.0), (1.5, 8.0), (2.5, 9.0)], vec![(5.0, 1.0), (6.0, 1.0)]]);
        let lines = SPANS.lines(&[Some(7.0), None, Some(9.0), None]);
        assert_eq!(lines, [vec![(0.0, 7.0), (1.0, 7.0)], vec![(2.0, 9.0), (3.0, 9.0)]]);
    }

    #[test]
    fn steps_keep_their_level_and_do_not_repeat_it() {
        let steps = SPANS.steps(&[Some(7.0), Some(7.0), Some(9.0), None]);
        assert_eq!(steps, [vec![(0.0, 7.0), (2.0, 7.0), (2.0, 9.0), (3.0, 9.0)]]);
    }

    #[test]
    fn an_area_is_only_where_there_is_something_between() {
        let low = [Some(1.0), Some(2.0), None, Some(0.0)];
        let high = [Some(3.0), Some(2.0), Some(9.0), Some(4.0)];
        let areas = SPANS.between_steps(&low, &high);
        assert_eq!(areas.len(), 2);
        assert_eq!(areas[0], [(0.0, 3.0), (1.0, 3.0), (1.0, 1.0), (0.0, 1.0)]);
    }
}
