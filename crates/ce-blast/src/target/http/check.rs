//! What answers are held to, besides their outcome. As in k6, a check that fails is counted and named,
//! and changes nothing about the request: what is a success, the status codes of success say.

use ce_record::CheckCount;
use serde_json::Value;

use crate::cli::check::Check;
use crate::job::Answer;

/// The longest body that is looked at.
pub(super) const BODY_LIMIT: usize = 1 << 20;

/// What is known about an answer when it is checked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) service_ns: u64,
    /// The body, if it is JSON and not too long.
    pub(super) json: Option<&'a Value>,
}

/// The checks of a sender, and how often each held.
#[derive(Debug, Default)]
pub(super) struct Checks {
    checks: Vec<Check>,
    counts: Vec<CheckCount>,
}

impl Checks {
    pub(super) fn new(checks: Vec<Check>) -> Self {
        let count = |it: &Check| CheckCount { name: it.to_string(), passes: 0, fails: 0 };
        Self { counts: checks.iter().map(count).collect(), checks }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.checks.is_empty()
    }

    /// Whether any of them looks at the body.
    pub(super) fn need_body(&self) -> bool {
        self.checks.iter().any(|it| matches!(it, Check::Json { .. }))
    }

    /// Counts how an event did, and names in its answer what failed. Without an answer every check
    /// fails.
    pub(super) fn judge(&mut self, answer: &mut Answer, seen: Seen<'_>) {
        let mut failed = String::new();
        for (check, count) in self.checks.iter().zip(&mut self.counts) {
            if answer.code.is_some_and(|code| holds(check, code, seen)) {
                count.passes += 1;
            } else {
                count.fails += 1;
                failed += if failed.is_empty() { "check failed: " } else { "; " };
                failed += &count.name;
            }
        }
        if !failed.is_empty() && answer.code.is_some() {
            answer.error.get_or_insert(failed.into());
        }
    }

    pub(super) fn into_counts(self) -> Vec<CheckCount> {
        self.counts
    }
}

fn holds(check: &Check, code: u16, seen: Seen<'_>) -> bool {
    match check {
        Check::Status(codes) => codes.includes(code),
        Check::Within(limit) => u128::from(seen.service_ns) <= limit.as_nanos(),
        Check::Json { pointer, value } => {
            let found = seen.json.and_then(|json| json.pointer(pointer));
            found.is_some_and(|found| is_equal(found, value))
        }
    }
}

/// Whether two values are the same; numbers are, however they are written.
fn is_equal(one: &Value, other: &Value) -> bool {
    one == other || one.as_f64().is_some_and(|number| Some(number) == other.as_f64())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ce_record::Outcome;
    use serde_json::json;

    use super::*;

    fn checks() -> Checks {
        let json = |text: &str| Check::json(text).expect("a pointer and a value");
        Checks::new(vec![
            Check::Status("200-202".parse().expect("codes")),
            Check::Within(Duration::from_millis(5)),
            json("/a~1b/1=2"),
            json("=null"),
        ])
    }

    #[test]
    fn each_check_is_counted_and_those_that_fail_are_named() {
        let mut checks = checks();
        let mut judge = |code, service_ns, json: Option<&Value>| {
            let outcome = Outcome::Ok;
            let mut answer = Answer { code, ..Answer::new(outcome) };
            checks.judge(&mut answer, Seen { service_ns, json });
            assert_eq!(answer.outcome, outcome, "a check decides nothing");
            answer.error
        };
        let body = json!({"a/b": [1, 2.0]});
        assert_eq!(
            judge(Some(202), 5_000_000, Some(&body)).as_deref(),
            Some("check failed: json =null")
        );
        assert_eq!(
            judge(Some(203), 5_000_001, Some(&Value::Null)).as_deref(),
            Some("check failed: status 200-202; within 5ms; json /a~1b/1=2")
        );
        assert_eq!(judge(None, 0, None), None, "there was no answer to check");
        let counts = checks.into_counts();
        let counts: Vec<_> = counts.iter().map(|it| (it.passes, it.fails)).collect();
        assert_eq!(counts, [(1, 2), (1, 2), (1, 2), (1, 2)]);
    }

    #[test]
    fn numbers_are_equal_however_they_are_written() {
        assert!(is_equal(&json!(5), &json!(5.0)) && is_equal(&json!("5"), &json!("5")));
        assert!(!is_equal(&json!(5), &json!("5")) && !is_equal(&json!(null), &json!(0)));
    }
}
