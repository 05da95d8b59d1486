//! HTTP/2 with prior knowledge: many events under way on few connections.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use ce_record::Outcome::{Ok, ProtocolError, Rejected, Timeout};
use ce_testkit::Run;
use hyper::Version;

use crate::support::authority::Authority;
use crate::support::http2::{Act, Http2Server, QUIET};
use crate::support::tls_server::TlsServer;
use crate::support::{Server, Stream};
use crate::{ce_blast, events};

/// On a busy machine many events may be late at once. With this they do not all leave before the
/// server has been heard.
const FEW: [&str; 2] = ["--max-in-flight", "20"];

fn send(server: &Http2Server, count: usize, args: &[&str]) -> Run {
    let run = ce_blast().args(["--http2", "--to", &server.url()]).args(args).stdin(events(count));
    let run = run.run();
    run.expect_code(0);
    run
}

#[test]
fn every_event_arrives_once_over_one_connection() {
    let server = Http2Server::start(|number| match number % 10 {
        9 => Act::ReplyAfter(100, 503),
        _ => Act::Reply(202),
    });
    let run = send(&server, 1000, &["--rate", "1000/s", "--header", "x-a: 1"]);
    let stream = Stream::read(&run.stdout);
    stream.expect_outcomes(&[(Ok, 900), (Rejected, 100)]);
    assert_eq!(server.connections(), 1);
    assert!(stream.end.generator.as_ref().unwrap().peak_in_flight > 5, "they share it");
    let (seen, input) = (server.seen(), events(1000));
    let bodies: BTreeSet<&[u8]> = seen.iter().map(|it| it.body.as_ref()).collect();
    assert_eq!((seen.len(), bodies), (1000, input.lines().map(str::as_bytes).collect()));
    let head = &seen[0].head;
    assert_eq!((head.version, head.method.as_str()), (Version::HTTP_2, "POST"));
    assert_eq!(head.uri.to_string(), server.url());
    let header = |name: &str| head.headers.get(name).map(|value| value.to_str().unwrap());
    assert_eq!(header("content-type"), Some("application/cloudevents+json"));
    assert_eq!((header("x-a"), header("host")), (Some("1"), None));
}

#[test]
fn connections_are_as_many_as_are_asked_for_and_used_in_turn() {
    let server = Http2Server::start(|_| Act::Reply(202));
    let args = ["--rate", "500/s", "--connections", "3", "--mode", "binary"];
    let run = send(&server, 300, &[&args[..], &["--header", "host: inner.test"]].concat());
    Stream::read(&run.stdout).expect_outcomes(&[(Ok, 300)]);
    assert_eq!(server.connections(), 3);
    let seen = server.seen();
    for connection in 1..=3 {
        assert_eq!(seen.iter().filter(|it| it.connection == connection).count(), 100);
    }
    let ids = seen.iter().map(|it| it.head.headers["ce-id"].to_str().unwrap().to_owned());
    assert_eq!(ids.collect::<BTreeSet<_>>().len(), 300);
    assert_eq!(seen[0].head.uri.authority().unwrap().as_str(), "inner.test");
}

#[test]
fn a_shard_uses_all_its_connections() {
    let server = Http2Server::start(|_| Act::Reply(202));
    let run = send(
        &server,
        100,
        &["--rate", "800/s", "--connections", "4", "--shard", "0/4", "--duration", "500ms"],
    );
    assert_eq!(run.stdout.matches(r#""outcome":"ok""#).count(), 100);
    let seen = server.seen();
    for connection in 1..=4 {
        assert_eq!(seen.iter().filter(|it| it.connection == connection).count(), 25);
    }
}

#[test]
fn a_stream_that_is_reset_fails_alone() {
    let server = Http2Server::start(|number| match number % 10 {
        9 => Act::Reset,
        _ => Act::Reply(202),
    });
    let run = send(&server, 200, &["--rate", "400/s"]);
    let stream = Stream::read(&run.stdout);
    stream.expect_outcomes(&[(Ok, 180), (ProtocolError, 20)]);
    for sample in stream.ended(ProtocolError) {
        let error = sample.error.as_ref().unwrap();
        assert!(error.contains("stream error received"), "{error}");
    }
    assert_eq!(server.connections(), 1);
}

#[test]
fn a_server_that_says_go_away_loses_nothing() {
    let server = Http2Server::start(|number| match number {
        50 | 120 => Act::GoAway(202),
        _ => Act::ReplyAfter(6, 202),
    });
    let run = send(&server, 300, &[&FEW[..], &["--rate", "300/s"]].concat());
    let stream = Stream::read(&run.stdout);
    let (ok, broken) = (stream.count(Ok), stream.count(ProtocolError));
    // What left before the word had come may not have been taken; that is told and not guessed.
    assert!(ok >= 290 && ok + broken == 300, "{ok} ok, {broken} broken");
    // On a busy machine both words may reach the first connection.
    let connections = server.connections();
    assert!((2..=3).contains(&connections), "{connections}");
    let opened = stream.samples.iter().filter(|sample| sample.connect_ns.is_some()).count();
    assert_eq!(opened as u64, connections - 1, "the first was opened before the run");
}

/// Greets a client in HTTP/2, and at its first request says that it takes none.
fn says_go_away_at_once() -> String {
    const PREFACE_BYTES: usize = 24;
    const HEADERS: u8 = 1;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        socket.write_all(b"\0\0\0\x04\0\0\0\0\0").unwrap();
        socket.read_exact(&mut [0; PREFACE_BYTES]).unwrap();
        let mut head = [0; 9];
        while head[3] != HEADERS {
            socket.read_exact(&mut head).unwrap();
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            socket.read_exact(&mut vec![0; length.try_into().unwrap()]).unwrap();
        }
        socket.write_all(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0").unwrap();
        drop(socket.read_to_end(&mut Vec::new()));
    });
    to
}

#[test]
fn what_a_server_that_goes_away_has_left_out_is_told_in_plain_words() {
    let to = says_go_away_at_once();
    let run = ce_blast().args(["--http2", "--rate=9/s", "--to", &to]).stdin(events(1)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(ProtocolError, 1)]);
    let error = stream.samples[0].error.as_ref().unwrap();
    assert!(error.ends_with("said GOAWAY and has not taken the request"), "{error}");
}

