//! One run: sets the threads up, lets the schedule go, and closes the stream of records.

use std::sync::{Arc, OnceLock, mpsc};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use ce_cli::{Anchor, Clock, DataOut, Exit, Interrupt, masked_args, masked_url};
use ce_cli::{open_input, process_usage, say};
use ce_record::{End, FORMAT, Record, Start, Stop, append};
use lapin::types::ShortString;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::cli::Cli;
use crate::gate::Gate;
use crate::job::Job;
use crate::judge;
use crate::open_loop::{Course, OpenLoop};
use crate::plan::Plan;
use crate::progress;
use crate::read::Supply;
use crate::record::{self, Recorder, Tally};
use crate::target::{AmqpTarget, HttpTarget, Limits, Seat, Sender, Target, check_allowed};

const TOOL: &str = "ce-blast";
/// From the start of the stream until its clock shows zero: time to set the threads up, which would
/// otherwise be lag of the first events.
const LEAD: Duration = Duration::from_millis(20);

/// Sends the events of the input as the plan says, and writes a record for each.
pub fn run(cli: &Cli, out: &mut DataOut) -> anyhow::Result<Exit> {
    let plan = Plan::new(cli)?;
    let senders = senders(cli)?;
    let mut supply = Supply::start(open_input(&cli.events)?)?;
    let interrupt = Interrupt::install()?;
    let run = Run { cli, plan: &plan, interrupt: &interrupt };
    let Ran { clock, gate, course, tally, written } = run.go(senders, &mut supply, out)?;

    let elapsed_ns = clock.now_ns();
    let generator = judge::report(&plan, &tally, &course, &gate);
    say(TOOL, &judge::summary(&tally.outcomes, &generator, elapsed_ns));
    let failure = supply.into_failure();
    let stopped = if failure.is_some() { Stop::Failed } else { course.stopped };
    let usage = process_usage();
    let end = End {
        elapsed_ns,
        stopped,
        records: written,
        dropped_records: tally.dropped_records,
        outcomes: Some(tally.outcomes),
        generator: Some(generator),
        cpu_ns: usage.cpu_ns,
        peak_rss_bytes: usage.peak_rss_bytes,
    };
    append(out.buffer(), &Record::End(Box::new(end)));
    out.flush()?;
    conclude(&plan, &tally, stopped, failure)
}

/// Says what the figures do not show, and chooses the exit code.
fn conclude(
    plan: &Plan,
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
            let planned = plan.events().map_or_else(String::new, |events| format!(" of {events}"));
            let sent = tally.outcomes.planned();
            say(TOOL, &format!("the input ended after {sent}{planned} events: supply more"));
        }
        Stop::Failed => bail!("the in-flight limit was reached: raise --max-in-flight"),
    }
    Ok(if tally.dropped_records > 0 { Exit::NoVerdict } else { Exit::Yes })
}

fn start(cli: &Cli, plan: &Plan, anchor: Anchor) -> Start {
    Start {
        format: FORMAT,
        tool: TOOL.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        run: cli.run.clone(),
        shard: None,
        wall_start_ns: anchor.wall_ns,
        monotonic_start_ns: Some(anchor.monotonic_ns),
        boot_id: anchor.boot_id,
        args: masked_args(),
        seed: None,
        plan: plan.describe(cli),
    }
}

/// The senders that the target needs, not yet connected.
fn senders(cli: &Cli) -> anyhow::Result<Vec<Sender>> {
    let target = Target::parse(&cli.to)?;
    let address = check_allowed(&target, &cli.allow_target)?;
    match (&target, address) {
        (Target::Http { uri, tls }, Some(address)) => {
            let host = target.address().map_or("", |(host, _)| host);
            let http = HttpTarget::new(uri, host, *tls, address);
            Ok(vec![Sender::Http(http.with_context(|| masked_url(&cli.to))?)])
        }
        (Target::Amqp { url, .. }, Some(_)) => {
            let key = cli.routing_key.as_deref().map(ShortString::try_new).transpose();
            let amqp = AmqpTarget {
                url: url.clone(),
                name: format!("{TOOL} {}", cli.run).trim_end().to_owned(),
                exchange: ShortString::try_new(cli.exchange.as_str()).context("--exchange")?,
                routing_key: key.context("--routing-key")?,
                persistent: !cli.transient,
            };
            Ok((0..cli.connections).map(|_| Sender::Amqp(amqp.clone())).collect())
        }
        _ => Ok(vec![Sender::Null]),
    }
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
    gate: Arc<Gate>,
    course: Course,
    tally: Tally,
    written: u64,
}

