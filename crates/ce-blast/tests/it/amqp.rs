//! AMQP against a real broker: what the records say is what the queues hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::time::Duration;

use ce_record::Outcome::{Ok, Rejected, Returned, Timeout};
use ce_record::{Outcome, Sample};
use ce_testkit::{Run, Tool, broker};
use lapin::types::AMQPValue;

use crate::support::Stream;
use crate::support::topology::{Message, Topology};
use crate::{ce_blast, events};

/// Events whose types are the given routing keys, mixed irregularly.
pub(crate) fn mixed(count: u64, keys: &[&str]) -> String {
    let mut text = String::new();
    let mut state = 88_172_645_463_325_252_u64;
    for id in 0..count {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let key = keys[usize::try_from(state % keys.len() as u64).unwrap()];
        let event = format!(r#"{{"specversion":"1.0","type":"{key}","source":"/s","id":"{id}"}}"#);
        writeln!(text, "{event}").unwrap();
    }
    text
}

fn publisher(url: &str, topology: &Topology, args: &[&str], input: String) -> Tool {
    let to = ["--to", url, "--exchange", &topology.exchange];
    ce_blast().args(to).args(args).stdin(input).deadline(Duration::from_mins(2))
}

fn publish(url: &str, topology: &Topology, args: &[&str], input: String) -> Run {
    publisher(url, topology, args, input).run()
}

/// The ids of the events.
pub(crate) fn ids<'a>(samples: impl Iterator<Item = &'a Sample<'a>>) -> BTreeSet<String> {
    samples.map(|sample| sample.id.to_string()).collect()
}

/// Checks every single outcome of a run with the types `ok`, `full` and `nowhere`.
#[track_caller]
fn check_every_outcome(stream: &Stream<'_>, topology: &Topology, ok: &str, full: &str) {
    let held = |queue: &str| {
        let messages = topology.drain(queue);
        let held: BTreeSet<String> = messages.iter().map(Message::id).collect();
        assert_eq!(held.len(), messages.len(), "no message twice");
        held
    };
    let told = |kind: &str, outcome: Outcome| {
        ids(stream.ended(outcome).filter(|sample| sample.event_type == kind))
    };
    assert_eq!(told("ok", Ok), held(ok));
    assert_eq!(told("full", Ok), held(full));
    for sample in &stream.samples {
        let possible: &[Outcome] = match sample.event_type.as_ref() {
            "ok" => &[Ok],
            "full" => &[Ok, Rejected],
            _ => &[Returned],
        };
        assert!(possible.contains(&sample.outcome), "{sample:?}");
        let code = (sample.outcome == Returned).then_some(312);
        assert_eq!(sample.code, code, "{sample:?}");
    }
}

#[test]
fn every_outcome_is_right_at_full_speed() {
    let Some(broker) = broker("every_outcome_is_right_at_full_speed") else { return };
    for (connections, count) in [("1", 200_000), ("3", 30_000)] {
        let mut topology = Topology::new(&broker, "mixed");
        let (ok, full) = (topology.queue("ok", None), topology.queue("full", Some(2000)));
        // Transient messages are confirmed many at a time, which mixes confirms up the most.
        let args =
            ["--rate", "1000000/s", "--transient", "--connections", connections, "--grace", "3m"];
        let input = mixed(count, &["ok", "full", "nowhere"]);
        // A file never keeps the records waiting, and a reader on a busy machine might.
        let out = tempfile::NamedTempFile::new().unwrap();
        let run = publisher(&broker.amqp_url, &topology, &args, input).stdout_file(&out).run();
        run.expect_code(0);
        let text = fs::read_to_string(&out).unwrap();
        let stream = Stream::read(&text);
        assert_eq!(stream.end.records, count);
        assert_eq!(stream.count(Timeout), 0, "a confirm was taken for another, or got lost");
        assert!(stream.count(Rejected) > 1000 && stream.count(Returned) > 1000);
        check_every_outcome(&stream, &topology, &ok, &full);
    }
}

#[test]
fn a_message_carries_the_event_and_what_identifies_it() {
    let Some(broker) = broker("a_message_carries_the_event") else { return };
    let mut topology = Topology::new(&broker, "message");
    let queue = topology.queue("t", None);
    for (flag, delivery_mode) in [(None, 2), (Some("--transient"), 1)] {
        let args = [&["--rate", "100/s"], flag.as_slice()].concat();
        let run = publish(&broker.amqp_url, &topology, &args, events(1));
        Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 1)]);
        let messages = topology.drain(&queue);
        let [message] = &messages[..] else { panic!("{messages:?}") };
        assert_eq!(message.body, events(1).trim_end());
        assert_eq!(message.id(), "0");
        let properties = &message.properties;
        let content_type = properties.content_type().as_ref().unwrap().to_string();
        assert_eq!(content_type, "application/cloudevents+json");
        assert_eq!(*properties.delivery_mode(), Some(delivery_mode));
    }
}

