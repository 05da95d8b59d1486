//! The load as resolved from the command line: a plan file, or the one scenario that the flags
//! describe. Typed values are checked together here.

mod describe;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use load_plan::document::Document;
use load_plan::{
    Executor, Plan, Ramp, Rate, Scenario, Schedule, Spacing, constant_users, parse_stages,
    read_plan,
};

use crate::cli::Cli;
use crate::routing::routing_key;

pub(crate) use describe::{describe, users_name};

/// A closed loop without a duration lasts as long as its input.
const FOR_EVER_NS: u64 = u64::MAX / 4;

/// The plan that the command line asks for.
pub(crate) fn resolve(cli: &Cli) -> anyhow::Result<Plan> {
    let mut plan = match &cli.plan {
        Some(path) => read_file(path)?,
        None => Plan { scenarios: vec![scenario(cli)?], warnings: Vec::new() },
    };
    for scenario in &mut plan.scenarios {
        let tags = cli.tags.iter().map(|tag| (tag.name.clone(), tag.value.clone()));
        scenario.tags.extend(tags);
        scenario.max_in_flight.get_or_insert(cli.max_in_flight.into());
        if let Some(factor) = cli.time_scale {
            compress(scenario, factor);
        }
    }
    check_inputs(&plan)?;
    for scenario in &plan.scenarios {
        routing_key(cli, scenario)?;
    }
    if !cli.shard.is_whole() && plan.scenarios.iter().any(|it| !is_open_loop(it)) {
        bail!("--shard divides a schedule, and a closed loop has none: run it without");
    }
    Ok(plan)
}

fn read_file(path: &Path) -> anyhow::Result<Plan> {
    let (name, text) = ce_cli::read_text(path, "a plan")?;
    Ok(read_plan(&Document::parse(name, text)?)?)
}

/// A closed loop takes events when it wants them, so nobody could say which event of a shared input
/// belongs to which scenario.
fn check_inputs(plan: &Plan) -> anyhow::Result<()> {
    for scenario in plan.scenarios.iter().filter(|it| !is_open_loop(it)) {
        let shares = |it: &&Scenario| it.executor.has_events() && it.events == scenario.events;
        if plan.scenarios.iter().filter(shares).count() > 1 {
            let name = &scenario.name;
            bail!("scenario `{name}` is a closed loop: give it `events` of its own");
        }
    }
    Ok(())
}

/// Whether the scenario sends by a schedule and waits for nobody.
pub(crate) fn is_open_loop(scenario: &Scenario) -> bool {
    scenario.executor.schedule().is_some()
}

/// When the connections of a scenario are closed, on the run's clock.
pub(crate) fn held_until_ns(scenario: &Scenario, time_scale: Option<u32>) -> u64 {
    let length_ns = scenario.executor.length_ns().unwrap_or(0);
    scenario.start_ns.saturating_add(length_ns) / u64::from(time_scale.unwrap_or(1))
}

/// How many events the scenario has, as far as its plan decides it.
pub(crate) fn events(scenario: &Scenario) -> Option<u64> {
    match &scenario.executor {
        Executor::Arrivals { schedule, spacing: Spacing::Uniform }
        | Executor::Connections { schedule, .. } => schedule.events(),
        Executor::Iterations { iterations, per_vu: false, .. } => Some(*iterations),
        Executor::Iterations { vus, iterations, per_vu: true, .. } => {
            iterations.checked_mul(u64::from(*vus))
        }
        Executor::Arrivals { .. } | Executor::Users { .. } => None,
    }
}

fn scenario(cli: &Cli) -> anyhow::Result<Scenario> {
    let scenario = Scenario {
        name: cli.scenario.clone(),
        start_ns: 0,
        executor: executor(cli)?,
        tags: BTreeMap::new(),
        warm_up_ns: nanoseconds(cli.warm_up).context("--warm-up")?,
        graceful_stop_ns: nanoseconds(cli.grace).context("--grace")?,
        max_in_flight: None,
        events: None,
        to: None,
        routing_key: None,
    };
    if scenario.is_all_warm_up() {
        bail!("--warm-up is as long as the load: nothing is left to judge");
    }
    Ok(scenario)
}

