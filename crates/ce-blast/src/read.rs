//! Reads events ahead of the schedule, in a thread of its own, into a queue of limited size.

mod supply;

use std::io::Read;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use bytes::{Buf, Bytes, BytesMut};
use ce_cli::Input;
use ce_event::Pointer;
use load_plan::{Due, Plan, Shard, Timeline};
use tokio::sync::mpsc::Sender;

use crate::event::Event;
use crate::plan::is_open_loop;

pub(crate) use supply::{Feed, Next, Supply, Timed};

/// Bytes read at a time. Slices of a block keep it in memory until the last of them is done with.
const BLOCK: usize = 128 * 1024;
/// Blocks that may wait for the schedule: 4 MiB.
const BLOCKS_AHEAD: usize = 32;
/// Connections that are handed over at a time.
const CONNECTIONS_AHEAD: usize = 256;
/// A longer line is refused.
const LINE_LIMIT: usize = 1 << 20;
/// Events that are read before others get their turn: some microseconds.
const TURN: u64 = 16;
/// Which events of an input go to which scenario, and when they are due there.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    /// The scenarios that share the input.
    pub(crate) plan: Plan,
    pub(crate) seed: u64,
    pub(crate) shard: Shard,
    /// Due times are divided by this, so that a long plan can be tried in a short time.
    pub(crate) time_scale: u32,
    /// What an event has in common with the one that answers it.
    pub(crate) correlate: Option<Pointer>,
}

/// Starts to read an input; returns a supply for each scenario that shares it.
///
/// Events are handed out in the order of due times, over all scenarios: the same plan and the same
/// input always put the same event into the same place.
pub(crate) fn start(input: Input, order: Order) -> std::io::Result<Vec<Supply>> {
    let (lanes, supplies) = order.plan.scenarios.iter().map(|_| Supply::fed()).unzip();
    thread::Builder::new().name("read events".into()).spawn(move || {
        let mut dispatch = Dispatch { lanes, batches: Vec::new() };
        dispatch.batches.resize_with(dispatch.lanes.len(), Vec::new);
        // A closed loop shares its input with nobody.
        let result = if order.plan.scenarios.iter().any(|it| !is_open_loop(it)) {
            let mut as_they_come = (0..).map(|seq| Due { index: seq, scenario: 0, seq, due_ns: 0 });
            read(input, &order, &mut dispatch, &mut as_they_come)
        } else {
            let scale = u64::from(order.time_scale);
            let timeline = Timeline::new(&order.plan, order.seed, order.shard);
            let mut scaled = timeline.map(|due| Due { due_ns: due.due_ns / scale, ..due });
            let result = read(input, &order, &mut dispatch, &mut scaled);
            if result.is_ok() && has_end(&order.plan) && scaled.next().is_some() {
                dispatch.tell(|| Feed::Short);
            }
            result
        };
        if let Err(err) = result {
            dispatch.tell(|| Feed::Failed(anyhow!("{err:#}")));
        }
    })?;
    Ok(supplies)
}

/// What the connections of a scenario need instead of an input; it is the only one of `order`.
pub(crate) fn connections(order: Order) -> std::io::Result<Supply> {
    let (sender, supply) = Supply::fed();
    thread::Builder::new().name("count connections".into()).spawn(move || {
        let name = &order.plan.scenarios[0].name;
        let scale = u64::from(order.time_scale);
        let mut dues = Timeline::new(&order.plan, order.seed, order.shard);
        loop {
            let timed = |due: Due| Timed {
                seq: due.seq,
                due_ns: due.due_ns / scale,
                event: Event::connection(name, due.seq),
            };
            let events: Vec<Timed> = dues.by_ref().take(CONNECTIONS_AHEAD).map(timed).collect();
            let is_last = events.is_empty();
            if is_last || sender.blocking_send(Feed::Events { events, awaited: false }).is_err() {
                return;
            }
        }
    })?;
    Ok(supply)
}

/// The scenarios at the other end of a reading thread.
struct Dispatch {
    lanes: Vec<Sender<Feed>>,
    batches: Vec<Vec<Timed>>,
}

impl Dispatch {
    fn add(&mut self, due: Due, event: Event) {
        let Due { scenario, seq, due_ns, .. } = due;
        self.batches[scenario].push(Timed { seq, due_ns, event });
    }

    /// Sends what has come together; false when nobody wants any more.
    ///
    /// A scenario that is far ahead of its time makes the others wait here. They do not need what
    /// comes next before it does: events are handed out in the order of due times.
    fn send(&mut self, awaited: bool) -> bool {
        let mut wanted = false;
        for (lane, batch) in self.lanes.iter().zip(&mut self.batches) {
            let events = std::mem::take(batch);
            let nothing = events.is_empty();
            wanted |= nothing || lane.blocking_send(Feed::Events { events, awaited }).is_ok();
        }
        wanted
    }

    /// Tells every scenario why there is nothing more.
    fn tell(&self, feed: impl Fn() -> Feed) {
        for lane in &self.lanes {
            // Nobody listens any more when the schedule has ended.
            let _ = lane.blocking_send(feed());
        }
    }
}

/// Whether every scenario has a last event. Where one has none, the input decides.
fn has_end(plan: &Plan) -> bool {
    let schedules = plan.scenarios.iter().filter_map(|scenario| scenario.executor.schedule());
    schedules.into_iter().all(|(schedule, _)| schedule.end_ns().is_some())
}

