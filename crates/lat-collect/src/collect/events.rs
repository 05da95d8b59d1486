//! Counts a batch: each sample and receipt into the groups, the second and the ledger that it belongs to.

use anyhow::Context;
use ce_record::Outcome;

use super::{Collector, SPILL};
use crate::batch::{Batch, Item, Known, ReceiptItem, SampleItem};
use crate::group::Group;
use crate::ledger::{Identity, Joined, Place, Received, Sent};
use crate::series::Timed;
use crate::streams::signed;

/// The names of a batch by its own numbers, as the run knows them.
#[derive(Debug, Default)]
pub(super) struct Here {
    types: Vec<u16>,
    scenarios: Vec<ScenarioHere>,
}

#[derive(Debug, Clone, Copy)]
struct ScenarioHere {
    number: u16,
    /// What is due before this time of the stream is kept out of the verdict.
    warm_up_until_ns: u64,
}

impl Collector {
    pub(super) fn count(&mut self, stream: usize, batch: &Batch) -> anyhow::Result<()> {
        self.keyed.samples += batch.keyed.samples;
        self.keyed.receipts += batch.keyed.receipts;
        self.learn_names(stream, batch);
        for item in &batch.items {
            match item {
                // The one that opens the stream was taken out before.
                Item::Start(_) => {
                    self.streams.started_again(stream);
                    continue;
                }
                Item::Sample(sample) => self.sample(stream, batch, sample)?,
                Item::Receipt(receipt) => self.receipt(stream, batch, receipt)?,
                Item::Gauge(gauge) => self.gauge(stream, gauge)?,
                Item::Mark(mark) => self.mark(stream, mark)?,
                Item::End(end) => {
                    self.streams.ended(stream, (**end).clone());
                    continue;
                }
            }
            self.streams.count(stream);
        }
        Ok(())
    }

    fn learn_names(&mut self, stream: usize, batch: &Batch) {
        let Self { here, streams, scenario_names, type_names, .. } = self;
        if batch.has_events() {
            streams.has_events(stream);
        }
        let types = batch.names(&batch.types).map(|name| type_names.number(name));
        here.types.clear();
        here.types.extend(types);
        let scenarios = batch.names(&batch.scenarios).map(|name| ScenarioHere {
            number: scenario_names.number(name),
            warm_up_until_ns: streams.planned(stream, name).map_or(0, |it| it.warm_up_until_ns),
        });
        here.scenarios.clear();
        here.scenarios.extend(scenarios);
        // All names have a group, also those that only the warm-up has: a row of zeros says so.
        self.scenarios.resize_with(self.scenario_names.all().len(), Group::default);
        self.types.resize_with(self.type_names.all().len(), Group::default);
    }

    fn sample(&mut self, stream: usize, batch: &Batch, sample: &SampleItem) -> anyhow::Result<()> {
        let due_ns = self.streams.on_run_clock(stream, sample.due_ns);
        let SampleItem { outcome, lag_ns, service_ns, event, superseded, .. } = *sample;
        let here = self.here.scenarios[usize::from(sample.scenario)];
        let event_type = self.here.types[usize::from(sample.event_type)];
        let (scenario, warm_up) = (here.number, sample.due_ns < here.warm_up_until_ns);
        for group in self.groups(scenario, event_type, warm_up) {
            group.sample(sample, due_ns);
            if let Some(opened) = batch.opened(sample) {
                group.opened(opened);
            }
        }
        let first = sample.is_first();
        let timed =
            Timed { scenario, outcome, due_ns, lag_ns, service_ns, warm_up, first, superseded };
        self.series.sample(timed);
        if let Some(windows) = &mut self.windows {
            windows.sample(timed);
        }
        let end_ns = due_ns.saturating_add(signed(lag_ns.saturating_add(service_ns)));
        self.last_ns = self.last_ns.max(end_ns);
        // A check that fails leaves a success with a message.
        if outcome != Outcome::Ok || sample.error.is_some() {
            let message = sample.error.map_or("", |error| batch.text(error));
            self.errors.add(outcome, sample.code, message, due_ns, batch.id(event));
        }
        if superseded {
            // What became of its event, a later attempt will tell.
            return Ok(());
        }
        if sample.connection {
            self.connections[outcome] += 1;
            return Ok(());
        }
        let sent = Sent { due_ns, outcome, scenario, event_type, warm_up };
        let joined = self.ledger.sent(identity(batch, event), sent);
        self.joined(joined.with_context(|| self.dir.cannot_write(SPILL))?);
        Ok(())
    }

    fn receipt(
        &mut self,
        stream: usize,
        batch: &Batch,
        receipt: &ReceiptItem,
    ) -> anyhow::Result<()> {
        let recv_ns = self.streams.on_run_clock(stream, receipt.recv_ns);
        self.receipts += 1;
        let ReceiptItem { event, redelivered, seq, .. } = *receipt;
        let shards = self.streams.shards();
        let received = Received {
            recv_ns,
            redelivered,
            dead_lettered: receipt.dead_lettered.map(|reason| batch.text(reason)),
            place: seq.map(|seq| Place { seq, stream, door: batch.door(receipt), shards }),
        };
        let joined = self.ledger.received(identity(batch, event), received);
        self.joined(joined.with_context(|| self.dir.cannot_write(SPILL))?);
        Ok(())
    }

    /// The groups that an event belongs to.
    fn groups(
        &mut self,
        scenario: u16,
        event_type: u16,
        warm_up: bool,
    ) -> impl Iterator<Item = &mut Group> {
        let groups = if warm_up {
            [Some(&mut self.warm_up), None]
        } else {
            let scenario = &mut self.scenarios[usize::from(scenario)];
            [Some(scenario), Some(&mut self.types[usize::from(event_type)])]
        };
        groups.into_iter().flatten()
    }

    /// Enters the end-to-end time of an event whose sample and receipt are both known now.
    pub(super) fn joined(&mut self, joined: Option<Joined>) {
        let Some(Joined { sent, e2e_ns }) = joined else { return };
        let e2e = u64::try_from(e2e_ns).ok();
        for group in self.groups(sent.scenario, sent.event_type, sent.warm_up) {
            group.arrived(e2e);
        }
        self.series.arrived(sent.scenario, sent.due_ns, sent.due_ns + e2e_ns, e2e);
        if let Some(windows) = &mut self.windows {
            windows.arrived((sent.scenario, sent.warm_up), sent.due_ns + e2e_ns, e2e);
        }
        self.last_ns = self.last_ns.max(sent.due_ns + e2e_ns);
    }
}

fn identity(batch: &Batch, event: Known) -> Identity<'_> {
    let fingerprint = event.fingerprint;
    Identity { fingerprint, source: batch.source(event), id: batch.id(event) }
}