fn executor(cli: &Cli) -> anyhow::Result<Executor> {
    if let Some(vus) = cli.vus {
        return closed(cli, vus);
    }
    let schedule = match (cli.rate, &cli.stages) {
        (Some(rate), _) => constant(rate, cli.duration)?,
        (None, Some(stages)) if cli.duration.is_none() => ramping(stages).context("--stages")?,
        (None, Some(_)) => bail!("--stages have durations of their own: leave out --duration"),
        (None, None) => bail!("one of --rate, --stages, --vus and --plan is needed"),
    };
    Ok(Executor::Arrivals { schedule, spacing: cli.arrivals.into() })
}

fn ramping(text: &str) -> anyhow::Result<Schedule> {
    let stages = parse_stages(text)?;
    Ok(Schedule::Ramping(Ramp::new(Rate::ZERO, &stages)?))
}

fn constant(rate: Rate, duration: Option<Duration>) -> anyhow::Result<Schedule> {
    if rate.events() == 0 {
        bail!("--rate: a rate of zero sends nothing");
    }
    let duration_ns = duration.map(nanoseconds).transpose().context("--duration")?;
    let schedule = Schedule::Constant { rate, duration_ns };
    if schedule.events() == Some(0) {
        bail!("--duration: nothing is due within {:?}", duration.unwrap_or_default());
    }
    Ok(schedule)
}

fn closed(cli: &Cli, vus: u32) -> anyhow::Result<Executor> {
    if vus == 0 || vus > 1_000_000 {
        bail!("--vus: between 1 and 1000000 senders are possible");
    }
    if cli.duration.is_some_and(|duration| duration <= cli.ramp_up) {
        bail!("--ramp-up takes as long as the whole run: make --duration longer");
    }
    let ramp_up_ns = nanoseconds(cli.ramp_up).context("--ramp-up")?;
    let length_ns = cli.duration.map(nanoseconds).transpose().context("--duration")?;
    let (start, stages) = constant_users(vus, ramp_up_ns, length_ns.unwrap_or(FOR_EVER_NS));
    Ok(Executor::Users { stages, start, pause_ns: nanoseconds(cli.pause).context("--pause")? })
}

fn nanoseconds(duration: Duration) -> anyhow::Result<u64> {
    u64::try_from(duration.as_nanos()).context("too long")
}

/// Runs a closed loop `factor` times as fast; who hands out due times does the same to those.
fn compress(scenario: &mut Scenario, factor: u32) {
    let factor = u64::from(factor);
    match &mut scenario.executor {
        Executor::Arrivals { .. } | Executor::Connections { .. } => {}
        Executor::Users { stages, pause_ns, .. } => {
            scenario.start_ns /= factor;
            scenario.warm_up_ns /= factor;
            *pause_ns /= factor;
            for stage in stages {
                stage.duration_ns /= factor;
            }
        }
        Executor::Iterations { max_duration_ns, pause_ns, .. } => {
            scenario.start_ns /= factor;
            scenario.warm_up_ns /= factor;
            *max_duration_ns /= factor;
            *pause_ns /= factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn plan(args: &[&str]) -> anyhow::Result<Plan> {
        let args = ["ce-blast", "--to", "null:"].iter().chain(args);
        resolve(&Cli::try_parse_from(args).expect("the flags are known"))
    }

    fn events_of(args: &[&str]) -> Option<u64> {
        events(&plan(args).unwrap().scenarios[0])
    }

    #[test]
    fn a_rate_and_a_duration_give_a_number_of_events() {
        assert_eq!(events_of(&["--rate", "200/s", "--duration", "30s"]), Some(6000));
        assert_eq!(events_of(&["--rate", "200/s"]), None);
    }

    #[test]
    fn stages_start_at_zero_and_may_jump() {
        assert_eq!(events_of(&["--stages", "10s:100"]), Some(500));
        assert_eq!(events_of(&["--stages", "0s:10,6s:10,1m:0"]), Some(360));
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
        check(&["--vus", "2", "--shard", "0/2"], "--shard divides a schedule");
        check(
            &["--rate", "9/s", "--duration", "9s", "--warm-up", "9s"],
            "nothing is left to judge",
        );
    }
}
