//! Reads a plan: our own file, or a k6 options object as `k6 inspect` prints it. Both have the same
//! words; what k6 has and a load without scripts has not is a warning, what neither has is an error.

use crate::document::{Document, Entry, PlanError};
use crate::fields::Fields;
use crate::scenario::{Executor, Plan, Scenario, Spacing};
use crate::{Ramp, Rate, Schedule, Stage, VuStage, constant_users};

/// What k6 does when nothing is said: half a minute.
const GRACEFUL_STOP_NS: u64 = 30_000_000_000;
/// k6's limit for executors that count iterations.
const MAX_DURATION_NS: u64 = 600_000_000_000;
const SECOND_NS: u64 = 1_000_000_000;
/// More users than this are a mistake.
const MOST_VUS: u64 = 1_000_000;
/// A billion events per unit of time.
const MOST_EVENTS: u64 = 1_000_000_000;

/// Options of k6 that change how it prints, not what it sends.
const SILENT: [&str; 7] = [
    "summaryTrendStats",
    "summaryTimeUnit",
    "systemTags",
    "noUsageReport",
    "throw",
    "setupTimeout",
    "teardownTimeout",
];
/// Options of k6 that a load without scripts has no use for.
const WITHOUT_MEANING: [&str; 29] = [
    "batch",
    "batchPerHost",
    "blacklistIPs",
    "blockHostnames",
    "cloud",
    "consoleOutput",
    "discardResponseBodies",
    "dns",
    "executionSegment",
    "executionSegmentSequence",
    "ext",
    "hosts",
    "httpDebug",
    "insecureSkipTLSVerify",
    "linger",
    "localIPs",
    "maxRedirects",
    "metricSamplesBufferSize",
    "minIterationDuration",
    "noConnectionReuse",
    "noCookiesReset",
    "noSetup",
    "noTeardown",
    "noVUConnectionReuse",
    "paused",
    "rps",
    "tlsAuth",
    "tlsCipherSuites",
    "tlsVersion",
];

