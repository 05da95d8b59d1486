//! The threshold strings of k6, exactly as they are: `http_req_duration{scenario:x}: p(95)<5000`.
//!
//! ```text
//! threshold := metric [ "{" tag ":" value { "," tag ":" value } "}" ] ":" expr { "," expr }
//! expr      := method op float
//! method    := "count" | "rate" | "value" | "avg" | "min" | "max" | "med" | "p(" N ")"
//! op        := ">" | ">=" | "<" | "<=" | "==" | "===" | "!="
//! ```
//!
//! As in k6, a tag ends at its first colon, quotes around a tag or value are dropped, and times are
//! milliseconds. Unlike in k6, a tag that selects nothing is no data, which is not a pass.

use load_plan::suggest::{is_near, remedy};

use crate::aggregate::Aggregate;
use crate::error::{At, Result, refuse};
use crate::metric::Metric;
use crate::objective::{Objective, OnNoData, Op, Scope};

/// The tags that every event has.
const TAGS: [&str; 2] = ["scenario", "type"];
/// Tags of k6 that events of a run are not told apart by.
const UNKNOWN: [&str; 16] = [
    "check",
    "error",
    "error_code",
    "expected_response",
    "group",
    "ip",
    "iter",
    "method",
    "name",
    "proto",
    "service",
    "status",
    "subproto",
    "tls_version",
    "url",
    "vu",
];

/// Reads one `METRIC: EXPR[, EXPR]...`; each expression is an objective.
pub fn parse(text: &str) -> Result<Vec<Objective>> {
    let place = || format!("threshold `{text}`");
    let (selector, expressions) = split(text).at(place())?;
    let (metric, scope) = select(selector).at(place())?;
    let objectives = expressions.split(',').map(|expression| {
        let (aggregate, op, target) = comparison(expression.trim(), metric)?;
        let objective = Objective {
            name: format!("{selector}: {}", expression.trim()),
            metric,
            aggregate,
            scope: scope.clone(),
            op,
            target,
            critical: None,
            on_no_data: OnNoData::default(),
            min_samples: None,
        };
        objective.check_scope().map(|()| objective)
    });
    objectives.collect::<Result<_>>().at(place())
}

/// Parts the metric from its expressions at the first colon that is not inside of a filter.
fn split(text: &str) -> Result<(&str, &str)> {
    let filter_end = match (text.find('{'), text.find(':')) {
        (Some(open), Some(colon)) if open < colon => text.rfind('}').map(|close| close + 1),
        _ => Some(0),
    };
    let Some(start) = filter_end else { refuse!("the filter is not closed; add `}}`") };
    match text[start..].find(':') {
        Some(colon) => {
            let (selector, rest) = text.split_at(start + colon);
            Ok((selector.trim(), rest[1..].trim()))
        }
        None => refuse!("write METRIC: EXPR, e.g., `latency: p(95)<3000`"),
    }
}

fn select(selector: &str) -> Result<(Metric, Scope)> {
    let (name, filter) = match selector.split_once('{') {
        Some((name, rest)) => match rest.strip_suffix('}') {
            Some(filter) => (name, filter),
            None => refuse!("after the filter, only `:` and the expression may follow"),
        },
        None => (selector, ""),
    };
    let metric = Metric::named(name.trim())?;
    let mut scope = Scope::Run;
    for tag in filter.split(',').filter(|tag| !tag.trim().is_empty()) {
        let Some((key, value)) = tag.split_once(':') else {
            refuse!(
                "`{}` is no filter; write {{scenario:NAME}}, {{type:TYPE}} or {{TAG:VALUE}}",
                tag.trim()
            )
        };
        if scope != Scope::Run {
            refuse!("a threshold can be filtered by one scenario, type or tag, not by several");
        }
        scope = match (unquoted(key), unquoted(value)) {
            ("scenario", value) => Scope::Scenario(value.into()),
            ("type", value) => Scope::Type(value.into()),
            (key, _) if UNKNOWN.contains(&key) => refuse!(
                "events are not told apart by `{key}`; filter by scenario, type or a tag of the plan"
            ),
            // A misspelt name has to be told from a tag of the plan.
            (key, _) if TAGS.iter().any(|tag| is_near(key, tag)) => {
                refuse!("unknown tag `{key}`; {}", remedy(key, TAGS))
            }
            (key, value) => Scope::Tag(format!("{key}={value}")),
        };
    }
    Ok((metric, scope))
}

fn unquoted(text: &str) -> &str {
    text.trim().trim_matches(['"', '\''])
}

