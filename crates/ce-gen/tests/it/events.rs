//! Each kind of event, attribute by attribute, judged by parsers that know nothing of `ce-gen`.

use std::collections::{HashMap, HashSet};

use serde_json::{Value, json};

use crate::{events, lines};

/// The names of an object's members, in order of the alphabet.
fn names(object: &Value) -> Vec<&str> {
    let mut names: Vec<_> =
        object.as_object().expect("an object").keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().unwrap_or_else(|| panic!("`{name}` is not a string: {object}"))
}

fn check_uuid4(id: &str) {
    let id: uuid::Uuid = id.parse().expect("a UUID");
    assert_eq!(id.get_version_num(), 4);
    assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
}

#[test]
fn ids_of_version_7_are_in_the_order_of_events() {
    let dir = tempfile::tempdir().unwrap();
    let template = dir.path().join("t.json");
    std::fs::write(&template, r#"{"type":"t","source":"/s","data":{"n":"${seq}"}}"#).unwrap();
    let template = ["--template", template.to_str().unwrap()];
    let of = |args: &[&str]| -> Vec<String> {
        let args = [args, &["--id", "uuid7", "--count", "3000"]].concat();
        events(&args).iter().map(|event| text(event, "id").to_owned()).collect()
    };
    for kind in [&[][..], &template] {
        let ids = of(kind);
        for (number, id) in ids.iter().enumerate() {
            let id: uuid::Uuid = id.parse().unwrap();
            assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
            let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
            assert_eq!(seconds * 1000 + u64::from(nanos) / 1_000_000, number as u64);
        }
        assert!(ids.is_sorted(), "also as text");
        assert_eq!(ids, of(kind), "the same in every run");
        assert_ne!(ids, of(&[kind, &["--run", "other"]].concat()));
    }
}

#[track_caller]
fn check_about_pair(event: &Value, event_type: &str) {
    let attributes = ["data", "datacontenttype", "id", "source", "specversion", "type"];
    assert_eq!(names(event), attributes);
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["type"], event_type);
    assert_eq!(event["datacontenttype"], "application/json");
    check_uuid4(text(event, "id"));
    let data = &event["data"];
    assert_eq!(names(data), ["parser_id", "third_party_id"]);
    let (third_party, parser) = (text(data, "third_party_id"), text(data, "parser_id"));
    assert_eq!(event["source"], format!("network.notifi.parsers.{third_party}.{parser}"));
}

#[test]
fn build_events_are_what_is_made_by_default() {
    let events = events(&["--count", "3000"]);
    assert_eq!(events.len(), 3000);
    for event in &events {
        check_about_pair(event, "network.notifi.lambda.build.start");
    }
    let mut sources: HashMap<&str, u32> = HashMap::new();
    for event in &events {
        *sources.entry(text(event, "source")).or_default() += 1;
    }
    assert_eq!(sources.len(), 24);
    // 125 expected, standard deviation 11.
    assert!(sources.values().all(|count| (70..=180).contains(count)), "{sources:?}");
}

#[test]
fn delete_events_are_about_pairs_too() {
    for event in events(&["--kind", "delete", "--count", "2000"]) {
        check_about_pair(&event, "network.notifi.lambda.delete");
    }
    for event in events(&["--kind", "delete", "--count", "20", "--delete-type", "a \"b\" \\ é"]) {
        check_about_pair(&event, "a \"b\" \\ é");
    }
}

#[test]
fn parser_events_are_about_blocks() {
    let mut counts = HashSet::new();
    for event in events(&["--kind", "parser", "--count", "3000"]) {
        let attributes =
            ["data", "datacontenttype", "id", "source", "specversion", "subject", "type"];
        assert_eq!(names(&event), attributes);
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["type"], "network.notifi.lambda.parser.start");
        assert_eq!(event["source"], "network.notifi.load-test");
        assert_eq!(event["subject"], "parser-load-test");
        assert_eq!(event["datacontenttype"], "application/json");
        check_uuid4(text(&event, "id"));
        counts.insert(check_block(&event["data"]));
    }
    assert_eq!(counts, (1..=8).collect());
}

