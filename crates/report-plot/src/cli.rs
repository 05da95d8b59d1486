//! The command line, as typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

const EXAMPLES: &str = "\
Examples:
  report-plot results/spike --out spike.html
  slo-check results/spike --format json > results/spike/verdict.json
  report-plot results/spike --out - | gzip > spike.html.gz
  report-plot charts results/spike --out figures --format png

The report is one file without scripts or links to other files: it opens offline, prints, and can
be sent by mail. Equal run directories give equal bytes. A run directory that is called `charts`
is written `./charts`.";

/// Render the report or the charts of a run
///
/// Reads a run directory of lat-collect and writes one HTML file that stands alone: the verdict, the
/// timelines, the percentiles, the errors and the ledger. With `verdict.json` in the directory (made
/// by `slo-check --format json`) the report shows that verdict and its objectives.
#[derive(Debug, Parser)]
#[command(name = "report-plot", version, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Cli {
    /// What to render; the report, if nothing is said
    #[command(subcommand)]
    pub command: Option<Command>,

    /// What the report needs
    #[command(flatten)]
    pub report: Option<ReportArgs>,
}

/// `report-plot DIR --out FILE`
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// The run directory
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,

    /// Where to write the report; `-` is stdout
    #[arg(long, value_name = "FILE", env = "CE_OUT")]
    pub out: PathBuf,
}

/// What can be rendered besides the report.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write each chart of the report to a file of its own
    #[command(
        after_help = "Example:\n  report-plot charts results/spike --out figures --format png"
    )]
    Charts(ChartsArgs),
}

/// `report-plot charts DIR --out DIR`
#[derive(Debug, Args)]
pub struct ChartsArgs {
    /// The run directory
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,

    /// The directory for the charts; made if it is missing
    #[arg(long, value_name = "DIR", env = "CE_OUT")]
    pub out: PathBuf,

    /// The format of the files
    #[arg(long, value_enum, default_value = "svg", env = "CE_FORMAT")]
    pub format: Format,
}

/// The format of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Lines and text that scale
    Svg,
    /// Pixels
    Png,
}

impl Format {
    /// The end of a file's name.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_argument_has_help() {
        Cli::command().help_expected(true).debug_assert();
    }

    #[test]
    fn a_directory_and_a_subcommand_are_told_apart() {
        let report = Cli::try_parse_from(["report-plot", "runs/a", "--out", "a.html"]).unwrap();
        assert_eq!(report.report.unwrap().dir, PathBuf::from("runs/a"));
        let charts =
            Cli::try_parse_from(["report-plot", "charts", "runs/a", "--out", "x"]).unwrap();
        let Some(Command::Charts(charts)) = charts.command else { panic!("charts were asked for") };
        assert_eq!((charts.dir, charts.format), (PathBuf::from("runs/a"), Format::Svg));
    }

    #[test]
    fn exactly_one_directory_is_taken() {
        for wrong in [&["--out", "a.html"][..], &["runs/a"], &["runs/a", "runs/b", "--out", "x"]] {
            let args = std::iter::once("report-plot").chain(wrong.iter().copied());
            assert!(Cli::try_parse_from(args).is_err(), "{wrong:?}");
        }
    }
}
