//! When to look: due times as plain arithmetic, so that nothing drifts and nothing bursts.

/// Due times at whole multiples of an interval, from zero.
#[derive(Debug, Clone)]
pub struct Ticks {
    every_ns: u64,
    last_ns: Option<u64>,
    due_ns: Option<u64>,
    skipped: u64,
}

impl Ticks {
    /// Ends with a tick at `last_ns`, whether that is a multiple or not.
    pub fn new(every_ns: u64, last_ns: Option<u64>) -> Self {
        Self { every_ns, last_ns, due_ns: Some(0), skipped: 0 }
    }

    /// When the next look is due; `None` after the last.
    pub fn due_ns(&self) -> Option<u64> {
        self.due_ns
    }

    /// Looks that were left out because the one before took too long.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// Goes on to the first due time after `now_ns`. Late looks are not made up for: two in a row
    /// would see the same.
    pub fn advance(&mut self, now_ns: u64) {
        let last_ns = self.last_ns.unwrap_or(u64::MAX);
        let Some(due_ns) = self.due_ns.filter(|&due_ns| due_ns < last_ns) else {
            self.due_ns = None;
            return;
        };
        let past_ns = now_ns.clamp(due_ns, last_ns - 1);
        self.skipped += past_ns / self.every_ns - due_ns / self.every_ns;
        let next_ns = (past_ns / self.every_ns + 1).saturating_mul(self.every_ns);
        self.due_ns = Some(next_ns.min(last_ns));
    }
}

#[cfg(test)]
mod tests {
    use super::Ticks;

    /// Due times when every look takes `takes_ns`, and how many were skipped.
    fn dues(last_ns: Option<u64>, takes_ns: u64) -> (Vec<u64>, u64) {
        let mut ticks = Ticks::new(10, last_ns);
        let mut dues = Vec::new();
        while let Some(due) = ticks.due_ns().filter(|_| dues.len() < 5) {
            dues.push(due);
            ticks.advance(due + takes_ns);
        }
        (dues, ticks.skipped())
    }

    #[test]
    fn looks_are_due_at_multiples_and_at_the_end() {
        assert_eq!(dues(None, 3), (vec![0, 10, 20, 30, 40], 0));
        assert_eq!(dues(Some(20), 3), (vec![0, 10, 20], 0));
        assert_eq!(dues(Some(25), 3), (vec![0, 10, 20, 25], 0));
        assert_eq!(dues(Some(0), 3), (vec![0], 0));
    }

    #[test]
    fn a_look_that_takes_too_long_skips_others() {
        assert_eq!(dues(None, 10), (vec![0, 20, 40, 60, 80], 5));
        assert_eq!(dues(Some(50), 25), (vec![0, 30, 50], 3));
    }
}
