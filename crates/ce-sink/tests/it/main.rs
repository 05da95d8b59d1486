//! Runs the real `ce-sink`: what a sender and a shell user would see is what is asserted.

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the message")]

mod amqp;
mod amqp_failures;
mod arrivals;
mod client;
mod doors;
mod ends;
mod gauges;
mod http;
mod lab;
mod ledger;
mod limits;
mod output;
mod proxy;
mod reconnect;
mod restart;
mod simulation;
mod tls;
mod under_load;

use std::net::SocketAddr;
use std::path::PathBuf;

use ce_testkit::{Running, Tool};
use serde_json::Value;
use tempfile::TempDir;

use client::Client;

/// The content type of one event in JSON format.
const STRUCTURED: (&str, &str) = ("content-type", "application/cloudevents+json");

fn ce_sink() -> Tool {
    Tool::new(env!("CARGO_BIN_EXE_ce-sink"))
}

/// An event in JSON format.
fn event(id: &str) -> String {
    format!(r#"{{"specversion":"1.0","id":"{id}","source":"/test","type":"t","sequence":"{id}"}}"#)
}

/// A sink that runs, and where its records go.
struct Sink {
    running: Running,
    folder: TempDir,
}

impl Sink {
    fn start(args: &[&str]) -> Self {
        Self::of(ce_sink().args(args))
    }

    fn of(tool: Tool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tool = tool.stdout_file(folder.path().join("records"));
        Self { running: tool.spawn(), folder }
    }

    fn http(args: &[&str]) -> Self {
        Self::start(&[&["http", "--listen", "127.0.0.1:0"], args].concat())
    }

    fn address(&self) -> SocketAddr {
        let line = self.running.wait_for("listening on http://");
        line.rsplit_once("http://").unwrap().1.parse().unwrap()
    }

    fn client(&self) -> Client {
        Client::connect(self.address())
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("records")
    }

    /// All whole records so far.
    fn records(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(self.path()).unwrap();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn receipts(&self) -> Vec<Value> {
        self.records().into_iter().filter(|record| record["kind"] == "receipt").collect()
    }

    fn ids(&self) -> Vec<String> {
        self.receipts().iter().map(|receipt| receipt["id"].as_str().unwrap().into()).collect()
    }

    fn wait_for_receipts(&self, count: usize) {
        let what = format!("{count} receipts");
        self.running.wait_until(&what, || self.receipts().len() >= count);
    }

    /// Waits for the end; checks the exit code and that the totals are those of the records.
    #[track_caller]
    fn ends(&mut self, code: i32, stopped: &str) -> String {
        let found = self.running.wait();
        let stderr = self.running.stderr();
        assert_eq!(found, code, "{stderr}");
        let records = self.records();
        let end = records.last().unwrap();
        assert_eq!((&end["kind"], &end["stopped"]), (&"end".into(), &stopped.into()));
        assert_eq!(end["records"], records.len() - 2, "receipts and marks");
        assert_eq!(records[0]["kind"], "start");
        stderr
    }
}
