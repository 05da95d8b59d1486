//! One run: sets the threads up, lets the scenarios go, and closes the stream of records.

use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use ce_cli::{Anchor, Clock, DataOut, Exit, Interrupt, masked_args};
use ce_cli::{open_input, process_usage, refuse_passwords, say};
use ce_record::{Calibration, End, FORMAT, Record, Start, Stop, append};
use load_plan::{Plan, Scenario};

use crate::calibrate::calibrate;
use crate::cli::Cli;
use crate::cli::guard::password_remedy;
use crate::fleet::Fleet;
use crate::gate::Gate;
use crate::grace::LastAnswers;
use crate::judge;
use crate::lane::{Course, Ended, Lane};
use crate::plan::{self, describe};
use crate::preview;
use crate::progress;
use crate::read::{self, Order, Supply};
use crate::record::{self, Recorder, Tally};
use crate::scenario;
use crate::senders::senders;
use crate::start_at::StartAt;
use crate::target::{Limits, Sender};
use crate::topology;

const TOOL: &str = "ce-blast";
/// From the start of the stream until its clock shows zero: time to set the threads up, which would
/// otherwise be lag of the first events.
const LEAD: Duration = Duration::from_millis(20);

/// Sends the events of the input as the plan says, and writes a record for each.
pub fn run(cli: &Cli, out: &mut DataOut) -> anyhow::Result<Exit> {
    refuse_passwords(&password_remedy())?;
    if cli.topology.check_topology {
        let has_load = cli.plan.is_some() || cli.rate.is_some() || cli.stages.is_some();
        let plan = (has_load || cli.vus.is_some()).then(|| plan::resolve(cli)).transpose()?;
        return topology::check(cli, plan.as_ref(), out);
    }
    let plan = plan::resolve(cli)?;
    for warning in &plan.warnings {
        say(TOOL, warning);
    }
    if cli.dry_run {
        return preview::table(&plan, cli, out);
    }
    if cli.emit_schedule {
        return preview::schedule(&plan, cli, out);
    }
    let senders = senders(cli, &plan)?;
    let supplies = supplies(cli, &plan)?;
    let interrupt = Interrupt::install()?;
    let run = Run { cli, plan: &plan, interrupt: &interrupt };
    let Ran { clock, gates, mut course, written } = run.go(senders, supplies, out)?;

    let elapsed_ns = clock.now_ns();
    let usage = process_usage();
    let generator = judge::report(&plan, &course, &gates, usage.cpu_ns, elapsed_ns);
    say(TOOL, &judge::summary(&course.tally, &generator, elapsed_ns));
    for held in &course.tally.held {
        say(TOOL, &judge::held(held));
    }
    if let Some(verdict) = judge::verdict(&generator, &course.tally) {
        say(TOOL, &verdict);
    }
    let failure = course.failure.take();
    let stopped = if failure.is_some() { Stop::Failed } else { course.stopped };
    let end = End {
        elapsed_ns,
        stopped,
        records: written,
        dropped_records: course.tally.dropped_records,
        outcomes: Some(course.tally.outcomes),
        retried: course.tally.retried,
        checks: std::mem::take(&mut course.tally.checks),
        connections: std::mem::take(&mut course.tally.held),
        generator: Some(generator),
        cpu_ns: usage.cpu_ns,
        peak_rss_bytes: usage.peak_rss_bytes,
    };
    append(out.buffer(), &Record::End(Box::new(end)));
    out.flush()?;
    conclude(judge::plan_events(&plan), &course.tally, stopped, failure)
}

