//! A RabbitMQ of a test's own: one that may be restarted without spoiling anybody else's test.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::Broker;

/// A node with its data in a folder of its own, stopped when this is dropped.
#[derive(Debug)]
pub struct Node {
    /// Where it is, before and after a restart.
    pub broker: Broker,
    port: u16,
    folder: PathBuf,
}

impl Node {
    /// Starts a node in `folder`. Only where there is a broker for the tests at all: who has none
    /// skips, and has been told so.
    pub fn start(folder: &Path) -> Self {
        let port = free_ports();
        let broker = Broker {
            amqp_url: format!("amqp://127.0.0.1:{port}/%2f"),
            management_url: format!("http://127.0.0.1:{}", port + 1),
        };
        let node = Self { broker, port, folder: folder.to_owned() };
        node.must(&["start"]);
        node
    }

    /// Sets the share of the machine's memory from which on the node blocks publishers. With none at
    /// all it does so at once.
    pub fn set_memory_limit(&self, share: &str) {
        self.must(&["ctl", "set_vm_memory_high_watermark", share]);
    }

    /// Stops the node and starts it again on the same ports, with its queues and messages.
    pub fn restart(&self) {
        self.must(&["restart"]);
    }

    fn must(&self, what: &[&str]) {
        let output = self.call(what);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "rabbitmq.sh {what:?}: {said}");
    }

    fn call(&self, what: &[&str]) -> Output {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/rabbitmq.sh");
        let mut command = Command::new(script);
        command.args(what).env("CE_RABBITMQ_PORT", self.port.to_string());
        command.env("CE_RABBITMQ_DIR", &self.folder);
        command.output().expect("there is a shell")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A test that failed says so itself.
        let _ = self.call(&["stop"]);
    }
}

/// The first of four ports in a row that nobody listens on, below those that are given to clients.
fn free_ports() -> u16 {
    let seed = u16::try_from(std::process::id() % 1000).expect("below 1000");
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    (0..1000)
        .map(|step| 28_000 + (seed + step) % 1000 * 4)
        .find(|&first| (first..first + 4).all(is_free))
        .expect("four of four thousand ports are free")
}
