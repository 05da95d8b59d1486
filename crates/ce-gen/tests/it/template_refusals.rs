//! A bad template is refused with its place, in one line, before the first event.

use crate::ce_gen;
use crate::template::folder;

/// The refusal of a file `t.json`, without the name of the tool.
#[track_caller]
fn refusal(template: &str, args: &[&str]) -> String {
    let dir =
        folder(&[("t.json", template), ("p.csv", "name,n\na,1\nb c,x\n"), ("empty.csv", "name\n")]);
    let run = ce_gen().current_dir(dir.path()).args(["--template", "t.json"]).args(args).run();
    run.expect_code(2);
    assert_eq!((run.stdout.as_str(), run.stderr.lines().count()), ("", 1), "{}", run.stderr);
    run.stderr.trim_end().strip_prefix("ce-gen: ").expect("the tool says who it is").to_owned()
}

#[track_caller]
fn check(template: &str, says: &str) {
    let refusal = refusal(template, &["--count", "3"]);
    assert!(refusal.starts_with(says), "{template}\n{refusal}");
}

/// Data with one string, which starts in line 2, column 11.
#[track_caller]
fn check_string(string: &str, says: &str) {
    let template = format!("{{\"type\":\"t\",\"source\":\"/s\",\n  \"data\":\"{string}\"}}");
    check(&template, &format!("t.json:2:{says}"));
}

#[test]
fn what_is_not_json() {
    check("", "t.json:1:1: EOF while parsing a value; see Templates in ce-gen --help");
    check("{\n \"type\": }", "t.json:2:10: expected value; see");
    check("{\"type\":\"t\"", "t.json:1:11: EOF while parsing an object; see");
    check("[1]", "t.json:1:1: a template is an object; see Templates in ce-gen --help");
    check("\n 7", "t.json:2:2: a template is an object; see");
}

#[test]
fn lists_that_are_none() {
    check(r#"{"templates":7}"#, "t.json:1:14: invalid type: integer `7`, expected a sequence; see");
    check(r#"{"templates":[]}"#, "t.json:1:1: there is no template with a weight above 0; raise");
    let nothing = r#"{"templates":[{"weight":0,"event":{"type":"t","source":"/s"}}]}"#;
    check(nothing, "t.json:1:1: there is no template with a weight above 0");
    check(r#"{"templates":[{"wait":1,"event":{}}]}"#, "t.json:1:21: unknown field `wait`");
    check(
        r#"{"templates":[{"weight":-1,"event":{}}]}"#,
        "t.json:1:26: invalid value: integer `-1`",
    );
    check(r#"{"templates":[{"weight":1}]}"#, "t.json:1:26: missing field `event`");
    check("{\"templates\":[\n{\"event\":7}]}", "t.json:2:10: an event is an object; write");
}

#[test]
fn placeholders_that_are_none() {
    check_string("${sequence}", "11: `sequence` is not a placeholder; valid are seq, uuid, run,");
    check_string("é${uid}", "12: `uid` is not a placeholder; did you mean `uuid`?");
    check_string("${seq} ${int 5}", "18: `5` is no range; write ${int 1..100}");
    check_string("${seq", "11: the placeholder has no end; write }, or $${ for ${ itself");
    check_string("a${=int 1..2}", "12: what is written without quotes has to be alone");
    check_string("${=hex 5}", "11: `hex` is always text; take the = away");
    check_string("${=choice 1|b}", "11: \"b\" is no number, true, false or null, and = writes");
    check_string("${pad 10} ${pad 20}", "21: the line is padded already; keep one ${pad}");
    let named = r#"{"type":"t","source":"/s","data":{"${seq}":1}}"#;
    check(named, "t.json:1:36: names hold no placeholders, values do; write $${ for");
}

#[test]
fn pools_that_cannot_be_used() {
    check_string("${pick q.csv name}", "11: cannot pick: q.csv: cannot open: No such file");
    check_string("${pick p.csv nome}", "11: cannot pick: p.csv:1: no column `nome` in the header;");
    check_string("${pick empty.csv name}", "11: cannot pick: empty.csv: no rows; write CSV with");
    check_string("${=pick p.csv n}", "11: p.csv:3: \"x\" is no number, true, false or null");
}

#[test]
fn events_that_would_be_invalid() {
    check(r#"{"source":"/s"}"#, "t.json:1:1: attribute `type` is missing; every event needs");
    let ext = r#"{"type":"t","source":"/s", "Ext":1}"#;
    check(ext, "t.json:1:34: attribute name `Ext` is not allowed; use lower-case letters");
    let twice = r#"{"type":"t","source":"/s","type":"u"}"#;
    check(twice, "t.json:1:9: attribute `type` is set more than once; keep one");
    let version = "{\"type\":\"t\",\n\"source\":\"/s\",\"specversion\":\"0.3\"}";
    check(version, "t.json:2:29: attribute `specversion` is `0.3`; only 1.0 is supported");
}

#[test]
fn every_value_of_a_placeholder_is_tried() {
    let source = |source: &str| format!(r#"{{"type":"t","source":"{source}"}}"#);
    let at = "t.json:1:22: attribute `source` is ";
    check(&source("/${choice a=1000000|b c}"), &format!("{at}`/b c`, not a URI reference"));
    check(&source("/${pick p.csv name}"), &format!("{at}`/b c`, not a URI reference"));
    let ext = |ext: &str| format!(r#"{{"type":"t","source":"/s","ext":"{ext}"}}"#);
    let at = "t.json:1:33: attribute `ext` is not a string, a boolean or a 32-bit integer";
    check(&ext("${=int -5..2147483648}"), at);
    check(&ext("${=choice 1|1.5}"), at);
    assert_eq!(
        ce_gen().args(["--template", "-", "--count", "5"]).stdin(ext("${=seq}")).run().code,
        0
    );
    assert!(refusal(&ext("${=seq}"), &["--count", "2147483649"]).starts_with(at));
}

#[test]
fn sizes_that_cannot_be() {
    let with_data = |data: &str| format!(r#"{{"type":"t","source":"/s","data":{data}}}"#);
    let size = |template: &str| refusal(template, &["--size", "500"]);
    assert!(size(&with_data("[]")).starts_with("t.json:1:34: --size adds a member `padding` to"));
    let padded = with_data(r#"{"padding":1}"#);
    assert!(size(&padded).starts_with("t.json:1:34: --size adds a member `padding` to `data`"));
    let both = size(&with_data(r#"{"a":"${pad 10}"}"#));
    assert!(both.starts_with("t.json:1:40: the line is padded by --size already"), "{both}");
    let none = size(r#"{"type":"t","source":"/s"}"#);
    assert!(none.starts_with("t.json:1:1: --size pads `data`, and there is none"), "{none}");
    let long = format!("\"{}\"", "x".repeat(1 << 20));
    check(&with_data(&long), "t.json:1:1: lines have at most 1MiB, and this one becomes longer");
}

#[test]
fn files_that_cannot_be_read() {
    let run = ce_gen().args(["--template", "no/such.json"]).run();
    assert!(run.expect_code(2).stderr.starts_with("ce-gen: no/such.json: cannot open: No such"));
    let run = ce_gen().args(["--template", "-"]).stdin(b"{\n\"a\":\"\xff\"}").run();
    assert!(run.expect_code(2).stderr.starts_with("ce-gen: stdin:2: not UTF-8; save the template"));
    let run = ce_gen().args(["--template", "-"]).stdin(" ".repeat((4 << 20) + 1)).run();
    assert!(run.expect_code(2).stderr.starts_with("ce-gen: stdin: more than 4 MiB; put long"));
}
