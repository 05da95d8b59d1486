//! Consuming when things go wrong: nothing unwritten is acknowledged, and no password is shown.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use ce_testkit::{Running, Tool, broker};
use lapin::options::QueueDeclareOptions;

use crate::ce_sink;
use crate::lab::{Lab, table};

/// Runs `ce-sink` for a queue that it cannot use; returns the one line that it says.
#[track_caller]
fn refusal(args: &[&str]) -> String {
    refused(ce_sink().args(args))
}

#[track_caller]
fn refused(tool: Tool) -> String {
    let run = tool.run();
    run.expect_code(2);
    assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{}", run.stderr);
    run.stderr
}

/// A URL with a password comes from the environment.
#[track_caller]
fn refusal_from(url: &str) -> String {
    refused(ce_sink().args(["amqp", "--queue", "q"]).env("CE_FROM", url))
}

#[test]
fn a_password_on_the_command_line_is_refused_with_a_hint() {
    let says = refusal(&["amqp", "--from", "amqp://user:s3cret@127.0.0.1:1/%2f", "--queue", "q"]);
    assert_eq!(
        says,
        "ce-sink: `amqp://user:***@127.0.0.1:1/%2f`: others can read a password on the command \
         line: set CE_AMQP_USER and CE_AMQP_PASSWORD, or use --credentials-file FILE\n"
    );
}

#[test]
fn a_broker_that_is_not_there_is_named_without_its_password() {
    // Taken and never accepted from, so that nobody else answers there.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("amqp://user:s3cret@127.0.0.1:{port}/%2f");
    let says = refusal_from(&url);
    let masked = format!("ce-sink: amqp://user:***@127.0.0.1:{port}/%2f: cannot connect: ");
    assert!(says.starts_with(&masked), "{says}");
    assert!(!says.contains("s3cret"), "{says}");
}

#[test]
fn a_url_that_is_none_is_not_repeated_with_its_password() {
    for url in ["http://user:s3cret@127.0.0.1/", "amqp://user:s3cret@127.0.0.1:99999/"] {
        let says = refusal_from(url);
        assert!(says.contains("not an AMQP URL") && !says.contains("s3cret"), "{says}");
    }
    let run = ce_sink().args(["amqp", "--help"]).env("CE_FROM", "amqp://user:s3cret@h/").run();
    assert!(!run.expect_code(0).stdout.contains("s3cret"));
}

#[test]
fn a_virtual_host_that_no_broker_can_have_is_refused() {
    let url = format!("amqp://127.0.0.1:1/{}", "v".repeat(256));
    let says = refusal(&["amqp", "--from", &url, "--queue", "q"]);
    assert_eq!(says, format!("ce-sink: {url}: the virtual host is longer than 255 bytes\n"));
}

#[test]
fn a_wrong_password_is_refused_in_the_words_of_the_broker() {
    let Some(broker) = broker("a_wrong_password_is_refused") else { return };
    let args = ["amqp", "--from", &broker.amqp_url, "--queue", "q"];
    let tool = ce_sink().args(args).env("CE_AMQP_USER", "guest").env("CE_AMQP_PASSWORD", "wr0ng");
    let says = refused(tool);
    assert!(says.contains("ACCESS_REFUSED") && !says.contains("wr0ng"), "{says}");
}

#[test]
fn a_queue_of_somebody_else_cannot_be_used() {
    let Some(broker) = broker("a_queue_of_somebody_else_cannot_be_used") else { return };
    let lab = Lab::new(&broker);
    let options = QueueDeclareOptions { exclusive: true, ..Default::default() };
    lab.declare(&lab.name, options, table(&[]));
    // A URL that ends with a slash means the virtual host of that name.
    for url in [&broker.amqp_url, broker.amqp_url.trim_end_matches("%2f")] {
        let says = refusal(&["amqp", "--from", url, "--queue", &lab.name]);
        assert!(says.contains(&format!("queue {} cannot be used", lab.name)), "{says}");
        assert!(says.contains("RESOURCE_LOCKED"), "{says}");
    }
}

#[test]
fn a_name_that_is_too_long_is_refused() {
    let Some(broker) = broker("a_name_that_is_too_long_is_refused") else { return };
    let name = "q".repeat(256);
    let says = refusal(&["amqp", "--from", &broker.amqp_url, "--queue", &name]);
    assert!(says.contains("at most 255 bytes"), "{says}");
}

#[test]
fn a_queue_that_is_deleted_ends_the_stream_as_failed() {
    let Some(broker) = broker("a_queue_that_is_deleted_ends_the_stream") else { return };
    let lab = Lab::with_queue(&broker);
    lab.events(0..1);
    let mut sink = lab.sink(&[]);
    sink.wait_for_receipts(1);
    lab.delete_queue(&lab.name);
    let stderr = sink.ends(2, "failed");
    assert!(stderr.contains("was the queue deleted?"), "{stderr}");
}

#[test]
fn what_a_reader_never_saw_goes_back_to_the_queue() {
    let Some(broker) = broker("what_a_reader_never_saw_goes_back") else { return };
    let lab = Lab::with_queue(&broker);
    let mut child = Command::new(env!("CARGO_BIN_EXE_ce-sink"))
        .args(lab.args())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut start = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut start).unwrap();
    assert!(start.contains(r#""kind":"start""#));
    // The reader is gone, as `head -1` would be.
    lab.events(0..3);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(stderr, format!("ce-sink: consuming from queue {}\n", lab.name));
    assert_eq!(lab.waiting(), 3);
}

#[test]
fn a_disk_that_fills_up_acknowledges_nothing_unwritten() {
    const EVENTS: usize = 60;
    let Some(broker) = broker("a_disk_that_fills_up") else { return };
    let lab = Lab::with_queue(&broker);
    lab.events(0..EVENTS);
    let folder = tempfile::tempdir().unwrap();
    let records = folder.path().join("records");
    // A limit on the size of files is a full disk that hurts nobody else.
    let limited = r#"trap '' XFSZ; ulimit -f 4; exec "$0" "$@""#;
    let mut tool = Tool::new("bash").args(["-c", limited, env!("CARGO_BIN_EXE_ce-sink")]);
    tool = tool.args(lab.args()).args(["--prefetch", "10"]).stdout_file(&records);
    let mut running: Running = tool.spawn();
    assert_eq!(running.wait(), 2);
    running.wait_for("ce-sink: cannot write to stdout: ");
    assert_eq!(running.stderr().lines().count(), 2, "{}", running.stderr());
    let text = std::fs::read_to_string(records).unwrap();
    let written = text.matches(r#"{"kind":"receipt""#).count();
    let waiting = lab.waiting() as usize;
    assert!(waiting < EVENTS, "something was acknowledged before the disk was full");
    assert!(waiting + written >= EVENTS, "{waiting} wait, {written} were written");
}
