//! HTTP as the target sees it, and how each of its answers is recorded.

use std::fs;
use std::time::Duration;

use ce_record::Outcome::{Ok, Rejected};
use ce_record::Stop;
use ce_testkit::Tool;

use crate::support::{Act, Server, Stream};
use crate::{ce_blast, events};

#[test]
fn an_event_arrives_as_it_came() {
    let server = Server::start(|_| Act::Reply(202));
    let line =
        r#"{"specversion":"1.0", "type":"t","source":"/s","id":"é\u0041\"","data":{"n":1.0}}"#;
    let input = format!("  {line}  \r\n");
    let run = ce_blast().args(["--to", &server.url(), "--rate", "9/s"]).stdin(input).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 1)]);
    let sample = &stream.samples[0];
    assert_eq!((sample.id.as_ref(), sample.code, sample.attempt), ("éA\"", Some(202), 1));

    let [request] = &server.requests()[..] else { panic!("one request") };
    assert_eq!(request.body.trim_start(), line);
    assert_eq!(sample.bytes, u64::try_from(request.body.len()).unwrap());
    let has = |header: &str| request.head.iter().any(|line| line == header);
    assert_eq!(request.head[0], "POST /in?a=b HTTP/1.1");
    assert!(has(&format!("host: {}", server.address())));
    assert!(has("content-type: application/cloudevents+json"));
    assert!(has(&format!("content-length: {}", request.body.len())));
    assert!(request.head.iter().any(|line| line.starts_with("user-agent: ce-blast/")));
}

#[test]
fn a_url_may_have_a_query_and_no_path() {
    let server = Server::start(|_| Act::Reply(202));
    let to = format!("http://{}?a=b", server.address());
    ce_blast().args(["--to", &to, "--rate", "9/s"]).stdin(events(1)).run().expect_code(0);
    assert_eq!(server.requests()[0].head[0], "POST /?a=b HTTP/1.1");
}

#[test]
fn every_event_arrives_once() {
    let server = Server::start(|_| Act::Reply(200));
    let input = events(3000);
    let args = ["--to", &server.url(), "--rate", "1500/s", "--duration", "2s"];
    let run = ce_blast().args(args).stdin(input.as_str()).run();
    Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 3000)]);
    let mut bodies: Vec<_> = server.requests().into_iter().map(|request| request.body).collect();
    bodies.sort_unstable();
    let mut sent: Vec<&str> = input.lines().collect();
    sent.sort_unstable();
    assert_eq!(bodies, sent);
}

#[test]
fn a_status_outside_of_the_200s_is_a_rejection_with_its_code() {
    const STATUSES: [u16; 6] = [200, 202, 301, 404, 429, 503];
    let server = Server::start(|number| Act::Reply(STATUSES[usize::try_from(number % 6).unwrap()]));
    // One at a time, so that the order of the requests is that of the events.
    let args = ["--to", &server.url(), "--vus", "1"];
    let run = ce_blast().args(args).stdin(events(60)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 20), (Rejected, 40)]);
    for sample in &stream.samples {
        let status = STATUSES[usize::try_from(sample.seq % 6).unwrap()];
        assert_eq!(sample.code, Some(status));
        assert_eq!(sample.outcome == Ok, status < 300);
    }
    assert_eq!(server.connections(), 1, "a refusal leaves the connection usable");
}

#[test]
fn a_redirect_is_a_rejection_and_not_followed() {
    let elsewhere = Server::start(|_| Act::Reply(200));
    let location = elsewhere.url();
    let server = Server::start(move |number| match number {
        0 => Act::Answer(302, format!("location: {location}\r\n"), String::new()),
        _ => Act::Reply(307),
    });
    let args = ["--to", &server.url(), "--vus", "1"];
    let run = ce_blast().args(args).stdin(events(2)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Rejected, 2)]);
    let codes: Vec<_> = stream.samples.iter().map(|sample| sample.code).collect();
    assert_eq!(codes, [Some(302), Some(307)]);
    assert_eq!((server.request_count(), elsewhere.connections()), (2, 0));
}

