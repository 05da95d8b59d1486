//! The runs that the tests render: made from a few lines of arithmetic, so that each is the same
//! every time.

use ce_record::Outcome;

use crate::fixture::Event;

const BUILD: &str = "network.notifi.lambda.build.start";
const PARSER: &str = "network.notifi.lambda.parser.start";

/// Numbers that look like chance; the sequence of Knuth's MMIX generator.
struct Chance(u64);

impl Chance {
    /// From 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A latency as targets have it: mostly `usual_us`, now and then much more.
    fn latency_us(&mut self, usual_us: f64) -> u64 {
        let tail = if self.next() < 0.01 { 8.0 } else { 1.0 };
        (usual_us * (0.6 - self.next().max(1e-9).ln() * 0.4) * tail) as u64
    }
}

/// `seconds` at `rate` of one scenario, all of them ok, without receipts.
pub(crate) fn steady(scenario: &str, seconds: u64, rate: u64) -> Vec<Event> {
    let mut chance = Chance(7);
    (0..seconds * rate)
        .map(|index| Event {
            scenario: scenario.into(),
            kind: if index % 3 == 0 { PARSER } else { BUILD }.into(),
            due_us: index * 1_000_000 / rate,
            lag_us: 20 + (chance.next() * 60.0) as u64,
            service_us: chance.latency_us(5_000.0),
            outcome: Outcome::Ok,
            code: Some(202),
            message: "",
            e2e_us: None,
        })
        .collect()
}

/// Two scenarios over a minute: a stall of two seconds in the middle, failures after it, and
/// receipts, of which a few are missing.
pub(crate) fn stalled() -> Vec<Event> {
    let mut events = steady("baseline", 60, 100);
    let spike = steady("spike", 20, 200);
    events.extend(
        spike.into_iter().map(|event| Event { due_us: event.due_us + 20_000_000, ..event }),
    );
    let mut chance = Chance(11);
    let (stall, resumed) = (30_000_000, 32_000_000);
    for event in &mut events {
        if (stall..resumed).contains(&event.due_us) {
            event.service_us += resumed - event.due_us;
        }
        if (resumed..resumed + 3_000_000).contains(&event.due_us) && chance.next() < 0.3 {
            fail(event, chance.next());
        }
        let arrives = event.outcome == Outcome::Ok && chance.next() > 0.001;
        let latency_us = event.lag_us + event.service_us;
        event.e2e_us = arrives.then(|| latency_us + chance.latency_us(40_000.0));
    }
    events
}

fn fail(event: &mut Event, kind: f64) {
    (event.outcome, event.code, event.message) = if kind < 0.5 {
        (Outcome::Rejected, Some(503), "queue \"builds\" is full, <b>try again</b>")
    } else if kind < 0.8 {
        event.service_us += 900_000;
        (Outcome::Timeout, None, "no answer within 1s")
    } else {
        (Outcome::InDoubt, Some(320), "CONNECTION_FORCED - closed, with a comma")
    };
}
