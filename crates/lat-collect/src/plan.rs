//! What the plan in a `start` record says of each scenario, as far as collecting needs it. All times
//! are on the clock of the stream.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::streams::signed;

/// The scenarios of a plan.
#[derive(Debug, Default)]
pub(crate) struct Plan(BTreeMap<String, Planned>);

/// A scenario of a plan. What the plan does not say is zero or empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Planned {
    /// What is due before this is kept out of the verdict.
    pub(crate) warm_up_until_ns: u64,
    /// Where the stages begin, and where the last one ends.
    phase_bounds_ns: Vec<u64>,
    /// `name=value`.
    pub(crate) tags: Vec<String>,
}

impl Plan {
    pub(crate) fn read(plan: &Value) -> Self {
        let scenarios = plan["scenarios"].as_object().into_iter().flatten();
        Self(scenarios.map(|(name, it)| (name.clone(), Planned::read(it))).collect())
    }

    /// The names of all.
    pub(crate) fn scenarios(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn scenario(&self, name: &str) -> Option<&Planned> {
        self.0.get(name)
    }
}

impl Planned {
    fn read(scenario: &Value) -> Self {
        let bounds = scenario["phase_bounds_ns"].as_array().into_iter().flatten();
        let tags = scenario["tags"].as_object().into_iter().flatten();
        Self {
            warm_up_until_ns: scenario["warm_up_until_ns"].as_u64().unwrap_or(0),
            phase_bounds_ns: bounds.filter_map(Value::as_u64).collect(),
            tags: tags
                .filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?)))
                .collect(),
        }
    }

    /// The phase of the second that begins at `begin_ns`. The first one may begin within it.
    pub(crate) fn phase(&self, begin_ns: i64) -> String {
        let bounds = &self.phase_bounds_ns;
        let begins = |ns: &&u64| signed(**ns).saturating_sub(begin_ns) < 1_000_000_000;
        let first = bounds.first().filter(begins);
        let Some(at_ns) = first.map(|first| begin_ns.max(signed(*first))) else {
            return String::new();
        };
        if at_ns < signed(self.warm_up_until_ns) {
            return "warm-up".to_owned();
        }
        let stage = bounds.partition_point(|bound| signed(*bound) <= at_ns);
        if stage < bounds.len() { stage.to_string() } else { String::new() }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECOND_NS: i64 = 1_000_000_000;

    #[test]
    fn a_second_has_the_phase_that_it_begins_in() {
        let seconds = [2, 5, 9].map(|second| second * SECOND_NS);
        let scenario = json!({ "phase_bounds_ns": seconds, "warm_up_until_ns": 3 * SECOND_NS });
        let planned = Planned::read(&scenario);
        let phases: Vec<_> = (-1..11).map(|second| planned.phase(second * SECOND_NS)).collect();
        let wanted = ["", "", "", "warm-up", "1", "1", "2", "2", "2", "2", "", ""];
        assert_eq!(phases, wanted);
        // It begins in the middle of a second.
        assert_eq!(Planned::read(&json!({ "phase_bounds_ns": [500, 9_000] })).phase(0), "1");
        assert_eq!(Planned::read(&json!({})).phase(0), "");
    }

    #[test]
    fn what_is_no_plan_of_ours_says_nothing() {
        for odd in
            [json!(null), json!([1]), json!({"scenarios": {"a": 7}}), json!({"scenarios": 1})]
        {
            let plan = Plan::read(&odd);
            assert!(plan.scenario("a").is_none_or(|it| *it == Planned::default()), "{odd}");
        }
    }
}
