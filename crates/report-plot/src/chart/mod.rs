//! The charts of a run, as panels. All that have a time axis share it: one range, one width, the
//! same margins, so that what happens at one time stands in one column.

mod delays;
mod outcomes;
mod rates;
mod span_axis;
mod spectrum;

use ce_record::run_dir::{Block, Ledger};

use crate::input::{Bins, Mark, RunData};
use crate::panel::{Axis, Layer, Panel, Point, Shape, Spans};
use crate::scale::{clock, clock_ticks, linear_ticks, number};
use crate::theme::{Colour, SCALE};

/// More bins than this cannot be told apart on a screen.
const BINS: u32 = 1000;

/// A chart, or the reason why there is none.
#[derive(Debug)]
pub struct Chart {
    /// Name of its file and its anchor.
    pub id: &'static str,
    /// What it is about.
    pub heading: &'static str,
    /// The chart, or a sentence.
    pub panel: Result<Panel, String>,
}

/// What all charts over time have in common.
struct Timeline<'a> {
    bins: Bins,
    end_s: f64,
    wall: &'a str,
    warm_up: Option<(f64, f64)>,
    marks: &'a [Mark],
    scenarios: usize,
    overall: &'a Block,
    ledger: Option<&'a Ledger>,
}

/// All charts of a run whose zero is `wall` in words.
pub fn all(data: &RunData, wall: &str) -> anyhow::Result<Vec<Chart>> {
    let timeline = Timeline {
        bins: data.series.bins(BINS)?,
        end_s: data.series.end_s().max(1.0),
        wall,
        warm_up: data.series.warm_up,
        marks: &data.marks,
        scenarios: data.series.scenarios.len(),
        overall: &data.summary.overall,
        ledger: data.ledger.as_ref(),
    };
    Ok(vec![
        delays::latency(&timeline),
        rates::sending(&timeline),
        rates::receiving(&timeline),
        delays::end_to_end(&timeline),
        delays::lag(&timeline),
        outcomes::failures(&timeline),
        spectrum::spectrum(data.curves.as_deref(), &data.summary.overall),
    ])
}

impl Timeline<'_> {
    fn spans(&self) -> Spans<'_> {
        Spans { starts: &self.bins.starts, width: self.bins.width_s }
    }

    /// A position as the charts' titles write it.
    fn clock(&self, at_s: f64) -> String {
        clock(at_s, self.end_s)
    }

    /// `second`, or what a bin is called in this run.
    fn bin_name(&self) -> String {
        if self.bins.width_s > 1.0 {
            format!("worst second of each {} s", number(self.bins.width_s))
        } else {
            "each second".into()
        }
    }

    fn axis(&self) -> Axis {
        let format = if self.end_s >= 3600.0 { "hours:minutes:seconds" } else { "minutes:seconds" };
        let tick = |at| (at, clock(at, self.end_s));
        Axis {
            name: format!("{format} since {}", self.wall),
            from: 0.0,
            to: self.end_s,
            ticks: clock_ticks(self.end_s).into_iter().map(tick).collect(),
        }
    }

    /// A panel on the common time axis, with what belongs behind and before the values.
    fn panel(&self, id: &'static str, height: u32, y: Axis, mut layers: Vec<Layer>) -> Panel {
        if let Some((from, to)) = self.warm_up {
            let outline = vec![(from, y.from), (from, y.to), (to, y.to), (to, y.from)];
            layers.insert(0, Layer::areas("", Colour::Grid, 0.7, vec![outline]));
            // Behind everything, and yet the last of the legend.
            layers.push(Layer::areas("warm-up", Colour::Grid, 0.7, Vec::new()));
        }
        if !self.marks.is_empty() {
            let rules = (1..).zip(self.marks).map(|(index, mark)| (mark.at_s, index.to_string()));
            let rules = rules.filter(|(at, _)| (0.0..=self.end_s).contains(at)).collect();
            layers.push(Layer {
                label: String::new(),
                colour: Colour::Mark,
                opacity: 0.6,
                shape: Shape::Rules(rules),
            });
        }
        let (title, description) = (String::new(), String::new());
        Panel { id, title, description, height: height * SCALE, x: self.axis(), y, layers }
    }

    /// The largest value of a series and where its bin starts.
    fn peak(&self, values: &[Option<f64>]) -> Option<Point> {
        let points = self.bins.starts.iter().zip(values);
        let points = points.filter_map(|(&start, value)| Some((start, (*value)?)));
        // The first of equals.
        points.reduce(|best, point| if point.1 > best.1 { point } else { best })
    }
}

/// Above the largest value of a linear axis, so that its line and the marks do not meet.
const HEADROOM: f64 = 1.05;

/// An axis of counts or rates, from zero.
fn counts_axis(name: &str, max: f64) -> Axis {
    let ticks = linear_ticks(max * HEADROOM, 5);
    Axis {
        name: name.into(),
        from: 0.0,
        to: ticks.last().copied().unwrap_or(1.0),
        ticks: ticks.into_iter().map(|tick| (tick, number(tick))).collect(),
    }
}

fn largest<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    values.into_iter().copied().fold(0.0, f64::max)
}

fn present(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().copied().map(Some).collect()
}