/// A sender's thread and the ways to it.
struct Seated<'scope> {
    jobs: UnboundedSender<Job>,
    recorder: mpsc::Sender<Recorder>,
    ready: mpsc::Receiver<anyhow::Result<()>>,
    thread: ScopedJoinHandle<'scope, Tally>,
}

impl Run<'_> {
    /// Connects the senders, starts the clock, runs the schedule on this thread, and gathers what
    /// everybody has counted.
    fn go(
        &self,
        senders: Vec<Sender>,
        supply: &mut Supply,
        out: &mut DataOut,
    ) -> anyhow::Result<Ran> {
        let last_answer = Arc::new(OnceLock::new());
        let limits = Limits { timeout: self.cli.timeout, last_answer: Arc::clone(&last_answer) };
        thread::scope(|scope| {
            let seats: Vec<_> =
                senders.into_iter().map(|sender| seat(scope, sender, limits.clone())).collect();
            for seat in &seats {
                seat.ready.recv().context("a sender has ended")??;
            }
            let (clock, anchor) = Clock::start_in(LEAD);
            append(out.buffer(), &Record::Start(Box::new(start(self.cli, self.plan, anchor))));
            out.flush()?;

            let users = self.cli.vus.map_or(0, u64::from);
            let gate = Arc::new(Gate::new(u64::from(self.cli.max_in_flight).max(users)));
            let (mut recorder, queue) = Recorder::new(clock, Arc::clone(&gate));
            let (scenario, interrupt) = (self.cli.scenario.as_str(), self.interrupt);
            let writer = scope.spawn(move || {
                let result = record::write(&queue, scenario, out);
                if result.is_err() {
                    // What is measured from here on would be lost.
                    interrupt.ask();
                }
                result
            });
            let (over, not_over) = mpsc::channel::<()>();
            let (live, gate_seen, events) =
                (recorder.live(), Arc::clone(&gate), self.plan.events());
            scope.spawn(move || progress::show(&not_over, clock, &gate_seen, &live, events));
            let (mut jobs, mut threads) = (Vec::new(), Vec::new());
            for seat in seats {
                seat.recorder.send(recorder.fork()).context("a sender has ended")?;
                jobs.push(seat.jobs);
                threads.push(seat.thread);
            }
            let course = self.schedule(clock, &gate, jobs, supply, &mut recorder);
            let grace = if writer.is_finished() { Duration::ZERO } else { self.cli.grace };
            let _ = last_answer.set(Instant::now() + grace);
            let mut tally = recorder.finish();
            drop(recorder);
            for thread in threads {
                tally.add(&thread.join().expect("senders do not panic"));
            }
            drop(over);
            let written = writer.join().expect("the writer does not panic")?;
            Ok(Ran { clock, gate, course: course?, tally, written })
        })
    }

    fn schedule(
        &self,
        clock: Clock,
        gate: &Gate,
        senders: Vec<UnboundedSender<Job>>,
        supply: &mut Supply,
        recorder: &mut Recorder,
    ) -> anyhow::Result<Course> {
        let interrupt = self.interrupt;
        match self.plan {
            Plan::Open(schedule) => {
                let Cli { on_saturation, grace, .. } = *self.cli;
                let open =
                    OpenLoop { schedule, clock, gate, on_saturation, grace, interrupt, senders };
                Ok(open.run(supply, recorder))
            }
            Plan::Closed(closed) => closed
                .run(clock, gate, interrupt, senders, supply)
                .context("cannot start the senders"),
        }
    }
}

fn seat<'scope>(
    scope: &'scope thread::Scope<'scope, '_>,
    sender: Sender,
    limits: Limits,
) -> Seated<'scope> {
    let (jobs, to_send) = unbounded_channel();
    let (say_ready, ready) = mpsc::sync_channel(1);
    let (recorder, given) = mpsc::channel();
    let seat = Seat { ready: say_ready, recorder: given };
    let thread = scope.spawn(move || sender.run(to_send, seat, &limits));
    Seated { jobs, recorder, ready, thread }
}