#[test]
fn a_connection_that_is_cut_breaks_what_is_under_way_and_another_is_opened() {
    let server = Http2Server::start(|number| match number {
        100 => Act::Cut,
        _ => Act::ReplyAfter(15, 202),
    });
    let run = send(&server, 300, &[&FEW[..], &["--rate", "300/s"]].concat());
    let stream = Stream::read(&run.stdout);
    let (ok, broken) = (stream.count(Ok), stream.count(ProtocolError));
    assert!(broken >= 1 && ok >= 100 && ok + broken == 300, "{ok} ok, {broken} broken");
    assert!(stream.ended(ProtocolError).all(|sample| sample.error.is_some()));
    assert_eq!(server.connections(), 2);
}

#[test]
fn a_wait_for_a_server_that_takes_no_more_is_its_own_and_no_lag() {
    // Each answer waits for a request that cannot come.
    let server = Http2Server::start_taking(1, |_| Act::ReplyAfter(1, 202));
    let run = send(&server, 4, &["--rate", "200/s"]);
    let stream = Stream::read(&run.stdout);
    stream.expect_outcomes(&[(Ok, 4)]);
    let last = stream.samples.iter().find(|sample| sample.seq == 3).unwrap();
    assert!(last.service_ns > 2 * u64::try_from(QUIET.as_nanos()).unwrap(), "{last:?}");
}

#[test]
fn whatever_limit_a_server_names_is_understood() {
    for limit in [1, 100, 101, u32::MAX] {
        let server = Http2Server::start_taking(limit, |_| Act::Reply(202));
        let run = send(&server, 3, &["--rate", "200/s", "--timeout", "10s"]);
        Stream::read(&run.stdout).expect_outcomes(&[(Ok, 3)]);
    }
}

#[test]
fn an_answer_that_never_comes_leaves_the_connection_to_the_others() {
    let server = Http2Server::start(|number| match number % 10 {
        9 => Act::Silence,
        _ => Act::Reply(202),
    });
    let run = send(&server, 100, &["--rate", "200/s", "--timeout", "400ms"]);
    Stream::read(&run.stdout).expect_outcomes(&[(Ok, 90), (Timeout, 10)]);
    assert_eq!(server.connections(), 1);
}

#[test]
fn over_tls_http2_is_agreed_on_by_alpn() {
    let authority = Authority::new();
    let config = authority.server("127.0.0.1", false);
    let ca = authority.file("ca.pem");
    let server = Http2Server::start_tls(&config, |number| match number {
        5 => Act::GoAway(202),
        _ => Act::Reply(202),
    });
    let to = format!("https://{}/", server.address);
    let args = ["--http2", "--to", &to, "--ca-file", &ca, "--rate", "100/s"];
    let run = ce_blast().args(args).args(["--max-in-flight", "5"]).stdin(events(30)).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    assert!(stream.count(Ok) >= 28, "{:?}", stream.end.outcomes);
    assert_eq!((server.connections(), server.seen()[0].head.version), (2, Version::HTTP_2));
    let opened = stream.samples.iter().find(|sample| sample.connect_ns.is_some()).unwrap();
    let tls_ns = opened.tls_ns.unwrap();
    assert!(opened.connect_ns.unwrap() + tls_ns < opened.service_ns && tls_ns > 0, "{opened:?}");
}

#[test]
fn a_server_that_offers_no_http2_over_tls_is_one_error() {
    let authority = Authority::new();
    let server = TlsServer::start(authority.server("127.0.0.1", false));
    let ca = authority.file("ca.pem");
    let args = ["--http2", "--to", &server.url(), "--ca-file", &ca, "--rate", "9/s"];
    let run = ce_blast().args(args).stdin(events(1)).run();
    run.expect_code(2);
    assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{}", run.stderr);
    assert!(run.stderr.contains("does not speak HTTP/2; leave out --http2"), "{}", run.stderr);
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_server_without_http2_is_one_error() {
    let server = Server::start(|_| crate::support::Act::Garbage);
    let args = ["--http2", "--to", &server.url(), "--rate", "9/s", "--timeout", "2s"];
    let run = ce_blast().args(args).stdin(events(1)).run();
    run.expect_code(2);
    assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{}", run.stderr);
    assert!(run.stderr.contains("does not speak HTTP/2; leave out --http2"), "{}", run.stderr);
}
