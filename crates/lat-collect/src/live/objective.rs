//! Objectives as marks of the live view: how the run stands, not a verdict. `slo-check` judges, and
//! it reads the same file. What a live view cannot know is shown as such.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use ce_record::Outcome;
use ce_record::run_dir::Block;
use serde::{Deserialize, Serialize};

use super::text;

/// How an objective stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Judged {
    pub(crate) name: String,
    pub(crate) standing: Standing,
    /// The figure so far, in words.
    pub(crate) measured: String,
    /// What is wanted, in words.
    pub(crate) wanted: String,
}

/// Where a figure lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Standing {
    /// The target is met.
    Met,
    /// Between the target and the critical level.
    Warn,
    /// Beyond the critical level, or beyond the target where there is none.
    Missed,
    /// There is no value so far.
    NoData,
    /// Only `slo-check` can tell, at the end.
    AtEnd,
}

#[derive(Debug, Deserialize)]
struct File {
    slo: Vec<Row>,
}

#[derive(Debug, Deserialize)]
struct Row {
    name: String,
    metric: String,
    aggregate: String,
    op: String,
    target: toml::Value,
    critical: Option<toml::Value>,
    scenario: Option<String>,
    r#type: Option<String>,
}

/// The objectives of a file.
#[derive(Debug, Default)]
pub(crate) struct Objectives(Vec<Objective>);

#[derive(Debug)]
struct Objective {
    row: Row,
    target: f64,
    critical: Option<f64>,
}

impl Objectives {
    /// Reads the `[[slo]]` tables of a file; those that are wrong are refused with their name.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let file = path.display();
        let text = std::fs::read_to_string(path).with_context(|| format!("{file}: cannot read"))?;
        let rows: File = toml::from_str(&text)
            .map_err(|err| anyhow::anyhow!("{file}: {}", err.to_string().trim_end()))
            .with_context(|| format!("{file}: not a file of [[slo]] tables"))?;
        let objectives = rows.slo.into_iter().map(|row| {
            let name = row.name.clone();
            Objective::new(row).with_context(|| format!("{file}: `{name}`"))
        });
        objectives.collect::<anyhow::Result<_>>().map(Self)
    }

    /// How each stands with these figures.
    pub(crate) fn judge(
        &self,
        overall: &Block,
        scenarios: &BTreeMap<String, Block>,
    ) -> Vec<Judged> {
        self.0.iter().map(|objective| objective.judge(overall, scenarios)).collect()
    }
}

impl Objective {
    fn new(row: Row) -> anyhow::Result<Self> {
        if !["<", "<=", ">", ">=", "==", "!="].contains(&row.op.as_str()) {
            bail!("unknown op `{}`; one of < <= > >= == !=", row.op);
        }
        let level = |value: &toml::Value| level(&row.metric, value);
        let target = level(&row.target)?;
        let critical = row.critical.as_ref().map(level).transpose()?;
        Ok(Self { row, target, critical })
    }

