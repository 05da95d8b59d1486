//! Panels as SVG text and as PNG files.

use std::path::Path;
use std::sync::Once;

use anyhow::{Context, anyhow};
use plotters::drawing::IntoDrawingArea;
use plotters::prelude::{BitMapBackend, SVGBackend};
use plotters::style::{FontStyle, register_font};

use crate::draw::{FAMILY, Medium, draw, size};
use crate::panel::Panel;

/// Letters for pixels, so that a picture is the same on every machine: `DejaVu` Sans, reduced to Latin
/// letters and the signs that the charts use. Its licence lies beside it.
const FONT: &[u8] = include_bytes!("../assets/DejaVuSans-subset.ttf");

/// The panel as an SVG document.
pub fn svg(panel: &Panel, medium: Medium) -> anyhow::Result<String> {
    register();
    let mut drawn = String::new();
    let (width, height) = size(panel, medium);
    let area = SVGBackend::with_string(&mut drawn, (width, height)).into_drawing_area();
    draw(panel, medium, &area).map_err(|err| anyhow!("{}: cannot draw: {err}", panel.id))?;
    drop(area);
    let (_, content) = drawn.split_once('\n').context("an SVG document begins with its size")?;
    // What is not said need not be stored: these are the defaults.
    let content =
        content.replace(" opacity=\"1\"", "").replace(" stroke=\"none\"", "").replace("\n<", "<");
    let id = panel.id;
    // A page knows what `svg` is; a document of its own has to say so.
    let namespace = match medium {
        Medium::Svg | Medium::Png => " xmlns=\"http://www.w3.org/2000/svg\"",
        Medium::Page => "",
    };
    let (title, description) = (escaped(&panel.title), escaped(&panel.description));
    Ok(format!(
        "<svg{namespace} viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-labelledby=\"{id}-title {id}-description\" stroke-linejoin=\"round\">\n\
         <title id=\"{id}-title\">{title}</title><desc id=\"{id}-description\">{description}</desc>\n\
         {content}"
    ))
}

/// Draws the panel to a PNG file; the path must end in `.png`.
pub fn png(panel: &Panel, path: &Path) -> anyhow::Result<()> {
    register();
    let area = BitMapBackend::new(path, size(panel, Medium::Png)).into_drawing_area();
    draw(panel, Medium::Png, &area).map_err(|err| anyhow!("{}: cannot draw: {err}", path.display()))
}

/// Lengths of texts are measured with this font for SVG too.
fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let registered = register_font(FAMILY, FontStyle::Normal, FONT);
        assert!(registered.is_ok(), "the embedded font is a font");
    });
}

/// Text as XML and HTML take it.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            letter => safe.push(letter),
        }
    }
    safe
}
