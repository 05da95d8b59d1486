//! Events of the user's own.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{ce_gen, events, lines};

/// A folder with these files.
pub(crate) fn folder(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().expect("a temporary folder");
    for (name, content) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it is in the folder")).expect("ours");
        std::fs::write(path, content).expect("the folder is ours");
    }
    dir
}

fn path(dir: &TempDir, name: &str) -> String {
    Path::new(dir.path()).join(name).to_str().expect("a plain path").to_owned()
}

/// The events of one template; each is valid.
#[track_caller]
fn made(event: &str, args: &[&str]) -> Vec<Value> {
    let dir = folder(&[("t.json", event)]);
    events(&[&["--template", &path(&dir, "t.json")], args].concat())
}

/// The values that a placeholder takes in the data of many events.
#[track_caller]
fn values(placeholder: &str) -> Vec<Value> {
    let event = json!({"type": "t", "source": "/s", "data": {"value": placeholder}});
    let events = made(&event.to_string(), &["--count", "2000"]);
    events.into_iter().map(|mut event| event["data"]["value"].take()).collect()
}

fn texts(values: &[Value]) -> Vec<&str> {
    values.iter().map(|value| value.as_str().expect("a string")).collect()
}

#[test]
fn what_is_no_placeholder_stays_as_it_is_written() {
    let dir = folder(&[(
        "t.json",
        "{\n  \"data\": { \"b\": 1.50, \"a\": [ 1e2, \"x  \\u00e9 $ {seq} $${seq}\", {} ] },\n  \
         \"ext\": true,\n  \"source\": \"/s\",\n  \"id\": \"fixed\",\n  \"type\": \"t\"\n}\n",
    )]);
    let line = concat!(
        r#"{"specversion":"1.0","id":"fixed","type":"t","source":"/s","ext":true,"#,
        r#""data":{"b":1.50,"a":[1e2,"x  \u00e9 $ {seq} ${seq}",{}]}}"#
    );
    assert_eq!(lines(&["--template", &path(&dir, "t.json"), "--count", "2"]), [line, line]);
}

#[test]
fn numbers_and_ids() {
    for (number, value) in values("${seq}").iter().enumerate() {
        assert_eq!(*value, format!("{number:012}"));
    }
    assert_eq!(values("${=seq}"), (0..2000).map(Value::from).collect::<Vec<_>>());
    assert_eq!(values("<${run}>")[0], "<ce-gen>");
    let uuids = values("${uuid}");
    for text in texts(&uuids) {
        assert_eq!(text.parse::<uuid::Uuid>().expect("a UUID").get_version_num(), 4);
    }
    assert_eq!(texts(&uuids).into_iter().collect::<HashSet<_>>().len(), 2000);
    for digits in [1, 16, 17, 50] {
        let values = values(&format!("${{hex {digits}}}"));
        let is_hex = |text: &&str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        assert!(texts(&values).iter().all(|text| text.len() == digits && is_hex(text)));
        let distinct: HashSet<_> = texts(&values).into_iter().collect();
        assert_eq!(distinct.len(), if digits == 1 { 16 } else { 2000 });
    }
}

#[test]
fn integers_reach_both_ends() {
    let found: HashSet<Value> = values("${=int -2..2}").into_iter().collect();
    assert_eq!(found, (-2..=2).map(Value::from).collect());
    let found: HashSet<Value> = values("${int 9..10}").into_iter().collect();
    assert_eq!(found, [json!("9"), json!("10")].into());
    for value in values("${=int -9007199254740992..9007199254740992}") {
        assert!(value.as_i64().expect("an integer").abs() <= 1 << 53);
    }
}

#[test]
fn choices_keep_their_weights() {
    let mut counts: HashMap<String, u32> = HashMap::new();
    for text in texts(&values("${choice a=3|b c|\"d\"}")) {
        *counts.entry(text.into()).or_default() += 1;
    }
    // Five standard deviations.
    assert!((1090..=1310).contains(&counts["a"]), "{counts:?}");
    assert!((311..=489).contains(&counts["b c"]), "{counts:?}");
    assert_eq!(counts["a"] + counts["b c"] + counts["\"d\""], 2000);
    let found: HashSet<Value> = values("${=choice 1|2.5=2|true|null}").into_iter().collect();
    assert_eq!(found, [json!(1), json!(2.5), json!(true), Value::Null].into());
}

#[test]
fn the_time_is_now_or_what_the_flag_says() {
    let event = r#"{"type":"t","source":"/s","time":"${time}","data":"at ${time}"}"#;
    let now = || jiff::Timestamp::from_nanosecond(ce_cli::Clock::start().1.wall_ns.into()).unwrap();
    let before = now().as_millisecond();
    for event in made(event, &["--count", "100"]) {
        let time: jiff::Timestamp = event["time"].as_str().unwrap().parse().unwrap();
        assert!((before..=now().as_millisecond()).contains(&time.as_millisecond()));
        assert_eq!(event["data"], format!("at {}", event["time"].as_str().unwrap()));
    }
    let time = "2026-01-31T09:15:00Z";
    let event = &made(event, &["--count", "1", "--time", time])[0];
    assert_eq!((&event["time"], &event["data"]), (&json!(time), &json!(format!("at {time}"))));
}

