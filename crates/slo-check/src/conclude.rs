//! The verdict on the run, from the verdicts on its objectives.
//!
//! An invalid or incomplete run has no verdict, whatever its figures say. On a valid run, one
//! objective that failed is a clear no, even if another has no data; without a failure, an objective
//! without data leaves the verdict open.

use ce_cli::Exit;
use ce_record::run_dir::Run;

use crate::evaluate::{Judged, Verdict};
use slo::figure;

/// The verdict on a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conclusion {
    /// The verdict; never [`Verdict::Skip`].
    pub verdict: Verdict,
    /// What the process says to its caller.
    pub exit: Exit,
    /// The verdict in one sentence.
    pub headline: String,
    /// Everything that stands in the way of a pass, one sentence each.
    pub reasons: Vec<String>,
}

/// Draws the conclusion. `builtin` objectives cannot make a run pass on their own.
pub fn conclude(run: &Run, builtin: &[Judged], given: &[Judged], strict: bool) -> Conclusion {
    let all = || builtin.iter().chain(given);
    let count = |verdict| all().filter(|judged| judged.verdict == verdict).count();
    let total = all().count();
    let invalid = !run.complete || !run.generator.valid;
    let nothing_given = given.iter().all(|judged| judged.verdict == Verdict::Skip);
    let (verdict, exit, headline) = if invalid {
        (Verdict::Invalid, Exit::NoVerdict, invalid_because(run).to_owned())
    } else if count(Verdict::Fail) > 0 {
        let headline = format!("{} of {} failed", count(Verdict::Fail), objectives(total));
        (Verdict::Fail, Exit::No, headline)
    } else if count(Verdict::NoData) > 0 {
        let number = count(Verdict::NoData);
        let have = if number == 1 { "has" } else { "have" };
        let headline = format!("{number} of {} {have} no data", objectives(total));
        (Verdict::NoData, Exit::NoVerdict, headline)
    } else if nothing_given {
        let headline = "every objective was skipped for want of data".to_owned();
        (Verdict::NoData, Exit::NoVerdict, headline)
    } else if count(Verdict::Warn) > 0 {
        let exit = if strict { Exit::No } else { Exit::Yes };
        let headline = format!("{} of {} short of target", count(Verdict::Warn), objectives(total));
        (Verdict::Warn, exit, headline)
    } else {
        let skipped = count(Verdict::Skip);
        let headline = match (total - skipped, skipped) {
            (1, 0) => "the objective is met".to_owned(),
            (met, 0) => format!("all {met} objectives are met"),
            (met, skipped) => format!("{} met, {skipped} skipped", objectives(met)),
        };
        (Verdict::Pass, Exit::Yes, headline)
    };
    let reasons = if invalid { invalid_reasons(run) } else { all().filter_map(reason).collect() };
    Conclusion { verdict, exit, headline, reasons }
}

fn objectives(count: usize) -> String {
    if count == 1 { "1 objective".into() } else { format!("{count} objectives") }
}

fn invalid_because(run: &Run) -> &'static str {
    match (run.complete, run.generator.valid) {
        (true, _) => "the load was not the one that was asked for",
        (false, true) => "the run is not complete",
        (false, false) => "the run is not complete, nor was its load the one asked for",
    }
}

fn invalid_reasons(run: &Run) -> Vec<String> {
    let mut reasons = Vec::new();
    if !run.complete {
        reasons.extend(run.incomplete_because.iter().cloned());
    }
    if !run.generator.valid {
        reasons.extend(run.generator.notes.iter().cloned());
    }
    if reasons.is_empty() {
        reasons.push("run.json does not say why".into());
    }
    reasons
}

/// Why an objective is not met.
fn reason(judged: &Judged) -> Option<String> {
    if matches!(judged.verdict, Verdict::Pass | Verdict::Skip) {
        return None;
    }
    let objective = &judged.objective;
    let found = match (judged.figure, &judged.note) {
        (Some(found), _) => {
            let measured = figure::measured(objective, found.value);
            format!("{measured} is not {}", figure::limit(objective, objective.target))
        }
        (None, note) => note.clone().unwrap_or_default(),
    };
    Some(format!("{}: {found}", objective.name))
}

