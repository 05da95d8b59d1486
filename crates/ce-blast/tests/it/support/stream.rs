//! The records of a run, read back and checked to add up.

use std::collections::BTreeSet;

use ce_record::{End, Mark, Outcome, OutcomeCounts, Sample, Start};

/// A whole stream.
#[derive(Debug)]
pub(crate) struct Stream<'a> {
    pub(crate) start: Start,
    /// The last attempt of each event.
    pub(crate) samples: Vec<Sample<'a>>,
    /// The attempts before it.
    pub(crate) superseded: Vec<Sample<'a>>,
    pub(crate) marks: Vec<Mark<'a>>,
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
        let (marks, lines): (Vec<&str>, Vec<&str>) =
            lines.iter().partition(|line| line.starts_with(r#"{"kind":"mark","#));
        let sample = |line: &&'a str| {
            assert!(line.starts_with(r#"{"kind":"sample","#), "{line}");
            serde_json::from_str(line).unwrap_or_else(|err| panic!("{line}: {err}"))
        };
        let (superseded, mut samples): (Vec<Sample<'a>>, Vec<Sample<'a>>) =
            lines.iter().map(sample).partition(|sample: &Sample<'a>| sample.superseded);
        samples.sort_by_key(|sample| sample.seq);
        let this = Self {
            start: serde_json::from_str(first).unwrap(),
            samples,
            superseded,
            marks: marks.iter().map(|line| serde_json::from_str(line).unwrap()).collect(),
            end: serde_json::from_str(last).unwrap(),
        };
        this.check_balance();
        this
    }

    #[track_caller]
    fn check_balance(&self) {
        let mut counted = OutcomeCounts::default();
        for sample in &self.samples {
            counted[sample.outcome] += 1;
        }
        let outcomes = self.end.outcomes.expect("a sender has outcomes");
        assert_eq!(outcomes, counted, "the end record counts what the samples say");
        let others = (self.superseded.len() + self.marks.len()) as u64;
        assert_eq!(self.end.records, outcomes.planned() + others);
        assert_eq!(self.end.retried, self.superseded.len() as u64);
        self.check_attempts();
        assert_eq!(self.end.dropped_records, 0);
        let places: BTreeSet<u64> = self.samples.iter().map(|sample| sample.seq).collect();
        assert!(
            places.into_iter().eq(0..outcomes.planned()),
            "every place of the schedule ends once"
        );
    }

    /// Every event has attempts 1, 2, … up to its last one, all of the same event.
    #[track_caller]
    fn check_attempts(&self) {
        let mut seen = BTreeSet::new();
        for sample in self.samples.iter().chain(&self.superseded) {
            let last = &self.samples[usize::try_from(sample.seq).unwrap()];
            assert_eq!((&sample.id, &sample.source), (&last.id, &last.source));
            assert_eq!(sample.due_ns, last.due_ns);
            assert!(sample.attempt <= last.attempt, "{sample:?}");
            assert!(seen.insert((sample.seq, sample.attempt)), "twice: {sample:?}");
        }
        let attempts: u64 = self.samples.iter().map(|last| u64::from(last.attempt)).sum();
        assert_eq!(attempts, seen.len() as u64, "no attempt is left out");
    }

    /// All attempts, those for one event one after the other.
    pub(crate) fn attempts(&self) -> Vec<&Sample<'a>> {
        let mut all: Vec<_> = self.samples.iter().chain(&self.superseded).collect();
        all.sort_by_key(|sample| (sample.seq, sample.attempt));
        all
    }

    /// What the marks say, in the order of the stream.
    pub(crate) fn marked(&self) -> Vec<&str> {
        self.marks.iter().map(|mark| mark.what.as_ref()).collect()
    }

    /// How many events ended so.
    pub(crate) fn count(&self, outcome: Outcome) -> u64 {
        self.end.outcomes.expect("a sender has outcomes")[outcome]
    }

    /// The last attempts that ended so.
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