fn comparison(expression: &str, metric: Metric) -> Result<(Aggregate, Op, f64)> {
    let at = expression.find(['<', '>', '=', '!']).unwrap_or(expression.len());
    let (method, rest) = expression.split_at(at);
    let operator = Op::WRITTEN.iter().find(|(written, _)| rest.starts_with(written));
    let Some((written, op)) = operator else {
        refuse!("`{expression}` has no comparison; write one such as `p(95)<3000` or `rate<0.01`")
    };
    let aggregate = Aggregate::from_k6(method.trim(), metric)?;
    let number = rest[written.len()..].trim();
    match number.parse::<f64>() {
        Ok(target) if target.is_finite() => Ok((aggregate, *op, target)),
        _ => refuse!("`{number}` is not a number; times are in milliseconds, shares from 0 to 1"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One threshold as metric, scope, aggregate, comparison and number.
    fn check(text: &str, metric: Metric, scope: &Scope, condition: &str) {
        let objectives = parse(text).unwrap_or_else(|err| panic!("{text}: {err:#}"));
        let [one] = objectives.as_slice() else { panic!("{text}: {objectives:?}") };
        assert_eq!((one.metric, &one.scope), (metric, scope), "{text}");
        assert_eq!(format!("{} {} {}", one.aggregate, one.op, one.target), condition, "{text}");
        assert_eq!((one.critical, one.on_no_data), (None, OnNoData::NoVerdict));
    }

    fn refused(text: &str, because: &str) {
        let message = format!("{:#}", parse(text).expect_err(text));
        assert!(message.starts_with(&format!("threshold `{text}`: ")), "{message}");
        assert!(message.contains(because), "{message}");
    }

    #[test]
    fn the_thresholds_of_the_k6_script_are_read_as_they_are() {
        check("http_req_duration: p(95)<5000", Metric::Latency, &Scope::Run, "p95 < 5000");
        let baseline = Scope::Scenario("baseline".into());
        let text = "http_req_duration{scenario:baseline}: p(95)<2000";
        check(text, Metric::Latency, &baseline, "p95 < 2000");
        check("http_req_failed: rate<0.01", Metric::Failed, &Scope::Run, "rate < 0.01");
        check("builder_error_rate: rate<0.01", Metric::Failed, &Scope::Run, "rate < 0.01");
        check("builder_publish_duration: p(95)<3000", Metric::Latency, &Scope::Run, "p95 < 3000");
        check("builder_events_total: count>10000", Metric::Ok, &Scope::Run, "count > 10000");
    }

    #[test]
    fn every_comparison_and_every_number_of_k6_is_read() {
        for (op, shown) in [
            (">", ">"),
            (">=", ">="),
            ("<", "<"),
            ("<=", "<="),
            ("==", "=="),
            ("===", "=="),
            ("!=", "!="),
        ] {
            for (number, value) in [("1e3", "1000"), ("-1", "-1"), ("0.5", "0.5"), (".5", "0.5")] {
                let condition = format!("mean {shown} {value}");
                check(&format!("lag: avg{op}{number}"), Metric::Lag, &Scope::Run, &condition);
                check(&format!("lag:avg {op}  {number} "), Metric::Lag, &Scope::Run, &condition);
            }
        }
    }

    #[test]
    fn filters_follow_the_quoting_rules_of_k6() {
        let spike = Scope::Scenario("spike".into());
        for filter in
            ["scenario:spike", " scenario : spike ", "scenario:\"spike\"", "'scenario':'spike',"]
        {
            check(&format!("sent{{{filter}}}: rate>1"), Metric::Sent, &spike, "per_second > 1");
        }
        let colons = Scope::Type("group:::my {x} type".into());
        check("ok {type:group:::my {x} type}:count>1", Metric::Ok, &colons, "count > 1");
        check("ok{}: count>1", Metric::Ok, &Scope::Run, "count > 1");
    }

    #[test]
    fn tags_of_the_plan_select_as_scenarios_do() {
        for (filter, tag) in [("team:qa", "team=qa"), ("'site' : a:b ", "site=a:b")] {
            let scope = Scope::Tag(tag.into());
            check(&format!("latency{{{filter}}}: p(95)<9"), Metric::Latency, &scope, "p95 < 9");
        }
        refused("latency{team:qa}: p(97)<9", "p97 of one type or tag is not kept; take p50");
        refused(
            "latency{team:qa,scenario:x}: p(95)<9",
            "one scenario, type or tag, not by several",
        );
        refused("lost{team:qa}: count<1", "known for the whole run only; leave out the filter");
    }

    #[test]
    fn several_expressions_after_one_metric_are_several_objectives() {
        let objectives = parse("http_req_duration: p(95)<5000, p(99)<9000").unwrap();
        let names: Vec<_> = objectives.iter().map(|objective| objective.name.as_str()).collect();
        assert_eq!(names, ["http_req_duration: p(95)<5000", "http_req_duration: p(99)<9000"]);
    }

    #[test]
    fn what_is_no_threshold_is_refused_with_a_remedy() {
        refused("", "write METRIC: EXPR");
        refused("latency p(95)<5", "write METRIC: EXPR");
        refused("latncy: p(95)<5", "unknown metric `latncy`; did you mean `latency`?");
        refused("latency: p(95)", "has no comparison");
        refused("latency: p(95)=5", "has no comparison");
        refused("latency: p(95)<5,", "`` has no comparison");
        refused("latency: p(95)<", "`` is not a number");
        refused("latency: p(95)<5s", "`5s` is not a number");
        refused("latency: p(95)<inf", "`inf` is not a number");
        refused("latency: p(95)<NaN", "`NaN` is not a number");
        refused("latency: p(95) < 5 and p(99) < 6", "`5 and p(99) < 6` is not a number");
        refused("latency: count>5", "`count` is no method of `latency`");
    }

    #[test]
    fn a_filter_that_cannot_be_answered_is_refused() {
        refused("latency{scenario:x: p(95)<5", "the filter is not closed");
        refused("latency{scenario:x}y: p(95)<5", "after the filter");
        refused("latency{scenario}: p(95)<5", "`scenario` is no filter");
        refused("latency{scenaro:x}: p(95)<5", "unknown tag `scenaro`; did you mean `scenario`?");
        refused("latency{status:200}: p(95)<5", "events are not told apart by `status`; filter by");
        refused("latency{scenario:x,type:y}: p(95)<5", "one scenario, type or tag, not by several");
        refused("lost{scenario:x}: count<1", "`lost` is known for the whole run only");
        refused("latency{type:x}: p(97.5)<5", "p97.5 of one type or tag is not kept");
        assert!(parse("latency{type:x}: p(100)<5").is_ok());
        assert!(parse("latency{scenario:x}: p(97.5)<5").is_ok());
    }
}
