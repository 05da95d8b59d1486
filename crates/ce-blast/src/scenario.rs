//! Starts a scenario of the plan: as a schedule of the thread that sends for it, or on a thread of its
//! own.

use std::time::Duration;

use load_plan::{Executor, Scenario};

use crate::cli::Cli;
use crate::closed_loop::{ClosedLoop, Users};
use crate::gate::Gate;
use crate::jobs::{Jobs, Turns};
use crate::lane::Lane;
use crate::open_loop::{OpenLoop, Terms};
use crate::plan::held_until_ns;
use crate::target::runtime;

/// A scenario that needs a thread of its own.
pub(crate) enum OnThread {
    Users(Box<ClosedLoop>),
    /// Of several senders; with its timer slack.
    Schedule(Box<OpenLoop>, Turns, Duration),
}

/// Starts a scenario, or returns what needs a thread. A schedule goes to its sender, if that is one.
pub(crate) fn start(
    cli: &Cli,
    scenario: &Scenario,
    lane: Lane,
    senders: Turns,
) -> Option<OnThread> {
    let start_ns = scenario.start_ns;
    let closed = |lane, senders, users, pause_ns| {
        Some(OnThread::Users(Box::new(ClosedLoop {
            lane,
            senders,
            users,
            start_ns,
            pause: Duration::from_nanos(pause_ns),
            is_endless: cli.plan.is_none() && cli.duration.is_none(),
        })))
    };
    match &scenario.executor {
        Executor::Arrivals { schedule, .. } | Executor::Connections { schedule, .. } => {
            let scale = u64::from(cli.time_scale.unwrap_or(1));
            let holds = !scenario.executor.has_events();
            let terms = Terms {
                on_saturation: cli.on_saturation,
                end_ns: schedule.end_ns().map(|end| (start_ns + end) / scale),
                grace: Duration::from_nanos(scenario.graceful_stop_ns),
                lasts_until_ns: if holds { held_until_ns(scenario, cli.time_scale) } else { 0 },
                timer_slack: cli.timer_slack,
            };
            let schedule = senders.keep(Box::new(OpenLoop::new(lane, terms)))?;
            Some(OnThread::Schedule(schedule, senders, cli.timer_slack))
        }
        Executor::Users { stages, start, pause_ns } => {
            let users = Users::Staged { start: *start, stages: stages.clone() };
            closed(lane, senders, users, *pause_ns)
        }
        Executor::Iterations { vus, iterations, per_vu, max_duration_ns, pause_ns } => {
            let users = Users::Counted {
                vus: *vus,
                iterations: *iterations,
                per_vu: *per_vu,
                max_duration_ns: *max_duration_ns,
            };
            closed(lane, senders, users, *pause_ns)
        }
    }
}

impl OnThread {
    /// Carries it out on the calling thread.
    pub(crate) fn run(self) -> std::io::Result<()> {
        match self {
            Self::Users(users) => users.run(),
            Self::Schedule(schedule, senders, slack) => runtime()?.block_on(async {
                let mut jobs = Jobs::of(*schedule, slack)?;
                while let Some(job) = jobs.recv().await {
                    senders.hand_over(job);
                }
                Ok(())
            }),
        }
    }
}

/// The in-flight limit of a scenario. A closed loop limits itself: each user has a place.
pub(crate) fn gate(scenario: &Scenario) -> Gate {
    match &scenario.executor {
        Executor::Arrivals { .. } | Executor::Connections { .. } => {
            Gate::new(scenario.max_in_flight.unwrap_or(u64::MAX))
        }
        Executor::Users { .. } | Executor::Iterations { .. } => Gate::new(u64::MAX),
    }
}
