//! Plans that open and hold connections, and what the records and the broker say of these.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use ce_record::Held;
use ce_record::Outcome::Ok;
use ce_testkit::{Broker, Running, Tool, wait_until};
use serde_json::Value;
use tempfile::TempDir;

use super::rig::DEADLINE;
use super::stream::Stream;
use crate::ce_blast;

/// A plan in a file, and a place for the records.
pub(crate) struct Lab(TempDir);

impl Lab {
    pub(crate) fn new(plan: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("plan.toml"), plan).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn tool(&self, args: &[&str]) -> Tool {
        ce_blast().args(["--plan"]).arg(self.path("plan.toml")).args(args).deadline(DEADLINE)
    }

    pub(crate) fn spawn(&self, args: &[&str]) -> Running {
        self.tool(args).stdout_file(self.path("out.ndjson")).spawn()
    }

    pub(crate) fn records(&self) -> String {
        fs::read_to_string(self.path("out.ndjson")).unwrap()
    }

    /// Waits until so many connections are open, as the records say.
    pub(crate) fn wait_until_open(&self, running: &Running, count: usize) {
        running.wait_until("connections", || {
            self.records().matches(r#""outcome":"ok""#).count() >= count
        });
    }
}

/// Plan text: so many connections at a rate, held for a time.
pub(crate) fn plan(connections: u32, rate: u32, hold: &str) -> String {
    format!(
        "[scenarios.many]\nexecutor = 'connections'\nconnections = {connections}\nrate = {rate}\n\
         hold = '{hold}'\n"
    )
}

/// A connection as the broker knows it.
pub(crate) struct Known {
    pub(crate) name: String,
    since_ms: u64,
}

impl Known {
    /// For how long the broker has known it.
    pub(crate) fn age(&self) -> Duration {
        (UNIX_EPOCH + Duration::from_millis(self.since_ms)).elapsed().unwrap_or_default()
    }
}

/// The connections of a run that the broker has now.
pub(crate) fn at_broker(broker: &Broker, run: &str) -> Vec<Known> {
    let columns = "/connections?columns=name,user_provided_name,connected_at";
    let (status, body) = broker.api("GET", columns, "");
    assert_eq!(status, 200, "{body}");
    let all: Vec<Value> = serde_json::from_str(&body).unwrap();
    let ours = all.iter().filter(|it| it["user_provided_name"] == format!("ce-blast {run}"));
    let known = ours.map(|it| Known {
        name: it["name"].as_str().unwrap().to_owned(),
        since_ms: it["connected_at"].as_u64().unwrap(),
    });
    known.collect()
}

/// Waits until the broker knows so many connections of a run.
pub(crate) fn wait_for_broker(broker: &Broker, run: &str, count: usize) -> Vec<Known> {
    wait_until(DEADLINE, "the broker to know them", || {
        let known = at_broker(broker, run);
        (known.len() == count).then_some(known)
    })
}

/// What the `end` record says of the connections of the only scenario: opened, at one time, closed, lost
/// and cut.
#[track_caller]
pub(crate) fn held(stream: &Stream<'_>) -> [u64; 5] {
    let [held] = stream.end.connections.as_slice() else { panic!("{:?}", stream.end) };
    let Held { scenario, opened, peak, closed, lost, cut } = held;
    assert_eq!((scenario.as_str(), *opened), ("many", closed + lost + cut), "{held:?}");
    assert_eq!(*opened, stream.count(Ok));
    [*opened, *peak, *closed, *lost, *cut]
}
