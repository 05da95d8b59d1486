//! The due times of all open-loop scenarios of a plan, merged into one order.

use std::iter::Peekable;

use crate::{Dues, Plan, Shard};

/// One event of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// Position in the plan: which event of the input it is, over all shares.
    pub index: u64,
    /// Which scenario it belongs to.
    pub scenario: usize,
    /// Position in the scenario, from zero.
    pub seq: u64,
    /// Nanoseconds from the start of the run.
    pub due_ns: u64,
}

/// The events of a share of a plan, in the order in which they are due. Events that are due at the
/// same instant come in the order of their scenarios.
#[derive(Debug, Clone)]
pub struct Timeline<'a> {
    lanes: Vec<Lane<'a>>,
    shard: Shard,
    index: u64,
}

#[derive(Debug, Clone)]
struct Lane<'a> {
    scenario: usize,
    start_ns: u64,
    dues: Peekable<Dues<'a>>,
    seq: u64,
}

impl<'a> Timeline<'a> {
    /// The open-loop scenarios of `plan`; closed loops have no due times.
    pub fn new(plan: &'a Plan, seed: u64, shard: Shard) -> Self {
        let lane = |(scenario, it): (usize, &'a crate::Scenario)| {
            let (schedule, spacing) = it.executor.schedule()?;
            Some(Lane {
                scenario,
                start_ns: it.start_ns,
                dues: Dues::new(schedule, spacing, seed, &it.name).peekable(),
                seq: 0,
            })
        };
        let lanes = plan.scenarios.iter().enumerate().filter_map(lane).collect();
        Self { lanes, shard, index: 0 }
    }

    /// The next event of the whole plan.
    fn next_of_all(&mut self) -> Option<Due> {
        let due = |lane: &mut Lane<'a>| Some(lane.start_ns.saturating_add(*lane.dues.peek()?));
        // A handful of scenarios: looking at each is faster than a heap.
        let (mut first, mut due_ns) = (None, u64::MAX);
        for (position, lane) in self.lanes.iter_mut().enumerate() {
            if let Some(candidate) = due(lane).filter(|&it| first.is_none() || it < due_ns) {
                (first, due_ns) = (Some(position), candidate);
            }
        }
        let lane = &mut self.lanes[first?];
        lane.dues.next();
        let event = Due { index: self.index, scenario: lane.scenario, seq: lane.seq, due_ns };
        lane.seq += 1;
        self.index += 1;
        Some(event)
    }
}

impl Iterator for Timeline<'_> {
    type Item = Due;

    fn next(&mut self) -> Option<Due> {
        loop {
            let due = self.next_of_all()?;
            if self.shard.has(due.index) {
                return Some(due);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use proptest::prelude::*;

    use super::*;
    use crate::Executor;
    use crate::document::Document;
    use crate::read_plan;

    fn plan(text: &str) -> Plan {
        read_plan(&Document::parse("plan", text).unwrap()).unwrap()
    }

    fn timeline(plan: &Plan, shard: &str) -> Vec<Due> {
        Timeline::new(plan, 9, shard.parse().unwrap()).collect()
    }

    #[test]
    fn scenarios_are_merged_by_due_time() {
        let plan = plan(
            "[scenarios.a]\nexecutor = 'constant-arrival-rate'\nrate = 2\nduration = '2s'\n\
             [scenarios.b]\nexecutor = 'constant-arrival-rate'\nrate = 1\nduration = '2s'\n\
             startTime = '500ms'",
        );
        let found: Vec<_> = timeline(&plan, "0/1")
            .iter()
            .map(|due| (due.index, due.scenario, due.seq, due.due_ns / 1_000_000))
            .collect();
        assert_eq!(
            found,
            [
                (0, 0, 0, 0),
                (1, 0, 1, 500),
                (2, 1, 0, 500),
                (3, 0, 2, 1000),
                (4, 0, 3, 1500),
                (5, 1, 1, 1500)
            ]
        );
    }

    /// A scenario of any executor that has due times.
    fn scenario() -> impl Strategy<Value = String> {
        let constant = (1_u64..50).prop_map(|rate| {
            format!("executor = 'constant-arrival-rate'\nrate = {rate}\nduration = '4s'\n")
        });
        let stages = prop::collection::vec((0_u64..3000, 0_u64..60), 1..4);
        let ramping = (1_u64..40, stages).prop_map(|(start, stages)| {
            let stage = |(ms, target)| format!("{{ duration = '{ms}ms', target = {target} }}");
            let stages: Vec<_> = stages.into_iter().map(stage).collect();
            format!(
                "executor = 'ramping-arrival-rate'\nstartRate = {start}\ntimeUnit = '700ms'\n\
                 stages = [{{ duration = '1ms', target = 3 }}, {}]\n",
                stages.join(", ")
            )
        });
        let stairs = (0_u64..20, 1_u64..20, 1_u64..4).prop_map(|(start, step, steps)| {
            format!(
                "executor = 'stairs-arrival-rate'\nstartRate = {start}\nstep = {step}\n\
                 steps = {steps}\nstepDuration = '1100ms'\n"
            )
        });
        let arrivals = prop_oneof![Just("uniform"), Just("poisson")];
        (prop_oneof![constant, ramping, stairs], 0_u64..3, arrivals).prop_map(
            |(executor, start, arrivals)| {
                format!("{executor}startTime = '{start}s'\narrivals = '{arrivals}'\n")
            },
        )
    }

    proptest! {
        #[test]
        fn the_shares_of_a_plan_are_the_whole_plan(
            count in 1_u64..6,
            scenarios in prop::collection::vec(scenario(), 1..4),
        ) {
            let mut text = String::new();
            for (number, scenario) in scenarios.iter().enumerate() {
                write!(text, "[scenarios.s{number}]\n{scenario}").unwrap();
            }
            let plan = plan(&text);
            let whole = timeline(&plan, "0/1");
            prop_assert!(whole.is_sorted_by_key(|due| due.due_ns));
            let mut union = Vec::new();
            for index in 0..count {
                let shard = format!("{index}/{count}");
                let share = timeline(&plan, &shard);
                let events = Shard::of(shard.parse().unwrap(), whole.len() as u64);
                prop_assert_eq!(share.len() as u64, events);
                union.extend(share);
            }
            union.sort_by_key(|due| due.index);
            prop_assert_eq!(union, whole);
        }

        #[test]
        fn each_scenario_has_the_events_that_its_schedule_counts(scenario in scenario()) {
            let plan = plan(&format!("[scenarios.s]\n{scenario}"));
            let Executor::Arrivals { schedule, spacing } = &plan.scenarios[0].executor else {
                panic!("an open loop");
            };
            let whole = timeline(&plan, "0/1");
            prop_assert!(whole.iter().zip(0..).all(|(due, seq)| due.seq == seq));
            let end_ns = plan.scenarios[0].start_ns + schedule.end_ns().unwrap();
            prop_assert!(whole.iter().all(|due| due.due_ns < end_ns));
            if *spacing == crate::Spacing::Uniform {
                prop_assert_eq!(Some(whole.len() as u64), schedule.events());
            }
        }
    }
}
