//! Opening and holding connections, against a real broker: each one is accounted for, and so is what
//! becomes of it.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, UNIX_EPOCH};

use ce_record::Outcome::{ConnectError, Ok, ProtocolError, Rejected, Timeout};
use ce_testkit::{Broker, Running, Tool, broker, broker_tls, unique_name, wait_until};
use serde_json::Value;
use tempfile::TempDir;

use crate::ce_blast;
use crate::support::amqp_server::{Act, AmqpServer};
use crate::support::rig::{DEADLINE, mentions};
use crate::support::stream::{Stream, percentile};

/// A plan in a file, and a place for the records.
struct Lab(TempDir);

impl Lab {
    fn new(plan: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("plan.toml"), plan).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn tool(&self, args: &[&str]) -> Tool {
        ce_blast().args(["--plan"]).arg(self.path("plan.toml")).args(args).deadline(DEADLINE)
    }

    fn spawn(&self, args: &[&str]) -> Running {
        self.tool(args).stdout_file(self.path("out.ndjson")).spawn()
    }

    fn records(&self) -> String {
        fs::read_to_string(self.path("out.ndjson")).unwrap()
    }

    /// Waits until so many connections are open, as the records say.
    fn wait_until_open(&self, running: &Running, count: usize) {
        running.wait_until("connections", || {
            self.records().matches(r#""outcome":"ok""#).count() >= count
        });
    }
}

/// Plan text: so many connections at a rate, held for a time.
fn plan(connections: u32, rate: u32, hold: &str) -> String {
    format!(
        "[scenarios.many]\nexecutor = 'connections'\nconnections = {connections}\nrate = {rate}\n\
         hold = '{hold}'\n"
    )
}

/// The connections of a run that the broker has now, by the name that they go by there.
fn at_broker(broker: &Broker, run: &str) -> Vec<String> {
    let (status, body) = broker.api("GET", "/connections?columns=name,user_provided_name", "");
    assert_eq!(status, 200, "{body}");
    let all: Vec<Value> = serde_json::from_str(&body).unwrap();
    let ours = all.iter().filter(|it| it["user_provided_name"] == format!("ce-blast {run}"));
    ours.map(|it| it["name"].as_str().unwrap().to_owned()).collect()
}

fn wait_for_broker(broker: &Broker, run: &str, count: usize) -> Vec<String> {
    wait_until(DEADLINE, "the broker to know them", || {
        let names = at_broker(broker, run);
        (names.len() == count).then_some(names)
    })
}

/// What the last mark says of the connections of the only scenario.
#[track_caller]
fn held(stream: &Stream<'_>, names: [&str; 5]) -> [u64; 5] {
    let mark = stream.marks.last().unwrap();
    assert_eq!((mark.what.as_ref(), mark.name.as_ref()), ("connections_held", "many"));
    let held = names.map(|name| mark.labels[name].parse().unwrap());
    let of = |name: &str| mark.labels[name].parse::<u64>().unwrap();
    assert_eq!(of("opened"), of("closed") + of("lost") + of("cut"), "{mark:?}");
    assert_eq!(of("opened"), stream.count(Ok));
    held
}

const COUNTS: [&str; 5] = ["opened", "peak", "closed", "lost", "cut"];

/// Resident memory of a process.
fn rss_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}

/// Connections of one process, and how much memory each may take.
const COUNT: usize = 2000;
const LIMIT_BYTES: u64 = 100 * 1024;