#[cfg(test)]
mod tests {
    use ce_record::run_dir::Generator;

    use super::*;
    use slo::measure::Figure;
    use slo::threshold;

    use Verdict::{Fail, Invalid, NoData, Pass, Skip, Warn};

    fn run(complete: bool, valid: bool) -> Run {
        Run {
            format: 1,
            run: "test".into(),
            wall_start_ns: 0,
            elapsed_ns: 0,
            complete,
            incomplete_because: vec!["a stream was cut short".into()],
            generator: Generator {
                valid,
                notes: vec!["a tenth was late".into()],
                sent_ratio: None,
                lag_p99_us: None,
                open_loop: true,
            },
            streams: Vec::new(),
            version: "0".into(),
            ..Run::default()
        }
    }

    fn judged(verdict: Verdict) -> Judged {
        let objective = threshold::parse("failed: rate<0.01").unwrap().remove(0);
        let figure = (verdict != NoData).then_some(Figure { value: 0.5, count: 10 });
        Judged { objective, figure, verdict, note: Some("no data: none".into()) }
    }

    fn of(builtin: &[Verdict], given: &[Verdict], strict: bool) -> Conclusion {
        let judged =
            |verdicts: &[Verdict]| verdicts.iter().copied().map(judged).collect::<Vec<_>>();
        conclude(&run(true, true), &judged(builtin), &judged(given), strict)
    }

    #[test]
    fn the_worst_objective_decides() {
        let check = |given: &[Verdict], verdict, exit, headline: &str| {
            let conclusion = of(&[Pass], given, false);
            let found = (conclusion.verdict, conclusion.exit, conclusion.headline.as_str());
            assert_eq!(found, (verdict, exit, headline), "{given:?}");
        };
        check(&[Pass], Pass, Exit::Yes, "all 2 objectives are met");
        check(&[Pass, Skip], Pass, Exit::Yes, "2 objectives met, 1 skipped");
        check(&[Pass, Warn], Warn, Exit::Yes, "1 of 3 objectives short of target");
        check(&[Warn, NoData], NoData, Exit::NoVerdict, "1 of 3 objectives has no data");
        check(&[NoData, NoData], NoData, Exit::NoVerdict, "2 of 3 objectives have no data");
        check(&[Pass, NoData, Fail], Fail, Exit::No, "1 of 4 objectives failed");
        check(&[Skip], NoData, Exit::NoVerdict, "every objective was skipped for want of data");
        assert_eq!(of(&[], &[Pass], false).headline, "the objective is met");
        assert_eq!(of(&[Fail], &[Skip], false).exit, Exit::No);
    }

    #[test]
    fn strict_turns_a_warning_into_a_no_and_leaves_the_rest() {
        assert_eq!(of(&[Pass], &[Warn], true).exit, Exit::No);
        assert_eq!(of(&[Pass], &[Warn, NoData], true).exit, Exit::NoVerdict);
        assert_eq!(of(&[Pass], &[Pass], true).exit, Exit::Yes);
    }

    #[test]
    fn an_invalid_run_has_no_verdict_whatever_its_figures() {
        for (complete, valid, reasons) in [
            (false, true, vec!["a stream was cut short"]),
            (true, false, vec!["a tenth was late"]),
            (false, false, vec!["a stream was cut short", "a tenth was late"]),
        ] {
            let conclusion = conclude(&run(complete, valid), &[], &[judged(Fail)], true);
            assert_eq!((conclusion.verdict, conclusion.exit), (Invalid, Exit::NoVerdict));
            assert_eq!(conclusion.reasons, reasons);
        }
    }

    #[test]
    fn reasons_name_what_was_measured_and_what_was_wanted() {
        let conclusion = of(&[], &[Pass, Fail, NoData], false);
        let reasons = ["failed: rate<0.01: 50 % is not < 1 %", "failed: rate<0.01: no data: none"];
        assert_eq!(conclusion.reasons, reasons);
    }
}
