//! What a request may cost: its head, its body, its time, its place; and who may send one at all.

use std::fmt::Write;
use std::time::{Duration, Instant};

use crate::{STRUCTURED, Sink, ce_sink, event};

#[test]
fn bodies_have_a_limit() {
    let limit = event("1").len();
    let mut sink = Sink::http(&["--max-body", &limit.to_string()]);
    assert_eq!(sink.client().event("1"), 202);
    let answer = sink.client().post("/", &[STRUCTURED], &event("12"));
    assert_eq!(answer.status, 413);
    assert!(answer.body.contains("--max-body"), "{}", answer.body);
    // A length that is not announced is found out while reading.
    let mut client = sink.client();
    client.raw(b"POST / HTTP/1.1\r\nhost: sink\r\ntransfer-encoding: chunked\r\n\r\n");
    client.raw(format!("{:x}\r\n{}\r\n", limit + 1, "x".repeat(limit + 1)).as_bytes());
    assert_eq!(client.answer().status, 413);
    sink.running.interrupt();
    let stderr = sink.ends(0, "interrupted");
    assert!(stderr.contains("1 received, 0 not CloudEvents"), "{stderr}");
    assert!(stderr.contains("2 requests refused for head, token or body"), "{stderr}");
}

#[test]
fn a_body_that_never_ends_is_given_up() {
    let limit = Duration::from_millis(150);
    let mut sink = Sink::http(&["--body-timeout", "150ms"]);
    let mut client = sink.client();
    let sent = Instant::now();
    client.raw(b"POST / HTTP/1.1\r\nhost: sink\r\ncontent-length: 100\r\n\r\n{");
    let answer = client.answer();
    assert_eq!(answer.status, 408);
    assert_eq!(answer.body, "the body took longer than 150ms (--body-timeout)\n");
    assert!(sent.elapsed() >= limit, "{:?}", sent.elapsed());
    assert!(client.is_closed(), "what is left of the body is no next request");
    assert_eq!(sink.client().event("1"), 202);
    sink.running.interrupt();
    let stderr = sink.ends(0, "interrupted");
    assert!(stderr.contains("1 received"), "{stderr}");
    assert!(stderr.contains("1 requests refused for head, token or body"), "{stderr}");
}

#[test]
fn heads_have_a_limit() {
    let mut sink = Sink::http(&[]);
    let headers = |count: usize| {
        (0..count).fold(String::new(), |mut text, number| {
            write!(text, "x-{number}: {number}\r\n").unwrap();
            text
        })
    };
    let long = format!("x: {}\r\n", "x".repeat(64 << 10));
    for (lines, status) in [(headers(95), 202), (headers(101), 431), (long, 431)] {
        let mut client = sink.client();
        let body = event("1");
        let head = format!("POST / HTTP/1.1\r\nhost: sink\r\ncontent-type: {}\r\n", STRUCTURED.1);
        let text = format!("{head}content-length: {}\r\n{lines}\r\n{body}", body.len());
        client.raw(text.as_bytes());
        assert_eq!(client.answer().status, status, "{} bytes", text.len());
    }
    let mut client = sink.client();
    client.raw(b"this is not HTTP\r\n\r\n");
    assert_eq!(client.answer().status, 400);
    sink.running.interrupt();
    let stderr = sink.ends(0, "interrupted");
    assert!(stderr.contains("3 requests refused for head, token or body"), "{stderr}");
}

#[test]
fn further_connections_wait_for_their_turn() {
    let sink = Sink::http(&["--max-connections", "1"]);
    let mut first = sink.client();
    assert_eq!(first.event("1"), 202);
    let mut second = sink.client();
    second.send("POST", "/", &[STRUCTURED], &event("3"));
    assert_eq!(first.event("2"), 202);
    drop(first);
    assert_eq!(second.answer().status, 202);
    sink.wait_for_receipts(3);
    assert_eq!(sink.ids(), ["1", "2", "3"]);
}

/// Sends with three tokens, of which one is right.
fn check_token(mut sink: Sink) {
    let mut client = sink.client();
    for (authorization, status) in [("Bearer wrong", 401), ("Bearer s3cret", 202), ("", 401)] {
        let headers = [STRUCTURED, ("authorization", authorization)];
        let answer = client.post("/", &headers, &event("1"));
        assert_eq!(answer.status, status, "{authorization}");
        let asks = answer.head.contains("www-authenticate: bearer");
        assert_eq!(asks, status == 401, "{}", answer.head);
    }
    sink.running.interrupt();
    let stderr = sink.ends(0, "interrupted");
    assert!(stderr.contains("1 received"), "{stderr}");
    assert!(stderr.contains("2 requests refused for head, token or body"), "{stderr}");
    assert!(!std::fs::read_to_string(sink.path()).unwrap().contains("s3cret"));
}

#[test]
fn only_senders_with_the_token_are_heard() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "s3cret\n").unwrap();
    let path = file.to_str().unwrap();
    check_token(Sink::http(&["--bearer-token-file", path]));
}

#[test]
fn the_token_can_come_from_the_environment() {
    let tool = ce_sink().args(["http", "--listen", "127.0.0.1:0"]).env("CE_BEARER_TOKEN", "s3cret");
    check_token(Sink::of(tool));
}

#[test]
fn a_token_that_cannot_be_read_stops_the_sink() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    let refused = |says: &str| {
        let run = ce_sink().arg("http").arg("--bearer-token-file").arg(&file).run();
        run.expect_code(2);
        assert_eq!(run.stdout, "");
        let says = format!("ce-sink: {}: {says}", file.display());
        assert!(run.stderr.starts_with(&says), "{}", run.stderr);
        assert_eq!(run.stderr.lines().count(), 1);
    };
    refused("cannot read: ");
    std::fs::write(&file, " \n").unwrap();
    refused("holds no token");
    let run = ce_sink().arg("http").env("CE_BEARER_TOKEN", "").run();
    assert_eq!(run.expect_code(2).stderr, "ce-sink: CE_BEARER_TOKEN: holds no token\n");
}
