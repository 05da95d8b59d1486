//! What `sys-watch` has written, as JSON, so that the wire is tested and not our own reader.

use std::fs;
use std::path::Path;

use ce_testkit::Running;
use serde_json::Value;

/// Gauges and marks between the `start` and the `end` record.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) start: Value,
    pub(crate) end: Value,
    pub(crate) records: Vec<Value>,
}

impl Stream {
    /// Reads a whole stream, and checks that it tells its own length.
    #[track_caller]
    pub(crate) fn read(text: &str) -> Self {
        let mut records: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("each line is JSON"))
            .collect();
        assert!(records.len() >= 2, "no stream: {text}");
        let (start, end) = (records.remove(0), records.pop().expect("at least two"));
        assert_eq!((&start["kind"], &end["kind"]), (&"start".into(), &"end".into()));
        assert_eq!(end["records"], records.len());
        Self { start, end, records }
    }

    /// The gauges of this name, in the order of writing.
    pub(crate) fn gauges(&self, name: &str) -> Vec<&Value> {
        self.records.iter().filter(|record| record["name"] == name && is(record, "gauge")).collect()
    }

    /// The values of the gauges of this name.
    pub(crate) fn values(&self, name: &str) -> Vec<f64> {
        self.gauges(name).iter().map(|gauge| gauge["value"].as_f64().expect("a number")).collect()
    }

    /// What happened, in the order of writing.
    pub(crate) fn marks(&self) -> Vec<&str> {
        let marks = self.records.iter().filter(|record| is(record, "mark"));
        marks.map(|mark| mark["what"].as_str().expect("a text")).collect()
    }

    /// The first mark of this kind.
    #[track_caller]
    pub(crate) fn mark(&self, what: &str) -> &Value {
        self.records.iter().find(|record| record["what"] == what).expect("the mark was set")
    }
}

fn is(record: &Value, kind: &str) -> bool {
    record["kind"] == kind
}

/// Waits until the tool has written `text`.
pub(crate) fn wait_for_output(running: &Running, path: &Path, text: &str) {
    running.wait_until(text, || written(path).contains(text));
}

/// What the tool has written so far.
pub(crate) fn written(path: &Path) -> String {
    fs::read_to_string(path).expect("the file was made for the tool")
}
