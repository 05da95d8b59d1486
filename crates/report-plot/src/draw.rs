//! Draws a panel with plotters, on any of its backends.

use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::Shift;
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, DashedPathElement, PathElement, Polygon, Rectangle, Text};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, IntoFont, ShapeStyle, TextStyle};

use crate::panel::{Axis, Layer, Panel, Shape};
use crate::theme::{
    BOTTOM, Colour, LABEL_TEXT, LEFT, LEGEND, NAME, RIGHT, SCALE, TITLE, TITLE_TEXT, WIDTH,
};

/// The only family that is used. SVG leaves it to the reader's system; for pixels it is registered.
pub const FAMILY: &str = "sans-serif";

/// What a picture is drawn for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// A page that has the title beside the picture, and a colour of its own.
    Page,
    /// A file of lines.
    Svg,
    /// A file of pixels.
    Png,
}

impl Medium {
    /// Height of the title.
    fn title(self) -> u32 {
        if self == Self::Page { 0 } else { TITLE }
    }

    /// How far letters must go down to stand in the middle: for pixels, plotters puts them higher.
    fn drop(self) -> i32 {
        if self == Self::Png { 6 } else { 0 }
    }
}

type Area<DB> = DrawingArea<DB, Shift>;
type Chart<'a, DB> = ChartContext<'a, DB, Cartesian2d<Axis, Axis>>;
type Failure<DB> = DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>;
type Drawn<DB> = Result<(), Failure<DB>>;

/// Width and height of the picture of a panel, in pixels.
pub fn size(panel: &Panel, medium: Medium) -> (u32, u32) {
    (WIDTH, medium.title() + LEGEND + panel.height + BOTTOM + NAME)
}

/// Draws `panel` on all of `area`, which has the panel's [`size`].
pub fn draw<DB: DrawingBackend>(panel: &Panel, medium: Medium, area: &Area<DB>) -> Drawn<DB> {
    let pen = Pen { area, drop: medium.drop() };
    if medium != Medium::Page {
        area.fill(&plotters::style::WHITE)?;
        let place = (pixels(LEFT), pixels(medium.title()) * 3 / 5);
        pen.write(&panel.title, place, text(Colour::Text, TITLE_TEXT, HPos::Left))?;
    }
    draw_legend(panel, &pen, pixels(medium.title() + LEGEND / 2))?;
    let plot = area.margin(medium.title() + LEGEND, BOTTOM + NAME, LEFT, RIGHT);
    let mut chart = ChartBuilder::on(&plot).build_cartesian_2d(panel.x.clone(), panel.y.clone())?;
    let line = |colour: Colour| colour.light().stroke_width(SCALE);
    chart
        .configure_mesh()
        .axis_style(line(Colour::Axis))
        .bold_line_style(line(Colour::Grid))
        .light_line_style(Colour::Grid.light().mix(0.0))
        .draw()?;
    for layer in &panel.layers {
        draw_layer(layer, panel, &mut chart)?;
    }
    draw_labels(panel, medium, &pen)?;
    area.present()
}

/// Writes on an area.
struct Pen<'a, DB: DrawingBackend> {
    area: &'a Area<DB>,
    drop: i32,
}

impl<DB: DrawingBackend> Pen<'_, DB> {
    fn write(&self, text: &str, (x, y): (i32, i32), style: TextStyle<'_>) -> Drawn<DB> {
        self.area.draw(&Text::new(text.to_owned(), (x, y + self.drop), style))
    }

    fn width(&self, text: &str, style: &TextStyle<'_>) -> Result<i32, Failure<DB>> {
        self.area.estimate_text_size(text, style).map(|(width, _)| pixels(width))
    }
}

/// The labels of both axes, and the name of the horizontal one.
fn draw_labels<DB: DrawingBackend>(panel: &Panel, medium: Medium, pen: &Pen<'_, DB>) -> Drawn<DB> {
    let style = |anchor| text(Colour::Axis, LABEL_TEXT, anchor);
    let (left, right) = (pixels(LEFT), pixels(WIDTH - RIGHT));
    let top = pixels(medium.title() + LEGEND);
    let bottom = top + pixels(panel.height);
    let gap = pixels(SCALE * 8);
    for (at, label) in &panel.y.ticks {
        let y = panel.y.map(at, (bottom, top));
        pen.write(label, (left - gap, y), style(HPos::Right))?;
    }
    for (at, label) in &panel.x.ticks {
        // The last label would reach beyond the picture.
        let half = pen.width(label, &style(HPos::Center))? / 2;
        let x = panel.x.map(at, (left, right)).min(pixels(WIDTH) - half - 2);
        pen.write(label, (x, bottom + pixels(BOTTOM / 2)), style(HPos::Center))?;
    }
    let middle = (i32::midpoint(left, right), bottom + pixels(BOTTOM + NAME / 3));
    pen.write(&panel.x.name, middle, style(HPos::Center))
}

