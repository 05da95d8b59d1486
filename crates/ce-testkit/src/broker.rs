//! The real RabbitMQ of the tests. `make test` starts it and names it in the environment.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Where the broker is.
#[derive(Debug, Clone)]
pub struct Broker {
    /// For AMQP, e.g., `amqp://127.0.0.1:26720/%2f`.
    pub amqp_url: String,
    /// The management API, e.g., `http://127.0.0.1:26721`.
    pub management_url: String,
}

/// The broker of this test run. Without one the caller must skip, loudly: this prints the reason and
/// returns `None`, or fails the test where the environment says `CI`.
#[expect(clippy::print_stderr, reason = "a skipped test has to be seen")]
pub fn broker(test: &str) -> Option<Broker> {
    let found = variable("CE_TEST_AMQP_URL").zip(variable("CE_TEST_MANAGEMENT_URL"));
    if let Some((amqp_url, management_url)) = found {
        return Some(Broker { amqp_url, management_url });
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{test}: no broker, and CI must not skip: run `make test`, or start scripts/rabbitmq.sh"
    );
    eprintln!("SKIPPED {test}: no broker; run `make test`, or start scripts/rabbitmq.sh");
    None
}

/// The same broker where it listens with TLS. AMQP wants a client certificate, the management API
/// does not.
#[derive(Debug, Clone)]
pub struct BrokerTls {
    /// The broker without TLS.
    pub plain: Broker,
    /// For AMQP, e.g., `amqps://127.0.0.1:26724/%2f`.
    pub amqps_url: String,
    /// The management API, e.g., `https://127.0.0.1:26725`.
    pub management_url: String,
    folder: PathBuf,
}

impl BrokerTls {
    /// A file with a certificate or a key: `ca.pem`, `client.pem`, `client.key`, `stranger.pem`.
    pub fn file(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

/// The broker of this test run with TLS; without one the caller must skip, loudly, as for [`broker`].
#[expect(clippy::print_stderr, reason = "a skipped test has to be seen")]
pub fn broker_tls(test: &str) -> Option<BrokerTls> {
    let plain = broker(test)?;
    let [amqps_url, management_url, folder] =
        ["CE_TEST_AMQPS_URL", "CE_TEST_MANAGEMENT_TLS_URL", "CE_TEST_TLS_DIR"].map(variable);
    if let (Some(amqps_url), Some(management_url), Some(folder)) =
        (amqps_url, management_url, folder)
    {
        return Some(BrokerTls { plain, amqps_url, management_url, folder: folder.into() });
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{test}: no broker with TLS, and CI must not skip: run `make test`"
    );
    eprintln!(
        "SKIPPED {test}: no broker with TLS; start scripts/rabbitmq.sh with CE_RABBITMQ_TLS=1"
    );
    None
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A name for a queue or an exchange that no other test has.
pub fn unique_name(what: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("ce-load.test.{what}-{}-{count}", std::process::id())
}

impl Broker {
    /// Calls the management API as `guest`, e.g., `("GET", "/queues/%2f/q", "")`; returns the status
    /// and the body.
    pub fn api(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let address = self.management_url.trim_start_matches("http://").trim_end_matches('/');
        let mut socket = TcpStream::connect(address).expect("the management API listens");
        socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout is not zero");
        let request = format!(
            "{method} /api{path} HTTP/1.0\r\nauthorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(request.as_bytes()).expect("the API reads");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("the API answers in UTF-8");
        let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer has a head");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        (status.expect("an HTTP answer has a status"), body.to_owned())
    }

    /// The messages in a queue, at most `limit`, which stay there: body and properties as the API
    /// shows them.
    pub fn messages(&self, queue: &str, limit: u32) -> Vec<serde_json::Value> {
        let wanted =
            format!("{{\"count\":{limit},\"ackmode\":\"ack_requeue_true\",\"encoding\":\"auto\"}}");
        let (status, body) = self.api("POST", &format!("/queues/%2f/{queue}/get"), &wanted);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).expect("the API answers in JSON")
    }

    /// Removes a queue and an exchange of this name; it is fine if there is none.
    pub fn remove(&self, name: &str) {
        for kind in ["queues", "exchanges"] {
            self.api("DELETE", &format!("/{kind}/%2f/{name}"), "");
        }
    }
}
