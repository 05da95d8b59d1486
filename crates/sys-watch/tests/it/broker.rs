//! The real `RabbitMQ`.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;

use crate::stream::{Stream, wait_for_output, written};
use crate::sys_watch;

/// A queue with messages that nobody takes; deleted with the test.
struct Queue {
    address: String,
    name: String,
}

impl Queue {
    fn with_messages(management_url: &str, count: usize) -> Self {
        let address = management_url.trim_start_matches("http://").trim_end_matches('/');
        // Early in the alphabet, so that it is among the queues that are watched.
        let name = format!("0-sys-watch-{}", std::process::id());
        let queue = Self { address: address.to_owned(), name };
        queue.request("PUT", &queue.path(), "{}");
        let message = format!(
            r#"{{"routing_key":"{}","payload":"x","payload_encoding":"string","properties":{{}}}}"#,
            queue.name
        );
        for _ in 0..count {
            let answer = queue.request("POST", "/api/exchanges/%2F/amq.default/publish", &message);
            assert!(answer.contains(r#"{"routed":true}"#), "{answer}");
        }
        queue
    }

    fn path(&self) -> String {
        format!("/api/queues/%2F/{}", self.name)
    }

    fn request(&self, method: &str, path: &str, body: &str) -> String {
        let mut peer = TcpStream::connect(&self.address).expect("the broker runs");
        // `guest:guest` in base64.
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n\
             content-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            self.address,
            body.len()
        );
        peer.write_all(format!("{head}{body}").as_bytes()).expect("the broker reads");
        let mut answer = String::new();
        peer.read_to_string(&mut answer).expect("the broker answers in UTF-8");
        answer
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.request("DELETE", &self.path(), "");
    }
}

#[test]
fn a_real_broker_tells_of_itself_its_nodes_and_its_queues() {
    let test = "a_real_broker_tells_of_itself_its_nodes_and_its_queues";
    let Some(broker) = ce_testkit::broker(test) else { return };
    let queue = Queue::with_messages(&broker.management_url, 3);
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("records.ndjson");
    let args = ["--rabbitmq", &broker.management_url];
    let mut running = sys_watch().args(args).stdout_file(&path).spawn();
    // The broker may know the depth of a new queue only after some seconds.
    let depth = format!(
        r#""name":"rabbitmq_queue_messages_ready","labels":{{"queue":"{}","vhost":"/"}},"value":3.0"#,
        queue.name
    );
    wait_for_output(&running, &path, &depth);
    assert_eq!(running.stop(), 0);

    let stream = Stream::read(&written(&path));
    for name in ["rabbitmq_connections", "rabbitmq_channels", "rabbitmq_queues"] {
        assert!(!stream.values(name).is_empty(), "{name}");
    }
    for name in ["node_mem_used_bytes", "node_mem_limit_bytes", "node_disk_free_bytes", "fd_used"] {
        let gauges = stream.gauges(&format!("rabbitmq_{name}"));
        assert!(gauges[0]["value"].as_f64().unwrap() > 0.0, "{name}");
        assert!(gauges[0]["labels"]["node"].as_str().unwrap().contains('@'), "{name}");
    }
    let unacked = stream.gauges("rabbitmq_queue_messages_unacked");
    let is_ours = |gauge: &&&Value| gauge["labels"]["queue"] == queue.name.as_str();
    assert!(unacked.iter().filter(is_ours).all(|gauge| gauge["value"] == 0.0), "{unacked:?}");
}
