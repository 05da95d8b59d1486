//! The plan as the `start` record shows it, for those who read the stream.

use std::time::Duration;

use ce_cli::masked_url;
use load_plan::{Executor, Plan, Scenario, Schedule, Spacing, VuStage};
use serde_json::{Value, json};

use super::{events, is_open_loop};

/// The plan as the `start` record shows it. Due times of an open loop are divided by `time_scale`.
pub(crate) fn describe(plan: &Plan, time_scale: u32) -> Value {
    let describe = |it: &Scenario| {
        let mut value = describe_scenario(it);
        let scale = if is_open_loop(it) { u64::from(time_scale) } else { 1 };
        if it.warm_up_ns > 0 {
            value["warm_up_until_ns"] = json!((it.start_ns + it.warm_up_ns) / scale);
        }
        let bounds = phase_bounds_ns(it);
        value["phase_bounds_ns"] = bounds.into_iter().map(|ns| json!(ns / scale)).collect();
        (it.name.clone(), value)
    };
    let scenarios = plan.scenarios.iter().map(describe);
    json!({ "scenarios": scenarios.collect::<serde_json::Map<_, _>>() })
}

/// Where the stages of a scenario begin, and where the last one ends; a stage without length is none.
fn phase_bounds_ns(scenario: &Scenario) -> Vec<u64> {
    let lengths_ns: Vec<u64> = match &scenario.executor {
        Executor::Arrivals { schedule: Schedule::Ramping(ramp), .. } => {
            ramp.pieces().map(|(_, duration_ns, _, _)| duration_ns).collect()
        }
        Executor::Arrivals { schedule, .. } => schedule.end_ns().into_iter().collect(),
        Executor::Connections { schedule, hold_ns } => {
            schedule.end_ns().into_iter().chain([*hold_ns]).collect()
        }
        Executor::Users { stages, .. } => stages.iter().map(|stage| stage.duration_ns).collect(),
        Executor::Iterations { .. } => Vec::new(),
    };
    let mut bounds = vec![scenario.start_ns];
    for length_ns in lengths_ns.into_iter().filter(|ns| *ns > 0) {
        bounds.push(bounds[bounds.len() - 1].saturating_add(length_ns));
    }
    bounds
}

fn describe_scenario(scenario: &Scenario) -> Value {
    let seconds = |ns: u64| Duration::from_nanos(ns).as_secs_f64();
    let mut value = match &scenario.executor {
        Executor::Arrivals { schedule: Schedule::Constant { rate, duration_ns }, spacing } => {
            json!({
                "executor": "constant-arrival-rate",
                "rate": rate.to_string(),
                "duration_s": duration_ns.map(seconds),
                "events": events(scenario),
                "arrivals": spacing_name(*spacing),
            })
        }
        Executor::Arrivals { schedule: Schedule::Ramping(ramp), spacing } => json!({
            "executor": "ramping-arrival-rate",
            "stages": ramp.pieces().map(|(start_ns, duration_ns, from, to)| json!({
                "start_s": seconds(start_ns),
                "duration_s": seconds(duration_ns),
                "from_per_s": from.per_second(),
                "to_per_s": to.per_second(),
            })).collect::<Vec<_>>(),
            "events": events(scenario),
            "arrivals": spacing_name(*spacing),
        }),
        Executor::Connections { schedule, hold_ns } => json!({
            "executor": "connections",
            "connections": schedule.events(),
            "opening_s": schedule.end_ns().map(seconds),
            "hold_s": seconds(*hold_ns),
        }),
        Executor::Users { stages, start, pause_ns } => json!({
            "executor": users_name(stages),
            "start_vus": start,
            "stages": stages.iter().map(|stage| json!({
                "duration_s": seconds(stage.duration_ns),
                "target": stage.target,
            })).collect::<Vec<_>>(),
            "pause_s": seconds(*pause_ns),
        }),
        Executor::Iterations { vus, iterations, per_vu, pause_ns, .. } => json!({
            "executor": if *per_vu { "per-vu-iterations" } else { "shared-iterations" },
            "vus": vus,
            "iterations": iterations,
            "pause_s": seconds(*pause_ns),
        }),
    };
    value["start_s"] = json!(seconds(scenario.start_ns));
    value["graceful_stop_s"] = json!(seconds(scenario.graceful_stop_ns));
    value["tags"] = json!(scenario.tags);
    if is_open_loop(scenario) {
        value["max_in_flight"] = json!(scenario.max_in_flight);
    }
    let own = [("to", &scenario.to), ("events_file", &scenario.events)];
    for (name, text) in own.into_iter().chain([("routing_key", &scenario.routing_key)]) {
        if let Some(text) = text {
            value[name] = json!(masked_url(text));
        }
    }
    value
}

/// Users that all stay from when they began are constant.
pub(crate) fn users_name(stages: &[VuStage]) -> &'static str {
    let is_constant = stages.windows(2).all(|pair| pair[0].target == pair[1].target);
    if is_constant && stages.len() > 1 { "constant-vus" } else { "ramping-vus" }
}

fn spacing_name(spacing: Spacing) -> &'static str {
    match spacing {
        Spacing::Uniform => "uniform",
        Spacing::Poisson => "poisson",
    }
}
