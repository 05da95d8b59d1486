//! Binary mode over HTTP, as the target sees it.

use ce_event::{Event, http};
use ce_record::Outcome::{Ok, ProtocolError};

use crate::ce_blast;
use crate::support::{Act, Server, Stream};

const ATTRIBUTES: &str = r#""specversion":"1.0","type":"a.b","source":"/s?x=%22""#;

/// Events with every kind of payload, and texts that have to be encoded.
fn inputs() -> Vec<String> {
    [
        r#""id":"1","data":{"n":1.0, "a":[null]},"exta":true,"extb":-7,"extc":"a b""#,
        r#""id":"é€ 100%","datacontenttype":"text/plain;charset=utf-8","data":"line\nline""#,
        r#""id":"\"3\"","subject":"\u0041 b","data_base64":"TWE=","datacontenttype":"x/y""#,
        r#""id":"4","time":"2018-04-05T17:31:00Z","dataschema":"https://example.com/s""#,
        r#""id":"5","datacontenttype":"application/json","data":"text""#,
    ]
    .map(|members| format!("{{{ATTRIBUTES},{members}}}"))
    .into()
}

#[test]
fn the_target_reads_the_event_that_was_sent() {
    let server = Server::start(|_| Act::Reply(202));
    let inputs = inputs();
    let args = ["--to", &server.url(), "--vus", "1", "--mode", "binary"];
    let run = ce_blast().args(args).stdin(inputs.join("\n")).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 5)]);
    assert_eq!(stream.samples[2].id, "\"3\"");

    let requests = server.requests();
    for (input, request) in inputs.iter().zip(&requests) {
        let sent = Event::from_json(input.as_bytes()).unwrap();
        let headers = request.head[1..].iter().filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name, value.as_bytes()));
        let received = http::event(headers, request.body.as_bytes()).unwrap();
        assert_eq!((&received.id, &received.source), (&sent.id, &sent.source));
        assert_eq!((&received.subject, &received.time), (&sent.subject, &sent.time));
        assert_eq!(received.dataschema, sent.dataschema);
        let extensions = |event: &Event<'_>| -> Vec<_> {
            let text = |(name, value): &(_, ce_event::Value<'_>)| format!("{name}={value}");
            event.extensions.iter().map(text).collect()
        };
        assert_eq!(extensions(&received), extensions(&sent));
    }
    let bodies: Vec<_> = requests.iter().map(|request| request.body.as_str()).collect();
    assert_eq!(bodies, [r#"{"n":1.0, "a":[null]}"#, "line\nline", "Ma", "", r#""text""#]);
}

#[test]
fn headers_are_as_the_binding_writes_them() {
    let server = Server::start(|_| Act::Reply(202));
    let args = ["--to", &server.url(), "--vus", "1", "--header", "x-a: 1"];
    let run = ce_blast().args(args).env("CE_MODE", "binary").stdin(inputs().join("\n")).run();
    run.expect_code(0);
    let requests = server.requests();
    let headers = |number: usize| {
        let ours = |line: &&String| {
            ["ce-", "content-", "x-a"].iter().any(|prefix| line.starts_with(prefix))
        };
        let mut found: Vec<_> = requests[number].head.iter().filter(ours).cloned().collect();
        found.sort_unstable();
        found
    };
    let common = ["ce-source: /s?x=%2522", "ce-specversion: 1.0", "ce-type: a.b", "x-a: 1"];
    let check = |number, own: &[&str]| {
        let mut expected = [&common, own].concat();
        expected.sort_unstable();
        assert_eq!(headers(number), expected);
    };
    let json = "content-type: application/json";
    check(
        0,
        &[json, "content-length: 21", "ce-id: 1", "ce-exta: true", "ce-extb: -7", "ce-extc: a%20b"],
    );
    let text = "content-type: text/plain;charset=utf-8";
    check(1, &[text, "content-length: 9", "ce-id: %C3%A9%E2%82%AC%20100%25"]);
    check(2, &["content-type: x/y", "content-length: 2", "ce-id: %223%22", "ce-subject: A%20b"]);
    let schema = "ce-dataschema: https://example.com/s";
    check(3, &["content-length: 0", "ce-id: 4", "ce-time: 2018-04-05T17:31:00Z", schema]);
    check(4, &[json, "content-length: 6", "ce-id: 5"]);
}

#[test]
fn an_event_that_breaks_a_rule_fails_alone() {
    let server = Server::start(|_| Act::Reply(202));
    let (good, noon) = (inputs(), format!("{{{ATTRIBUTES},\"id\":\"2\",\"time\":\"noon\"}}"));
    let input = [good[0].as_str(), &noon, &good[1]].join("\n");
    let send = |mode: &str| {
        let args = ["--to", &server.url(), "--vus", "1", "--mode", mode];
        ce_blast().args(args).stdin(input.as_str()).run()
    };
    let run = send("binary");
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 2), (ProtocolError, 1)]);
    let error = stream.samples[1].error.as_ref().unwrap();
    assert!(error.contains("attribute `time` is `noon`"), "{error}");
    assert_eq!(server.request_count(), 2);
    // In structured mode, how an event is read is up to the target.
    let run = send("structured");
    Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 3)]);
    assert_eq!(server.request_count(), 5);
}
