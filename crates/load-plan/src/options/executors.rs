//! What a scenario does: the executors and the keys that each has of its own. Each reads all its
//! keys, refuses what is left, and then puts the values together.

use std::time::Duration;

use super::named;
use crate::document::PlanError;
use crate::fields::{Fields, LONGEST_NS};
use crate::scenario::{Executor, Scenario, Spacing};
use crate::{Ramp, Rate, Schedule, Stage, StageError, VuStage, constant_users};

/// k6's limit for executors that count iterations.
const MAX_DURATION_NS: u64 = 600_000_000_000;
const SECOND_NS: u64 = 1_000_000_000;
/// More users than this are a mistake.
const MOST_VUS: u64 = 1_000_000;
/// A billion events per unit of time.
const MOST_EVENTS: u64 = 1_000_000_000;
/// More connections than the addresses and ports of a whole fleet of senders.
const MOST_CONNECTIONS: u64 = 1_000_000;
/// More events than a run of centuries has.
const MOST_ITERATIONS: u64 = 1_000_000_000_000_000;

/// Which executor a scenario has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Constant,
    Ramping,
    Stairs,
    ConstantVus,
    RampingVus,
    PerVuIterations,
    SharedIterations,
    Connections,
}

const KINDS: [(&str, Kind); 8] = [
    ("constant-arrival-rate", Kind::Constant),
    ("ramping-arrival-rate", Kind::Ramping),
    ("stairs-arrival-rate", Kind::Stairs),
    ("constant-vus", Kind::ConstantVus),
    ("ramping-vus", Kind::RampingVus),
    ("per-vu-iterations", Kind::PerVuIterations),
    ("shared-iterations", Kind::SharedIterations),
    ("connections", Kind::Connections),
];

impl Kind {
    /// Whether it sends by a schedule, which an in-flight limit can hold up.
    pub(super) fn is_open_loop(self) -> bool {
        matches!(self, Self::Constant | Self::Ramping | Self::Stairs | Self::Connections)
    }

    /// Whether it takes events from an input.
    pub(super) fn has_events(self) -> bool {
        self != Self::Connections
    }

    fn name(self) -> &'static str {
        KINDS.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

/// Which executor it is.
pub(super) fn kind(fields: &mut Fields<'_>) -> Result<Kind, PlanError> {
    if let Some(kind) = fields.word("executor", &KINDS)? {
        return Ok(kind);
    }
    let missing = || {
        let names: Vec<_> = KINDS.iter().map(|(name, _)| *name).collect();
        fields
            .error("executor", format!("`executor` is missing; it is one of {}", names.join(", ")))
    };
    Err(fields.meant("executor").unwrap_or_else(missing))
}

/// Reads the keys of the executor, which have to be the last that are left.
pub(super) fn read(kind: Kind, fields: &mut Fields<'_>) -> Result<Executor, PlanError> {
    match kind {
        Kind::Constant => constant(fields),
        Kind::Ramping => ramping(fields),
        Kind::Stairs => stairs(fields),
        Kind::ConstantVus => constant_vus(fields),
        Kind::RampingVus => ramping_vus(fields),
        Kind::PerVuIterations => iterations(fields, true),
        Kind::SharedIterations => iterations(fields, false),
        Kind::Connections => connections(fields),
    }
}

/// k6's short form of a single scenario: `vus` with `duration` or `iterations`, or `stages`.
pub(super) fn short_form(root: &mut Fields<'_>) -> Result<Scenario, PlanError> {
    let vus = root.integer_in("vus", Some(1), 1..=MOST_VUS)?;
    let (duration, iterations) = (root.length("duration")?, root.integer("iterations")?);
    let has_stages = root.has("stages");
    let stages = if has_stages { vu_stages(root)? } else { Vec::new() };
    if has_stages && (duration.is_some() || iterations.is_some()) {
        let what = "`stages` have durations of their own: leave out `duration` and `iterations`";
        return Err(root.error("stages", what));
    }
    if duration.is_none() && iterations.is_none() && !has_stages {
        root.miss("scenarios", "{ … }");
    }
    root.finish("a plan", |_| None)?;
    let executor = match (duration, iterations) {
        (_, Some(iterations)) => {
            check_shared(root, vus, iterations)?;
            Executor::Iterations {
                vus: users(vus),
                iterations,
                per_vu: false,
                max_duration_ns: duration.unwrap_or(MAX_DURATION_NS),
                pause_ns: 0,
            }
        }
        (Some(duration_ns), None) => {
            let (start, stages) = constant_users(users(vus), 0, duration_ns);
            Executor::Users { stages, start, pause_ns: 0 }
        }
        (None, None) => Executor::Users { stages, start: users(vus), pause_ns: 0 },
    };
    Ok(named("default", executor))
}

fn finish(fields: &mut Fields<'_>, kind: Kind) -> Result<(), PlanError> {
    fields.finish(&format!("executor {}", kind.name()), belongs_to)
}

/// Where a key that this executor does not have would mean something.
fn belongs_to(key: &str) -> Option<&'static str> {
    Some(match key {
        "rate" => "executors constant-arrival-rate and connections",
        "startRate" => "executors ramping-arrival-rate and stairs-arrival-rate",
        "step" | "steps" | "stepDuration" => "executor stairs-arrival-rate",
        "timeUnit" | "arrivals" | "preAllocatedVUs" | "maxVUs" | "maxInFlight" => {
            "executors with an arrival rate"
        }
        "duration" => "executors constant-arrival-rate and constant-vus",
        "stages" => "executors ramping-arrival-rate and ramping-vus",
        "vus" | "pause" => "closed loops, such as executor constant-vus",
        "rampUp" => "executor constant-vus",
        "startVUs" => "executor ramping-vus",
        "connections" | "hold" => "executor connections",
        "events" | "routingKey" => "executors that send events",
        "iterations" | "maxDuration" => "executors per-vu-iterations and shared-iterations",
        _ => return None,
    })
}

