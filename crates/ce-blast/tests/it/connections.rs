//! Opening and holding connections, against a real broker: each one is accounted for, and so is what
//! becomes of it.

use std::fs;
use std::time::Duration;

use ce_record::Outcome::Ok;
use ce_testkit::{broker, broker_tls, unique_name, wait_until};

use crate::support::Stream;
use crate::support::lab::{Lab, at_broker, held, plan, wait_for_broker};
use crate::support::rig::{DEADLINE, mentions};

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
    assert_eq!(held(&stream), [2000, 2000, 2000, 0, 0], "{}", running.stderr());
    wait_for_broker(&broker, &run, 0);
    for sample in &stream.samples {
        assert!(sample.connection && sample.bytes == 0, "{sample:?}");
        assert!(sample.connect_ns.unwrap() < sample.service_ns, "{sample:?}");
    }
    let said = running.stderr();
    assert!(said.contains("many: 2000 connections opened, 2000 at one time"), "{said}");
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
    let known = wait_for_broker(&broker, &run, 4);
    wait_until(DEADLINE, "the broker to have known all of them for 11 s", || {
        let known = at_broker(&broker, &run);
        assert_eq!(known.len(), 4, "{}", lab.records());
        known.iter().all(|it| it.age() > Duration::from_secs(11)).then_some(())
    });
    let name = known[0].name.replace(' ', "%20").replace('>', "%3E");
    assert_eq!(broker.api("DELETE", &format!("/connections/{name}"), "").0, 204);
    running.wait_until("the mark", || mentions(&lab.path("out.ndjson"), "connection_lost"));
    fs::write(&stop, "").unwrap();
    assert_eq!(running.wait(), 0, "{}", running.stderr());
    let text = lab.records();
    let stream = Stream::read(&text);
    assert_eq!(held(&stream), [4, 4, 3, 1, 0]);
    assert_eq!(stream.marked(), ["connection_lost"]);
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
    assert_eq!(held(&stream), [20, 20, 20, 0, 0]);
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
            let samples = text.lines().filter(|line| line.starts_with(r#"{"kind":"sample","#));
            samples.filter(|line| line.contains(&name)).count()
        };
        assert_eq!(of("events"), 10, "{text}");
        opened += of("many");
        assert_eq!(of("many"), text.matches(r#""connection":true"#).count());
    }
    assert_eq!(opened, 10);
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
