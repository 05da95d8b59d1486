//! Objectives as marks of the live view: how the run stands, not a verdict. `slo-check` judges, and
//! it reads the same file by the same crate. What a live view cannot know is shown as such.

use std::collections::BTreeMap;
use std::path::Path;

use ce_record::run_dir::{Block, Ledger};
use serde::Serialize;
use slo::aggregate::Aggregate;
use slo::measure::{Known, measure};
use slo::objective::{Level, Objective, Scope};
use slo::{figure, table};

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

/// The objectives of a file.
#[derive(Debug, Default)]
pub(crate) struct Objectives(Vec<Objective>);

/// What a live view knows of a run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SoFar<'a> {
    pub(crate) overall: &'a Block,
    pub(crate) scenarios: &'a BTreeMap<String, Block>,
    pub(crate) has_receipts: bool,
}

impl Objectives {
    /// Reads the `[[slo]]` tables of a file; what is wrong is refused with its place.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let (file, text) = ce_cli::read_text(path, "a file of objectives")?;
        Ok(Self(table::parse(&file, &text)?))
    }

    /// How each stands with these figures.
    pub(crate) fn judge(&self, so_far: SoFar<'_>) -> Vec<Judged> {
        self.0.iter().map(|objective| judge(objective, so_far)).collect()
    }
}

fn judge(objective: &Objective, so_far: SoFar<'_>) -> Judged {
    let SoFar { overall, scenarios, has_receipts } = so_far;
    let nothing = BTreeMap::new();
    let ledger = Ledger { has_receipts, ..Ledger::default() };
    let known = Known { overall, scenarios, types: &nothing, tags: &nothing, ledger: &ledger };
    let (standing, measured) = if is_known_at_the_end(objective) {
        (Standing::AtEnd, String::new())
    } else {
        match measure(objective, known, &|_, _| Err("the log is not written yet".into())) {
            Err(_) => (Standing::NoData, String::new()),
            Ok(found) => {
                let standing = match objective.level(found.value) {
                    Level::Pass => Standing::Met,
                    Level::Warn => Standing::Warn,
                    Level::Fail => Standing::Missed,
                };
                (standing, figure::measured(objective, found.value))
            }
        }
    };
    let wanted = figure::limit(objective, objective.target);
    Judged { name: objective.name.clone(), standing, measured, wanted }
}

/// What takes the closed ledger, the end records, the log, or sums that a view does not make.
fn is_known_at_the_end(objective: &Objective) -> bool {
    let is_fine = match &objective.aggregate {
        Aggregate::Percentile(percentile) => {
            !percentile.is_end() && percentile.summary_key().is_none()
        }
        _ => false,
    };
    let is_summed = matches!(objective.scope, Scope::Type(_) | Scope::Tag(_));
    is_fine || is_summed || objective.metric.whole_run_only()
}

#[cfg(test)]
mod tests {
    use ce_record::Outcome;
    use ce_record::run_dir::{METRICS, PERCENTILES, Stats};

    use super::Standing::{AtEnd, Met, Missed, NoData, Warn};
    use super::*;

    fn judged(slo: &str, overall: &Block, has_receipts: bool) -> Vec<Judged> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("slo.toml");
        std::fs::write(&path, slo).unwrap();
        let so_far = SoFar { overall, scenarios: &BTreeMap::new(), has_receipts };
        Objectives::read(&path).unwrap().judge(so_far)
    }

    /// A group of 100 events, 97 of which ended well after 2 s.
    fn block() -> Block {
        let stats = Stats {
            count: 97,
            min: 2e6,
            mean: 2e6,
            max: 2e6,
            percentiles: PERCENTILES.map(|(name, ..)| (name.to_owned(), 2_000_000)).into(),
            overflow: 0,
        };
        let mut block = Block {
            planned: 100,
            sent: 100,
            received: 97,
            sent_per_s: Some(40.0),
            metrics: METRICS.map(|name| (format!("{name}_us"), stats.clone())).into(),
            ..Block::default()
        };
        block.outcomes[Outcome::Ok] = 97;
        block.outcomes[Outcome::Timeout] = 3;
        block
    }

    fn slo(metric: &str, aggregate: &str, op: &str, levels: &str) -> String {
        format!(
            "[[slo]]\nname = \"n\"\nmetric = \"{metric}\"\naggregate = \"{aggregate}\"\n\
             op = \"{op}\"\n{levels}\n"
        )
    }

    #[test]
    fn objectives_are_met_warned_of_missed_or_left_to_slo_check() {
        let file = [
            slo("e2e", "p95", "<", "target = \"3s\""),
            slo("success", "rate", ">", "target = \"99%\"\ncritical = \"95%\""),
            slo("http_reqs", "per_second", ">", "target = 100\ncritical = 50"),
            slo("lost", "count", "==", "target = 0"),
            slo("latency", "p97", "<", "target = \"3s\""),
            slo("latency", "p95", "<", "target = \"3s\"\ntag = \"team=a\""),
            slo("latency", "p95", "<", "target = \"3s\"\nscenario = \"not begun\""),
        ];
        let judged = judged(&file.concat(), &block(), true);
        let standings: Vec<Standing> = judged.iter().map(|judged| judged.standing).collect();
        assert_eq!(standings, [Met, Warn, Missed, AtEnd, AtEnd, AtEnd, NoData]);
        assert_eq!((judged[1].measured.as_str(), judged[1].wanted.as_str()), ("97 %", "> 99 %"));
        assert_eq!((judged[0].measured.as_str(), judged[0].wanted.as_str()), ("2 s", "< 3 s"));
    }

    #[test]
    fn without_receipts_nothing_is_said_of_arrival() {
        let file = slo("received", "count", ">", "target = 50");
        assert_eq!(judged(&file, &block(), false)[0].standing, NoData);
        assert_eq!(judged(&file, &block(), true)[0].standing, Met);
    }

    #[test]
    fn the_shipped_objectives_can_be_shown() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/slo.toml");
        let (overall, scenarios) = (&Block::default(), &BTreeMap::new());
        let so_far = SoFar { overall, scenarios, has_receipts: false };
        let standing = Objectives::read(&file).unwrap().judge(so_far);
        assert!(standing.iter().all(|judged| judged.standing == NoData), "{standing:?}");
    }
}
