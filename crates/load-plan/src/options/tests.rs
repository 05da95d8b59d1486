//! Plans as users write them.

mod mistakes;

use super::*;
use crate::VuStage;

const SECOND_NS: u64 = 1_000_000_000;
const K6: &str = include_str!("../../../../examples/plans/build-events.k6.json");
const SATURATION: &str = include_str!("../../../../examples/plans/network-saturation.toml");
const PARSERS: &str = include_str!("../../../../examples/plans/parser-events.toml");

fn plan(text: &str) -> Result<Plan, PlanError> {
    read_plan(&Document::parse("plan", text)?)
}

fn events(scenario: &Scenario) -> Option<u64> {
    match &scenario.executor {
        Executor::Arrivals { schedule, .. } => schedule.events(),
        _ => None,
    }
}

#[test]
fn what_k6_inspect_prints_is_a_plan_as_it_is() {
    let plan = plan(K6).unwrap();
    assert_eq!(plan.warnings, Vec::<String>::new());
    let found: Vec<_> = plan
        .scenarios
        .iter()
        .map(|it| (it.name.as_str(), it.start_ns / SECOND_NS, events(it).unwrap()))
        .collect();
    // Twice the mean of two rates, times half the seconds between them.
    let ramp_up = (10 + 50) * 90 + (50 + 100) * 90 + (100 + 200) * 90 + (200 + 100) * 90 + 110 * 60;
    let spike = (100 + 500) * 30 + 500 * 120 + (500 + 100) * 30;
    assert_eq!(
        found,
        [
            ("baseline", 0, 3000),
            ("rampup", 300, ramp_up),
            ("spike", 1200, spike),
            ("sustained", 1500, 180_000),
        ]
    );
    assert_eq!(plan.scenarios[1].max_in_flight, Some(500));
    assert_eq!(plan.scenarios[3].graceful_stop_ns, 60 * SECOND_NS);
    assert_eq!(plan.scenarios[2].tags["scenario"], "spike");
}

/// Options that were not given are null, and so are all values of `dns`. With
/// `--execution-requirements` k6 adds two figures.
#[test]
fn what_k6_leaves_open_is_no_warning() {
    let added = K6.trim_end().trim_end_matches('}').to_owned()
        + r#", "totalDuration": "56m0s", "maxVUs": 1900}"#;
    assert_eq!(plan(&added).unwrap(), plan(K6).unwrap());
    assert!(K6.contains("\"dns\": {\n    \"ttl\": null,"));
    let dns = r#"{"vus": 1, "iterations": 1, "dns": {"ttl": "5m", "select": null}}"#;
    assert_eq!(
        plan(dns).unwrap().warnings,
        ["plan:1:29: `dns` has no meaning here and is left out"]
    );
}

#[test]
fn a_plan_in_toml_may_give_each_scenario_a_routing_key() {
    let plan = plan(PARSERS).unwrap();
    let keys: Vec<_> = plan.scenarios.iter().map(|it| it.routing_key.as_deref()).collect();
    assert_eq!(keys[0], Some("network.notifi.lambda.parser.start.a"));
    assert_eq!((plan.scenarios.len(), keys[3]), (4, None));
    assert_eq!(plan.scenarios[3].max_in_flight, Some(2000));
}

#[test]
fn every_executor_is_read() {
    let check = |body: &str, executor: Executor| {
        let text = format!("[scenarios.s]\n{body}");
        assert_eq!(plan(&text).unwrap().scenarios[0].executor, executor, "{body}");
    };
    let users = |list: &[(u64, u32)], start, pause_ms: u64| Executor::Users {
        stages: list
            .iter()
            .map(|&(ms, target)| VuStage { duration_ns: ms * 1_000_000, target })
            .collect(),
        start,
        pause_ns: pause_ms * 1_000_000,
    };
    check(
        "executor = 'constant-vus'\nvus = 100\nduration = '300s'\nrampUp = '60s'\npause = '100ms'",
        users(&[(59_400, 100), (240_600, 100)], 1, 100),
    );
    check(
        "executor = 'ramping-vus'\nstartVUs = 0\nstages = [{ duration = '10s', target = 5 }]",
        users(&[(10_000, 5)], 0, 0),
    );
    let iterations = |per_vu, iterations| Executor::Iterations {
        vus: 2,
        iterations,
        per_vu,
        max_duration_ns: 600 * SECOND_NS,
        pause_ns: 0,
    };
    check("executor = 'per-vu-iterations'\nvus = 2\niterations = 7", iterations(true, 7));
    check("executor = 'shared-iterations'\nvus = 2\niterations = 9", iterations(false, 9));
}

