//! Connections that do not open: each way not to is told from the others.

use std::fs;

use ce_record::Limit;
use ce_record::Outcome::{ConnectError, Ok, ProtocolError, Rejected, Timeout};
use ce_testkit::{Tool, broker, unique_name};

use crate::support::Stream;
use crate::support::amqp_server::{Act, AmqpServer};
use crate::support::lab::{Lab, held, plan};
use crate::support::rig::DEADLINE;

#[test]
fn a_limit_of_the_broker_refuses_with_its_reason() {
    let Some(broker) = broker("a_limit_of_the_broker") else { return };
    let vhost = unique_name("limit");
    let api = |method: &str, path: &str, body: &str| {
        let (status, said) = broker.api(method, path, body);
        assert!((200..300).contains(&status), "{path}: {status} {said}");
    };
    api("PUT", &format!("/vhosts/{vhost}"), "");
    let all = r#"{"configure":".*","write":".*","read":".*"}"#;
    api("PUT", &format!("/permissions/{vhost}/guest"), all);
    let url = broker.amqp_url.replace("%2f", &vhost);
    let lab = Lab::new(&plan(60, 10, "1s"));
    let out = tempfile::NamedTempFile::new().unwrap();
    let mut running = lab.tool(&["--to", &url]).stdout_file(&out).spawn();
    let opened = || fs::read_to_string(&out).unwrap().matches(r#""outcome":"ok""#).count();
    running.wait_until("some to open", || opened() > 2);
    // The broker counts its connections late. With this limit it need not.
    api("PUT", &format!("/vhost-limits/{vhost}/max-connections"), r#"{"value":0}"#);
    assert_eq!(running.wait(), 0, "{}", running.stderr());
    api("DELETE", &format!("/vhosts/{vhost}"), "");
    let text = fs::read_to_string(&out).unwrap();
    let stream = Stream::read(&text);
    let (open, refused) = (stream.count(Ok), stream.count(Rejected));
    assert_eq!(open + refused, 60, "{}", running.stderr());
    assert!(open > 2 && refused > 2, "{open}, {refused}");
    for sample in stream.ended(Rejected) {
        assert_eq!(sample.code, Some(530));
        let error = sample.error.as_deref().unwrap();
        assert!(error.contains("connection limit (0) is reached"), "{error}");
    }
    assert_eq!(held(&stream)[1..], [open, open, 0, 0]);
}

#[test]
fn every_way_not_to_open_is_told_from_the_others() {
    let server = AmqpServer::start(|number| match number {
        2 => Act::Silence,
        3 => Act::Close,
        4 => Act::Garbage,
        5 => Act::Refuse(530, "NOT_ALLOWED - connection limit (3) is reached"),
        6 => Act::SilenceAfterLogin,
        7 => Act::SilenceAtLast,
        8 => Act::Vanish,
        _ => Act::Open,
    });
    let lab = Lab::new(&plan(9, 2, "1s"));
    let run = lab.tool(&["--to", &server.url(), "--timeout", "3s"]).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    let told: Vec<_> = stream
        .samples
        .iter()
        .map(|it| (it.outcome, it.code, it.error.as_deref().unwrap_or_default()))
        .collect();
    let closed = "accepted, and no Connection.Start: the broker closed the connection";
    assert_eq!(
        told,
        [
            (Ok, None, ""),
            (Timeout, None, "accepted, and no Connection.Start in time"),
            (ConnectError, None, closed),
            (ProtocolError, None, "what came is not AMQP"),
            (Rejected, Some(530), "NOT_ALLOWED - connection limit (3) is reached"),
            (Timeout, None, "no answer to the login in time"),
            (Timeout, None, "no Connection.OpenOk in time"),
            (ConnectError, None, closed),
            (ConnectError, None, "Connection refused (os error 111)"),
        ]
    );
    assert_eq!(held(&stream)[..2], [1, 1]);
}

#[test]
fn where_nobody_accepts_there_is_no_tcp_connection_in_time() {
    let server = AmqpServer::start(|_| Act::OpenTheLast);
    let lab = Lab::new(&plan(5, 10, "1s"));
    // As long as the first takes, which opens, on a machine that has other things to do.
    let run = lab.tool(&["--to", &server.url(), "--timeout", "5s"]).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Timeout, 5)]);
    for sample in &stream.samples {
        assert_eq!(sample.error.as_deref(), Some("no TCP connection in time"));
        assert!(sample.connect_ns.is_none() && sample.service_ns >= 5_000_000_000, "{sample:?}");
    }
    assert_eq!(held(&stream), [0; 5]);
}

