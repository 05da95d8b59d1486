//! Renders a run directory as one self-contained HTML report, or its charts as files.
//!
//! [`input`] reads the directory, [`chart`] decides what each chart shows, [`draw`] paints any of
//! them, and [`page`] puts them between the tables. Equal inputs give equal bytes: there is no
//! clock and no randomness in here.

pub mod chart;
pub mod cli;
pub mod draw;
pub mod input;
pub mod output;
pub mod page;
pub mod panel;
pub mod render;
pub mod scale;
pub mod theme;

use std::path::Path;

use anyhow::{Context, bail};
use ce_cli::{DataOut, Exit, say};

use crate::cli::{ChartsArgs, Cli, Command, Format, ReportArgs};
use crate::draw::Medium;
use crate::panel::Panel;

const TOOL: &str = "report-plot";

/// Does what the command line says.
pub fn run(cli: Cli, out: &mut DataOut) -> anyhow::Result<Exit> {
    match (cli.command, cli.report) {
        (Some(Command::Charts(args)), _) => charts(&args)?,
        (None, Some(args)) => report(&args, out)?,
        (None, None) => bail!("no run directory is named; see --help"),
    }
    Ok(Exit::Yes)
}

fn report(args: &ReportArgs, out: &mut DataOut) -> anyhow::Result<()> {
    let data = load(&args.dir)?;
    let html = page::render(&data)?;
    if args.out.as_os_str() == "-" {
        return Ok(out.write(html.as_bytes())?);
    }
    output::replace(&args.out, |path| {
        std::fs::write(path, &html).with_context(|| format!("{}: cannot write", args.out.display()))
    })?;
    say(TOOL, &format!("wrote {}", args.out.display()));
    Ok(())
}

fn charts(args: &ChartsArgs) -> anyhow::Result<()> {
    let data = load(&args.dir)?;
    let charts = chart::all(&data, &page::wall_clock(data.run.wall_start_ns))?;
    let folder = &args.out;
    if !folder.is_dir() {
        std::fs::create_dir(folder)
            .with_context(|| format!("{}: cannot make", folder.display()))?;
    }
    for chart in charts {
        let path = folder.join(format!("{}.{}", chart.id, args.format.extension()));
        match chart.panel {
            Ok(panel) => {
                output::replace(&path, |temporary| write_chart(&panel, args.format, temporary))?;
                say(TOOL, &format!("wrote {}", path.display()));
            }
            Err(why) => say(TOOL, &format!("left out {}: {why}", path.display())),
        }
    }
    Ok(())
}

fn write_chart(panel: &Panel, format: Format, path: &Path) -> anyhow::Result<()> {
    match format {
        Format::Svg => std::fs::write(path, render::svg(panel, Medium::Svg)?)
            .with_context(|| format!("{}: cannot write", path.display())),
        Format::Png => render::png(panel, path),
    }
}

fn load(dir: &Path) -> anyhow::Result<input::RunData> {
    let data = input::load(dir)?;
    for note in &data.notes {
        say(TOOL, &format!("{}: {note}", dir.display()));
    }
    Ok(data)
}
