//! A broker's management API, in health and in trouble.

use std::net::TcpListener;

use serde_json::json;

use crate::fake_api::{FakeApi, Mood};
use crate::stream::{Stream, wait_for_output, written};
use crate::sys_watch;

#[track_caller]
fn refused(url: &str, says: &str) {
    let run = sys_watch().args(["--rabbitmq", url]).run();
    assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.stderr);
    assert!(run.stderr.starts_with(&format!("sys-watch: {url}")), "{}", run.stderr);
    assert!(run.stderr.contains(says) && run.stderr.lines().count() == 1, "{}", run.stderr);
}

#[test]
fn a_look_has_totals_nodes_and_queues() {
    let api = FakeApi::start(Mood::MemoryAlarm);
    let run = sys_watch().args(["--rabbitmq", &api.url, "--duration", "0s"]).run();
    assert_eq!(
        run.expect_code(0).stderr,
        "sys-watch: 250 queues: the first 1 by name are watched\n"
    );
    let stream = Stream::read(&run.stdout);
    let gauges: Vec<_> = stream.records[1..]
        .iter()
        .map(|gauge| json!([gauge["name"], gauge["labels"], gauge["value"]]))
        .collect();
    let node = json!({"node": "rabbit@a"});
    let queue = json!({"queue": "builds", "vhost": "/"});
    let expected = [
        json!(["rabbitmq_connections", null, 5.0]),
        json!(["rabbitmq_channels", null, 12.0]),
        json!(["rabbitmq_queues", null, 250.0]),
        json!(["rabbitmq_node_mem_used_bytes", node, 400.0]),
        json!(["rabbitmq_node_mem_limit_bytes", node, 500.0]),
        json!(["rabbitmq_node_disk_free_bytes", node, 9000.0]),
        json!(["rabbitmq_fd_used", node, 36.0]),
        json!(["rabbitmq_queue_messages_ready", queue, 7.0]),
        json!(["rabbitmq_queue_messages_unacked", queue, 2.0]),
    ];
    assert_eq!(gauges, expected);
    assert_eq!(stream.mark("memory_alarm")["name"], "rabbit@a");
}

#[test]
fn the_broker_is_asked_no_more_often_than_it_counts() {
    let api = FakeApi::start(Mood::Fine);
    let args = ["--rabbitmq", &api.url, "--interval=100ms", "--duration=1s"];
    let run = sys_watch().args(args).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    assert_eq!(stream.values("rabbitmq_channels"), [12.0]);
    assert!(stream.end["elapsed_ns"].as_u64().unwrap() >= 1_000_000_000);
    // Three for the check before the start, three for the one look.
    assert_eq!(api.requests().len(), 6);
}

#[test]
fn user_and_password_come_from_a_file_or_the_environment_and_go_nowhere_else() {
    let api = FakeApi::start(Mood::Fine);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("login");
    std::fs::write(&file, "monitor:s3cret\n").unwrap();
    let tool = || sys_watch().args(["--rabbitmq", &api.url, "--duration", "0s"]);
    let with_variables =
        tool().env("CE_RABBITMQ_USER", "monitor").env("CE_RABBITMQ_PASSWORD", "s3cret");
    for tool in [with_variables, tool().arg("--credentials-file").arg(&file)] {
        let run = tool.run();
        run.expect_code(0);
        assert!(!format!("{run:?}").contains("s3cret"));
    }
    for head in api.requests() {
        // `monitor:s3cret` in base64.
        assert!(head.contains("Basic bW9uaXRvcjpzM2NyZXQ="), "{head}");
    }
}

#[test]
fn trouble_and_recovery_are_marks_and_the_watch_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("records.ndjson");
    let api = FakeApi::start(Mood::Fine);
    let mut running = sys_watch().args(["--rabbitmq", &api.url]).stdout_file(&path).spawn();
    wait_for_output(&running, &path, "rabbitmq_channels");
    api.set(Mood::Status(500));
    wait_for_output(&running, &path, "unreachable");
    api.set(Mood::MemoryAlarm);
    wait_for_output(&running, &path, "memory_alarm");
    assert_eq!(running.stop(), 0);

    let stream = Stream::read(&written(&path));
    assert_eq!(stream.marks(), ["unreachable", "reachable", "memory_alarm"]);
    let mark = stream.mark("unreachable");
    assert_eq!(mark["name"], format!("{}/", api.url));
    assert!(mark["labels"]["cause"].as_str().unwrap().contains("500"), "{mark}");
}

#[test]
fn nobody_there_is_one_line() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    refused(&format!("http://{free}"), "Connection refused (os error 111); is the broker up");
}

#[test]
fn no_answer_is_one_line_after_two_seconds() {
    refused(&FakeApi::start(Mood::Silent).url, "no answer within 2s");
}

#[test]
fn another_answer_is_one_line_that_says_what_to_do() {
    for (status, says) in [
        (401, "set CE_RABBITMQ_USER and CE_RABBITMQ_PASSWORD"),
        (404, "is this the address of the management API?"),
        (302, "302 Found"),
    ] {
        let api = FakeApi::start(Mood::Status(status));
        refused(&api.url, says);
        assert_eq!(api.requests().len(), 1, "a redirect is not followed, a refusal not repeated");
    }
    let api = FakeApi::start(Mood::Fine);
    refused(&api.url.replace("http:", "https:"), "what answers is not TLS; is it the right port?");
    api.set(Mood::Status(200));
    refused(&api.url, "/api/overview: the answer is not that of a management API");
}
