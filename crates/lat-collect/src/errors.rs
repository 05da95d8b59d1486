//! Attempts that failed, or failed a check, counted by what they have in common.

use std::collections::HashMap;
use std::io::Write;

use ce_record::Outcome;
use ce_record::run_dir::ERRORS_COLUMNS;
use ce_record::totals::ErrorTotals;

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
        let failure = Failure { outcome, code, message: message.into() };
        self.enter(failure, 1, (due_ns, due_ns), id);
    }

    /// So many times, from the first due time to the last. The sample is that of the first, of several
    /// the smallest: whatever is entered first.
    fn enter(
        &mut self,
        mut failure: Failure,
        times: u64,
        (first_ns, last_ns): (i64, i64),
        id: &str,
    ) {
        if self.counts.len() >= LIMIT && !self.counts.contains_key(&failure) {
            failure.message = "(other messages)".into();
        }
        let count = self.counts.entry(failure).or_insert_with(|| Count {
            times: 0,
            first_ns,
            last_ns,
            sample_id: id.into(),
        });
        count.times = count.times.saturating_add(times);
        if (first_ns, id) < (count.first_ns, &*count.sample_id) {
            count.sample_id = id.into();
        }
        count.first_ns = count.first_ns.min(first_ns);
        count.last_ns = count.last_ns.max(last_ns);
    }

    /// Every failure with its exact times.
    pub(crate) fn totals(&self) -> Vec<ErrorTotals> {
        let totals = |(failure, count): (&Failure, &Count)| ErrorTotals {
            outcome: failure.outcome,
            code: failure.code,
            message: failure.message.to_string(),
            count: count.times,
            first_ns: count.first_ns,
            last_ns: count.last_ns,
            sample_id: count.sample_id.to_string(),
        };
        self.sorted().into_iter().map(totals).collect()
    }

    /// Adds what another directory counted, on a clock that began `shift_ns` earlier.
    pub(crate) fn add_totals(&mut self, totals: &ErrorTotals, shift_ns: i64) {
        let ErrorTotals { outcome, code, ref message, count, first_ns, last_ns, .. } = *totals;
        let failure = Failure { outcome, code, message: message.as_str().into() };
        let extent = (first_ns.saturating_add(shift_ns), last_ns.saturating_add(shift_ns));
        self.enter(failure, count, extent, &totals.sample_id);
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
