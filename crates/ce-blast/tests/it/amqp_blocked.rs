//! A broker that is short of memory takes nothing from its publishers any more. It stands still for
//! everybody, so these tests have a broker of their own.

use std::collections::BTreeSet;
use std::fs;

use ce_record::Outcome::{Ok, Timeout, Unfinished};
use ce_testkit::{Node, broker};

use crate::amqp::ids;
use crate::support::Stream;
use crate::support::rig::{DEADLINE, mentions};
use crate::support::topology::{Message, Topology};
use crate::{ce_blast, events};

/// Nothing fits.
const NO_MEMORY: &str = "0.000001";
/// What the node starts with, more or less.
const ENOUGH: &str = "0.4";

#[test]
fn a_memory_alarm_neither_hangs_the_run_nor_its_end() {
    let name = "a_memory_alarm_neither_hangs_the_run_nor_its_end";
    if broker(name).is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path());
    let mut topology = Topology::new(&node.broker, "alarm");
    let queue = topology.queue("t", None);
    let load = |rate, args: &[&str]| {
        let to = ["--to", &node.broker.amqp_url, "--exchange", &topology.exchange, "--rate", rate];
        ce_blast().args(to).args(args).stdin(events(20_000)).deadline(DEADLINE)
    };

    // The alarm comes and goes.
    let (out, stop) = (folder.path().join("out.ndjson"), folder.path().join("stop"));
    let mut running = load("200/s", &["--timeout", "1s", "--stop-file", stop.to_str().unwrap()])
        .stdout_file(&out)
        .spawn();
    running.wait_until("a first answer", || mentions(&out, r#""outcome":"ok""#));
    node.set_memory_limit(NO_MEMORY);
    running.wait_until("the mark", || mentions(&out, r#""what":"connection_blocked""#));
    running.wait_until("a timeout", || mentions(&out, r#""outcome":"timeout""#));
    node.set_memory_limit(ENOUGH);
    running.wait_until("the mark", || mentions(&out, r#""what":"connection_unblocked""#));
    let acked = || fs::read_to_string(&out).unwrap().matches(r#""outcome":"ok""#).count();
    let before = acked();
    running.wait_until("acknowledgements", || acked() > before + 50);
    fs::write(&stop, "").unwrap();
    assert_eq!(running.wait(), 0, "{}", running.stderr());
    let text = fs::read_to_string(&out).unwrap();
    let stream = Stream::read(&text);
    assert_eq!(stream.marked(), ["connection_blocked", "connection_unblocked"]);
    let [blocked, unblocked] = &stream.marks[..] else { panic!("{:?}", stream.marks) };
    assert!(blocked.labels["reason"].contains("memory"), "{blocked:?}");
    let generator = stream.end.generator.as_ref().unwrap();
    assert_eq!(generator.blocked_ns, unblocked.at_ns - blocked.at_ns);
    assert!(running.stderr().contains("; blocked by the broker for "), "{}", running.stderr());
    let [ok, late] = [Ok, Timeout].map(|outcome| stream.count(outcome));
    assert!(late > 0 && ok + late == stream.samples.len() as u64, "{}", running.stderr());
    // What timed out was held back on this side or on that, and arrived when it could.
    let held: BTreeSet<String> = topology.drain(&queue).iter().map(Message::id).collect();
    assert!(ids(stream.ended(Ok)).is_subset(&held));

    // The alarm comes and stays.
    let out = folder.path().join("blocked.ndjson");
    let mut running = load("100/s", &["--grace", "1s"]).stdout_file(&out).spawn();
    running.wait_until("a first answer", || mentions(&out, r#""outcome":"ok""#));
    node.set_memory_limit(NO_MEMORY);
    running.wait_until("the mark", || mentions(&out, r#""what":"connection_blocked""#));
    running.interrupt();
    assert_eq!(running.wait(), 0, "{}", running.stderr());
    let text = fs::read_to_string(&out).unwrap();
    let stream = Stream::read(&text);
    assert_eq!(stream.marked(), ["connection_blocked"]);
    assert!(stream.end.generator.as_ref().unwrap().blocked_ns > 0);
    let [ok, open] = [Ok, Unfinished].map(|outcome| stream.count(outcome));
    assert!(open > 0 && ok + open == stream.samples.len() as u64, "{}", running.stderr());
    node.set_memory_limit(ENOUGH);
}
