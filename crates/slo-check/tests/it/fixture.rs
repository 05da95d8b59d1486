//! A run directory as `lat-collect` writes it, small enough to know every figure by heart.

use std::fs;
use std::path::Path;

use ce_record::Outcome;
use ce_record::run_dir::{
    Block, Generator, HISTOGRAMS, LEDGER, Ledger, RUN, Run, SUMMARY, Stats, Summary,
};
use ce_testkit::{Run as Finished, Tool};
use lat_hist::Histogram;
use lat_hist::hlog::{HlogEncoder, header};
use serde::Serialize;
use tempfile::TempDir;

/// The event type of the fixture.
pub(crate) const BUILD: &str = "network.notifi.lambda.build.start";

/// The files of a run directory, to be changed and then written.
#[derive(Debug)]
pub(crate) struct Fixture {
    pub(crate) run: Run,
    pub(crate) summary: Summary,
    pub(crate) ledger: Ledger,
    /// The latencies of scenario `baseline`, in microseconds.
    pub(crate) latencies_us: Vec<u64>,
}

/// 1,000 events in ten seconds, and 2.5 s more until the last answer; 995 ended well. Latencies are 1 ms to 1,000 ms, end-to-end times
/// twice that.
pub(crate) fn good() -> Fixture {
    let latencies_us: Vec<u64> = (1..=1000).map(|ms| ms * 1000).collect();
    let mut block = Block {
        elapsed_s: 12.5,
        planned: 1000,
        sent: 998,
        received: 995,
        planned_per_s: Some(100.0),
        sent_per_s: Some(99.8),
        ok_per_s: Some(99.5),
        ..Block::default()
    };
    block.outcomes[Outcome::Ok] = 995;
    block.outcomes[Outcome::Rejected] = 3;
    block.outcomes[Outcome::Dropped] = 2;
    block.metrics.insert("latency_us".into(), stats(&latencies_us));
    let doubled: Vec<u64> = latencies_us.iter().map(|us| us * 2).collect();
    block.metrics.insert("e2e_us".into(), stats(&doubled));
    let outcomes = block.outcomes;
    Fixture {
        run: run(),
        summary: Summary {
            format: 1,
            run: "nightly".into(),
            overall: block.clone(),
            warm_up: None,
            scenarios: [("baseline".to_owned(), block.clone())].into(),
            types: [(BUILD.to_owned(), block)].into(),
            ..Summary::default()
        },
        ledger: Ledger {
            format: 1,
            has_receipts: true,
            planned: 1000,
            sent: 998,
            acked: 995,
            outcomes,
            received: 995,
            delivered: 995,
            ..Ledger::default()
        },
        latencies_us,
    }
}

fn run() -> Run {
    Run {
        format: 1,
        run: "nightly".into(),
        wall_start_ns: 1_700_000_000_000_000_000,
        elapsed_ns: 10_000_000_000,
        complete: true,
        incomplete_because: Vec::new(),
        generator: Generator {
            valid: true,
            notes: Vec::new(),
            sent_ratio: Some(0.998),
            lag_p99_us: Some(1200),
            open_loop: true,
        },
        streams: Vec::new(),
        version: "0.1.0".into(),
        ..Run::default()
    }
}

/// The statistics of sorted values.
#[expect(clippy::cast_precision_loss, reason = "small numbers")]
pub(crate) fn stats(sorted_us: &[u64]) -> Stats {
    let at = |percent: usize| sorted_us[(sorted_us.len() * percent).div_ceil(100) - 1];
    let percentiles = [("p50", 50), ("p90", 90), ("p95", 95), ("p99", 99)];
    Stats {
        count: sorted_us.len() as u64,
        min: sorted_us[0] as f64,
        mean: sorted_us.iter().sum::<u64>() as f64 / sorted_us.len() as f64,
        max: sorted_us[sorted_us.len() - 1] as f64,
        percentiles: percentiles.map(|(name, percent)| (name.to_owned(), at(percent))).into(),
        overflow: 0,
    }
}

impl Fixture {
    /// Writes the directory.
    pub(crate) fn write(&self) -> TempDir {
        let dir = tempfile::tempdir().unwrap();
        write_json(dir.path(), RUN, &self.run);
        write_json(dir.path(), SUMMARY, &self.summary);
        write_json(dir.path(), LEDGER, &self.ledger);
        fs::write(dir.path().join(HISTOGRAMS), self.log()).unwrap();
        dir
    }

    /// Writes the directory and judges it.
    pub(crate) fn check(&self, args: &[&str]) -> Finished {
        let dir = self.write();
        slo_check().arg(dir.path()).args(args).run()
    }

    /// The interval log in two halves, and another metric that must not be mixed in.
    fn log(&self) -> String {
        let mut log = header(self.run.wall_start_ns);
        let mut encoder = HlogEncoder::default();
        let (first, second) = self.latencies_us.split_at(self.latencies_us.len() / 2);
        let (tag, other) = ("baseline.latency", "baseline.service");
        for (start_s, tag, values) in [(0, tag, first), (5, tag, second), (5, other, second)] {
            let mut histogram = Histogram::default();
            for us in values {
                histogram.record(us * 1000);
            }
            let start_ns = start_s * 1_000_000_000;
            encoder.interval(&mut log, tag, start_ns, 5_000_000_000, &histogram).unwrap();
        }
        log
    }
}

fn write_json(dir: &Path, file: &str, value: &impl Serialize) {
    fs::write(dir.join(file), serde_json::to_vec_pretty(value).unwrap()).unwrap();
}

pub(crate) fn slo_check() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_slo-check"))
}
