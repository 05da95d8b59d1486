//! Every attribute of CloudEvents 1.0 can be set, and extensions too.

use serde_json::{Value, json};

use crate::{ce_gen, events, lines};

const KINDS: &str = "build,parser,delete";

/// The events of all kinds with these flags.
#[track_caller]
fn with(flags: &[&str]) -> Vec<Value> {
    events(&[&["--kind", KINDS, "--count", "30"], flags].concat())
}

#[test]
fn every_attribute_can_be_set_in_all_kinds() {
    for (flag, name, value) in [
        ("--type", "type", "com.example.\"a\""),
        ("--source", "source", "https://[::1]/a%20b?c#d"),
        ("--subject", "subject", "é \\ 7"),
        ("--time", "time", "2026-01-31T09:15:00Z"),
        ("--datacontenttype", "datacontenttype", "application/vnd.example+json; v=\"1\""),
        ("--dataschema", "dataschema", "https://example.com/schema.json"),
    ] {
        for event in with(&[flag, value]) {
            assert_eq!(event[name], value, "{event}");
        }
    }
}

#[test]
fn a_flag_changes_its_attribute_and_nothing_else() {
    let plain = with(&[]);
    let changed = with(&["--subject", "x", "--dataschema", "urn:y", "--extension", "z=1"]);
    for (mut plain, changed) in plain.into_iter().zip(changed) {
        plain["subject"] = json!("x");
        plain["dataschema"] = json!("urn:y");
        plain["z"] = json!(1);
        assert_eq!(plain, changed);
    }
}

#[test]
fn extensions_have_the_type_that_they_look_like() {
    let flags = [
        ("tenant=blue=green", json!("blue=green")),
        ("sampledrate=10", json!(10)),
        ("lowest=-2147483648", json!(-2_147_483_648)),
        ("large=2147483648", json!("2147483648")),
        ("padded=0042", json!("0042")),
        ("yes=true", json!(true)),
        ("no=false", json!(false)),
        ("text:string=7", json!("7")),
        ("empty=", json!("")),
        ("averyveryveryverylongname=é", json!("é")),
    ];
    let args = flags.iter().flat_map(|(flag, _)| ["--extension", flag]);
    for event in with(&args.collect::<Vec<_>>()) {
        for (flag, value) in &flags {
            let name = flag.split([':', '=']).next().unwrap();
            assert_eq!(event[name], *value, "{flag}");
        }
    }
}

#[test]
fn the_variable_holds_an_extension_in_each_line() {
    let args = ["--count", "3"];
    let run = ce_gen().args(args).env("CE_EXTENSION", "a=1\nb=x, y").run();
    let flags = lines(&["--extension", "a=1", "--extension", "b=x, y", "--count", "3"]);
    assert_eq!(run.expect_code(0).stdout.lines().collect::<Vec<_>>(), flags);
}

#[test]
fn attributes_have_their_places_in_the_line() {
    let line = &lines(&[
        "--count=1",
        "--id=seq",
        "--type=t",
        "--source=/s",
        "--subject=u",
        "--time=2026-01-31T09:15:00Z",
        "--sequence",
        "--extension=b=1",
        "--extension=a=x",
        "--datacontenttype=a/json",
        "--dataschema=a:b",
    ])[0];
    let attributes = concat!(
        r#"{"specversion":"1.0","id":"ce-gen-000000000000","type":"t","source":"/s","#,
        r#""subject":"u","time":"2026-01-31T09:15:00Z","sequence":"000000000000","b":1,"a":"x","#,
        r#""datacontenttype":"a/json","dataschema":"a:b","data":{"third_party_id":"#
    );
    assert!(line.starts_with(attributes), "{line}");
}

#[test]
fn what_an_attribute_cannot_be_is_refused_in_one_line() {
    let refused = |args: &[&str], says: &str| {
        let run = ce_gen().args(args).args(["--count", "1"]).run();
        run.expect_code(2);
        assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{}", run.stderr);
        assert!(run.stderr.starts_with(&format!("ce-gen: {says}")), "{}", run.stderr);
    };
    refused(&["--type", ""], "--type: attribute `type` is empty");
    refused(&["--source", "a b"], "--source: attribute `source` is `a b`, not a URI");
    refused(&["--subject", ""], "--subject: attribute `subject` is empty");
    refused(&["--dataschema", "x.json"], "--dataschema: attribute `dataschema` is `x.json`");
    refused(&["--datacontenttype", "x"], "--datacontenttype: attribute `datacontenttype` is `x`");
    let no_json = "--datacontenttype: the data is JSON, and `text/plain` is not; use";
    refused(&["--datacontenttype", "text/plain"], no_json);
    refused(&["--extension", "My=1"], "--extension: attribute name `My` is not allowed");
    refused(&["--extension", "a=x\u{7f}"], "--extension: attribute `a` holds a control character");
    let twice = ["--extension", "a=1", "--extension", "a=2"];
    refused(&twice, "--extension: `a` is given more than once; keep one");
    let sequence = ["--extension", "sequence=7", "--sequence"];
    refused(&sequence, "--extension: `sequence` is what --sequence sets");
}

#[test]
fn what_contradicts_is_refused() {
    let refused = |args: &[&str], says: &str| {
        let run = ce_gen().args(args).run();
        assert!(run.expect_code(2).stderr.contains(says), "{}", run.stderr);
    };
    refused(&["--type", "a", "--delete-type", "b"], "cannot be used with");
    refused(&["--template", "a", "--kind", "build"], "cannot be used with");
    refused(&["--template", "a", "--pool", "b"], "cannot be used with");
    refused(&["--extension", "a"], "`a` has no value; write NAME=VALUE");
    refused(&["--extension", "type=a"], "`type` is no extension; use the flag for it");
}