#[test]
fn connections_are_opened_at_a_rate_and_then_held() {
    let plan = plan(SATURATION).unwrap();
    let Executor::Connections { schedule, hold_ns } = &plan.scenarios[0].executor else {
        panic!("{plan:?}");
    };
    assert_eq!((schedule.events(), *hold_ns), (Some(2000), 300 * SECOND_NS));
    let dues = [0, 100, 1999, 2000].map(|k| schedule.due_ns(k));
    assert_eq!(dues, [Some(0), Some(SECOND_NS), Some(19_990_000_000), None]);
    assert_eq!(plan.scenarios[0].executor.length_ns(), Some(320 * SECOND_NS));
    assert!(!plan.scenarios[0].executor.has_events() && plan.scenarios[1].executor.has_events());
}

#[test]
fn stairs_go_up_in_equal_steps() {
    let text = "[scenarios.s]\nexecutor = 'stairs-arrival-rate'\nstartRate = 100\nstep = 50\n\
                steps = 2\nstepDuration = '10s'";
    let plan = plan(text).unwrap();
    assert_eq!(events(&plan.scenarios[0]), Some(1000 + 1500 + 2000));
}

#[test]
fn the_short_forms_of_k6_are_one_scenario() {
    let executor = |text: &str| plan(text).unwrap().scenarios.remove(0).executor;
    assert!(matches!(
        executor(r#"{"vus": 10, "duration": "30s"}"#),
        Executor::Users { start: 10, .. }
    ));
    assert!(matches!(
        executor(r#"{"vus": 10, "iterations": 20}"#),
        Executor::Iterations { iterations: 20, per_vu: false, .. }
    ));
    assert!(matches!(
        executor(r#"{"stages": [{"duration": "1m", "target": 20}]}"#),
        Executor::Users { start: 1, .. }
    ));
}

#[test]
fn what_has_no_meaning_without_scripts_is_a_warning_with_its_place() {
    let text = r#"{"rps": 100, "userAgent": "k6", "scenarios": {"a": {
        "env": {"A": "b"}, "options": {"browser": {"type": "chromium"}},
        "executor": "constant-vus", "duration": "1s", "exec": "publish"}}}"#;
    assert_eq!(
        plan(text).unwrap().warnings,
        [
            "plan:1:2: `rps` has no meaning here and is left out",
            "plan:1:14: `userAgent` has no meaning here and is left out",
            "plan:2:9: `env` has no meaning here and is left out",
            "plan:2:28: `options` has no meaning here and is left out",
            "plan:3:55: `exec` has no meaning here and is left out",
        ]
    );
}

/// A ramp sends the mean of its two rates, times its seconds.
#[test]
fn each_example_sends_what_its_rates_add_up_to() {
    let peaks = include_str!("../../../../examples/plans/parser-peaks.toml");
    let stress = include_str!("../../../../examples/plans/stress.toml");
    let endurance = include_str!("../../../../examples/plans/endurance.toml");
    let http = include_str!("../../../../examples/plans/direct-http.toml");
    let spike = (100 + 1500) * 15 + 1500 * 60 + (1500 + 100) * 15;
    let climb = (100 + 2000) * 150 + 2000 * 120;
    adds_up(peaks, &[("blockchain-burst", 800 * 60), ("trading", 1200 * 300), ("spike", spike)]);
    adds_up(stress, &[("climb", climb), ("recovery", 50 * 300)]);
    adds_up(endurance, &[("endurance", 50 * 8 * 3600)]);
    adds_up(http, &[("cold-start", 20), ("sustained", 50 * 900)]);
}

/// Scenarios count in any order.
fn adds_up(text: &str, expected: &[(&str, u64)]) {
    let plan = plan(text).unwrap();
    assert_eq!(plan.warnings, Vec::<String>::new());
    let mut found: Vec<_> =
        plan.scenarios.iter().map(|it| (it.name.as_str(), events(it).unwrap())).collect();
    let mut expected = expected.to_vec();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}
