//! The records of a run, read back and checked to add up.

use std::collections::BTreeSet;

use ce_record::{End, Outcome, OutcomeCounts, Sample, Start};

/// A whole stream.
#[derive(Debug)]
pub(crate) struct Stream<'a> {
    pub(crate) start: Start,
    pub(crate) samples: Vec<Sample<'a>>,
    pub(crate) end: End,
}

impl<'a> Stream<'a> {
    /// Reads a stream that was not cut short, and checks that every event is accounted for: the
    /// samples are as many as the `end` record says, one for each place in the schedule.
    #[track_caller]
    pub(crate) fn read(text: &'a str) -> Self {
        assert!(text.ends_with('\n'), "the last line is whole");
        let mut lines: Vec<&str> = text.lines().collect();
        let (first, last) = (lines.remove(0), lines.pop().expect("there is an end record"));
        assert!(first.starts_with(r#"{"kind":"start","#), "{first}");
        assert!(last.starts_with(r#"{"kind":"end","#), "{last}");
        let sample = |line: &&'a str| {
            assert!(line.starts_with(r#"{"kind":"sample","#), "{line}");
            serde_json::from_str(line).unwrap_or_else(|err| panic!("{line}: {err}"))
        };
        let mut samples: Vec<Sample<'a>> = lines.iter().map(sample).collect();
        samples.sort_by_key(|sample| sample.seq);
        let this = Self {
            start: serde_json::from_str(first).unwrap(),
            samples,
            end: serde_json::from_str(last).unwrap(),
        };
        this.check_balance();
        this
    }

    #[track_caller]
    fn check_balance(&self) {
        let mut counted = OutcomeCounts::default();
        for sample in self.samples.iter().filter(|sample| !sample.superseded) {
            counted[sample.outcome] += 1;
        }
        let outcomes = self.end.outcomes.expect("a sender has outcomes");
        assert_eq!(outcomes, counted, "the end record counts what the samples say");
        let superseded = self.samples.iter().filter(|sample| sample.superseded).count() as u64;
        assert_eq!(self.end.retried, superseded);
        assert_eq!(self.end.records, outcomes.planned() + superseded);
        assert_eq!(self.end.dropped_records, 0);
        let places: BTreeSet<u64> = self.samples.iter().map(|sample| sample.seq).collect();
        assert!(
            places.into_iter().eq(0..outcomes.planned()),
            "every place of the schedule ends once"
        );
    }

    /// How many events ended so.
    pub(crate) fn count(&self, outcome: Outcome) -> u64 {
        self.end.outcomes.expect("a sender has outcomes")[outcome]
    }

    /// The attempts that ended so.
    pub(crate) fn ended(&self, outcome: Outcome) -> impl Iterator<Item = &Sample<'a>> {
        self.samples.iter().filter(move |sample| sample.outcome == outcome)
    }

    /// Fails unless the events ended in just these ways.
    #[track_caller]
    pub(crate) fn expect_outcomes(&self, expected: &[(Outcome, u64)]) {
        let found: Vec<_> = Outcome::ALL
            .into_iter()
            .map(|outcome| (outcome, self.count(outcome)))
            .filter(|&(_, count)| count > 0)
            .collect();
        assert_eq!(found, expected);
    }
}

/// The value that so many hundredths of `values` do not exceed.
pub(crate) fn percentile(values: impl Iterator<Item = u64>, hundredths: usize) -> u64 {
    let mut values: Vec<u64> = values.collect();
    values.sort_unstable();
    values[(values.len() * hundredths).div_ceil(100).max(1) - 1]
}
