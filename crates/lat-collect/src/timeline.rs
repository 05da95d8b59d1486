//! Gauges and marks in the order of time. Streams are read side by side, so rows come a little out of
//! order; they wait until nothing earlier can be expected, and then stand as if they came from one.

use std::collections::BTreeMap;
use std::io::Write;

/// How long rows wait behind the newest one.
const OPEN_MS: i64 = 160_000;
/// The most that wait. Beyond that the first goes, and one that is earlier yet stands behind it.
const MOST: usize = 100_000;

/// Rows of a file whose first column is a time in seconds.
#[derive(Debug)]
pub(crate) struct Timeline<W: Write> {
    /// By time and text; equal rows are counted.
    waiting: BTreeMap<(i64, Vec<String>), u32>,
    newest_ms: i64,
    rows: csv::Writer<W>,
}

impl<W: Write> Timeline<W> {
    /// Rows go to `rows`, which has its header already.
    pub(crate) fn new(rows: csv::Writer<W>) -> Self {
        Self { waiting: BTreeMap::new(), newest_ms: i64::MIN, rows }
    }

    /// Enters a row.
    pub(crate) fn add(&mut self, at_ns: i64, fields: Vec<String>) -> csv::Result<()> {
        let time = ms(at_ns);
        *self.waiting.entry((time, fields)).or_default() += 1;
        self.newest_ms = self.newest_ms.max(time);
        self.write_until(self.newest_ms.saturating_sub(OPEN_MS))?;
        if self.waiting.len() > MOST
            && let Some((row, times)) = self.waiting.pop_first()
        {
            self.write(row, times)?;
        }
        Ok(())
    }

    /// Writes everything that is left.
    pub(crate) fn finish(&mut self) -> csv::Result<()> {
        self.write_until(i64::MAX)?;
        Ok(self.rows.flush()?)
    }

    fn write_until(&mut self, until_ms: i64) -> csv::Result<()> {
        while let Some(first) = self.waiting.first_entry() {
            if first.key().0 >= until_ms {
                break;
            }
            let (row, times) = first.remove_entry();
            self.write(row, times)?;
        }
        Ok(())
    }

    fn write(&mut self, (at_ms, fields): (i64, Vec<String>), times: u32) -> csv::Result<()> {
        let at = format_ms(at_ms);
        for _ in 0..times {
            self.rows.write_record(std::iter::once(&at).chain(&fields))?;
        }
        Ok(())
    }
}

/// Nanoseconds as milliseconds, the nearest.
pub(crate) fn ms(ns: i64) -> i64 {
    ns.saturating_add(500_000).div_euclid(1_000_000)
}

/// `12.345`.
pub(crate) fn format_ms(ms: i64) -> String {
    let sign = if ms < 0 { "-" } else { "" };
    format!("{sign}{}.{:03}", ms.unsigned_abs() / 1000, ms.unsigned_abs() % 1000)
}

/// What [`format_ms`] wrote.
pub(crate) fn parse_ms(text: &str) -> Option<i64> {
    let (whole, decimals) = text.split_once('.')?;
    let (sign, digits) = whole.strip_prefix('-').map_or((1, whole), |digits| (-1, digits));
    let ms = digits.parse::<i64>().ok()?.checked_mul(1000)?;
    let part = if decimals.len() == 3 { decimals.parse::<u16>().ok()? } else { return None };
    Some(sign * ms.checked_add(part.into())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_out_in_the_order_of_time_and_equal_ones_stay() {
        let mut timeline = Timeline::new(csv::Writer::from_writer(Vec::new()));
        for (at_ns, name) in [(2_000_000_000, "b"), (-1_500_000, "a"), (1_999_600_000, "c")] {
            timeline.add(at_ns, vec![name.to_owned()]).unwrap();
            timeline.add(at_ns, vec![name.to_owned()]).unwrap();
        }
        timeline.finish().unwrap();
        let text = timeline.rows.into_inner().unwrap();
        let wanted = "-0.001,a\n-0.001,a\n2.000,b\n2.000,b\n2.000,c\n2.000,c\n";
        assert_eq!(String::from_utf8(text).unwrap(), wanted);
    }

    #[test]
    fn what_is_old_does_not_wait() {
        let mut timeline = Timeline::new(csv::Writer::from_writer(Vec::new()));
        for second in 0..200 {
            timeline.add(second * 1_000_000_000, Vec::new()).unwrap();
        }
        assert_eq!(timeline.waiting.len(), 161);
    }

    #[test]
    fn where_time_stands_still_the_first_rows_go_and_none_is_lost() {
        let mut timeline = Timeline::new(csv::Writer::from_writer(Vec::new()));
        let names = |extra| (0..MOST + extra).map(|number| format!("{number:07}"));
        for name in names(50) {
            timeline.add(0, vec![name]).unwrap();
        }
        assert_eq!(timeline.waiting.len(), MOST);
        timeline.finish().unwrap();
        let text = String::from_utf8(timeline.rows.into_inner().unwrap()).unwrap();
        assert!(text.lines().eq(names(50).map(|name| format!("0.000,{name}"))));
    }

    #[test]
    fn times_are_read_as_they_were_written() {
        for ms in [0, 1, -1, 999, 1000, -1001, 28_800_000] {
            assert_eq!(parse_ms(&format_ms(ms)), Some(ms), "{ms}");
        }
        for text in ["", "1", "1.5", "a.000", "1.0000"] {
            assert_eq!(parse_ms(text), None, "{text}");
        }
    }
}