/// Reads the scenarios of a plan file. Thresholds and objectives in it are for `slo-check`.
pub fn read_plan(document: &Document) -> Result<Plan, PlanError> {
    let mut root = Fields::new(document, document.root(), "the plan")?;
    let mut warnings = Vec::new();
    let common_tags = root.texts("tags")?;
    root.take("thresholds");
    root.take("slo");
    for option in SILENT {
        root.take(option);
    }
    for option in WITHOUT_MEANING.into_iter().chain(["userAgent"]) {
        if let Some(entry) = root.take(option) {
            warnings.push(no_meaning(document, entry));
        }
    }
    let mut scenarios = match root.take("scenarios") {
        Some(entry) => {
            let mut all = Fields::new(document, &entry.node, "`scenarios`")?;
            let read = |entry| scenario(document, entry, &mut warnings);
            all.rest().into_iter().map(read).collect::<Result<Vec<_>, _>>()?
        }
        None => vec![shortcut(&mut root)?],
    };
    root.nothing_else("a plan")?;
    if scenarios.is_empty() {
        return Err(document.error(0, "there is no scenario; add one below `scenarios`"));
    }
    for scenario in &mut scenarios {
        for (name, value) in &common_tags {
            scenario.tags.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    Ok(Plan { scenarios, warnings })
}

fn no_meaning(document: &Document, entry: &Entry) -> String {
    format!("{}: `{}` has no meaning here and is left out", document.place(entry.offset), entry.key)
}

/// k6's short form of a single scenario: `vus` with `duration` or `iterations`, or `stages`.
fn shortcut(root: &mut Fields<'_>) -> Result<Scenario, PlanError> {
    let vus = root.integer_in("vus", Some(1), 1..=MOST_VUS)?;
    let (duration, iterations) = (root.duration("duration")?, root.integer("iterations")?);
    let executor = match (duration, iterations) {
        (_, Some(iterations)) => Executor::Iterations {
            vus: users(vus),
            iterations,
            per_vu: false,
            max_duration_ns: duration.unwrap_or(MAX_DURATION_NS),
            pause_ns: 0,
        },
        (Some(duration_ns), None) => constant_vus(vus, duration_ns, 0, 0),
        (None, None) => {
            Executor::Users { stages: vu_stages(root)?, start: users(vus), pause_ns: 0 }
        }
    };
    Ok(Scenario { executor, ..named("default") })
}

fn named(name: &str) -> Scenario {
    Scenario {
        name: name.to_owned(),
        start_ns: 0,
        executor: Executor::Users { stages: Vec::new(), start: 0, pause_ns: 0 },
        tags: std::collections::BTreeMap::new(),
        warm_up_ns: 0,
        graceful_stop_ns: GRACEFUL_STOP_NS,
        max_in_flight: None,
        events: None,
        to: None,
        routing_key: None,
    }
}

fn scenario(
    document: &Document,
    entry: &Entry,
    warnings: &mut Vec<String>,
) -> Result<Scenario, PlanError> {
    let name = &entry.key;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if name.is_empty() || !name.bytes().all(allowed) {
        let what = format!("scenario `{name}`: use letters, digits, `_` and `-` in its name");
        return Err(document.error(entry.offset, what));
    }
    let mut fields = Fields::new(document, &entry.node, &format!("scenario `{name}`"))?;
    for option in ["exec", "env", "options"] {
        if let Some(entry) = fields.take(option) {
            warnings.push(no_meaning(document, entry));
        }
    }
    let (executor_name, executor) = executor(&mut fields)?;
    let is_open = matches!(executor, Executor::Arrivals { .. });
    let scenario = Scenario {
        start_ns: fields.duration("startTime")?.unwrap_or(0),
        executor,
        tags: fields.texts("tags")?,
        warm_up_ns: fields.duration("warmUp")?.unwrap_or(0),
        graceful_stop_ns: fields.duration("gracefulStop")?.unwrap_or(GRACEFUL_STOP_NS),
        max_in_flight: if is_open { in_flight(&mut fields)? } else { None },
        events: fields.text("events")?.map(ToOwned::to_owned),
        to: fields.text("to")?.map(ToOwned::to_owned),
        routing_key: fields.text("routingKey")?.map(ToOwned::to_owned),
        ..named(name)
    };
    fields.nothing_else(&format!("executor {executor_name}"))?;
    if scenario.is_all_warm_up() {
        return Err(fields.error("`warmUp` is as long as the scenario: nothing is left to judge"));
    }
    Ok(scenario)
}

/// k6 limits its open loop by virtual users: one event in flight each.
fn in_flight(fields: &mut Fields<'_>) -> Result<Option<u64>, PlanError> {
    let ours = fields.integer("maxInFlight")?;
    let (first, most) = (fields.integer("preAllocatedVUs")?, fields.integer("maxVUs")?);
    if let Some((first, most)) = first.zip(most).filter(|(first, most)| most < first) {
        let what = format!("`maxVUs` is {most} and `preAllocatedVUs` {first}: swap them");
        return Err(fields.error(what));
    }
    match ours.or(most).or(first) {
        Some(0) => Err(fields.error("with nothing in flight nothing is sent; allow at least 1")),
        limit => Ok(limit),
    }
}

const EXECUTORS: [(&str, &str); 7] = [
    ("constant-arrival-rate", "constant-arrival-rate"),
    ("ramping-arrival-rate", "ramping-arrival-rate"),
    ("stairs-arrival-rate", "stairs-arrival-rate"),
    ("constant-vus", "constant-vus"),
    ("ramping-vus", "ramping-vus"),
    ("per-vu-iterations", "per-vu-iterations"),
    ("shared-iterations", "shared-iterations"),
];

fn executor(fields: &mut Fields<'_>) -> Result<(&'static str, Executor), PlanError> {
    let name = fields.word("executor", &EXECUTORS)?;
    let missing = || fields.error("`executor` is missing; write, e.g., constant-arrival-rate");
    let name = name.ok_or_else(missing)?;
    let executor = match name {
        "constant-arrival-rate" => constant(fields)?,
        "ramping-arrival-rate" => ramping(fields)?,
        "stairs-arrival-rate" => stairs(fields)?,
        "constant-vus" => {
            let vus = fields.integer_in("vus", Some(1), 1..=MOST_VUS)?;
            let duration_ns = fields.needed_duration("duration")?;
            let ramp_up_ns = fields.duration("rampUp")?.unwrap_or(0);
            if ramp_up_ns > duration_ns {
                return Err(fields.error("`rampUp` is longer than `duration`: swap them"));
            }
            constant_vus(vus, duration_ns, ramp_up_ns, pause(fields)?)
        }
        "ramping-vus" => {
            fields.take("gracefulRampDown");
            let start = users(fields.integer_in("startVUs", Some(1), 0..=MOST_VUS)?);
            Executor::Users { stages: vu_stages(fields)?, start, pause_ns: pause(fields)? }
        }
        _ => iterations(fields, name == "per-vu-iterations")?,
    };
    Ok((name, executor))
}

fn spacing(fields: &mut Fields<'_>) -> Result<Spacing, PlanError> {
    let words = [("uniform", Spacing::Uniform), ("poisson", Spacing::Poisson)];
    Ok(fields.word("arrivals", &words)?.unwrap_or_default())
}

fn time_unit(fields: &mut Fields<'_>) -> Result<u64, PlanError> {
    match fields.duration("timeUnit")?.unwrap_or(SECOND_NS) {
        0 => Err(fields.error("`timeUnit` is zero; write, e.g., \"1s\"")),
        unit => Ok(unit),
    }
}

fn rate(fields: &Fields<'_>, events: u64, unit_ns: u64) -> Result<Rate, PlanError> {
    Rate::new(events, unit_ns).ok_or_else(|| fields.error("`timeUnit` is zero"))
}

fn constant(fields: &mut Fields<'_>) -> Result<Executor, PlanError> {
    let events = fields.integer_in("rate", None, 1..=MOST_EVENTS)?;
    let unit_ns = time_unit(fields)?;
    let duration_ns = fields.needed_duration("duration")?;
    let schedule = Schedule::constant(rate(fields, events, unit_ns)?, Some(duration_ns));
    Ok(Executor::Arrivals { schedule, spacing: spacing(fields)? })
}

fn ramping(fields: &mut Fields<'_>) -> Result<Executor, PlanError> {
    let start = fields.integer_in("startRate", Some(0), 0..=MOST_EVENTS)?;
    let unit_ns = time_unit(fields)?;
    let mut stages = Vec::new();
    for mut stage in fields.tables("stages", "[{ duration = \"3m\", target = 50 }]")? {
        let duration_ns = stage.needed_duration("duration")?;
        let target = stage.integer_in("target", None, 0..=MOST_EVENTS)?;
        stage.nothing_else("a stage")?;
        stages.push(stage_of(duration_ns, rate(fields, target, unit_ns)?));
    }
    ramp(fields, rate(fields, start, unit_ns)?, &stages)
}

fn stage_of(duration_ns: u64, target: Rate) -> Stage {
    Stage { duration: std::time::Duration::from_nanos(duration_ns), target }
}

fn ramp(fields: &mut Fields<'_>, start: Rate, stages: &[Stage]) -> Result<Executor, PlanError> {
    let ramp = Ramp::new(start, stages).map_err(|err| fields.error(err))?;
    Ok(Executor::Arrivals { schedule: Schedule::Ramping(ramp), spacing: spacing(fields)? })
}

/// Levels of equal length: `start`, `start + step`, … `steps` times up.
fn stairs(fields: &mut Fields<'_>) -> Result<Executor, PlanError> {
    let start = fields.integer_in("startRate", None, 0..=MOST_EVENTS)?;
    let step = fields.integer_in("step", None, 1..=MOST_EVENTS)?;
    let steps = fields.integer_in("steps", None, 1..=10_000)?;
    let level_ns = fields.needed_duration("stepDuration")?;
    let unit_ns = time_unit(fields)?;
    let mut stages = Vec::new();
    for level in 0..=steps {
        let target = rate(fields, start + level * step, unit_ns)?;
        stages.push(stage_of(0, target));
        stages.push(stage_of(level_ns, target));
    }
    ramp(fields, rate(fields, start, unit_ns)?, &stages)
}

fn pause(fields: &mut Fields<'_>) -> Result<u64, PlanError> {
    Ok(fields.duration("pause")?.unwrap_or(0))
}

/// Users that start evenly over a time and then stay.
fn constant_vus(vus: u64, duration_ns: u64, ramp_up_ns: u64, pause_ns: u64) -> Executor {
    let (start, stages) = constant_users(users(vus), ramp_up_ns, duration_ns);
    Executor::Users { stages, start, pause_ns }
}

fn vu_stages(fields: &mut Fields<'_>) -> Result<Vec<VuStage>, PlanError> {
    let mut stages = Vec::new();
    for mut stage in fields.tables("stages", "[{ duration = \"3m\", target = 50 }]")? {
        let duration_ns = stage.needed_duration("duration")?;
        let target = users(stage.integer_in("target", None, 0..=MOST_VUS)?);
        stage.nothing_else("a stage")?;
        stages.push(VuStage { duration_ns, target });
    }
    Ok(stages)
}

fn iterations(fields: &mut Fields<'_>, per_vu: bool) -> Result<Executor, PlanError> {
    let vus = fields.integer_in("vus", Some(1), 1..=MOST_VUS)?;
    let iterations = fields.integer_in("iterations", Some(1), 1..=u64::MAX)?;
    if !per_vu && iterations < vus {
        let what = format!("{vus} users share {iterations} events: allow fewer `vus`");
        return Err(fields.error(what));
    }
    let max_duration_ns = fields.duration("maxDuration")?.unwrap_or(MAX_DURATION_NS);
    let pause_ns = pause(fields)?;
    Ok(Executor::Iterations { vus: users(vus), iterations, per_vu, max_duration_ns, pause_ns })
}

fn users(vus: u64) -> u32 {
    u32::try_from(vus).expect("the range was checked")
}

#[cfg(test)]
mod tests;