/// Says what the figures do not show, and chooses the exit code.
fn conclude(
    planned: Option<u64>,
    tally: &Tally,
    stopped: Stop,
    failure: Option<anyhow::Error>,
) -> anyhow::Result<Exit> {
    if let Some(failure) = failure {
        return Err(failure);
    }
    if tally.dropped_records > 0 {
        say(TOOL, &format!("{} records lost: stdout was read too slowly", tally.dropped_records));
    }
    match stopped {
        Stop::Done | Stop::Interrupted => {}
        Stop::InputEnded => {
            let planned = planned.map_or_else(String::new, |events| format!(" of {events}"));
            let sent = tally.outcomes.planned();
            say(TOOL, &format!("the input ended after {sent}{planned} events: supply more"));
        }
        Stop::Failed => bail!("the in-flight limit was reached: raise --max-in-flight"),
    }
    Ok(if tally.dropped_records > 0 { Exit::NoVerdict } else { Exit::Yes })
}

/// Begins to read: the input of the command line, and the files of scenarios that have their own.
fn supplies(cli: &Cli, plan: &Plan) -> anyhow::Result<Vec<Supply>> {
    let mut supplies: Vec<Option<Supply>> = plan.scenarios.iter().map(|_| None).collect();
    for number in 0..plan.scenarios.len() {
        if supplies[number].is_some() {
            continue;
        }
        let file = &plan.scenarios[number].events;
        let order = |scenarios| Order {
            plan: Plan { scenarios, warnings: Vec::new() },
            seed: cli.seed,
            shard: cli.shard,
            time_scale: cli.time_scale.unwrap_or(1),
            correlate: cli.correlate.clone(),
        };
        if !plan.scenarios[number].executor.has_events() {
            let alone = order(vec![plan.scenarios[number].clone()]);
            supplies[number] = Some(read::connections(alone)?);
            continue;
        }
        let shares = |it: &&(usize, &Scenario)| it.1.executor.has_events() && it.1.events == *file;
        let sharing: Vec<_> = plan.scenarios.iter().enumerate().filter(|it| shares(&it)).collect();
        let order = order(sharing.iter().map(|(_, scenario)| (*scenario).clone()).collect());
        let path = file.as_ref().map_or_else(|| cli.events.clone(), PathBuf::from);
        let read = read::start(open_input(&path)?, order)?;
        for ((number, _), supply) in sharing.into_iter().zip(read) {
            supplies[number] = Some(supply);
        }
    }
    Ok(supplies.into_iter().map(|it| it.expect("each scenario has an input")).collect())
}

/// What a run is made of.
struct Run<'a> {
    cli: &'a Cli,
    plan: &'a Plan,
    interrupt: &'a Interrupt,
}

/// What a run has left behind.
struct Ran {
    clock: Clock,
    gates: Arc<[Gate]>,
    course: Course,
    written: u64,
}