#[test]
fn a_routing_key_can_be_given() {
    let Some(broker) = broker("a_routing_key_can_be_given") else { return };
    let mut topology = Topology::new(&broker, "key");
    let queue = topology.queue("key", None);
    let args = ["--rate", "1000/s", "--routing-key", "key"];
    let run = publish(&broker.amqp_url, &topology, &args, events(10));
    Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 10)]);
    assert_eq!(topology.drain(&queue).len(), 10);
}

#[test]
fn a_routing_key_can_be_made_of_attributes() {
    let Some(broker) = broker("a_routing_key_can_be_made_of_attributes") else { return };
    let mut topology = Topology::new(&broker, "template");
    let queues = ["t.one.x", "t.two.x"].map(|key| topology.queue(key, None));
    let event = |id: &str, rest: &str| events(1).replace(r#""0"}"#, &format!("\"{id}\"{rest}}}"));
    let input = event("1", r#","subject":"one""#)
        + &event("2", r#","subject":"t\u0077o""#)
        + &event("3", r#","data":{"subject":"one"}"#);
    let args = ["--rate", "1000/s", "--routing-key", "${type}.${subject}.x"];
    let run = publish(&broker.amqp_url, &topology, &args, input);
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 2), (Outcome::ProtocolError, 1)]);
    let without = stream.ended(Outcome::ProtocolError).next().unwrap();
    assert_eq!(without.error.as_deref(), Some("it has no `subject` for its routing key"));
    let held: [Vec<String>; 2] =
        queues.map(|queue| topology.drain(&queue).iter().map(Message::id).collect());
    assert_eq!(held, [vec!["1".to_owned()], vec!["2".to_owned()]]);
}

#[test]
fn binary_events_are_read_back_in_every_dialect() {
    let Some(broker) = broker("binary_events_are_read_back") else { return };
    let mut topology = Topology::new(&broker, "binary");
    let queue = topology.queue("t", None);
    let event = r#"{"specversion":"1.0","id":"7","source":"/s","type":"t","subject":"é",
        "sequence":42,"data":{"a": [1.0]}}"#;
    for (dialect, prefix) in [
        ("ce", "ce-"),
        ("bare", ""),
        ("cloudevents_", "cloudEvents_"),
        ("cloudevents:", "cloudEvents:"),
    ] {
        let args = ["--rate", "100/s", "--mode", "binary", "--amqp-dialect", dialect];
        let input = event.replace('\n', "") + "\n";
        let run = publish(&broker.amqp_url, &topology, &args, input);
        Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 1)]);
        let messages = topology.drain(&queue);
        let [message] = &messages[..] else { panic!("{messages:?}") };
        assert_eq!((message.body.as_str(), message.id().as_str()), (r#"{"a": [1.0]}"#, "7"));
        let content_type = message.properties.content_type().as_ref().unwrap().as_str();
        assert_eq!(content_type, "application/json");
        let mut expected: BTreeMap<String, String> = [
            ("specversion", "1.0"),
            ("id", "7"),
            ("source", "/s"),
            ("type", "t"),
            ("subject", "é"),
            ("sequence", "42"),
        ]
        .map(|(name, value)| (format!("{prefix}{name}"), value.to_owned()))
        .into();
        if ["ce", "bare"].contains(&dialect) {
            expected.insert("content-type".to_owned(), "application/json".to_owned());
        }
        let headers = message.properties.headers().as_ref().unwrap().inner().iter();
        let found: BTreeMap<String, String> =
            headers.map(|(name, value)| (name.to_string(), text(value))).collect();
        assert_eq!(found, expected);
    }
}

fn text(value: &AMQPValue) -> String {
    value.as_long_string().expect("attributes travel as strings").to_string()
}

#[test]
fn a_full_queue_rejects_and_a_missing_one_returns() {
    let Some(broker) = broker("a_full_queue_rejects_and_a_missing_one_returns") else { return };
    let mut topology = Topology::new(&broker, "limits");
    let queue = topology.queue("t", Some(7));
    let args = ["--rate", "500/s"];
    let run = publish(&broker.amqp_url, &topology, &args, events(100));
    Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 7), (Rejected, 93)]);
    assert_eq!(topology.drain(&queue).len(), 7);

    let args = ["--rate", "500/s", "--routing-key", "nobody"];
    let run = publish(&broker.amqp_url, &topology, &args, events(100));
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Returned, 100)]);
    for sample in &stream.samples {
        assert_eq!((sample.code, sample.error.as_deref()), (Some(312), Some("NO_ROUTE")));
    }
}

