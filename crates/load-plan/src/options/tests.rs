//! Plans as users write them, and the mistakes that they make.

use super::*;

const K6: &str = include_str!("../../../../examples/plans/build-events.k6.json");
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
        max_duration_ns: MAX_DURATION_NS,
        pause_ns: 0,
    };
    check("executor = 'per-vu-iterations'\nvus = 2\niterations = 7", iterations(true, 7));
    check("executor = 'shared-iterations'\nvus = 2\niterations = 9", iterations(false, 9));
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
    let text = r#"{"rps": 100, "scenarios": {"a": {
        "executor": "constant-vus", "duration": "1s", "exec": "publish"}}}"#;
    assert_eq!(
        plan(text).unwrap().warnings,
        [
            "plan:1:2: `rps` has no meaning here and is left out",
            "plan:2:55: `exec` has no meaning here and is left out",
        ]
    );
}

#[test]
fn mistakes_are_named_with_place_and_remedy() {
    let check = |body: &str, says: &str| {
        let message = plan(&format!("[scenarios.s]\n{body}")).unwrap_err().to_string();
        assert_eq!(message, says);
    };
    let arrivals = "executor = 'constant-arrival-rate'\n";
    check(
        "executor = 'constant-arival-rate'",
        "plan:2:12: `executor` is `constant-arival-rate`; did you mean `constant-arrival-rate`?",
    );
    check(
        &format!("{arrivals}rate = 10\nduration = '5m'\ntimeUnits = '1s'"),
        "plan:5:1: `timeUnits` means nothing to executor constant-arrival-rate; \
         did you mean `timeUnit`?",
    );
    check(
        &format!("{arrivals}duration = '5m'"),
        "plan:1:1: `rate` is missing; write, e.g., rate = 10",
    );
    check(
        &format!("{arrivals}rate = 0.5\nduration = '5m'"),
        "plan:3:8: `rate` is no whole number from zero on; it is 0.5",
    );
    check(
        &format!("{arrivals}rate = 0\nduration = '5m'"),
        "plan:3:8: `rate` is 0; write a number from 1 to 1000000000",
    );
    check(
        &format!("{arrivals}rate = 10\nduration = '5min'"),
        "plan:4:12: `duration`: `5min` is not a duration: write numbers with units such as 250ms, \
         90s or 1h30m; write, e.g., \"5m\"",
    );
    check(
        &format!("{arrivals}rate = 1\nduration = '1m'\npreAllocatedVUs = 9\nmaxVUs = 3"),
        "plan:1:1: `maxVUs` is 3 and `preAllocatedVUs` 9: swap them",
    );
    check(
        "executor = 'shared-iterations'\nvus = 5\niterations = 2",
        "plan:1:1: 5 users share 2 events: allow fewer `vus`",
    );
}

#[test]
fn an_unknown_option_at_the_top_is_refused() {
    let message = plan(r#"{"scenario": {}, "vus": 1, "duration": "1s"}"#).unwrap_err().to_string();
    assert_eq!(message, "plan:1:2: `scenario` means nothing to a plan; did you mean `scenarios`?");
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

#[test]
fn a_warm_up_is_shorter_than_its_scenario() {
    let text = |warm_up: &str| {
        format!(
            "[scenarios.s]\nexecutor = 'constant-arrival-rate'\nrate = 9\nduration = '1m'\n\
             warmUp = '{warm_up}'"
        )
    };
    assert_eq!(plan(&text("59s")).unwrap().scenarios[0].warm_up_ns, 59 * SECOND_NS);
    let message = plan(&text("1m")).unwrap_err().to_string();
    assert!(message.contains("nothing is left to judge"), "{message}");
}