    fn judge(&self, overall: &Block, scenarios: &BTreeMap<String, Block>) -> Judged {
        let Row { name, metric, aggregate, op, scenario, r#type, .. } = &self.row;
        let shown = |value: f64| show(metric, value);
        let block = match scenario {
            Some(scenario) => scenarios.get(scenario),
            None => Some(overall),
        };
        let known = r#type.is_none() && can_tell(metric, aggregate);
        let figure = block.filter(|_| known).and_then(|block| figure(block, metric, aggregate));
        let standing = match figure {
            _ if !known => Standing::AtEnd,
            None => Standing::NoData,
            Some(figure) if holds(figure, op, self.target) => Standing::Met,
            Some(figure) => match self.critical {
                Some(critical) if holds(figure, op, critical) => Standing::Warn,
                _ => Standing::Missed,
            },
        };
        let measured = figure.map_or_else(String::new, shown);
        let wanted = format!("{op} {}", shown(self.target));
        Judged { name: name.clone(), standing, measured, wanted }
    }
}

/// A level: microseconds for spans, a share, or a number.
fn level(metric: &str, value: &toml::Value) -> anyhow::Result<f64> {
    let number = match value {
        toml::Value::Integer(number) => number.to_string().parse().ok(),
        toml::Value::Float(number) => Some(*number),
        toml::Value::String(text) if is_span(metric) => {
            let span = ce_cli::parse::duration(text).map_err(|err| anyhow::anyhow!(err))?;
            Some(span.as_secs_f64() * 1e6)
        }
        toml::Value::String(text) => {
            text.strip_suffix('%').and_then(|number| format!("{}e-2", number.trim()).parse().ok())
        }
        _ => None,
    };
    number.with_context(|| "a level is no number: write 100, \"99%\" or \"3s\"".to_owned())
}

fn is_span(metric: &str) -> bool {
    ["latency", "service", "lag", "e2e", "http_req_duration", "builder_publish_duration"]
        .contains(&metric)
}

fn can_tell(metric: &str, aggregate: &str) -> bool {
    // A figure of an empty group is missing, and a figure that nobody can tell is so, too.
    figure(&full(), metric, aggregate).is_some()
}

/// A group that has every figure.
fn full() -> Block {
    let percentiles =
        ce_record::run_dir::PERCENTILES.map(|(name, ..)| (name.to_owned(), 0)).into_iter();
    let stats = ce_record::run_dir::Stats {
        count: 0,
        min: 0.0,
        mean: 0.0,
        max: 0.0,
        percentiles: percentiles.collect(),
        overflow: 0,
    };
    let metrics = ce_record::run_dir::METRICS.map(|name| (format!("{name}_us"), stats.clone()));
    Block {
        success_ratio: Some(0.0),
        planned_per_s: Some(0.0),
        sent_per_s: Some(0.0),
        ok_per_s: Some(0.0),
        metrics: metrics.into_iter().collect(),
        ..Block::default()
    }
}

#[expect(clippy::cast_precision_loss, reason = "figures to show, below 2^53")]
fn figure(block: &Block, metric: &str, aggregate: &str) -> Option<f64> {
    let metric = match metric {
        "http_req_duration" | "builder_publish_duration" => "latency",
        "http_req_failed" | "builder_error_rate" => "failed",
        "builder_events_total" | "iterations" => "ok",
        "http_reqs" => "sent",
        "dropped_iterations" => "dropped",
        ours => ours,
    };
    if is_span(metric) {
        let stats = block.metrics.get(&format!("{metric}_us"))?;
        return match aggregate {
            "mean" => Some(stats.mean),
            "min" => Some(stats.min),
            "max" => Some(stats.max),
            _ => stats.percentiles.get(&aggregate.replace('.', "_")).map(|&us| us as f64),
        };
    }
    let count = match metric {
        "planned" => block.planned,
        "sent" => block.sent,
        "ok" => block.outcomes[Outcome::Ok],
        "received" => block.received,
        "dropped" => block.outcomes[Outcome::Dropped],
        "unsent" => block.outcomes[Outcome::Unsent],
        "success" if aggregate == "rate" => return block.success_ratio,
        "failed" if aggregate == "rate" => return block.success_ratio.map(|ratio| 1.0 - ratio),
        _ => return None,
    };
    match (metric, aggregate) {
        (_, "count") => Some(count as f64),
        ("planned", "per_second") => block.planned_per_s,
        ("sent", "per_second") => block.sent_per_s,
        ("ok", "per_second") => block.ok_per_s,
        _ => None,
    }
}

#[expect(clippy::float_cmp, reason = "counts are exact")]
fn holds(figure: f64, op: &str, level: f64) -> bool {
    match op {
        "<" => figure < level,
        "<=" => figure <= level,
        ">" => figure > level,
        ">=" => figure >= level,
        "==" => figure == level,
        _ => figure != level,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "spans to show")]
fn show(metric: &str, value: f64) -> String {
    match metric {
        _ if is_span(metric) => text::span(value as u64),
        "success" | "failed" | "http_req_failed" | "builder_error_rate" => {
            let percent = format!("{:.3}", value * 100.0);
            format!("{} %", percent.trim_end_matches('0').trim_end_matches('.'))
        }
        _ => text::rate(value).trim_end_matches(".0").to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::Standing::{AtEnd, Met, Missed, Warn};
    use super::*;

    fn judged(slo: &str, overall: &Block) -> Vec<Judged> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slo.toml");
        std::fs::write(&path, slo).unwrap();
        Objectives::read(&path).unwrap().judge(overall, &BTreeMap::new())
    }

    #[test]
    fn objectives_are_met_warned_of_missed_or_left_to_slo_check() {
        let overall = Block { success_ratio: Some(0.97), ..full() };
        let slo = |metric: &str, aggregate: &str, op: &str, levels: &str| {
            format!(
                "[[slo]]\nname = \"n\"\nmetric = \"{metric}\"\naggregate = \"{aggregate}\"\n\
                 op = \"{op}\"\n{levels}\n"
            )
        };
        let file = [
            slo("e2e", "p95", "<", "target = \"3s\""),
            slo("success", "rate", ">", "target = \"99%\"\ncritical = \"95%\""),
            slo("http_reqs", "per_second", ">", "target = 100\ncritical = 50"),
            slo("lost", "count", "==", "target = 0"),
            slo("latency", "p97", "<", "target = \"3s\""),
        ];
        let judged = judged(&file.concat(), &overall);
        let standings: Vec<Standing> = judged.iter().map(|judged| judged.standing).collect();
        assert_eq!(standings, [Met, Warn, Missed, AtEnd, AtEnd]);
        assert_eq!((judged[1].measured.as_str(), judged[1].wanted.as_str()), ("97 %", "> 99 %"));
        assert_eq!(judged[0].wanted, "< 3.00 s");
    }

    #[test]
    fn the_shipped_objectives_can_be_shown() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/slo.toml");
        let standing = Objectives::read(&file).unwrap().judge(&Block::default(), &BTreeMap::new());
        assert!(standing.iter().all(|judged| judged.standing == Standing::NoData), "{standing:?}");
    }
}
