//! Figures in words, short enough for a column.

/// Microseconds with a unit that fits.
pub(crate) fn span(us: u64) -> String {
    crate::span::span(us, 1)
}

/// A count, or a rate with one digit while it is small.
pub(crate) fn rate(per_s: f64) -> String {
    if per_s < 999.95 { format!("{per_s:.1}") } else { format!("{per_s:.0}") }
}

/// Hours, minutes and seconds.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
pub(crate) fn clock(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// A line of bars, the newest value last; a missing value is a gap.
pub(crate) fn sparkline(values: &[Option<f64>], width: usize) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let shown = &values[values.len().saturating_sub(width)..];
    let largest = shown.iter().flatten().copied().fold(0.0, f64::max);
    let bar = |value: &Option<f64>| match value {
        None => ' ',
        Some(value) if largest > 0.0 => {
            let level = BARS.iter().enumerate().rev().find(|&(level, _)| {
                value / largest * 8.0 > u32::try_from(level).map_or(0.0, f64::from)
            });
            level.map_or(BARS[0], |(_, &bar)| bar)
        }
        Some(_) => BARS[0],
    };
    shown.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_the_digits_that_matter() {
        assert_eq!(
            [7, 1_234, 999_999, 2_050_000].map(span),
            ["7 µs", "1.2 ms", "999.9 ms", "2.05 s"]
        );
        assert_eq!([0.04, 999.94, 1234.5].map(rate), ["0.0", "999.9", "1234"]);
        assert_eq!([61.9, 3600.0, -1.0].map(clock), ["01:01", "1:00:00", "00:00"]);
    }

    #[test]
    fn bars_grow_with_the_values_and_gaps_stay_gaps() {
        let values = [Some(9.0), Some(0.0), None, Some(4.0), Some(8.0)];
        assert_eq!(sparkline(&values, 4), "▁ ▄█");
        assert_eq!(sparkline(&[Some(0.0)], 10), "▁");
        assert_eq!(sparkline(&[], 10), "");
    }
}
