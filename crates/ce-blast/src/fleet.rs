//! The senders of a run: for each place that scenarios send to, a thread or more with a runtime of
//! its own.

use std::sync::mpsc;
use std::thread::{Scope, ScopedJoinHandle};

use anyhow::Context;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use crate::jobs::{Turns, Work};
use crate::record::{Recorder, Tally};
use crate::target::{Limits, Seat, Sender};

/// All senders, connected, and who uses which.
pub(crate) struct Fleet<'scope> {
    seats: Vec<Seated<'scope>>,
    /// For each scenario the numbers of its senders.
    of_scenario: Vec<Vec<usize>>,
}

/// A sender's thread and the ways to it.
struct Seated<'scope> {
    work: UnboundedSender<Work>,
    recorder: mpsc::Sender<Recorder>,
    ready: mpsc::Receiver<anyhow::Result<()>>,
    thread: ScopedJoinHandle<'scope, Tally>,
}

impl<'scope> Fleet<'scope> {
    /// Starts all senders and waits until each is connected.
    pub(crate) fn connect(
        scope: &'scope Scope<'scope, '_>,
        groups: Vec<(Vec<usize>, Vec<Sender>)>,
        limits: &Limits,
    ) -> anyhow::Result<Self> {
        let scenarios = groups.iter().flat_map(|(scenarios, _)| scenarios).max();
        let mut of_scenario = vec![Vec::new(); scenarios.map_or(0, |last| last + 1)];
        let mut seats = Vec::new();
        for (scenarios, senders) in groups {
            let first = seats.len();
            seats.extend(senders.into_iter().map(|sender| seat(scope, sender, limits.clone())));
            for scenario in scenarios {
                of_scenario[scenario] = (first..seats.len()).collect();
            }
        }
        for seat in &seats {
            seat.ready.recv().context("a sender has ended")??;
        }
        Ok(Self { seats, of_scenario })
    }

    /// Gives every sender its recorder.
    pub(crate) fn equip(&self, recorder: &Recorder) -> anyhow::Result<()> {
        for seat in &self.seats {
            seat.recorder.send(recorder.fork()).context("a sender has ended")?;
        }
        Ok(())
    }

    /// The channels to the senders of a scenario.
    pub(crate) fn of(&self, scenario: usize) -> Turns {
        let seats = self.of_scenario[scenario].iter();
        Turns::new(seats.map(|&seat| self.seats[seat].work.clone()).collect())
    }

    /// Closes the channels and waits until everything is answered or given up.
    pub(crate) fn finish(self) -> Tally {
        let mut tally = Tally::default();
        let threads: Vec<_> = self.seats.into_iter().map(|seat| seat.thread).collect();
        for thread in threads {
            tally.add(&thread.join().expect("senders do not panic"));
        }
        tally
    }
}

fn seat<'scope>(
    scope: &'scope Scope<'scope, '_>,
    sender: Sender,
    limits: Limits,
) -> Seated<'scope> {
    let (work, to_do) = unbounded_channel();
    let (say_ready, ready) = mpsc::sync_channel(1);
    let (recorder, given) = mpsc::channel();
    let seat = Seat { ready: say_ready, recorder: given };
    let thread = scope.spawn(move || sender.run(to_do, seat, &limits));
    Seated { work, recorder, ready, thread }
}