/// Checks the data of a parser event; how many log indices it has.
fn check_block(data: &Value) -> usize {
    assert_eq!(names(data), ["contextId", "parameters"]);
    let context = text(data, "contextId").strip_prefix("ctx-").expect("a prefix");
    assert_eq!(context.len(), 16);
    assert!(context.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{context}");
    let parameters = &data["parameters"];
    assert_eq!(names(parameters), ["blockId", "blockchainType", "logIndices", "urlForBlob"]);
    assert_eq!(parameters["blockchainType"], json!(52));
    let block = text(parameters, "blockId");
    assert!((100_000_000..=999_999_999).contains(&block.parse().expect("digits")), "{block}");
    let url = format!("redis://ephemeralblock/load-test/{block}");
    assert_eq!(parameters["urlForBlob"], url);
    let logs: Vec<u64> = parameters["logIndices"]
        .as_array()
        .expect("an array")
        .iter()
        .map(|log| log.as_u64().expect("a whole number"))
        .collect();
    assert!(logs.is_sorted_by(|one, next| one < next), "{logs:?}");
    logs.len()
}

#[test]
fn the_source_of_parser_events_can_be_chosen() {
    let args = ["--kind", "parser", "--count", "1", "--source", "https://[::1]/a%20b?c#d"];
    assert_eq!(events(&args)[0]["source"], "https://[::1]/a%20b?c#d");
}

#[test]
fn ids_are_unique() {
    let lines = lines(&["--count", "100000"]);
    let ids: HashSet<_> = lines.iter().map(|line| line.split('"').nth(7)).collect();
    assert_eq!(ids.len(), 100_000);
}

#[test]
fn sequential_ids_name_the_run_and_the_event() {
    let args = ["--id", "seq", "--run", "a\"b", "--count", "11", "--kind", "build,parser,delete"];
    for (number, event) in events(&args).iter().enumerate() {
        assert_eq!(event["id"], format!("a\"b-{number:012}"));
    }
}

#[test]
fn the_sequence_counts_events() {
    let args = ["--sequence", "--count", "1001", "--kind", "build,parser,delete"];
    for (number, event) in events(&args).iter().enumerate() {
        assert_eq!(event["sequence"], format!("{number:012}"));
    }
}

#[test]
fn a_given_time_is_the_time_of_all_events() {
    let args =
        ["--time", "2026-01-31T10:15:00.5+01:00", "--count", "100", "--kind", "build,parser"];
    for event in events(&args) {
        assert_eq!(event["time"], "2026-01-31T09:15:00.5Z");
    }
}

#[test]
fn the_time_now_is_between_before_and_after() {
    let now = || jiff::Timestamp::from_nanosecond(ce_cli::Clock::start().1.wall_ns.into()).unwrap();
    let before = now();
    let events = events(&["--time", "now", "--count", "5000", "--kind", "build,parser"]);
    let after = now();
    let times: Vec<jiff::Timestamp> =
        events.iter().map(|event| text(event, "time").parse().unwrap()).collect();
    assert!(times.is_sorted());
    assert!(times[0].as_millisecond() >= before.as_millisecond());
    assert!(times[4999] <= after);
}

#[test]
fn lines_reach_the_size_exactly_and_longer_ones_stay_whole() {
    let kinds = "build,parser,delete";
    for (size, bytes) in [("1000", 1000), ("64KiB", 65_536), ("1MiB", 1_048_576)] {
        for line in lines(&["--size", size, "--count", "40", "--kind", kinds, "--sequence"]) {
            assert_eq!(line.len(), bytes);
        }
    }
    for event in events(&["--size", "1000", "--count", "100", "--kind", kinds]) {
        assert!(text(&event["data"], "padding").bytes().all(|byte| byte == b'x'));
    }
    for event in events(&["--size", "1", "--count", "100", "--kind", kinds]) {
        assert_eq!(event["data"]["padding"], "");
    }
}

#[test]
fn around_the_natural_size_no_byte_is_lost() {
    let padded = |size: usize| {
        let args = ["--size", &size.to_string(), "--count", "1", "--kind", "parser"];
        let event = events(&args).remove(0);
        (lines(&args)[0].len(), text(&event["data"], "padding").len())
    };
    let (natural, padding) = padded(0);
    assert_eq!(padding, 0);
    for more in 0..20 {
        assert_eq!(padded(natural + more), (natural + more, more));
    }
}
