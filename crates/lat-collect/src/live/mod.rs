//! What can be seen of a run while it goes on: a view for terminals, and snapshots for the server.

mod alerts;
mod buckets;
mod history;
mod objective;
mod screen;
mod snapshot;
mod terminal;
mod text;
mod watch;

use std::time::{Duration, Instant};

use ce_cli::{Interrupt, Progress};

pub(crate) use buckets::LIMITS;
pub(crate) use history::Point;
pub(crate) use snapshot::{Figures, Snapshot, View};
pub(crate) use watch::{Watch, WatchPoint};

use crate::TOOL;
use crate::cli::Collect;
use crate::collect::{Collected, Collector};
use crate::serve::Server;
use alerts::{Alerts, Signs};
use history::History;
use objective::Objectives;
use screen::Screen;

/// From one snapshot to the next.
const INTERVAL: Duration = Duration::from_secs(1);

/// All who watch a run.
#[derive(Debug)]
pub(crate) struct Live {
    progress: Progress,
    screen: Option<Screen>,
    server: Option<Server>,
    linger: Duration,
    objectives: Objectives,
    history: History,
    alerts: Alerts,
    next: Instant,
    last: Option<Snapshot>,
}

impl Live {
    /// Prepares what was asked for. Whatever is wrong is found before the first record.
    pub(crate) fn start(cli: &Collect) -> anyhow::Result<Self> {
        let objectives = cli.slo.as_deref().map(Objectives::read).transpose()?.unwrap_or_default();
        Ok(Self {
            progress: Progress::new(TOOL),
            server: cli
                .serve
                .map(|address| Server::start(address, cli.serve_remote))
                .transpose()?,
            screen: cli.live.then(Screen::new),
            linger: cli.linger,
            objectives,
            history: History::default(),
            alerts: Alerts::default(),
            next: Instant::now(),
            last: None,
        })
    }

    /// Shows the run as it is now, if it is time. Cheap enough to call often.
    pub(crate) fn look(&mut self, collector: &Collector) {
        if self.screen.is_none() && self.progress.is_due() {
            self.progress.show(&collector.progress());
        }
        if self.watched() && Instant::now() >= self.next {
            self.next = Instant::now() + INTERVAL;
            self.take(collector);
            self.publish();
        }
    }

    /// The last look, before the collector is closed.
    pub(crate) fn look_last(&mut self, collector: &Collector) {
        self.progress.clear();
        if self.watched() {
            self.take(collector);
        }
    }

    /// Shows the run as it was written.
    pub(crate) fn finish(&mut self, collected: &Collected) {
        if let Some(snapshot) = &mut self.last {
            snapshot.finish(collected);
            snapshot.objectives = self.objectives.judge(snapshot.so_far());
            self.publish();
        }
    }

    /// Keeps serving the last figures for a while: Prometheus comes only every few seconds.
    pub(crate) fn linger(&self, interrupt: &Interrupt) {
        let asked_before = interrupt.asked();
        let end = Instant::now() + self.linger;
        while self.server.is_some() && Instant::now() < end {
            if interrupt.asked() && !asked_before {
                return;
            }
            std::thread::sleep(Duration::from_millis(50).min(self.linger));
        }
    }

    fn watched(&self) -> bool {
        self.screen.is_some() || self.server.is_some()
    }

    fn take(&mut self, collector: &Collector) {
        let view = collector.view();
        let mut snapshot = Snapshot::of(&view, self.server.is_some());
        self.history.update(view.series);
        snapshot.points = self.history.points();
        snapshot.alerts = self.alerts.update(Signs {
            now_s: snapshot.elapsed_s,
            last_minute: self.history.last_minute(view.series),
            watch: view.watch,
        });
        snapshot.objectives = self.objectives.judge(snapshot.so_far());
        self.last = Some(snapshot);
    }

    fn publish(&mut self) {
        let Some(snapshot) = &self.last else { return };
        if let Some(screen) = &mut self.screen {
            screen.show(snapshot);
        }
        if let Some(server) = &self.server {
            server.publish(snapshot.clone());
        }
    }
}