#[test]
fn what_accepts_and_speaks_no_tls_is_told_before_the_run() {
    let server = AmqpServer::start(|_| Act::Silence);
    let lab = Lab::new(&plan(1, 1, "1s"));
    let url = server.url().replace("amqp:", "amqps:");
    let run = lab.tool(&["--to", &url, "--timeout", "500ms"]).run();
    let said = &run.expect_code(2).stderr;
    assert!(said.contains("accepted, and no TLS handshake in time"), "{said}");
}

#[test]
fn a_target_that_has_no_such_connections_is_refused() {
    let check = |url: &str, plan_text: &str, says: &str| {
        let run = Lab::new(plan_text).tool(&["--to", url]).run();
        run.expect_code(2);
        assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{}", run.stderr);
        assert!(run.stderr.contains(says), "{}", run.stderr);
    };
    let small = plan(1, 1, "1s");
    check("http://127.0.0.1:1/", &small, "scenario `many` opens AMQP connections");
    check("amqp://127.0.0.1:1/", &small, "Connection refused");
    check("amqp://127.0.0.1:1/", &plan(1_000_000, 1000, "1s"), "raise the limit (ulimit -Hn)");
    check("amqp://192.0.2.1/", &small, "allow it with --allow-target 192.0.2.1");
}

#[test]
fn a_machine_that_may_open_no_more_files_is_asked_for_them_or_says_so() {
    let server = AmqpServer::start(|_| Act::Open);
    let lab = Lab::new(&plan(60, 100, "100ms"));
    let shell = |limits: &str| {
        let script = format!(
            "{limits}; exec {} --plan {} --to {}",
            env!("CARGO_BIN_EXE_ce-blast"),
            lab.path("plan.toml").display(),
            server.url()
        );
        Tool::shell(&script).deadline(DEADLINE).run()
    };
    let run = shell("ulimit -Sn 40");
    Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 60)]);
    let run = shell("ulimit -Sn 40; ulimit -Hn 100");
    assert!(
        run.expect_code(2).stderr.contains("60 connections need 124 open files"),
        "{}",
        run.stderr
    );
}

#[test]
fn files_that_run_out_meanwhile_make_the_sender_the_limit() {
    let server = AmqpServer::start(|_| Act::Open);
    let lab = Lab::new(&plan(60, 100, "1s"));
    // Enough by what the process needs itself. It does not know that it inherits 80 open files.
    let script = format!(
        "ulimit -n 130; for file in {{20..99}}; do eval \"exec $file</dev/null\"; done
         exec {} --plan {} --to {}",
        env!("CARGO_BIN_EXE_ce-blast"),
        lab.path("plan.toml").display(),
        server.url()
    );
    let run = Tool::shell(&script).deadline(DEADLINE).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    let (open, failed) = (stream.count(Ok), stream.count(ConnectError));
    assert!(open > 0 && failed > 0 && open + failed == 60, "{}", run.stderr);
    for sample in stream.ended(ConnectError) {
        let why = "this machine is the limit: Too many open files (os error 24); raise ulimit -n";
        assert_eq!(sample.error.as_deref(), Some(why));
    }
    assert_eq!(held(&stream), [open, open, open, 0, 0]);
    assert_eq!(stream.end.generator.unwrap().limited_by, Some(Limit::Sender));
    let verdict = format!(
        "ce-blast: SENDER-LIMITED: this machine could not open {failed} connections: {failed} for want \
         of open files (raise ulimit -n); or share the load out with --shard"
    );
    assert_eq!(run.stderr.lines().last(), Some(verdict.as_str()));
}
