//! `--describe`: one example of each sort of event, to be read.

use serde_json::Value;

use crate::{ce_gen, events};

fn examples(args: &[&str], stdin: &str) -> Vec<Value> {
    let run = ce_gen().arg("--describe").args(args).stdin(stdin).run();
    assert_eq!(run.expect_code(0).stderr, "");
    assert!(run.stdout.starts_with("{\n  \"specversion\": \"1.0\",\n  \"id\": \""));
    let examples = serde_json::Deserializer::from_str(&run.stdout).into_iter();
    examples.map(|example| example.expect("JSON values, one after the other")).collect()
}

#[test]
fn each_kind_has_one_example() {
    let examples = examples(&["--kind", "build,parser=5,delete=0"], "");
    let types: Vec<_> = examples.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["network.notifi.lambda.build.start", "network.notifi.lambda.parser.start"]);
}

#[test]
fn each_template_has_one_example() {
    let file = r#"{"templates":[{"event":{"type":"a","source":"/${seq}"}},
        {"weight":7,"event":{"type":"b","source":"/${hex 4}","data":[]}}]}"#;
    let examples = examples(&["--template", "-", "--subject", "x"], file);
    assert_eq!(examples.len(), 2);
    assert_eq!((&examples[0]["type"], &examples[1]["type"]), (&"a".into(), &"b".into()));
    assert_eq!(examples[0]["source"], "/000000000000");
    assert!(examples.iter().all(|event| event["subject"] == "x"));
}

#[test]
fn an_example_is_the_first_event_laid_out() {
    let args = ["--kind", "parser", "--seed", "5", "--size", "600", "--extension", "a=1"];
    assert_eq!(examples(&args, ""), events(&[&args[..], &["--count", "1"]].concat()));
}