#[test]
fn connections_are_used_again() {
    let server = Server::start(|_| Act::Reply(200));
    let args = ["--to", &server.url(), "--rate", "200/s", "--duration", "2s"];
    let run = ce_blast().args(args).stdin(events(400)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 400)]);
    let peak = stream.end.generator.as_ref().unwrap().peak_in_flight;
    let connections = server.connections();
    assert!(connections <= peak, "{connections} connections for {peak} in flight");
}

#[test]
fn the_time_to_open_a_connection_is_told_where_one_was_opened() {
    // The first connection is opened before the run; every answer ends the one it came over.
    let server = Server::start(|_| Act::ReplyAndClose(200));
    let args = ["--to", &server.url(), "--vus", "1", "--pause", "5ms"];
    let run = ce_blast().args(args).stdin(events(20)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 20)]);
    assert_eq!((stream.samples[0].connect_ns, server.connections()), (None, 20));
    for sample in &stream.samples[1..] {
        assert!(sample.connect_ns.is_some_and(|ns| ns > 0 && ns < sample.service_ns), "{sample:?}");
        assert_eq!(sample.tls_ns, None);
    }
}

#[test]
fn a_connection_that_the_server_closed_while_idle_is_no_error() {
    // Every second answer ends its connection, which the client learns only later.
    let server = Server::start(|number| match number % 2 {
        0 => Act::Reply(200),
        _ => Act::ReplyAndClose(200),
    });
    let args = ["--to", &server.url(), "--vus", "1", "--pause", "5ms"];
    let run = ce_blast().args(args).stdin(events(200)).run();
    Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 200)]);
    assert_eq!(server.connections(), 100);
}

#[test]
fn the_target_is_timed_from_hand_over_to_answer() {
    const WORK: Duration = Duration::from_millis(120);
    let server = Server::start(|_| Act::ReplyAfter(WORK, 200));
    let args = ["--to", &server.url(), "--rate", "50/s", "--duration", "1s"];
    let run = ce_blast().args(args).stdin(events(50)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 50)]);
    assert_eq!(stream.end.stopped, Stop::Done);
    for sample in &stream.samples {
        assert!(Duration::from_nanos(sample.service_ns) >= WORK, "{sample:?}");
    }
}

#[test]
fn success_is_what_the_user_calls_so() {
    const STATUSES: [u16; 5] = [200, 204, 299, 302, 404];
    let server = Server::start(|number| Act::Reply(STATUSES[usize::try_from(number % 5).unwrap()]));
    let args = ["--to", &server.url(), "--vus", "1", "--success", "200-204,302"];
    let run = ce_blast().args(args).stdin(events(50)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 30), (Rejected, 20)]);
    for sample in &stream.samples {
        let is_success = [Some(200), Some(204), Some(302)].contains(&sample.code);
        assert_eq!(sample.outcome == Ok, is_success, "{sample:?}");
    }
    assert_eq!(server.request_count(), 50, "a redirect that is a success is not followed either");
}

/// A name with two addresses needs a machine that lets a process have an `/etc/hosts` of its own.
#[test]
fn another_address_of_the_name_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = folder.path().join("hosts");
    fs::write(&hosts, "127.0.0.2 two.test\n127.0.0.1 two.test\n").unwrap();
    let alone = |command: &[&str]| {
        let mount = r#"mount --bind "$0" /etc/hosts && exec "$@""#;
        Tool::new("unshare").args(["-m", "sh", "-c", mount]).arg(&hosts).args(command)
    };
    let found = alone(&["getent", "ahosts", "two.test"]).run();
    let Some(last) = found.stdout.lines().last().and_then(|line| line.split(' ').next()) else {
        eprintln!("SKIPPED another_address_of_the_name_is_tried: {}", found.stderr);
        return;
    };
    let server = Server::start_at(last, |_| Act::Reply(202));
    let to = format!("http://two.test:{}/", server.address().port());
    let command = [env!("CARGO_BIN_EXE_ce-blast"), "--to", &to, "--rate", "50/s"];
    let run = alone(&command).stdin(events(5)).run();
    Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 5)]);
    assert_eq!(server.request_count(), 5);
}