/// Our axes are linear; their ticks are chosen and labelled where the panel is made.
impl Ranged for Axis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (low, high): (i32, i32)) -> i32 {
        let share = (value - self.from) / (self.to - self.from);
        let length = f64::from(high - low);
        #[expect(clippy::cast_possible_truncation, reason = "a position within the picture")]
        let offset = (share * length).round() as i32;
        low + offset
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // Light lines between the ticks are not drawn.
        let ticks = if hint.weight().allow_light_points() { &[][..] } else { &self.ticks };
        ticks.iter().map(|(at, _)| *at).collect()
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}

impl ValueFormatter<f64> for Axis {
    fn format_ext(&self, value: &f64) -> String {
        let tick = self.ticks.iter().find(|(at, _)| (at - value).abs() < 1e-9);
        tick.map(|(_, label)| label.clone()).unwrap_or_default()
    }
}

/// The name of the value axis and then the entries, from the left: on a narrow screen the right of
/// the picture is out of sight.
fn draw_legend<DB: DrawingBackend>(panel: &Panel, pen: &Pen<'_, DB>, middle: i32) -> Drawn<DB> {
    let name = text(Colour::Axis, LABEL_TEXT, HPos::Left);
    let mut left = pixels(SCALE * 4);
    pen.write(&panel.y.name, (left, middle), name.clone())?;
    left += pen.width(&panel.y.name, &name)? + pixels(SCALE * 24);
    for layer in panel.layers.iter().filter(|layer| !layer.label.is_empty()) {
        let style = text(Colour::Text, LABEL_TEXT, HPos::Left);
        draw_key(layer, pen.area, (left, middle))?;
        left += pixels(SCALE * 28);
        pen.write(&layer.label, (left, middle), style.clone())?;
        left += pen.width(&layer.label, &style)? + pixels(SCALE * 18);
    }
    Ok(())
}

fn draw_key<DB: DrawingBackend>(layer: &Layer, area: &Area<DB>, at: (i32, i32)) -> Drawn<DB> {
    let ((left, middle), scale) = (at, pixels(SCALE));
    let right = left + 22 * scale;
    match &layer.shape {
        Shape::Lines { width, .. } => {
            let style = layer.colour.light().stroke_width(width + 1);
            area.draw(&PathElement::new([(left, middle), (right, middle)], style))
        }
        Shape::Dots(_) => {
            area.draw(&Circle::new((right - 8 * scale, middle), 3 * scale, fill(layer)))
        }
        Shape::Areas(_) => {
            let corners = [(left + 8 * scale, middle - 6 * scale), (right, middle + 6 * scale)];
            area.draw(&Rectangle::new(corners, fill(layer)))
        }
        Shape::Dashes(_) | Shape::Rules(_) => Ok(()),
    }
}

fn draw_layer<DB: DrawingBackend>(
    layer: &Layer,
    panel: &Panel,
    chart: &mut Chart<'_, DB>,
) -> Drawn<DB> {
    let plot = chart.plotting_area();
    let colour = layer.colour.light().mix(layer.opacity);
    match &layer.shape {
        Shape::Lines { runs, width } => runs.iter().try_for_each(|run| {
            plot.draw(&PathElement::new(run.clone(), colour.stroke_width(*width)))
        }),
        Shape::Dashes(runs) => runs.iter().try_for_each(|run| {
            let (dash, gap) = (pixels(SCALE * 3), pixels(SCALE * 4));
            let style = colour.stroke_width(2 * SCALE - 1);
            plot.draw(&DashedPathElement::new(run.clone(), dash, gap, style))
        }),
        Shape::Dots(points) => points.iter().try_for_each(|&point| {
            plot.draw(&Circle::new(point, pixels(SCALE * 3 / 2), colour.filled()))
        }),
        Shape::Areas(outlines) => outlines
            .iter()
            .try_for_each(|outline| plot.draw(&Polygon::new(outline.clone(), colour.filled()))),
        Shape::Rules(rules) => rules.iter().try_for_each(|(at, label)| {
            let ends = [(*at, panel.y.from), (*at, panel.y.to)];
            plot.draw(&PathElement::new(ends, colour.stroke_width(SCALE)))?;
            let style = text(layer.colour, LABEL_TEXT * 0.85, HPos::Left);
            let style = style.pos(Pos::new(HPos::Left, VPos::Top));
            plot.draw(&Text::new(format!(" {label}"), (*at, panel.y.to), style))
        }),
    }
}

fn fill(layer: &Layer) -> ShapeStyle {
    layer.colour.light().mix(layer.opacity).filled()
}

fn text(colour: Colour, size: f64, anchor: HPos) -> TextStyle<'static> {
    let style = TextStyle::from((FAMILY, size).into_font());
    TextStyle {
        color: colour.light().to_backend_color(),
        pos: Pos::new(anchor, VPos::Center),
        ..style
    }
}

fn pixels(length: u32) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}
