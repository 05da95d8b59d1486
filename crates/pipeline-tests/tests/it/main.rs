//! Whole pipes, as a shell user writes them: real binaries, a real broker.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has to fail")]

mod amqp;
mod docs;
mod http;
mod loads;
mod ports;
mod queues;
mod restart;
mod scenarios;
mod secrets;

use std::fs;
use std::path::PathBuf;

use ce_testkit::{Running, Tool};
use serde_json::Value;

/// A folder of its own for each test, and what a pipe has left in it.
struct Stage(tempfile::TempDir);

impl Stage {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.text(name)).unwrap()
    }

    /// A script that runs in this folder.
    fn shell(&self, script: &str) -> Tool {
        Tool::shell(script).current_dir(self.0.path())
    }

    /// Starts a sink that answers HTTP, its receipts in `received.ndjson`; returns its URL too.
    fn http_sink(&self, flags: &[&str]) -> (Running, String) {
        self.http_sink_to("received.ndjson", flags)
    }

    /// The same, its receipts in this file.
    fn http_sink_to(&self, file: &str, flags: &[&str]) -> (Running, String) {
        let sink = Tool::named("ce-sink")
            .args(["http", "--listen", "127.0.0.1:0"])
            .args(flags)
            .stdout_file(self.path(file))
            .spawn();
        let line = sink.wait_for("listening on http://");
        let url = line.split("listening on ").nth(1).unwrap().to_owned() + "/";
        (sink, url)
    }

    /// Checks fields of the run's ledger.
    #[track_caller]
    fn expect_ledger(&self, fields: &[(&str, u64)]) {
        let ledger = self.json("run/ledger.json");
        for (field, count) in fields {
            assert_eq!(ledger[field], *count, "{field}: {ledger:#}");
        }
    }
}
