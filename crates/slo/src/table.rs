//! The objectives file: what each key of a `[[slo]]` means.
//!
//! Everything that can be wrong with an objective is refused here, before a run is looked at: an
//! objective that cannot be evaluated must not look like one that holds.

use load_plan::document::Document;
use load_plan::suggest::remedy;

use crate::aggregate::Aggregate;
use crate::error::{At, Result, SloError, refuse};
use crate::level::{EXACT, level};
use crate::metric::Metric;
use crate::objective::{Objective, OnNoData, Op, Scope};
use crate::syntax::{self, Entry, Field, Threshold, Value};
use crate::threshold;

const KEYS: [&str; 11] = [
    "name",
    "metric",
    "aggregate",
    "op",
    "target",
    "critical",
    "scenario",
    "type",
    "tag",
    "on_no_data",
    "min_samples",
];

/// Reads all objectives of a file that holds nothing else; `file` is what errors call it.
pub fn parse(file: &str, text: &str) -> Result<Vec<Objective>> {
    syntax::only_entries(&Document::parse(file, text)?)?.iter().map(objective).collect()
}

/// Reads the thresholds and objectives of a plan, which has scenarios besides.
pub fn parse_plan(file: &str, text: &str) -> Result<Vec<Objective>> {
    let document = Document::parse(file, text)?;
    let mut objectives = Vec::new();
    for Threshold { place, metric, expression } in syntax::thresholds(&document)? {
        let found = threshold::parse(&format!("{metric}: {expression}"));
        objectives.extend(found.at(place)?);
    }
    for entry in syntax::entries(&document)? {
        objectives.push(objective(&entry)?);
    }
    if objectives.is_empty() {
        refuse!("{file}: no `thresholds` and no [[slo]] in it");
    }
    Ok(objectives)
}

fn objective(entry: &Entry) -> Result<Objective> {
    for field in &entry.fields {
        if !KEYS.contains(&field.key.as_str()) {
            refuse!("{}: unknown key `{}`; {}", field.place, field.key, remedy(&field.key, KEYS));
        }
    }
    let metric = required(entry, "metric", Metric::named)?;
    let target = entry.required("target")?;
    let level = |field: &Field| level(field, metric.kind());
    let objective = Objective {
        name: required(entry, "name", |name| Ok(name.to_owned()))?,
        metric,
        aggregate: required(entry, "aggregate", |text| Aggregate::from_table(text, metric))?,
        scope: scope(entry)?,
        op: required(entry, "op", operator)?,
        target: level(target)?,
        critical: entry.find("critical").map(level).transpose()?,
        on_no_data: optional(entry, "on_no_data", on_no_data)?.unwrap_or_default(),
        min_samples: entry.find("min_samples").map(whole_number).transpose()?,
    };
    check_critical(entry, &objective)?;
    objective.check_scope().at(&entry.place)?;
    Ok(objective)
}

impl Entry {
    fn find(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.key == key)
    }

    fn required(&self, key: &str) -> Result<&Field> {
        self.find(key)
            .ok_or_else(|| SloError::new(format!("{}: this objective has no `{key}`", self.place)))
    }
}

/// Reads a text that has to be there.
fn required<T>(entry: &Entry, key: &str, read: impl Fn(&str) -> Result<T>) -> Result<T> {
    text(entry.required(key)?, read)
}

/// Reads a text that may be there.
fn optional<T>(entry: &Entry, key: &str, read: impl Fn(&str) -> Result<T>) -> Result<Option<T>> {
    entry.find(key).map(|field| text(field, read)).transpose()
}

fn text<T>(field: &Field, read: impl Fn(&str) -> Result<T>) -> Result<T> {
    match &field.value {
        Value::Text(text) => read(text).at(&field.place),
        _ => refuse!("{}: `{}` has to be a text in quotes", field.place, field.key),
    }
}