impl Run<'_> {
    /// Connects the senders, starts the clock, runs each scenario on a thread of its own, and
    /// gathers what everybody has counted.
    fn go(
        &self,
        senders: Vec<(Vec<usize>, Vec<Sender>)>,
        supplies: Vec<Supply>,
        out: &mut DataOut,
    ) -> anyhow::Result<Ran> {
        let last_answers = LastAnswers::of(self.plan.scenarios.len());
        let limits = Limits {
            timeout: self.cli.timeout,
            timer_slack: self.cli.timer_slack,
            last_answers: last_answers.clone(),
        };
        let names: Vec<String> = self.plan.scenarios.iter().map(|it| it.name.clone()).collect();
        thread::scope(|scope| {
            let fleet = Fleet::connect(scope, senders, &limits)?;
            let calibration = calibrate(self.interrupt);
            let (clock, anchor) = self.start_clock()?;
            let start = self.start_record(anchor, calibration);
            append(out.buffer(), &Record::Start(Box::new(start)));
            out.flush()?;

            let gates: Arc<[Gate]> = self.plan.scenarios.iter().map(scenario::gate).collect();
            let (recorder, queue) = Recorder::new(clock, Arc::clone(&gates));
            let interrupt = self.interrupt;
            let writer = scope.spawn(move || {
                let result = record::write(&queue, &names, out);
                if result.is_err() {
                    // What is measured from here on would be lost.
                    interrupt.ask();
                }
                result
            });
            let (over, not_over) = mpsc::channel::<()>();
            let (live, seen, events) =
                (recorder.live(), Arc::clone(&gates), judge::plan_events(self.plan));
            let look = || {
                if self.cli.stop_file.as_ref().is_some_and(|path| path.exists()) {
                    interrupt.ask();
                }
            };
            scope.spawn(move || progress::show(&not_over, clock, &seen, &live, events, look));
            fleet.equip(&recorder)?;
            let ended = |scenario| {
                // Without a writer an answer is of no use.
                let is_heard = !writer.is_finished();
                let grace = if is_heard { self.grace(scenario) } else { Duration::ZERO };
                last_answers.set(scenario, Instant::now() + grace);
            };
            let course = self.scenarios((clock, &gates), supplies, &fleet, &recorder, &ended);
            drop(recorder);
            // Where one could not be started, none of the rest has ended.
            (0..).take(self.plan.scenarios.len()).for_each(ended);
            let tally = fleet.finish();
            drop(over);
            let written = writer.join().expect("the writer does not panic")?;
            let mut course = course.context("cannot start the thread of a scenario")?;
            course.tally.add(&tally);
            Ok(Ran { clock, gates, course, written })
        })
    }

    /// Starts the run's clock, which shows zero when the load begins.
    fn start_clock(&self) -> anyhow::Result<(Clock, Anchor)> {
        let Some(start_at) = self.cli.start_at else { return Ok(Clock::start_in(LEAD)) };
        let now_ns = Clock::start().1.wall_ns;
        let lead = start_at.lead(now_ns).filter(|&lead| lead >= LEAD);
        let lead = lead.context("--start-at has passed: agree on a later instant")?;
        Ok(match start_at {
            StartAt::Wall(wall_ns) => Clock::start_at(wall_ns),
            StartAt::In(_) => Clock::start_in(lead),
        })
    }

    fn start_record(&self, anchor: Anchor, calibration: Calibration) -> Start {
        Start {
            format: FORMAT,
            tool: TOOL.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            run: self.cli.run.clone(),
            shard: (!self.cli.shard.is_whole()).then(|| self.cli.shard.to_string()),
            wall_start_ns: anchor.wall_ns,
            monotonic_start_ns: Some(anchor.monotonic_ns),
            boot_id: anchor.boot_id,
            args: masked_args(),
            seed: Some(self.cli.seed),
            plan: describe(self.plan, self.cli.time_scale.unwrap_or(1)),
            calibration: Some(calibration),
        }
    }

    /// How long the answers to a scenario are waited for after its end.
    fn grace(&self, scenario: u16) -> Duration {
        Duration::from_nanos(self.plan.scenarios[usize::from(scenario)].graceful_stop_ns)
    }

    /// Runs all scenarios, and tells when each has ended. A schedule goes to the thread that sends for
    /// it, if that is one; all others get a thread of their own.
    fn scenarios(
        &self,
        (clock, gates): (Clock, &Arc<[Gate]>),
        supplies: Vec<Supply>,
        fleet: &Fleet<'_>,
        recorder: &Recorder,
        has_ended: &dyn Fn(u16),
    ) -> std::io::Result<Course> {
        thread::scope(|scope| {
            let (ended, all_ended) = mpsc::channel();
            let mut threads = Vec::new();
            for (number, supply) in supplies.into_iter().enumerate() {
                let lane = Lane {
                    scenario: u16::try_from(number).expect("a plan has few scenarios"),
                    clock,
                    interrupt: self.interrupt.clone(),
                    gates: Arc::clone(gates),
                    supply,
                    recorder: recorder.fork(),
                    ended: ended.clone(),
                };
                let scenario = &self.plan.scenarios[number];
                let rest = scenario::start(self.cli, scenario, lane, fleet.of(number));
                threads.extend(rest.map(|rest| scope.spawn(|| rest.run())));
            }
            drop(ended);
            let mut course = Course::default();
            for ended in all_ended {
                has_ended(ended.scenario());
                course.add(Ended::conclude(ended));
            }
            for thread in threads {
                thread.join().expect("scenarios do not panic")?;
            }
            Ok(course)
        })
    }
}
