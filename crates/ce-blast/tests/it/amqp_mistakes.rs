//! Typical mistakes in the URL of a broker: one line that says where, what, and what next.

use ce_record::Outcome::Ok;
use ce_testkit::{Broker, broker, broker_tls};

use crate::support::Stream;
use crate::support::topology::Topology;
use crate::{ce_blast, events};

/// The line that a run ends with before it begins.
#[track_caller]
fn refused(url: &str) -> String {
    let run = ce_blast().args(["--rate", "9/s", "--to", url]).stdin(events(1)).run();
    run.expect_code(2);
    assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{}", run.stderr);
    run.stderr.trim_end().to_owned()
}

/// The URL of a broker with another last part.
fn with_path(broker: &Broker, path: &str) -> String {
    broker.amqp_url.replace("/%2f", path)
}

#[test]
fn a_virtual_host_that_is_not_there_is_told_with_the_remedy() {
    let Some(broker) = broker("a_virtual_host_that_is_not_there") else { return };
    let url = with_path(&broker, "/nowhere");
    assert_eq!(
        refused(&url),
        format!(
            "ce-blast: {url}: cannot connect: 530 NOT_ALLOWED - vhost nowhere not found; the virtual \
             host is the last part of the URL, %2f the one that is called /"
        )
    );
}

#[test]
fn a_url_that_ends_with_a_slash_means_the_virtual_host_of_that_name() {
    let Some(broker) = broker("a_url_that_ends_with_a_slash") else { return };
    let mut topology = Topology::new(&broker, "slash");
    let queue = topology.queue("t", None);
    for path in ["/", "", "/?heartbeat=5", "/%2f?frame_max=0"] {
        let url = with_path(&broker, path);
        let to = ["--to", &url, "--exchange", &topology.exchange, "--rate", "9/s"];
        let run = ce_blast().args(to).stdin(events(1)).run();
        Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 1)]);
    }
    assert_eq!(topology.drain(&queue).len(), 4);
}

#[test]
fn a_login_that_is_refused_is_told_with_the_remedy() {
    let Some(broker) = broker("a_login_that_is_refused") else { return };
    let run = ce_blast()
        .args(["--rate", "9/s", "--to", &broker.amqp_url])
        .env("CE_AMQP_USER", "guest")
        .env("CE_AMQP_PASSWORD", "wrong")
        .stdin(events(1))
        .run();
    let line = &run.expect_code(2).stderr;
    assert!(line.contains("403 ACCESS_REFUSED"), "{line}");
    let remedy = "; set CE_AMQP_USER and CE_AMQP_PASSWORD, or use --credentials-file FILE\n";
    assert!(line.ends_with(remedy), "{line}");
}

#[test]
fn a_port_of_something_else_is_told_with_the_remedy() {
    let Some(broker) = broker_tls("a_port_of_something_else") else { return };
    let remedy = "; is it the port for AMQP? with TLS, write amqps:";
    let management = broker.plain.management_url.replace("http:", "amqp:");
    let line = refused(&management);
    assert!(line.contains("no Connection.Start") && line.ends_with(remedy), "{line}");
    let line = refused(&broker.amqps_url.replace("amqps:", "amqp:"));
    assert!(line.contains("what came is not AMQP") && line.ends_with(remedy), "{line}");
}

#[test]
fn a_parameter_that_does_nothing_is_named() {
    let check = |query: &str, says: &str| {
        let line = refused(&format!("amqp://127.0.0.1:1/%2f?{query}"));
        assert_eq!(line, format!("ce-blast: amqp://127.0.0.1:1/%2f?{query}: {says}"));
    };
    let seconds = "heartbeat: write seconds, 0 to 65535";
    check("heartbeat=often", seconds);
    check("heartbeat=65536", seconds);
    let bytes = "frame_max: write bytes, at least 4096, or 0 for what the broker wants";
    check("frame_max=4095", bytes);
    check("heartbeat=5&frame_max=-1", bytes);
    let known = "means nothing here: there are heartbeat and frame_max";
    check("hearbeat=5", &format!("`hearbeat` {known}"));
    check("heartbeat=5&auth_mechanism=external", &format!("`auth_mechanism` {known}"));
}