fn spacing(fields: &mut Fields<'_>) -> Result<Spacing, PlanError> {
    let words = [("uniform", Spacing::Uniform), ("poisson", Spacing::Poisson)];
    Ok(fields.word("arrivals", &words)?.unwrap_or_default())
}

fn time_unit(fields: &mut Fields<'_>) -> Result<u64, PlanError> {
    Ok(fields.length("timeUnit")?.unwrap_or(SECOND_NS))
}

/// `events` in each unit of time; the key `key` says how many.
fn rate(fields: &Fields<'_>, key: &str, events: u64, unit_ns: u64) -> Result<Rate, PlanError> {
    let rate = Rate::new(events, unit_ns).filter(|_| events <= unit_ns);
    rate.ok_or_else(|| fields.error(key, "more than a billion events per second; lower the rate"))
}

fn constant(fields: &mut Fields<'_>) -> Result<Executor, PlanError> {
    let events = fields.integer_in("rate", None, 1..=MOST_EVENTS)?;
    let unit_ns = time_unit(fields)?;
    let duration_ns = fields.needed_length("duration")?;
    let spacing = spacing(fields)?;
    finish(fields, Kind::Constant)?;
    let rate = rate(fields, "rate", events, unit_ns)?;
    let schedule = Schedule::Constant { rate, duration_ns: Some(duration_ns) };
    Ok(Executor::Arrivals { schedule, spacing })
}

fn ramping(fields: &mut Fields<'_>) -> Result<Executor, PlanError> {
    let start = fields.integer_in("startRate", Some(0), 0..=MOST_EVENTS)?;
    let unit_ns = time_unit(fields)?;
    let mut stages = Vec::new();
    for mut stage in fields.stages()? {
        let duration_ns = stage.needed_duration("duration")?;
        let target = stage.integer_in("target", None, 0..=MOST_EVENTS)?;
        stage.finish("a stage", |_| None)?;
        stages.push(stage_of(duration_ns, rate(&stage, "target", target, unit_ns)?));
    }
    let spacing = spacing(fields)?;
    finish(fields, Kind::Ramping)?;
    let start = rate(fields, "startRate", start, unit_ns)?;
    ramp(start, &stages, spacing).map_err(|err| fields.error("stages", err))
}

fn stage_of(duration_ns: u64, target: Rate) -> Stage {
    Stage { duration: Duration::from_nanos(duration_ns), target }
}

fn ramp(start: Rate, stages: &[Stage], spacing: Spacing) -> Result<Executor, StageError> {
    let schedule = Schedule::Ramping(Ramp::new(start, stages)?);
    Ok(Executor::Arrivals { schedule, spacing })
}

