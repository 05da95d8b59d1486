//! What this machine lets us do, measured in the tenth of a second before the load begins: how late
//! sleeps end, and how many events per second pass through our own threads. A run that asks for more
//! is the sender's failure and not the target's.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ce_cli::{Clock, DataOut, Interrupt};
use ce_record::Calibration;
use lat_hist::{Histogram, Quantile};
use tokio::sync::mpsc::unbounded_channel;

use crate::event::Event;
use crate::gate::Gate;
use crate::lane::Lane;
use crate::pace;
use crate::read::{Supply, Timed};
use crate::record::{self, Recorder};
use crate::target::{Limits, Seat, Sender};

/// Sleeps that are timed, and how long each is.
const SLEEPS: u32 = 100;
const SLEEP: Duration = Duration::from_micros(200);
/// How long events are passed through to find the ceiling.
const CEILING: Duration = Duration::from_millis(50);
/// An event of usual size.
const EVENT: &[u8] = br#"{"specversion":"1.0","type":"network.notifi.lambda.build.start","source":"network.notifi.parsers.calibration.0001","id":"00000000-0000-4000-8000-000000000000","datacontenttype":"application/json","data":{"third_party_id":"calibration","parser_id":"0001"}}"#;

/// Measures; takes about a tenth of a second.
pub(crate) fn calibrate(interrupt: &Interrupt) -> Calibration {
    let late = thread::scope(|scope| scope.spawn(sleeps).join().expect("sleeping cannot panic"));
    let late_ns = |quantile| late.quantile_us(quantile).unwrap_or(0) * 1000;
    Calibration {
        sleep_late_p50_ns: late_ns(Quantile::new(1, 2)),
        sleep_late_p99_ns: late_ns(Quantile::new(99, 100)),
        ceiling_per_s: ceiling_per_s(interrupt),
    }
}

/// How late sleeps of a pacing thread end.
fn sleeps() -> Histogram {
    pace::sharpen_sleep();
    let mut late = Histogram::default();
    for _ in 0..SLEEPS {
        let end = Instant::now() + SLEEP;
        thread::sleep(SLEEP);
        let late_ns = Instant::now().saturating_duration_since(end).as_nanos();
        late.record(u64::try_from(late_ns).unwrap_or(u64::MAX));
    }
    late
}

/// Passes events through the threads of a run, from the schedule to the record, with a target that
/// answers at once.
fn ceiling_per_s(interrupt: &Interrupt) -> u64 {
    let event = Event::new(Bytes::from_static(EVENT)).expect("the event is well-formed");
    let (clock, _) = Clock::start();
    let gates: Arc<[Gate]> = Arc::new([Gate::new(10_000)]);
    let (mut recorder, queue) = Recorder::new(clock, Arc::clone(&gates));
    let limits = Limits { timeout: Duration::ZERO, last_answer: Arc::default() };
    let (jobs, to_send) = unbounded_channel();
    let (ready, _is_ready) = mpsc::sync_channel(1);
    let (give, given) = mpsc::channel();
    let names = [String::from("calibration")];
    let passed = thread::scope(|scope| {
        let mut out = DataOut::to(Box::new(std::io::sink()));
        scope.spawn(move || record::write(&queue, &names, &mut out));
        let seat = Seat { ready, recorder: given };
        scope.spawn(move || Sender::Null.run(to_send, seat, &limits));
        // The sender waits for it before anything else.
        let _ = give.send(recorder.fork());
        let lane = Lane {
            scenario: 0,
            clock,
            interrupt,
            gate: &gates[0],
            supply: Supply::empty(),
            recorder: recorder.fork(),
            senders: vec![jobs],
            turn: Cell::default(),
        };
        let passed = pass(&lane, &event);
        drop(recorder.finish());
        drop(recorder);
        drop(lane);
        passed
    });
    passed * 1_000_000_000 / u64::try_from(CEILING.as_nanos()).expect("50 ms")
}

/// Hands events over as fast as they go, and counts them.
fn pass(lane: &Lane<'_>, event: &Event) -> u64 {
    let end = Instant::now() + CEILING;
    let mut passed = 0;
    while Instant::now() < end {
        if lane.gate.try_enter() || lane.gate.enter_until(end) {
            let timed = Timed { seq: passed, due_ns: 0, event: event.clone() };
            lane.hand_over(lane.job(timed));
            passed += 1;
        }
    }
    passed
}