/// Sends what each block completes; a block that completes no line is read on.
fn read(
    mut input: Input,
    order: &Order,
    to: &mut Dispatch,
    dues: &mut dyn Iterator<Item = Due>,
) -> anyhow::Result<()> {
    let mut lines = Lines { name: input.name, number: 0, correlate: order.correlate.as_ref() };
    let mut block = BytesMut::with_capacity(BLOCK);
    let mut read_for = Duration::ZERO;
    loop {
        let filled = block.len();
        // What is left of the block first: events keep the block alive that they were read into.
        if block.capacity() - filled < BLOCK / 4 {
            block.reserve(BLOCK);
        }
        let room = block.capacity().min(filled + BLOCK);
        block.resize(room, 0);
        let asked = Instant::now();
        let read = input.bytes.read(&mut block[filled..]).with_context(|| lines.place())?;
        read_for += asked.elapsed();
        block.truncate(filled + read);
        let whole = match memchr::memrchr(b'\n', &block[filled..]) {
            Some(last) => filled + last + 1,
            None if read == 0 => block.len(),
            None if block.len() > LINE_LIMIT => {
                lines.number += 1;
                return Err(lines.error(&"the line is longer than 1 MiB"));
            }
            None => continue,
        };
        let came = Instant::now();
        let result = lines.parse(block.split_to(whole).freeze(), |event| match dues.next() {
            Some(due) => {
                to.add(due, event);
                true
            }
            None => false,
        });
        let wanted = to.send(read_for > came.elapsed());
        read_for = Duration::ZERO;
        if !result? || !wanted || read == 0 {
            return Ok(());
        }
    }
}

/// Cuts text into events and knows the line number.
struct Lines<'a> {
    name: String,
    number: u64,
    correlate: Option<&'a Pointer>,
}

impl Lines<'_> {
    fn place(&self) -> String {
        format!("{}:{}: cannot read", self.name, self.number + 1)
    }

    fn error(&self, why: &dyn std::fmt::Display) -> anyhow::Error {
        anyhow!("{}:{}: {why}", self.name, self.number)
    }

    /// Hands out the events of a text until `take` has enough; tells whether it wants more.
    fn parse(
        &mut self,
        mut text: Bytes,
        mut take: impl FnMut(Event) -> bool,
    ) -> anyhow::Result<bool> {
        while text.has_remaining() {
            let end = memchr::memchr(b'\n', &text).unwrap_or(text.len());
            let mut line = text.split_to(end);
            text.advance(text.len().min(1));
            self.number += 1;
            if self.number.is_multiple_of(TURN) {
                // The thread that sends may share our core, and has no time to wait for a whole block.
                thread::yield_now();
            }
            line.truncate(line.trim_ascii_end().len());
            if line.is_empty() {
                continue;
            }
            let mut event = Event::new(line).map_err(|err| self.error(&err))?;
            if let Some(pointer) = self.correlate {
                event.correlate(pointer);
            }
            if !take(event) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use load_plan::document::Document;
    use load_plan::read_plan;

    use super::*;

    fn supplies(text: &str, plan: &str) -> Vec<Supply> {
        let bytes = Box::new(std::io::Cursor::new(text.to_owned().into_bytes()));
        let plan = read_plan(&Document::parse("plan", plan).unwrap()).unwrap();
        let order = Order { plan, seed: 0, shard: Shard::WHOLE, time_scale: 1, correlate: None };
        start(Input { bytes, name: "stdin".into() }, order).unwrap()
    }

    fn supply(text: &str) -> Supply {
        let plan = "[scenarios.s]\nexecutor = 'constant-vus'\nduration = '1h'";
        supplies(text, plan).remove(0)
    }

    fn drain(mut supply: Supply) -> (Vec<String>, Option<String>) {
        let mut ids = Vec::new();
        while let Next::Event(event) = supply.next_within(Duration::from_secs(30)) {
            ids.push(event.event.id().to_owned());
        }
        (ids, supply.into_failure().map(|err| format!("{err:#}")))
    }

    fn line(id: u32) -> String {
        format!(r#"{{"specversion":"1.0","type":"t","source":"s","id":"{id}"}}"#)
    }

    #[test]
    fn every_line_is_an_event_and_the_last_needs_no_line_end() {
        let (ids, failure) = drain(supply(&format!("{}\n\n{}\r\n{}", line(1), line(2), line(3))));
        assert_eq!((ids, failure), (vec!["1".into(), "2".into(), "3".into()], None));
    }

    #[test]
    fn blocks_do_not_cut_lines() {
        let text: String = (0..20_000).map(|id| line(id) + "\n").collect();
        assert!(text.len() > 5 * BLOCK);
        let (ids, failure) = drain(supply(&text));
        assert_eq!((ids.len(), failure), (20_000, None));
        assert_eq!(ids[19_999], "19999");
    }

    #[test]
    fn what_comes_before_a_bad_line_is_sent() {
        let (ids, failure) = drain(supply(&format!("{}\n\n{{\"id\":1}}\n", line(1))));
        assert_eq!(ids, ["1"]);
        assert!(failure.unwrap().starts_with("stdin:3: "));
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let (ids, failure) = drain(supply(&"x".repeat(2 * LINE_LIMIT)));
        assert_eq!(
            (ids.len(), failure),
            (0, Some("stdin:1: the line is longer than 1 MiB".into()))
        );
    }

    #[test]
    fn scenarios_share_an_input_in_the_order_of_due_times() {
        let text: String = (0..9).map(|id| line(id) + "\n").collect();
        let plan = "[scenarios.a]\nexecutor = 'constant-arrival-rate'\nrate = 2\nduration = '2s'\n\
                    [scenarios.b]\nexecutor = 'constant-arrival-rate'\nrate = 1\nduration = '2s'\n\
                    startTime = '250ms'";
        let ids: Vec<Vec<String>> =
            supplies(&text, plan).into_iter().map(|supply| drain(supply).0).collect();
        assert_eq!(ids, [vec!["0", "2", "3", "5"], vec!["1", "4"]]);
    }
}