/// Levels of equal length: `start`, `start + step`, … `steps` times up.
fn stairs(fields: &mut Fields<'_>) -> Result<Executor, PlanError> {
    let start = fields.integer_in("startRate", None, 0..=MOST_EVENTS)?;
    let step = fields.integer_in("step", None, 1..=MOST_EVENTS)?;
    let steps = fields.integer_in("steps", None, 1..=10_000)?;
    let level_ns = fields.needed_length("stepDuration")?;
    let unit_ns = time_unit(fields)?;
    let spacing = spacing(fields)?;
    finish(fields, Kind::Stairs)?;
    let first = rate(fields, "startRate", start, unit_ns)?;
    let mut stages = Vec::new();
    for level in 0..=steps {
        let target = rate(fields, "step", start + level * step, unit_ns)?;
        stages.push(stage_of(0, target));
        stages.push(stage_of(level_ns, target));
    }
    ramp(first, &stages, spacing).map_err(|err| fields.error("stepDuration", err))
}

/// Connections that are opened at a rate and then held.
fn connections(fields: &mut Fields<'_>) -> Result<Executor, PlanError> {
    let count = fields.integer_in("connections", None, 1..=MOST_CONNECTIONS)?;
    let opened = fields.integer_in("rate", None, 1..=MOST_EVENTS)?;
    let unit_ns = time_unit(fields)?;
    let hold_ns = fields.needed_length("hold")?;
    finish(fields, Kind::Connections)?;
    let rate = rate(fields, "rate", opened, unit_ns)?;
    // One more would be due at the end, and so is not due any more.
    let too_long = || fields.error("rate", "the last would be opened in centuries; raise the rate");
    let duration_ns = rate.due_ns(count).filter(|&ns| ns <= LONGEST_NS).ok_or_else(too_long)?;
    let schedule = Schedule::Constant { rate, duration_ns: Some(duration_ns) };
    Ok(Executor::Connections { schedule, hold_ns })
}

fn pause(fields: &mut Fields<'_>) -> Result<u64, PlanError> {
    Ok(fields.duration("pause")?.unwrap_or(0))
}

/// Users that start evenly over a time and then stay.
fn constant_vus(fields: &mut Fields<'_>) -> Result<Executor, PlanError> {
    let vus = fields.integer_in("vus", Some(1), 1..=MOST_VUS)?;
    let duration_ns = fields.needed_length("duration")?;
    let ramp_up_ns = fields.duration("rampUp")?.unwrap_or(0);
    let pause_ns = pause(fields)?;
    finish(fields, Kind::ConstantVus)?;
    if ramp_up_ns > duration_ns {
        return Err(fields.error("rampUp", "`rampUp` is longer than `duration`: swap them"));
    }
    let (start, stages) = constant_users(users(vus), ramp_up_ns, duration_ns);
    Ok(Executor::Users { stages, start, pause_ns })
}

fn ramping_vus(fields: &mut Fields<'_>) -> Result<Executor, PlanError> {
    let start = users(fields.integer_in("startVUs", Some(1), 0..=MOST_VUS)?);
    let stages = vu_stages(fields)?;
    let pause_ns = pause(fields)?;
    finish(fields, Kind::RampingVus)?;
    if start == 0 && stages.iter().all(|stage| stage.target == 0) {
        return Err(fields.error("stages", "there is never a user, so nothing is ever sent"));
    }
    Ok(Executor::Users { stages, start, pause_ns })
}

fn vu_stages(fields: &mut Fields<'_>) -> Result<Vec<VuStage>, PlanError> {
    let mut stages = Vec::new();
    for mut stage in fields.stages()? {
        let duration_ns = stage.needed_duration("duration")?;
        let target = users(stage.integer_in("target", None, 0..=MOST_VUS)?);
        stage.finish("a stage", |_| None)?;
        stages.push(VuStage { duration_ns, target });
    }
    Ok(stages)
}

fn iterations(fields: &mut Fields<'_>, per_vu: bool) -> Result<Executor, PlanError> {
    let vus = fields.integer_in("vus", Some(1), 1..=MOST_VUS)?;
    let iterations = fields.integer_in("iterations", Some(1), 1..=MOST_ITERATIONS)?;
    let max_duration_ns = fields.length("maxDuration")?.unwrap_or(MAX_DURATION_NS);
    let pause_ns = pause(fields)?;
    finish(fields, if per_vu { Kind::PerVuIterations } else { Kind::SharedIterations })?;
    if !per_vu {
        check_shared(fields, vus, iterations)?;
    }
    Ok(Executor::Iterations { vus: users(vus), iterations, per_vu, max_duration_ns, pause_ns })
}

fn check_shared(fields: &Fields<'_>, vus: u64, iterations: u64) -> Result<(), PlanError> {
    let what = || format!("{vus} users share {iterations} events: allow fewer `vus`");
    if iterations < vus { Err(fields.error("vus", what())) } else { Ok(()) }
}

fn users(vus: u64) -> u32 {
    u32::try_from(vus).expect("the range was checked")
}
