//! The report: charts and tables in one HTML file that needs nothing else.

mod banner;
mod card;
mod figures;
mod table;

use anyhow::Context;
use askama::Template;

use crate::chart::{self, Chart};
use crate::draw::Medium;
use crate::input::RunData;
use crate::render::svg;
use crate::scale::clock;
use crate::theme::dark_rules;
use banner::Banner;
use table::Table;

#[derive(Template)]
#[template(path = "report.html")]
struct Report {
    name: String,
    style: &'static str,
    dark_charts: String,
    banner: Banner,
    objectives: Option<Table>,
    facts: Vec<(&'static str, String)>,
    remarks: Vec<String>,
    streams: Table,
    timeline: Vec<Figure>,
    marks: Vec<String>,
    timeline_table: Table,
    spectrum: Vec<Figure>,
    metrics: Table,
    outcomes: Vec<Figure>,
    errors: Result<Table, &'static str>,
    scenarios: Table,
    types: Table,
    ledger: Result<Table, &'static str>,
}

/// A chart on the page.
struct Figure {
    id: &'static str,
    title: String,
    /// Markup, or a sentence that says why there is none.
    svg: Result<String, String>,
}

/// The report of a run.
pub fn render(data: &RunData) -> anyhow::Result<String> {
    let wall = wall_clock(data.run.wall_start_ns);
    let end_s = data.series.end_s();
    let (mut timeline, mut outcomes, mut spectrum) = (Vec::new(), Vec::new(), Vec::new());
    for chart in chart::all(data, &wall)? {
        let section = match chart.id {
            "outcomes" => &mut outcomes,
            "spectrum" => &mut spectrum,
            _ => &mut timeline,
        };
        section.push(figure(chart)?);
    }
    let summary = &data.summary;
    let report = Report {
        name: if data.run.run.is_empty() { "unnamed run".into() } else { data.run.run.clone() },
        style: include_str!("../../templates/report.css"),
        dark_charts: dark_rules("figure"),
        banner: banner::banner(data),
        objectives: banner::objectives(data),
        facts: card::facts(data, &wall),
        remarks: card::remarks(data),
        streams: card::streams(&data.run),
        timeline,
        marks: data.marks.iter().map(|mark| mark_text(mark, end_s)).collect(),
        timeline_table: figures::timeline(data)?,
        spectrum,
        metrics: figures::metrics(&summary.overall),
        outcomes,
        errors: data
            .errors
            .as_deref()
            .map(|rows| figures::errors(rows, end_s))
            .ok_or("No table: errors.csv is missing from the run directory."),
        scenarios: figures::groups(&summary.overall, "scenario", &summary.scenarios),
        types: figures::groups(&summary.overall, "type", &summary.types),
        ledger: data
            .ledger
            .as_ref()
            .map(figures::ledger)
            .ok_or("No table: ledger.json is missing from the run directory."),
    };
    let mut html = report.render().context("the report cannot be rendered")?;
    html.push('\n');
    Ok(html)
}

fn figure(chart: Chart) -> anyhow::Result<Figure> {
    Ok(match chart.panel {
        Ok(panel) => {
            let markup = svg(&panel, Medium::Page)?;
            Figure { id: chart.id, title: panel.title, svg: Ok(markup) }
        }
        Err(why) => Figure { id: chart.id, title: chart.heading.into(), svg: Err(why) },
    })
}

fn mark_text(mark: &crate::input::Mark, end_s: f64) -> String {
    format!("{} {} {}", clock(mark.at_s, end_s), mark.what.replace('_', " "), mark.name)
}

/// Nanoseconds since 1970 as people write them, in UTC.
pub fn wall_clock(ns: u64) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(ns));
    time.map_or_else(
        |_| format!("{ns} ns after 1970"),
        |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

#[cfg(test)]
mod tests {
    use super::wall_clock;

    #[test]
    fn wall_clocks_are_utc() {
        assert_eq!(wall_clock(1_700_000_000_500_000_000), "2023-11-14 22:13:20 UTC");
        assert_eq!(wall_clock(0), "1970-01-01 00:00:00 UTC");
        assert!(wall_clock(u64::MAX).contains("2554"), "{}", wall_clock(u64::MAX));
    }
}
