//! A queue behind a proxy, and a file for the records of the run that publishes to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ce_testkit::{Running, broker};
use tempfile::TempDir;

use super::proxy::Proxy;
use super::topology::Topology;
use crate::ce_blast;

/// Far longer than any limit that the tests set, and far shorter than for ever.
pub(crate) const DEADLINE: Duration = Duration::from_mins(1);

pub(crate) struct Rig {
    pub(crate) topology: Topology,
    pub(crate) queue: String,
    pub(crate) proxy: Proxy,
    folder: TempDir,
}

impl Rig {
    /// A queue for a routing key; nothing if there is no broker.
    pub(crate) fn new(test: &str, key: &str) -> Option<Self> {
        let broker = broker(test)?;
        let mut topology = Topology::new(&broker, test);
        let queue = topology.queue(key, None);
        let proxy = Proxy::start(&broker.amqp_url);
        Some(Self { topology, queue, proxy, folder: tempfile::tempdir().unwrap() })
    }

    /// Publishes events through the proxy, and waits for a first answer.
    pub(crate) fn publish(&self, events: String, args: &[&str]) -> Running {
        self.publish_to(&self.proxy.url(), events, args)
    }

    /// The same by another form of the proxy's URL.
    pub(crate) fn publish_to(&self, url: &str, events: String, args: &[&str]) -> Running {
        let running = ce_blast()
            .args(["--to", url, "--exchange", &self.topology.exchange])
            .args(args)
            .stdin(events)
            .stdout_file(self.out())
            .deadline(DEADLINE)
            .spawn();
        running.wait_until("a first answer", || self.mentions(r#""outcome":"ok""#));
        running
    }

    /// What `--stop-file` may be given.
    pub(crate) fn stop_file(&self) -> String {
        self.folder.path().join("stop").to_str().unwrap().to_owned()
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out.ndjson")
    }

    /// The records so far.
    pub(crate) fn records(&self) -> String {
        fs::read_to_string(self.out()).unwrap()
    }

    /// Whether a record has this text by now.
    pub(crate) fn mentions(&self, text: &str) -> bool {
        mentions(&self.out(), text)
    }

    /// Waits for the end of the run, and returns its records.
    #[track_caller]
    pub(crate) fn wait_for_end(&self, running: &mut Running) -> String {
        assert_eq!(running.wait(), 0, "{}", running.stderr());
        self.records()
    }
}

/// Whether a stream of records in a file has this text by now.
pub(crate) fn mentions(path: &Path, text: &str) -> bool {
    fs::read_to_string(path).is_ok_and(|records| records.contains(text))
}