/// Only source and id together tell events apart, and a message carries the id.
#[test]
fn equal_ids_with_different_routing_keys_are_told_apart() {
    let Some(broker) = broker("equal_ids_with_different_routing_keys") else { return };
    let mut topology = Topology::new(&broker, "equal");
    let queue = topology.queue("ok", None);
    let pairs = 0..2000;
    let event = |id, kind: &str| {
        format!(r#"{{"specversion":"1.0","type":"{kind}","source":"/{kind}","id":"{id}"}}"#) + "\n"
    };
    let input: String = pairs.map(|id| event(id, "ok") + &event(id, "nowhere")).collect();
    let run = publish(&broker.amqp_url, &topology, &["--rate", "100000/s"], input);
    let stream = Stream::read(&run.expect_code(0).stdout);
    for sample in &stream.samples {
        let right = if sample.event_type == "ok" { Ok } else { Returned };
        assert_eq!(sample.outcome, right, "{sample:?}");
    }
    assert_eq!(topology.drain(&queue).len(), 2000);
}

#[test]
fn an_id_that_amqp_cannot_carry_fails_alone() {
    let Some(broker) = broker("an_id_that_amqp_cannot_carry_fails_alone") else { return };
    let mut topology = Topology::new(&broker, "long");
    let queue = topology.queue("t", None);
    let long = events(1).replace(r#""0""#, &format!(r#""{}""#, "x".repeat(256)));
    let input = events(1) + &long + &events(1);
    let run = publish(&broker.amqp_url, &topology, &["--rate", "500/s"], input);
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 2), (Outcome::ProtocolError, 1)]);
    assert_eq!(topology.drain(&queue).len(), 2);
}

#[test]
fn an_event_whose_attributes_take_more_than_a_frame_fails_alone() {
    let Some(broker) = broker("an_event_whose_attributes_take_more") else { return };
    let mut topology = Topology::new(&broker, "attributes");
    let queue = topology.queue("t", None);
    // Frames have 128 KiB at most, and only a body may be cut.
    let attribute = format!(r#""type":"t","large":"{}""#, "x".repeat(131_000));
    let input = events(2) + &events(1).replace(r#""type":"t""#, &attribute) + &events(2);
    let args = ["--rate", "500/s", "--mode", "binary", "--republish", "in-doubt"];
    let run = publish(&broker.amqp_url, &topology, &args, input);
    let stream = Stream::read(&run.expect_code(0).stdout);
    stream.expect_outcomes(&[(Ok, 4), (Outcome::ProtocolError, 1)]);
    let error = stream.ended(Outcome::ProtocolError).next().unwrap().error.clone().unwrap();
    assert!(error.ends_with("bytes, and 131072 were agreed on"), "{error}");
    assert_eq!((stream.marked().len(), topology.drain(&queue).len()), (0, 4));
}

#[test]
fn an_event_that_takes_several_frames_arrives_whole() {
    let Some(broker) = broker("an_event_that_takes_several_frames") else { return };
    let mut topology = Topology::new(&broker, "large");
    let queue = topology.queue("t", None);
    // Frames have 128 KiB at most.
    let pad = |size| format!(r#""type":"t","pad":"{}""#, "x".repeat(size));
    let sizes = [100, 131_000, 300_000, 1_000_000];
    let input: String = sizes.map(|size| events(1).replace(r#""type":"t""#, &pad(size))).concat();
    let run = publish(&broker.amqp_url, &topology, &["--rate", "100/s"], input.clone());
    Stream::read(&run.expect_code(0).stdout).expect_outcomes(&[(Ok, 4)]);
    let held: Vec<String> = topology.drain(&queue).into_iter().map(|it| it.body).collect();
    assert!(held.iter().map(String::as_str).eq(input.lines()));
}

#[test]
fn an_exchange_that_is_not_there_is_one_error() {
    let Some(broker) = broker("an_exchange_that_is_not_there_is_one_error") else { return };
    let args = ["--rate", "1/s", "--to", &broker.amqp_url, "--exchange", "ce-no-such"];
    let run = ce_blast().args(args).stdin(events(1)).run();
    run.expect_code(2);
    assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{}", run.stderr);
    assert!(run.stderr.contains("exchange `ce-no-such`"), "{}", run.stderr);
    assert!(run.stderr.contains("declare it, or name another with --exchange"));
}

#[test]
fn a_wrong_password_is_one_error_that_does_not_show_it() {
    let Some(broker) = broker("a_wrong_password_is_one_error") else { return };
    let url = broker.amqp_url.replace("://", "://guest:s3cret@");
    let run = ce_blast().args(["--rate", "1/s", "--to", &url]).stdin(events(1)).run();
    run.expect_code(2);
    assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
    assert!(run.stderr.contains("guest:***@"), "{}", run.stderr);
    assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
}
