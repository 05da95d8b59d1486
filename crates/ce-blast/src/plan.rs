//! The load as resolved from the command line: typed values are checked together here.

use std::time::Duration;

use anyhow::{Context, bail};
use load_plan::{Ramp, Rate, Schedule, parse_stages};
use serde_json::{Value, json};

use crate::cli::Cli;
use crate::closed_loop::ClosedLoop;

/// What will be sent when.
#[derive(Debug, Clone)]
pub(crate) enum Plan {
    Open(Schedule),
    Closed(ClosedLoop),
}

impl Plan {
    /// The plan that the flags describe.
    pub(crate) fn new(cli: &Cli) -> anyhow::Result<Self> {
        if let Some(vus) = cli.vus {
            return closed(cli, vus).map(Self::Closed);
        }
        if let Some(rate) = cli.rate {
            return constant(rate, cli.duration).map(Self::Open);
        }
        if cli.duration.is_some() {
            bail!("--stages have durations of their own: leave out --duration");
        }
        let text = cli.stages.as_deref().context("one of --rate, --stages and --vus is needed")?;
        let stages = parse_stages(text).context("--stages")?;
        let first = stages.iter().find(|stage| stage.target.events() > 0);
        let period_ns = first.context("--stages: every rate is zero")?.target.period_ns();
        let start = Rate::new(0, period_ns).context("--stages: a period of zero")?;
        Ok(Self::Open(Schedule::Ramping(Ramp::new(start, &stages).context("--stages")?)))
    }

    /// How many events there are, as far as the plan decides it.
    pub(crate) fn events(&self) -> Option<u64> {
        match self {
            Self::Open(schedule) => schedule.events(),
            Self::Closed(_) => None,
        }
    }

    pub(crate) fn is_open_loop(&self) -> bool {
        matches!(self, Self::Open(_))
    }

    /// The plan as the `start` record shows it.
    pub(crate) fn describe(&self, cli: &Cli) -> Value {
        let scenario = match self {
            Self::Open(Schedule::Constant { rate, events }) => json!({
                "executor": "constant-arrival-rate",
                "rate": rate.to_string(),
                "duration_s": cli.duration.map(|duration| duration.as_secs_f64()),
                "events": events,
            }),
            Self::Open(Schedule::Ramping(ramp)) => json!({
                "executor": "ramping-arrival-rate",
                "stages": cli.stages,
                "events": ramp.events(),
            }),
            Self::Closed(closed) => json!({
                "executor": "constant-vus",
                "vus": closed.vus,
                "ramp_up_s": closed.ramp_up.as_secs_f64(),
                "pause_s": closed.pause.as_secs_f64(),
                "duration_s": closed.duration.map(|duration| duration.as_secs_f64()),
            }),
        };
        json!({ "scenarios": { cli.scenario.as_str(): scenario } })
    }
}

fn constant(rate: Rate, duration: Option<Duration>) -> anyhow::Result<Schedule> {
    if rate.events() == 0 {
        bail!("--rate: a rate of zero sends nothing");
    }
    let duration_ns = duration.map(|duration| u64::try_from(duration.as_nanos())).transpose();
    let schedule = Schedule::constant(rate, duration_ns.context("--duration is too long")?);
    if schedule.events() == Some(0) {
        bail!("--duration: nothing is due within {:?}", duration.unwrap_or_default());
    }
    Ok(schedule)
}

fn closed(cli: &Cli, vus: u32) -> anyhow::Result<ClosedLoop> {
    if vus == 0 || vus > 1_000_000 {
        bail!("--vus: between 1 and 1000000 senders are possible");
    }
    if cli.duration.is_some_and(|duration| duration <= cli.ramp_up) {
        bail!("--ramp-up takes as long as the whole run: make --duration longer");
    }
    let Cli { ramp_up, pause, duration, .. } = *cli;
    Ok(ClosedLoop { vus, ramp_up, pause, duration })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn plan(args: &[&str]) -> anyhow::Result<Plan> {
        let args = ["ce-blast", "--to", "null:"].iter().chain(args);
        Plan::new(&Cli::try_parse_from(args).expect("the flags are known"))
    }

    #[test]
    fn a_rate_and_a_duration_give_a_number_of_events() {
        assert_eq!(plan(&["--rate", "200/s", "--duration", "30s"]).unwrap().events(), Some(6000));
        assert_eq!(plan(&["--rate", "200/s"]).unwrap().events(), None);
    }

    #[test]
    fn stages_start_at_zero_and_may_jump() {
        assert_eq!(plan(&["--stages", "10s:100"]).unwrap().events(), Some(500));
        assert_eq!(plan(&["--stages", "0s:10,6s:10,1m:0"]).unwrap().events(), Some(360));
    }

    #[test]
    fn contradictions_are_refused_with_the_flag() {
        let check = |args: &[&str], says: &str| {
            let message = format!("{:#}", plan(args).unwrap_err());
            assert!(message.contains(says), "{args:?}: {message}");
        };
        check(&["--stages", "1m:10", "--duration", "1m"], "leave out --duration");
        check(&["--stages", "1m:x"], "stage `1m:x`");
        check(&["--stages", "1m:0"], "every rate is zero");
        check(&["--rate", "0/s"], "--rate");
        check(&["--rate", "1/m", "--duration", "0s"], "nothing is due");
        check(&["--vus", "0"], "--vus");
        check(&["--vus", "2", "--ramp-up", "1m", "--duration", "1m"], "make --duration longer");
    }
}
