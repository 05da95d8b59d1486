//! What this machine lets us do, measured in the tenth of a second before the load begins: how late
//! sleeps end, and how many events per second pass through our own threads. A run that asks for more
//! is the sender's failure and not the target's.

use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use ce_cli::{Clock, DataOut, Interrupt};
use ce_record::Calibration;
use lat_hist::{Histogram, Quantile};
use tokio::sync::mpsc::unbounded_channel;

use crate::cli::Saturation;
use crate::event::Event;
use crate::gate::Gate;
use crate::grace::LastAnswers;
use crate::jobs::Turns;
use crate::lane::{Ended, Lane};
use crate::open_loop::{OpenLoop, Terms};
use crate::pace::Alarm;
use crate::read::{Feed, Supply, Timed};
use crate::record::{self, Recorder};
use crate::target::{Limits, Seat, Sender, runtime};

/// Sleeps that are timed, and how long each is.
const SLEEPS: u32 = 100;
const SLEEP: Duration = Duration::from_micros(200);
/// How long events are passed through to find the ceiling.
const CEILING: Duration = Duration::from_millis(50);
/// As many events come with a block of input.
const BATCH: usize = 400;
/// An event of usual size.
const EVENT: &[u8] = br#"{"specversion":"1.0","type":"network.notifi.lambda.build.start","source":"network.notifi.parsers.calibration.0001","id":"00000000-0000-4000-8000-000000000000","datacontenttype":"application/json","data":{"third_party_id":"calibration","parser_id":"0001"}}"#;

/// Measures; takes about a tenth of a second.
pub(crate) fn calibrate(interrupt: &Interrupt) -> Calibration {
    // Where there is no timer, the senders could not start either.
    let late = sleeps().unwrap_or_default();
    let late_ns = |quantile| late.quantile_us(quantile).unwrap_or(0) * 1000;
    Calibration {
        sleep_late_p50_ns: late_ns(Quantile::new(1, 2)),
        sleep_late_p99_ns: late_ns(Quantile::new(99, 100)),
        ceiling_per_s: ceiling_per_s(interrupt),
    }
}

/// How late sleeps of a sender end.
fn sleeps() -> io::Result<Histogram> {
    runtime()?.block_on(async {
        let mut alarm = Alarm::new(Duration::ZERO)?;
        let mut late = Histogram::default();
        for _ in 0..SLEEPS {
            let late_by = alarm.sleep_until(Instant::now() + SLEEP).await;
            late.record(u64::try_from(late_by.as_nanos()).unwrap_or(u64::MAX));
        }
        Ok(late)
    })
}

/// Passes events through the threads of a run, from the input to the record, with a target that
/// answers at once.
fn ceiling_per_s(interrupt: &Interrupt) -> u64 {
    let (clock, _) = Clock::start();
    let gates: Arc<[Gate]> = Arc::new([Gate::new(u64::MAX)]);
    let (recorder, queue) = Recorder::new(clock, Arc::clone(&gates));
    let (timeout, timer_slack) = (Duration::ZERO, Duration::ZERO);
    let limits = Limits { timeout, timer_slack, last_answers: LastAnswers::of(1) };
    let (work, to_do) = unbounded_channel();
    let (ready, _is_ready) = mpsc::sync_channel(1);
    let (give, given) = mpsc::channel();
    let (ended, all_ended) = mpsc::channel();
    let (input, supply) = Supply::fed();
    let names = [String::from("calibration")];
    let begin = Instant::now();
    let tally = thread::scope(|scope| {
        let mut out = DataOut::to(Box::new(io::sink()));
        scope.spawn(move || record::write(&queue, &names, &mut out));
        scope.spawn(move || feed(&input));
        let seat = Seat { ready, recorder: given };
        let sender = scope.spawn(move || Sender::Null.run(to_do, seat, &limits));
        // The sender waits for it before anything else.
        let _ = give.send(recorder.fork());
        let lane = Lane {
            scenario: 0,
            clock,
            interrupt: interrupt.clone(),
            gates,
            supply,
            recorder: recorder.fork(),
            ended,
        };
        let terms = Terms {
            on_saturation: Saturation::Queue,
            end_ns: None,
            grace: Duration::ZERO,
            lasts_until_ns: 0,
            timer_slack,
        };
        drop(recorder);
        // Without a sender, the schedule ends here.
        drop(Turns::new(vec![work]).keep(Box::new(OpenLoop::new(lane, terms))));
        for ended in all_ended {
            Ended::conclude(ended);
        }
        sender.join().expect("senders do not panic")
    });
    let took_ns = u64::try_from(begin.elapsed().as_nanos()).expect("it took some 50 ms");
    tally.outcomes.planned() * 1_000_000_000 / took_ns.max(1)
}

/// Supplies events that are due at once, as fast as they are taken.
fn feed(input: &tokio::sync::mpsc::Sender<Feed>) {
    let event = Event::new(Bytes::from_static(EVENT)).expect("the event is well-formed");
    let end = Instant::now() + CEILING;
    let mut seqs = 0..;
    while Instant::now() < end {
        let timed = |seq| Timed { seq, due_ns: 0, event: event.clone() };
        let events = seqs.by_ref().take(BATCH).map(timed).collect();
        if input.blocking_send(Feed::Events { events, awaited: false }).is_err() {
            return;
        }
    }
}