#[test]
fn two_thousand_connections_are_held_by_one_small_process() {
    let Some(broker) = broker("two_thousand_connections") else { return };
    let lab = Lab::new(&plan(2000, 400, "2h"));
    let (run, stop) = (unique_name("many"), lab.path("stop"));
    let args = ["--to", &broker.amqp_url, "--run", &run, "--timeout", "30s", "--stop-file"];
    let mut running = lab.spawn(&[&args[..], &[stop.to_str().unwrap()]].concat());
    lab.wait_until_open(&running, 1);
    let before = rss_bytes(running.pid());
    lab.wait_until_open(&running, COUNT);
    let each = rss_bytes(running.pid()).saturating_sub(before) / COUNT as u64;
    assert!(each <= LIMIT_BYTES, "{each} bytes for each connection");
    let threads = fs::read_dir(format!("/proc/{}/task", running.pid())).unwrap().count();
    assert!(threads < 12, "{threads} threads");
    wait_for_broker(&broker, &run, COUNT);

    fs::write(&stop, "").unwrap();
    assert_eq!(running.wait(), 0, "{}", running.stderr());
    let text = lab.records();
    let stream = Stream::read(&text);
    stream.expect_outcomes(&[(Ok, COUNT as u64)]);
    assert_eq!(held(&stream, COUNTS), [2000, 2000, 2000, 0, 0], "{}", running.stderr());
    wait_for_broker(&broker, &run, 0);
    for sample in &stream.samples {
        assert!(sample.connection && sample.bytes == 0, "{sample:?}");
        assert!(sample.connect_ns.unwrap() < sample.service_ns, "{sample:?}");
    }
    let p50 = percentile(stream.samples.iter().map(|it| it.service_ns), 50);
    assert!(p50 > 0, "the time to open is the service time");
    let said = running.stderr();
    assert!(said.contains("many: 2000 connections opened, 2000 at one time"), "{said}");
}

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
    api("PUT", &format!("/vhost-limits/{vhost}/max-connections"), r#"{"value":5}"#);
    let url = broker.amqp_url.replace("%2f", &vhost);
    let lab = Lab::new(&plan(9, 5, "1s"));
    let run = lab.tool(&["--to", &url]).run();
    api("DELETE", &format!("/vhosts/{vhost}"), "");
    let stream = Stream::read(&run.expect_code(0).stdout);
    let (open, refused) = (stream.count(Ok), stream.count(Rejected));
    assert_eq!(open + refused, 9, "{}", run.stderr);
    // The one that was tried first may still count for a moment.
    assert!((4..=5).contains(&open), "{open}");
    for sample in stream.ended(Rejected) {
        assert_eq!(sample.code, Some(530));
        let error = sample.error.as_deref().unwrap();
        assert!(error.contains("connection limit (5) is reached"), "{error}");
    }
    assert_eq!(held(&stream, COUNTS)[1..], [open, open, 0, 0]);
}

#[test]
fn every_way_not_to_open_is_told_from_the_others() {
    let server = AmqpServer::start(|number| match number {
        2 => Act::Silence,
        3 => Act::Close,
        4 => Act::Garbage,
        5 => Act::Refuse(530, "NOT_ALLOWED - connection limit (3) is reached"),
        6 => Act::SilenceAfterLogin,
        7 => Act::Vanish,
        _ => Act::Open,
    });
    let lab = Lab::new(&plan(8, 2, "1s"));
    let run = lab.tool(&["--to", &server.url(), "--timeout", "3s"]).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    let told: Vec<_> = stream
        .samples
        .iter()
        .map(|it| (it.outcome, it.code, it.error.as_deref().unwrap_or_default()))
        .collect();
    assert_eq!(
        told,
        [
            (Ok, None, ""),
            (Timeout, None, "accepted, and no Connection.Start in time"),
            (
                ConnectError,
                None,
                "accepted, and no Connection.Start: the broker closed the connection"
            ),
            (ProtocolError, None, "what came is not AMQP"),
            (Rejected, Some(530), "NOT_ALLOWED - connection limit (3) is reached"),
            (Timeout, None, "no answer to the login in time"),
            (
                ConnectError,
                None,
                "accepted, and no Connection.Start: the broker closed the connection"
            ),
            (ConnectError, None, "Connection refused (os error 111)"),
        ]
    );
    assert_eq!(held(&stream, COUNTS)[..2], [1, 1]);
}

