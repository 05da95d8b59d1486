//! The mistakes that users make in plans: each is told with its place and what to write instead.

use super::*;

#[track_caller]
fn check_refused(text: &str, says: &str) {
    let message = plan(text).expect_err(text).to_string();
    assert_eq!(message, says);
}

#[track_caller]
fn check_mistake(body: &str, says: &str) {
    check_refused(&format!("[scenarios.s]\n{body}"), says);
}

const CONSTANT: &str = "executor = 'constant-arrival-rate'\n";
const RAMPING: &str = "executor = 'ramping-arrival-rate'\n";

#[test]
fn a_wrong_key_is_named_with_the_nearest_valid_one() {
    let constant = |keys: &str, says: &str| check_mistake(&format!("{CONSTANT}{keys}"), says);
    let means = "means nothing to executor constant-arrival-rate;";
    let did =
        |line, wrong, right| format!("plan:{line}:1: `{wrong}` {means} did you mean `{right}`?");
    constant("rate = 10\nduration = '5m'\ntimeUnits = '1s'", &did(5, "timeUnits", "timeUnit"));
    // A wrong key where the right one has to be is not told as missing.
    constant("rat = 10\nduration = '5m'", &did(3, "rat", "rate"));
    constant("rate = 10\nduraton = '5m'", &did(4, "duraton", "duration"));
    constant("rate = 10\nduration = '5m'\ntag = {}", &did(5, "tag", "tags"));
    constant(
        "rate = 10\nduration = '5m'\nstages = []",
        &format!(
            "plan:5:1: `stages` {means} it belongs to executors ramping-arrival-rate and \
                  ramping-vus"
        ),
    );
    check_mistake(
        "executer = 'constant-arrival-rate'\nrate = 10\nduration = '5m'",
        "plan:2:1: `executer` means nothing here; did you mean `executor`?",
    );
    check_mistake(
        &format!("{RAMPING}stage = [{{ duration = '5m', target = 1 }}]"),
        "plan:3:1: `stage` means nothing to executor ramping-arrival-rate; did you mean `stages`?",
    );
    check_mistake(
        &format!("{RAMPING}stages = [\n  {{ duration = '5m', targt = 1 }}]"),
        "plan:4:22: `targt` means nothing to a stage; did you mean `target`?",
    );
    check_refused(
        r#"{"scenario": {"a": {}}}"#,
        "plan:1:2: `scenario` means nothing to a plan; did you mean `scenarios`?",
    );
    check_refused(
        r#"{"treshold": {}, "vus": 1, "duration": "1s"}"#,
        "plan:1:2: `treshold` means nothing to a plan; did you mean `thresholds`?",
    );
}

