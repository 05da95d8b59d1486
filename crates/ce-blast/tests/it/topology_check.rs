//! `--check-topology` against a real broker: what is shown is what was declared, and what can lose
//! events is warned of.

use ce_testkit::{Broker, Run, broker, unique_name};

use crate::{ce_blast, events};

/// Names that end with the test.
struct Declared<'a> {
    broker: &'a Broker,
    name: String,
    paths: Vec<String>,
}

impl<'a> Declared<'a> {
    fn new(broker: &'a Broker, what: &str) -> Self {
        Self { broker, name: unique_name(what), paths: Vec::new() }
    }

    /// Declares something with the name of the test in front; `path` is that of the API.
    fn put(&mut self, path: &str, body: &str) {
        let path = path.replace("NAME", &self.name);
        let (status, said) = self.broker.api("PUT", &path, &body.replace("NAME", &self.name));
        assert!((200..300).contains(&status), "{path}: {status} {said}");
        self.paths.push(path);
    }

    fn bind(&self, queue: &str, key: &str) {
        let path = format!("/bindings/%2f/e/{0}/q/{0}{queue}", self.name);
        let (status, said) =
            self.broker.api("POST", &path, &format!(r#"{{"routing_key":"{key}"}}"#));
        assert_eq!(status, 201, "{said}");
    }

    fn check(&self, args: &[&str], input: String) -> Run {
        let urls = ["--to", &self.broker.amqp_url, "--management-url", &self.broker.management_url];
        let check = ["--check-topology", "--exchange", &self.name];
        ce_blast().args(urls).args(check).args(args).stdin(input).run()
    }
}

impl Drop for Declared<'_> {
    fn drop(&mut self) {
        for path in self.paths.iter().rev() {
            self.broker.api("DELETE", path, "");
        }
    }
}

#[test]
fn a_safe_topology_passes_and_nothing_is_sent() {
    let Some(broker) = broker("a_safe_topology_passes") else { return };
    let mut declared = Declared::new(&broker, "safe");
    declared.put("/exchanges/%2f/NAME", r#"{"type":"topic","durable":true}"#);
    declared.put("/queues/%2f/NAME-q", r#"{"durable":true}"#);
    declared.bind("-q", "t.#");
    let run = declared.check(&["--rate", "9/s"], events(5));
    let stdout = &run.expect_code(0).stdout;
    assert!(stdout.contains("`t.#`") && stdout.contains("classic, durable"), "{stdout}");
    assert!(stdout.ends_with("no way was found in which this topology loses events\n"), "{stdout}");
    assert_eq!(run.stderr, "");
    assert!(broker.messages(&format!("{}-q", declared.name), 1).is_empty());
    // Without events nobody knows the keys.
    let run = declared.check(&[], String::new());
    assert!(run.expect_code(0).stdout.contains("not known without events"), "{}", run.stdout);
}

#[test]
fn every_way_to_lose_events_is_warned_of() {
    let Some(broker) = broker("every_way_to_lose_events_is_warned_of") else { return };
    let mut declared = Declared::new(&broker, "lossy");
    declared.put("/exchanges/%2f/NAME", r#"{"type":"topic","durable":false}"#);
    declared.put("/queues/%2f/NAME-short", r#"{"durable":true,"arguments":{"x-max-length":9}}"#);
    declared.put(
        "/queues/%2f/NAME-dead",
        r#"{"durable":true,"arguments":{"x-dead-letter-exchange":"NAME-none"}}"#,
    );
    declared.put(
        "/queues/%2f/NAME-quorum",
        r#"{"durable":true,"arguments":{"x-queue-type":"quorum","x-delivery-limit":2}}"#,
    );
    declared.put("/queues/%2f/NAME-ttl", r#"{"durable":true}"#);
    declared.put(
        "/policies/%2f/NAME",
        r#"{"pattern":"^NAME-ttl$","apply-to":"queues","definition":{"message-ttl":70000}}"#,
    );
    declared.put(
        "/operator-policies/%2f/NAME-op",
        r#"{"pattern":"^NAME-short$","apply-to":"queues","definition":{"max-length":4}}"#,
    );
    for queue in ["-short", "-dead", "-quorum", "-ttl"] {
        declared.bind(queue, "other.*");
    }
    let run = declared.check(&["--routing-key", "${type}.x"], events(1));
    let stdout = &run.expect_code(1).stdout;
    for warning in [
        "is transient: it is gone when the broker restarts",
        "events with routing key `t.x` reach no queue",
        "-short` drops its oldest events beyond 4 events (max-length with overflow drop-head)",
        "-dead` sends dead letters to exchange",
        "which does not exist: they are dropped",
        "-quorum` drops an event after 2 failed deliveries",
        "-ttl` drops events after 70000 ms (message-ttl)",
    ] {
        assert!(stdout.contains(warning), "{warning}\n{stdout}");
    }
    assert_eq!(stdout.matches("\nWARNING ").count(), 6, "{stdout}");
    assert!(stdout.ends_with("6 ways in which this topology can lose events\n"), "{stdout}");
}

/// The way that most dead-letter queues are set up.
#[test]
fn dead_letters_to_a_queue_by_its_name_arrive() {
    let Some(broker) = broker("dead_letters_to_a_queue_by_its_name") else { return };
    let mut declared = Declared::new(&broker, "named");
    declared.put("/exchanges/%2f/NAME", r#"{"type":"topic","durable":true}"#);
    declared.put("/queues/%2f/NAME-dead", r#"{"durable":true}"#);
    declared.put(
        "/queues/%2f/NAME-q",
        r#"{"durable":true,"arguments":{"x-max-length":9,"x-dead-letter-exchange":"",
            "x-dead-letter-routing-key":"NAME-dead"}}"#,
    );
    // Its dead letters keep their key, and go to the queue that is called so.
    declared.put(
        "/queues/%2f/NAME-kept",
        r#"{"durable":true,"arguments":{"x-max-length":9,"x-dead-letter-exchange":""}}"#,
    );
    for queue in ["-q", "-kept"] {
        declared.bind(queue, "#");
    }
    let dead = format!("{}-dead", declared.name);
    let stdout = declared.check(&["--routing-key", &dead], events(1)).expect_code(0).stdout.clone();
    assert!(stdout.contains(&format!("queue      {dead}")), "{stdout}");
    let run = declared.check(&["--routing-key", "elsewhere"], events(1));
    let stdout = &run.expect_code(1).stdout;
    assert_eq!(stdout.matches("\nWARNING ").count(), 1, "{stdout}");
    assert!(stdout.contains("-kept` sends dead letters to the default exchange"), "{stdout}");
}

#[test]
fn a_policy_that_the_user_may_not_read_is_warned_of() {
    let Some(broker) = broker("a_policy_that_the_user_may_not_read") else { return };
    let mut declared = Declared::new(&broker, "reader");
    declared.put("/exchanges/%2f/NAME", r#"{"type":"topic","durable":true}"#);
    declared.put("/queues/%2f/NAME-q", r#"{"durable":true}"#);
    declared.bind("-q", "#");
    declared.put(
        "/policies/%2f/NAME",
        r#"{"pattern":"^NAME$","apply-to":"exchanges","definition":{"alternate-exchange":"a"}}"#,
    );
    declared.put("/users/NAME", r#"{"password":"s3cret","tags":"management"}"#);
    let rights = r#"{"configure":"","write":".*","read":""}"#;
    let path = format!("/permissions/%2f/{}", declared.name);
    assert_eq!(broker.api("PUT", &path, rights).0, 201);
    let urls = ["--to", &broker.amqp_url, "--management-url", &broker.management_url];
    let run = ce_blast()
        .args(urls)
        .args(["--check-topology", "--exchange", &declared.name])
        .env("CE_AMQP_USER", &declared.name)
        .env("CE_AMQP_PASSWORD", "s3cret")
        .stdin(events(1))
        .run();
    let stdout = &run.expect_code(1).stdout;
    assert!(stdout.contains("reading it takes the tag `policymaker`\n1 way"), "{stdout}");
}

#[test]
fn a_line_that_is_no_event_is_told_by_its_number() {
    let args = ["--check-topology", "--to", "amqp://127.0.0.1:1/%2f"];
    let run = ce_blast().args(args).stdin(events(1) + "\n\n{}\n").run();
    let line = &run.expect_code(2).stderr;
    assert!(line.starts_with("ce-blast: stdin:4: "), "{line}");
}

#[test]
fn a_management_api_that_is_elsewhere_has_to_be_named() {
    if std::net::TcpStream::connect("127.0.0.77:15672").is_ok() {
        return;
    }
    let args = ["--check-topology", "--to", "amqp://127.0.0.77:1/%2f"];
    let run = ce_blast().args(args).stdin(events(1)).run();
    let line = &run.expect_code(2).stderr;
    let says = "the management API, elsewhere if --management-url says so: 127.0.0.77:15672: ";
    assert!(line.contains(says), "{line}");
}

/// The broker is the oracle: it says whether a message is routed.
#[test]
fn keys_lead_where_the_broker_routes_them() {
    let Some(broker) = broker("keys_lead_where_the_broker_routes_them") else { return };
    let mut declared = Declared::new(&broker, "route");
    declared.put("/exchanges/%2f/NAME", r#"{"type":"topic","durable":true}"#);
    let patterns = ["a.*", "b.#", "#.z", "*.*.c", "d.#.e"];
    for (number, pattern) in patterns.iter().enumerate() {
        declared.put(&format!("/queues/%2f/NAME-{number}"), r#"{"durable":true}"#);
        declared.bind(&format!("-{number}"), pattern);
    }
    let keys =
        ["a", "a.b", "a.b.c", "b", "b.c.d", "z", "x.z", "x.y.z", "x.y", "d.e", "d.x.y.e", "d"];
    for key in keys {
        let message = format!(
            r#"{{"properties":{{}},"routing_key":"{key}","payload":"","payload_encoding":"string"}}"#
        );
        let path = format!("/exchanges/%2f/{}/publish", declared.name);
        let routed = broker.api("POST", &path, &message).1.contains("true");
        let run = declared.check(&["--routing-key", key], events(1));
        run.expect_code(i32::from(!routed));
    }
}

#[test]
fn a_target_without_a_topology_is_refused() {
    let args = ["--check-topology", "--to", "http://127.0.0.1:1/"];
    let run = ce_blast().args(args).run();
    assert_eq!(
        run.expect_code(2).stderr,
        "ce-blast: http://127.0.0.1:1/: --check-topology is about AMQP targets\n"
    );
}