#[test]
fn picks_of_one_pool_are_of_one_row() {
    let event = r#"{"type":"t","source":"/${pick pools/p.csv party}","data":{
        "party":"${pick pools/p.csv party}","n":"${=pick pools/p.csv n}",
        "text":"no ${pick pools/p.csv n}","other":"${pick other.ndjson full name}"}}"#;
    let dir = folder(&[
        ("t.json", event),
        ("pools/p.csv", "n,party\n1,one\n-2.5,two\ntrue,three\n"),
        ("other.ndjson", "{\"full name\":\"a \\\"b\\\"\"}\n{\"full name\":7}\n"),
    ]);
    let events = events(&["--template", &path(&dir, "t.json"), "--count", "500"]);
    let rows = [("one", json!(1)), ("two", json!(-2.5)), ("three", json!(true))];
    let mut seen = HashSet::new();
    for event in &events {
        let data = &event["data"];
        let (party, n) = rows.iter().find(|(party, _)| data["party"] == *party).expect("a row");
        assert_eq!(event["source"], format!("/{party}"));
        assert_eq!(data["n"], *n);
        assert_eq!(data["text"], format!("no {n}"));
        assert!(["a \"b\"", "7"].contains(&data["other"].as_str().unwrap()));
        seen.insert((*party, data["other"].as_str()));
    }
    assert_eq!(seen.len(), 6, "pools are independent of each other");
}

#[test]
fn padding_reaches_the_size_exactly_and_never_cuts() {
    let event = r#"{"type":"t","source":"/s","data":{"a":"<${pad 1000}>","b":"${hex 20}"}}"#;
    let dir = folder(&[("t.json", event)]);
    for line in lines(&["--template", &path(&dir, "t.json"), "--count", "20"]) {
        assert_eq!(line.len(), 1000);
        assert!(line.contains("xx>\",\"b\":\""), "{line}");
    }
    let event = r#"{"type":"t","source":"/s","data":{"n":"${int 1..1000000}"}}"#;
    let empty = r#"{"type":"t","source":"/s","data":{}}"#;
    for event in [event, empty] {
        let dir = folder(&[("t.json", event)]);
        for line in
            lines(&["--template", &path(&dir, "t.json"), "--count", "50", "--size", "64KiB"])
        {
            assert_eq!(line.len(), 65_536);
            assert!(line.ends_with("xx\"}}"));
        }
    }
    assert_eq!(made(event, &["--count", "1", "--size", "1"])[0]["data"]["padding"], "");
}

#[test]
fn templates_are_mixed_by_their_weights() {
    let file = r#"{"templates":[{"weight":3,"event":{"type":"a","source":"/s"}},
        {"event":{"type":"b","source":"/s"}},{"weight":0,"event":{"type":"c","source":"/s"}}]}"#;
    let events = made(file, &["--count", "8000"]);
    let count = |name| events.iter().filter(|event| event["type"] == name).count();
    assert!((5807..=6193).contains(&count("a")), "{}", count("a"));
    assert_eq!((count("a") + count("b"), count("c")), (8000, 0));
}

#[test]
fn flags_win_over_the_template() {
    let event = r#"{"type":"t","source":"/s","id":"x-${seq}","subject":"y","time":"${time}",
        "ext":"${uuid}","datacontenttype":"text/plain","data":"text"}"#;
    let plain = &made(event, &["--count", "1"])[0];
    assert_eq!((&plain["id"], &plain["subject"]), (&json!("x-000000000000"), &json!("y")));
    let flags = [
        "--count=2",
        "--id=seq",
        "--run=r",
        "--type=T",
        "--source=/S",
        "--subject=S",
        "--time=none",
        "--extension=ext=5",
        "--sequence",
        "--dataschema=a:b",
        "--datacontenttype=text/csv",
    ];
    let expected = json!({"specversion": "1.0", "id": "r-000000000001", "type": "T",
        "source": "/S", "subject": "S", "ext": 5, "sequence": "000000000001", "dataschema": "a:b",
        "datacontenttype": "text/csv", "data": "text"});
    assert_eq!(made(event, &flags)[1], expected);
}

#[test]
fn the_style_of_the_id_changes_the_id_and_nothing_else() {
    let event = r#"{"type":"t","source":"/s","data":["${uuid}","${int 1..1000000}"]}"#;
    let plain = made(event, &["--count", "50"]);
    for (mut plain, numbered) in plain.into_iter().zip(made(event, &["--count=50", "--id=seq"])) {
        plain["id"] = numbered["id"].clone();
        assert_eq!(plain, numbered);
    }
}

#[test]
fn a_template_can_come_through_a_pipe() {
    let event = r#"{"type":"t","source":"/s","data":"${seq}"}"#;
    let run = ce_gen().args(["--template", "-", "--count", "2"]).stdin(event).run();
    assert_eq!(run.expect_code(0).stdout.matches(r#""data":"000000000001"}"#).count(), 1);
}

#[test]
fn templates_are_repeatable_and_a_run_changes_only_what_tells_runs_apart() {
    let event = r#"{"type":"t","source":"/s","data":{"id":["${uuid}","${hex 8}","${run}"],
        "load":["${int 1..1000000}","${choice a|b|c}","${seq}"]}}"#;
    let of = |args: &[&str]| made(event, &[args, &["--count", "200"]].concat());
    assert_eq!(of(&[]), of(&[]));
    assert_eq!(of(&[]), made(event, &["--count", "300"])[..200]);
    assert_ne!(of(&[]), of(&["--seed", "1"]));
    for (one, other) in of(&["--run", "a"]).iter().zip(of(&["--run", "b"])) {
        assert_eq!(one["data"]["load"], other["data"]["load"]);
        assert_ne!(one["id"], other["id"]);
        for at in 0..3 {
            assert_ne!(one["data"]["id"][at], other["data"]["id"][at]);
        }
    }
}
