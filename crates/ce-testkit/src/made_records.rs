//! Long streams of records, with losses and duplicates planted.
//!
//! Event k is due k / 2000 seconds after the start, as in a run of 2,000 events per second. The lost
//! events and the duplicated ones lie evenly over the run, and no event is both.

use std::io::{self, BufWriter, Write};

use ce_record::{
    End, GeneratorReport, Outcome, OutcomeCounts, Receipt, Record, Sample, Start, Stop, append,
};

/// Nanoseconds between two due times.
const GAP_NS: u64 = 500_000;

/// What the streams hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MadeRecords {
    /// Events that were sent and acknowledged.
    pub events: u64,
    /// Of these, how many have no receipt.
    pub lost: u64,
    /// How many have two.
    pub duplicated: u64,
}

impl MadeRecords {
    /// Writes the stream of a sender.
    pub fn samples(&self, to: impl Write) -> io::Result<()> {
        let mut out = Out::new(to, "ce-blast", serde_json::json!({ "scenarios": {} }))?;
        let mut id = String::new();
        for seq in 0..self.events {
            write_id(&mut id, seq);
            out.record(&Record::Sample(Sample {
                seq,
                source: "network.notifi.parsers.example".into(),
                id: id.as_str().into(),
                event_type: "network.notifi.lambda.build.start".into(),
                scenario: "default".into(),
                due_ns: seq * GAP_NS,
                lag_ns: 4_000 + seq % 97 * 100,
                service_ns: 900_000 + seq % 1009 * 1_500,
                outcome: Outcome::Ok,
                code: Some(202),
                error: None,
                bytes: 281,
                attempt: 1,
                superseded: false,
                connection: false,
                key: None,
                connect_ns: None,
                tls_ns: None,
            }))?;
        }
        let mut outcomes = OutcomeCounts::default();
        outcomes[Outcome::Ok] = self.events;
        out.end(self.events, Some(outcomes))
    }

    /// Writes the stream of a sink.
    pub fn receipts(&self, to: impl Write) -> io::Result<()> {
        let mut out = Out::new(to, "ce-sink", serde_json::Value::Null)?;
        let mut id = String::new();
        let mut written = 0;
        for seq in 0..self.events {
            write_id(&mut id, seq);
            let times = if self.is_planted(seq, self.lost, 0) {
                0
            } else {
                1 + u64::from(self.is_planted(seq, self.duplicated, 1))
            };
            for time in 0..times {
                out.record(&Record::Receipt(Receipt {
                    source: "network.notifi.parsers.example".into(),
                    id: id.as_str().into(),
                    event_type: "network.notifi.lambda.build.start".into(),
                    recv_ns: seq * GAP_NS + 700_000 + seq % 1013 * 900 + time,
                    door: "/".into(),
                    ..Receipt::default()
                }))?;
            }
            written += times;
        }
        out.end(written, None)
    }

    /// Whether one of `count` marks, spread evenly, falls on this event.
    fn is_planted(&self, seq: u64, count: u64, offset: u64) -> bool {
        count > 0 && {
            let step = self.events / count;
            seq % step == step / 2 + offset && seq / step < count
        }
    }
}

fn write_id(id: &mut String, seq: u64) {
    use std::fmt::Write;
    id.clear();
    write!(id, "3f2c8a10-77aa-4c0e-9d61-{seq:012x}").expect("a String takes any text");
}

/// A stream that is being written.
struct Out<W: Write> {
    to: BufWriter<W>,
    line: Vec<u8>,
}

impl<W: Write> Out<W> {
    fn new(to: W, tool: &str, plan: serde_json::Value) -> io::Result<Self> {
        let to = BufWriter::with_capacity(1 << 18, to);
        let mut out = Self { to, line: Vec::new() };
        out.record(&Record::Start(Box::new(Start {
            monotonic_start_ns: Some(0),
            boot_id: Some("made".to_owned()),
            plan,
            ..Start::new(tool, "0", 1_700_000_000_000_000_000)
        })))?;
        Ok(out)
    }

    fn record(&mut self, record: &Record<'_>) -> io::Result<()> {
        self.line.clear();
        append(&mut self.line, record);
        self.to.write_all(&self.line)
    }

    fn end(mut self, records: u64, outcomes: Option<OutcomeCounts>) -> io::Result<()> {
        let generator = outcomes.map(|_| GeneratorReport {
            lag_p50_ns: 8_000,
            lag_p99_ns: 14_000,
            lag_max_ns: 14_000,
            peak_in_flight: 5,
            open_loop: true,
            ..GeneratorReport::default()
        });
        self.record(&Record::End(Box::new(End {
            outcomes,
            generator,
            ..End::new(records * GAP_NS, Stop::Done, records)
        })))?;
        self.to.flush()
    }
}
