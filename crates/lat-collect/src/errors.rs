//! Attempts that failed, or failed a check, counted by what they have in common.

use std::collections::HashMap;
use std::io::Write;

use ce_record::Outcome;
use ce_record::run_dir::ERRORS_COLUMNS;

use crate::group::seconds;

/// Different failures that are told apart; what comes beyond is counted together.
const LIMIT: usize = 1000;

/// Failures by outcome, code and message.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    counts: HashMap<Failure, Count>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Failure {
    outcome: Outcome,
    code: Option<u16>,
    message: Box<str>,
}

#[derive(Debug, Clone)]
struct Count {
    times: u64,
    first_ns: i64,
    last_ns: i64,
    sample_id: Box<str>,
}

impl Errors {
    /// Enters a failure that was due at `due_ns` of the run's clock.
    pub(crate) fn add(
        &mut self,
        outcome: Outcome,
        code: Option<u16>,
        message: &str,
        due_ns: i64,
        id: &str,
    ) {
        let mut failure = Failure { outcome, code, message: message.into() };
        if self.counts.len() >= LIMIT && !self.counts.contains_key(&failure) {
            failure.message = "(other messages)".into();
        }
        let count = self.counts.entry(failure).or_insert_with(|| Count {
            times: 0,
            first_ns: due_ns,
            last_ns: due_ns,
            sample_id: id.into(),
        });
        count.times += 1;
        count.first_ns = count.first_ns.min(due_ns);
        count.last_ns = count.last_ns.max(due_ns);
    }

    /// The most frequent ones: outcome, code, message and how often.
    pub(crate) fn top(&self, limit: usize) -> Vec<(Outcome, Option<u16>, String, u64)> {
        let row = |(failure, count): (&Failure, &Count)| {
            (failure.outcome, failure.code, failure.message.to_string(), count.times)
        };
        self.sorted().into_iter().take(limit).map(row).collect()
    }

    fn sorted(&self) -> Vec<(&Failure, &Count)> {
        let mut all: Vec<_> = self.counts.iter().collect();
        all.sort_by(|(a, x), (b, y)| y.times.cmp(&x.times).then_with(|| a.cmp(b)));
        all
    }

    /// Writes them, the most frequent first.
    pub(crate) fn write(&self, to: impl Write) -> csv::Result<()> {
        let mut rows = csv::Writer::from_writer(to);
        rows.write_record(ERRORS_COLUMNS)?;
        for (failure, count) in self.sorted() {
            rows.write_record([
                failure.outcome.as_str(),
                &failure.code.map_or_else(String::new, |code| code.to_string()),
                &failure.message,
                &count.times.to_string(),
                &format!("{:.3}", seconds(count.first_ns)),
                &format!("{:.3}", seconds(count.last_ns)),
                &count.sample_id,
            ])?;
        }
        rows.flush()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_failures_are_one_row_with_its_extent() {
        let mut errors = Errors::default();
        for second in [2, 1, 3] {
            errors.add(Outcome::Rejected, Some(503), "", second * 1_000_000_000, "e");
        }
        errors.add(Outcome::Timeout, None, "slow, very", 0, "t");
        let mut text = Vec::new();
        errors.write(&mut text).unwrap();
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "outcome,code,message,count,first_s,last_s,sample_id\n\
             rejected,503,,3,1.000,3.000,e\n\
             timeout,,\"slow, very\",1,0.000,0.000,t\n"
        );
    }

    #[test]
    fn no_number_of_messages_fills_the_memory() {
        let mut errors = Errors::default();
        for number in 0..LIMIT + 500 {
            errors.add(Outcome::ProtocolError, None, &number.to_string(), 0, "e");
        }
        assert_eq!(errors.counts.len(), LIMIT + 1);
        let total: u64 = errors.counts.values().map(|count| count.times).sum();
        assert_eq!(total, LIMIT as u64 + 500);
    }
}