#[test]
fn stages_and_a_duration_are_not_both_right() {
    for other in [r#""duration": "5m""#, r#""iterations": 20"#] {
        check_refused(
            &format!(r#"{{"vus": 10, {other}, "stages": [{{"duration": "1m", "target": 5}}]}}"#),
            "plan:1:41: `stages` have durations of their own: leave out `duration` and \
             `iterations`",
        );
    }
}

#[test]
fn a_wrong_word_is_named_with_the_nearest_valid_one() {
    check_mistake(
        "executor = 'constant-arival-rate'",
        "plan:2:12: `executor` is `constant-arival-rate`; did you mean `constant-arrival-rate`?",
    );
    check_mistake(
        &format!("{CONSTANT}rate = 1\nduration = '1s'\narrivals = 'poison'"),
        "plan:5:12: `arrivals` is `poison`; did you mean `poisson`?",
    );
}

#[test]
fn what_is_missing_is_told_in_the_words_of_the_file() {
    check_mistake(
        &format!("{CONSTANT}duration = '5m'"),
        "plan:1:1: `rate` is missing; write, e.g., rate = 10",
    );
    check_refused(
        "{\"scenarios\": {\n \"a\": {\"executor\": \"constant-arrival-rate\", \"rate\": 5}}}",
        "plan:2:7: `duration` is missing; write, e.g., \"duration\": \"5m\"",
    );
    check_mistake(
        RAMPING,
        "plan:1:1: `stages` is missing; write, e.g., stages = [{ duration = \"3m\", target = 50 }]",
    );
    check_mistake(
        &format!("{RAMPING}stages = []"),
        "plan:3:10: `stages` is an empty list; write, e.g., [{ duration = \"3m\", target = 50 }]",
    );
    check_refused("{}", "plan:1:1: `scenarios` is missing; write, e.g., \"scenarios\": { … }");
    check_refused(
        r#"{"scenarios": {}}"#,
        "plan:1:1: there is no scenario; add one below `scenarios`",
    );
    check_mistake(
        "rate = 10",
        "plan:1:1: `executor` is missing; it is one of constant-arrival-rate, \
         ramping-arrival-rate, stairs-arrival-rate, constant-vus, ramping-vus, per-vu-iterations, \
         shared-iterations, connections",
    );
}

#[test]
fn swapped_values_are_seen() {
    let swapped = "are two values swapped?";
    check_mistake(
        &format!("{CONSTANT}rate = '5m'\nduration = 10"),
        &format!(
            "plan:3:8: `rate` is no whole number from zero on; it is the span of time \"5m\"; \
                  {swapped}"
        ),
    );
    check_mistake(
        &format!("{RAMPING}startRate = '1s'\nstages = [{{ duration = '1s', target = 1 }}]"),
        &format!(
            "plan:3:13: `startRate` is no whole number from zero on; it is the span of time \
                  \"1s\"; {swapped}"
        ),
    );
    check_mistake(
        &format!("{RAMPING}stages = [{{ duration = 50, target = '3m' }}]"),
        &format!(
            "plan:3:37: `target` is no whole number from zero on; it is the span of time \
                  \"3m\"; {swapped}"
        ),
    );
    check_mistake(
        &format!("{CONSTANT}rate = 1\nduration = '1m'\npreAllocatedVUs = 9\nmaxVUs = 3"),
        "plan:6:10: `maxVUs` is 3 and `preAllocatedVUs` 9: swap them",
    );
    check_mistake(
        "executor = 'constant-vus'\nduration = '1m'\nrampUp = '2m'",
        "plan:4:10: `rampUp` is longer than `duration`: swap them",
    );
    check_mistake(
        "executor = 'shared-iterations'\nvus = 5\niterations = 2",
        "plan:3:7: 5 users share 2 events: allow fewer `vus`",
    );
}

#[test]
fn impossible_numbers_are_refused_with_their_place() {
    let constant = |keys: &str, says: &str| check_mistake(&format!("{CONSTANT}{keys}"), says);
    let no_number = "is no whole number from zero on; it is";
    constant("rate = -1\nduration = '5m'", &format!("plan:3:8: `rate` {no_number} -1"));
    constant("rate = 1e400\nduration = '5m'", &format!("plan:3:8: `rate` {no_number} 1e400"));
    let fraction = "0.5; write fractions with a longer unit of time";
    constant("rate = 0.5\nduration = '5m'", &format!("plan:3:8: `rate` {no_number} {fraction}"));
    constant(
        "rate = 0\nduration = '5m'",
        "plan:3:8: `rate` is 0; write a number from 1 to 1000000000",
    );
    constant(
        "rate = 10\nduration = '5m'\ntimeUnit = '1ns'",
        "plan:3:8: more than a billion events per second; lower the rate",
    );
    constant(
        "rate = 10\nduration = '5m'\ntimeUnit = 0",
        "plan:5:12: `timeUnit` is zero; write, e.g., \"5m\"",
    );
    constant("rate = 10\nduration = 0", "plan:4:12: `duration` is zero; write, e.g., \"5m\"");
    constant(
        "rate = 10\nduration = '5min'",
        "plan:4:12: `duration`: `5min` is not a duration: write numbers with units such as 250ms, \
         90s or 1h30m; write, e.g., \"5m\"",
    );
    constant(
        "rate = 10\nduration = '200000d'",
        "plan:4:12: `duration`: it is longer than 292 years; write, e.g., \"5m\"",
    );
    constant(
        "rate = 10\nduration = '100000d'\nstartTime = '100000d'",
        "plan:5:13: the scenario ends in more than 292 years",
    );
    constant(
        "rate = 1\nduration = '1m'\nmaxVUs = 0",
        "plan:5:10: with nothing in flight nothing is sent; allow at least 1",
    );
    check_mistake(
        &format!("{RAMPING}stages = [{{ duration = '5m', target = 0 }}]"),
        "plan:3:10: every rate is zero, so nothing is ever due",
    );
    check_mistake(
        &format!("{RAMPING}stages = [{{ duration = 0, target = 5 }}]"),
        "plan:3:10: the stages last no time",
    );
    check_mistake(
        "executor = 'stairs-arrival-rate'\nstartRate = 1000000000\nstep = 1\nsteps = 1\n\
         stepDuration = '1s'",
        "plan:4:8: more than a billion events per second; lower the rate",
    );
    check_mistake(
        "executor = 'ramping-vus'\nstartVUs = 0\nstages = [{ duration = '5m', target = 0 }]",
        "plan:4:10: there is never a user, so nothing is ever sent",
    );
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

#[test]
fn keys_of_connections_and_of_events_do_not_mix() {
    let connections = "executor = 'connections'\nconnections = 5\nrate = 1\nhold = '1s'\n";
    let means = "means nothing to executor connections;";
    check_mistake(
        &format!("{connections}events = 'some.ndjson'"),
        &format!("plan:6:1: `events` {means} it belongs to executors that send events"),
    );
    check_mistake(
        &format!("{connections}duration = '1m'"),
        &format!(
            "plan:6:1: `duration` {means} it belongs to executors constant-arrival-rate and \
             constant-vus"
        ),
    );
    check_mistake(
        &format!("{CONSTANT}rate = 1\nduration = '1s'\nhold = '1m'"),
        "plan:5:1: `hold` means nothing to executor constant-arrival-rate; it belongs to executor \
         connections",
    );
    check_mistake(
        "executor = 'connections'\nconnections = 5\nrate = 1",
        "plan:1:1: `hold` is missing; write, e.g., hold = \"5m\"",
    );
    check_mistake(
        "executor = 'connections'\nconnections = 1000000\nrate = 1\ntimeUnit = '24h'\nhold = '1s'",
        "plan:4:8: the last would be opened in centuries; raise the rate",
    );
}