#[test]
fn heartbeats_keep_connections_and_one_that_is_closed_meanwhile_is_told() {
    let Some(broker) = broker("heartbeats_keep_connections") else { return };
    let lab = Lab::new(&plan(4, 50, "2h"));
    let (run, stop) = (unique_name("beats"), lab.path("stop"));
    // Without heartbeats of ours the broker ends a connection after two or three times this.
    let url = format!("{}?heartbeat=3", broker.amqp_url);
    let args = ["--to", &url, "--run", &run, "--stop-file", stop.to_str().unwrap()];
    let mut running = lab.spawn(&args);
    lab.wait_until_open(&running, 4);
    let names = wait_for_broker(&broker, &run, 4);
    wait_until(DEADLINE, "the broker to have known all of them for 11 s", || {
        let (status, body) =
            broker.api("GET", "/connections?columns=user_provided_name,connected_at", "");
        assert_eq!(status, 200, "{body}");
        let all: Vec<Value> = serde_json::from_str(&body).unwrap();
        let ours = all.iter().filter(|it| it["user_provided_name"] == format!("ce-blast {run}"));
        let since_ms: Vec<u64> = ours.map(|it| it["connected_at"].as_u64().unwrap()).collect();
        assert_eq!(since_ms.len(), 4, "{}", lab.records());
        let old =
            |&since_ms: &u64| (UNIX_EPOCH + Duration::from_millis(since_ms)).elapsed().unwrap();
        since_ms.iter().map(old).all(|age| age > Duration::from_secs(11)).then_some(())
    });
    assert_eq!(at_broker(&broker, &run).len(), 4, "{}", lab.records());
    let name = names[0].replace(' ', "%20").replace('>', "%3E");
    assert_eq!(broker.api("DELETE", &format!("/connections/{name}"), "").0, 204);
    running.wait_until("the mark", || mentions(&lab.path("out.ndjson"), "connection_lost"));
    fs::write(&stop, "").unwrap();
    assert_eq!(running.wait(), 0, "{}", running.stderr());
    let text = lab.records();
    let stream = Stream::read(&text);
    assert_eq!(held(&stream, COUNTS), [4, 4, 3, 1, 0]);
    assert_eq!(stream.marked(), ["connection_lost", "connections_held"]);
    assert!(stream.marks[0].labels["reason"].starts_with("320 "), "{:?}", stream.marks[0]);
    assert!(running.stderr().contains("3 closed at the end, 1 lost before it"));
}

#[test]
fn connections_are_held_over_tls_and_tell_what_that_takes() {
    let Some(broker) = broker_tls("connections_are_held_over_tls") else { return };
    let lab = Lab::new(&plan(20, 100, "500ms"));
    let [ca, cert, key] = ["ca.pem", "client.pem", "client.key"].map(|name| broker.file(name));
    let tls = ["--ca-file", &ca, "--client-cert", &cert, "--client-key", &key];
    let run = lab.tool(&[&["--to", &broker.amqps_url][..], &tls].concat()).run();
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 20)]);
    assert_eq!(held(&stream, COUNTS), [20, 20, 20, 0, 0]);
    for sample in &stream.samples {
        let parts = sample.connect_ns.unwrap() + sample.tls_ns.unwrap();
        assert!(parts < sample.service_ns, "{sample:?}");
    }
    let run = lab.tool(&["--to", &broker.amqps_url, "--ca-file", &ca]).run();
    run.expect_code(2);
    assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{}", run.stderr);
}

#[test]
fn events_may_go_on_beside_the_connections_and_shares_divide_both() {
    let Some(broker) = broker("events_may_go_on_beside") else { return };
    let with_events = "[scenarios.events]\nexecutor = 'constant-arrival-rate'\nrate = 20\n\
                       duration = '1s'\nto = 'null:'\n";
    let lab = Lab::new(&(plan(10, 20, "200ms") + with_events));
    let mut opened = 0;
    for shard in ["0/2", "1/2"] {
        let tool = lab.tool(&["--to", &broker.amqp_url, "--shard", shard]);
        let run = tool.stdin(crate::events(10)).run();
        let text = &run.expect_code(0).stdout;
        let of = |scenario: &str| {
            let name = format!(r#""scenario":"{scenario}""#);
            text.lines().filter(|line| line.contains(&name)).count()
        };
        assert_eq!(of("events"), 10, "{text}");
        opened += of("many");
        assert_eq!(of("many"), text.matches(r#""connection":true"#).count());
    }
    assert_eq!(opened, 10);
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
fn a_machine_without_more_files_is_asked_for_them_or_says_so() {
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
fn the_preview_shows_connections_and_when_each_is_due() {
    let lab = Lab::new(&plan(3, 2, "10s"));
    let table = lab.tool(&["--dry-run"]).stdin("").run();
    let line = table.expect_code(0).stdout.lines().nth(1).unwrap().to_owned();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(words, ["many", "connections", "0s", "11.500s", "3", "2.0"]);
    let dues = lab.tool(&["--emit-schedule"]).run();
    let dues = dues.expect_code(0).stdout.lines().map(|line| line.rsplit_once(':').unwrap().1);
    assert!(dues.eq(["0}", "500000000}", "1000000000}"]));
}