fn scope(entry: &Entry) -> Result<Scope> {
    let own = |name: &str| Ok(name.to_owned());
    let scopes = [
        optional(entry, "scenario", own)?.map(Scope::Scenario),
        optional(entry, "type", own)?.map(Scope::Type),
        optional(entry, "tag", tag)?.map(Scope::Tag),
    ];
    let mut scopes = scopes.into_iter().flatten();
    match (scopes.next(), scopes.next()) {
        (None, _) => Ok(Scope::Run),
        (Some(scope), None) => Ok(scope),
        (Some(_), Some(_)) => {
            refuse!("{}: an objective is about one scenario, type or tag, not several", entry.place)
        }
    }
}

fn tag(text: &str) -> Result<String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.is_empty() => Ok(text.to_owned()),
        _ => refuse!("`{text}` is no tag; write name=value, e.g., team=payments"),
    }
}

fn operator(text: &str) -> Result<Op> {
    let written = Op::WRITTEN.iter().find(|(written, _)| *written == text);
    written.map(|(_, op)| *op).ok_or_else(|| {
        SloError::new(format!("`{text}` is no comparison; valid are <, <=, >, >=, == and !="))
    })
}

fn on_no_data(text: &str) -> Result<OnNoData> {
    match text {
        "fail" => Ok(OnNoData::Fail),
        "warn" => Ok(OnNoData::Warn),
        "skip" => Ok(OnNoData::Skip),
        _ => refuse!("`{text}` is no `on_no_data`; {}", remedy(text, ["fail", "warn", "skip"])),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just before")]
fn whole_number(field: &Field) -> Result<u64> {
    match field.value {
        Value::Number(number) if (0.0..=EXACT).contains(&number) && number.fract() == 0.0 => {
            Ok(number as u64)
        }
        _ => refuse!("{}: `{}` has to be a whole number", field.place, field.key),
    }
}

/// A critical level that is not looser than the target would make every warning a failure.
fn check_critical(entry: &Entry, objective: &Objective) -> Result<()> {
    let Some((field, critical)) = entry.find("critical").zip(objective.critical) else {
        return Ok(());
    };
    let Some(direction) = objective.op.strict() else {
        refuse!("{}: `{}` has no second level; leave out `critical`", field.place, objective.op)
    };
    if !direction.holds(objective.target, critical) {
        let looser = if direction == Op::Below { "above" } else { "below" };
        refuse!("{}: `critical` has to be {looser} the target", field.place);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[[slo]]
name = "e2e p95"
metric = "e2e"
aggregate = "p95"
op = "<"
target = "3s"
critical = "10s"
scenario = "burst"
on_no_data = "fail"
min_samples = 72

[[slo]]
name = "success"
metric = "success"
aggregate = "rate"
op = ">="
target = "99.9%"
critical = 0.95

[[slo]]
name = "nothing lost"
metric = "lost"
aggregate = "count"
op = "=="
target = 0
"#;

    fn refused(replace: &str, with: &str, because: &str) {
        assert!(GOOD.contains(replace), "{replace}");
        let message =
            format!("{:#}", parse("slo.toml", &GOOD.replacen(replace, with, 1)).unwrap_err());
        assert_eq!(message, format!("slo.toml:{because}"));
    }

    #[test]
    fn objectives_are_read_with_their_units() {
        let objectives = parse("slo.toml", GOOD).unwrap();
        let [e2e, success, lost] = objectives.as_slice() else { panic!("{objectives:?}") };
        assert_eq!((e2e.name.as_str(), e2e.metric), ("e2e p95", Metric::E2e));
        assert_eq!((e2e.target, e2e.critical), (3000.0, Some(10_000.0)));
        assert_eq!(e2e.scope, Scope::Scenario("burst".into()));
        assert_eq!((e2e.on_no_data, e2e.min_samples), (OnNoData::Fail, Some(72)));
        assert_eq!(
            (success.op, success.target, success.critical),
            (Op::AtLeast, 0.999, Some(0.95))
        );
        assert_eq!((lost.op, lost.target, lost.critical), (Op::Equal, 0.0, None));
    }

    #[test]
    fn json_says_the_same_as_toml() {
        let toml: toml::Table = GOOD.parse().unwrap();
        let json = serde_json::to_string(&toml).unwrap();
        assert_eq!(parse("slo.json", &json).unwrap(), parse("slo.toml", GOOD).unwrap());
    }

    #[test]
    fn mistakes_are_refused_with_line_and_column() {
        refused(
            "target = \"3s\"",
            "target = 3",
            "7:1: `target` has no unit; write \"3s\" or \"3ms\"",
        );
        refused(
            "\"3s\"",
            "\"3\"",
            "7:1: `3` is not a duration: write numbers with units such as 250ms, 90s or 1h30m",
        );
        refused(
            "metric = \"e2e\"",
            "metrik = \"e2e\"",
            "4:1: unknown key `metrik`; did you mean `metric`?",
        );
        refused("\"e2e\"", "\"e3e\"", "4:1: unknown metric `e3e`; did you mean `e2e`?");
        refused(
            "\"p95\"",
            "\"p(95)\"",
            "5:1: `p(95)` is no aggregate of `e2e`; did you mean `p95`?",
        );
        refused("\"10s\"", "\"3s\"", "8:1: `critical` has to be above the target");
        refused("0.95", "\"99.95%\"", "19:1: `critical` has to be below the target");
        refused(
            "\"99.9%\"",
            "99.9",
            "18:1: `target` is out of range; a share is from 0 to 1, e.g., 0.99 or \"99%\"",
        );
        refused(
            "\"99.9%\"",
            "\"99\"",
            "18:1: `99` is not a share; write a number or a percentage in quotes",
        );
        refused("\"<\"", "\"=<\"", "6:1: `=<` is no comparison; valid are <, <=, >, >=, == and !=");
        refused(
            "\"fail\"",
            "\"pass\"",
            "10:1: `pass` is no `on_no_data`; valid are fail, warn, skip",
        );
        refused("72", "7.5", "11:1: `min_samples` has to be a whole number");
        refused(
            "target = 0",
            "target = \"0\"",
            "26:1: `target` has to be a plain number of events",
        );
        refused(
            "target = 0",
            "target = 0\ncritical = 1",
            "27:1: `==` has no second level; leave out `critical`",
        );
        refused("name = \"e2e p95\"", "name = 1", "3:1: `name` has to be a text in quotes");
        refused("name = \"e2e p95\"\n", "", "2:1: this objective has no `name`");
        refused(
            "\"burst\"",
            "\"burst\"\ntype = \"x\"",
            "2:1: an objective is about one scenario, type or tag, not several",
        );
    }

    #[test]
    fn files_that_are_no_list_of_objectives_are_refused() {
        let check = |text: &str, because: &str| {
            let message = format!("{:#}", parse("f", text).unwrap_err());
            assert_eq!(message, because, "{text}");
        };
        check("", "f:1:1: no objective in it; add a [[slo]]");
        check("{}", "f:1:1: no objective in it; add a [[slo]]");
        check("[[sol]]", "f:1:3: unknown key `sol`; did you mean `slo`?");
        check("[slo]", "f:1:2: write [[slo]], a list of tables");
        check("{\"slo\": 1}", "f:1:2: write [[slo]], a list of tables");
        check("{\"slo\": [{}]}", "f:1:10: this objective has no `metric`");
        check("{\n  \"slo\": [", "f:2:10: EOF while parsing a list");
        assert!(format!("{:#}", parse("f", "x = \n").unwrap_err()).starts_with("f:1:"));
    }

    #[test]
    fn a_plan_has_the_thresholds_of_k6_and_may_have_objectives() {
        let plan = r#"{"scenarios": {"a": {}}, "thresholds": {
            "http_req_duration": ["p(95)<5000", {"threshold": "max<9000", "abortOnFail": true}],
            "http_req_failed": ["rate<0.01"]}}"#;
        let objectives = parse_plan("k6.json", plan).unwrap();
        let names: Vec<&str> = objectives.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "http_req_duration: p(95)<5000",
                "http_req_duration: max<9000",
                "http_req_failed: rate<0.01"
            ]
        );
        let wrong = plan.replace("rate<0.01", "rate<<0.01");
        let message = format!("{:#}", parse_plan("k6.json", &wrong).unwrap_err());
        assert!(message.starts_with("k6.json:3:33: "), "{message}");
    }
}
