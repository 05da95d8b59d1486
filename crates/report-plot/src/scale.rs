//! Numbers for people: units, ticks and labels. Pure arithmetic.

/// The unit of an axis of time spans, chosen once for a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Microseconds.
    Us,
    /// Milliseconds.
    Ms,
    /// Seconds.
    S,
}

impl Unit {
    /// The largest unit that a span fills at least once.
    pub fn of(us: f64) -> Self {
        if us >= 1e6 {
            Self::S
        } else if us >= 1e3 {
            Self::Ms
        } else {
            Self::Us
        }
    }

    /// Microseconds in one.
    pub fn us(self) -> f64 {
        match self {
            Self::Us => 1.0,
            Self::Ms => 1e3,
            Self::S => 1e6,
        }
    }

    /// How it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::Us => "µs",
            Self::Ms => "ms",
            Self::S => "s",
        }
    }
}

/// A span with a unit of its own and three digits: `850 µs`, `5.12 ms`, `2.01 s`, `1,200 s`.
pub fn span(us: f64) -> String {
    // 999.6 ms would be rounded to 1000 ms: the unit is that of the rounded value.
    let unit = Unit::of(us * 1.0005);
    let value = us / unit.us();
    let decimals = if unit == Unit::Us || value >= 99.95 {
        0
    } else if value >= 9.995 {
        1
    } else {
        2
    };
    format!("{} {}", decimal(value, decimals), unit.name())
}

/// A count with separators: `12,000`.
pub fn count(value: u64) -> String {
    separated(&value.to_string())
}

/// A number with separators and as many decimals as it needs, three at most.
pub fn number(value: f64) -> String {
    trimmed(&decimal(value, 3))
}

/// The same with six decimals at most, where more depends on them.
pub fn exact(value: f64) -> String {
    trimmed(&decimal(value, 6))
}

/// A rate with three digits: `0.25`, `12.5`, `1,200`.
pub fn rate(per_s: f64) -> String {
    let decimals = if per_s >= 99.95 { 0 } else { usize::from(per_s < 9.995) + 1 };
    trimmed(&decimal(per_s, decimals))
}

/// A share in percent. What is not all is never shown as 100 %, nor what is something as 0 %.
pub fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    let rounded_away = |text: &str| {
        (text.starts_with("100") && ratio < 1.0)
            || (text.trim_matches(['0', '.']).is_empty() && ratio > 0.0)
    };
    let text = (2..=6).map(|digits| format!("{percent:.digits$}")).find(|text| !rounded_away(text));
    match text {
        Some(text) => format!("{text} %"),
        None if ratio < 0.5 => "< 0.000001 %".into(),
        None => "> 99.999999 %".into(),
    }
}

/// Without zeros that say nothing.
fn trimmed(text: &str) -> String {
    let text =
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text };
    text.to_owned()
}

fn decimal(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.split_once('.') {
        Some((whole, rest)) => format!("{}.{rest}", separated(whole)),
        None => separated(&text),
    }
}

fn separated(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |digits| ("-", digits));
    let mut text = String::from(sign);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A position on the run's clock: `1:05` or, in a run of an hour and more, `1:02:05`.
pub fn clock(at_s: f64, run_s: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "a run is shorter than 2^63 seconds")]
    let whole = at_s.floor() as i64;
    let (minutes, seconds) = (whole.div_euclid(60), whole.rem_euclid(60));
    if run_s >= 3600.0 {
        format!("{}:{:02}:{seconds:02}", minutes.div_euclid(60), minutes.rem_euclid(60))
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// A length of time: `850 ms`, `59.2 s`, `5 min 3 s`, `8 h 0 min`.
pub fn length(seconds: f64) -> String {
    if seconds < 60.0 {
        return span(seconds * 1e6);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is at least 60, and a run is shorter than 2^63 seconds"
    )]
    let whole = seconds.round() as u64;
    if whole < 3600 {
        format!("{} min {} s", whole / 60, whole % 60)
    } else {
        format!("{} h {} min", whole / 3600, whole / 60 % 60)
    }
}

/// Round values from zero to `max` or just beyond, at most `limit` steps.
pub fn linear_ticks(max: f64, limit: u32) -> Vec<f64> {
    let max = if max > 0.0 && max.is_finite() { max } else { 1.0 };
    let rough = max / f64::from(limit);
    let decade = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * decade);
    let step = step.into_iter().find(|&step| step >= rough * (1.0 - 1e-9)).unwrap_or(10.0 * decade);
    let steps = (max / step - 1e-9).ceil().max(1.0);
    (0..=2 * limit)
        .map(f64::from)
        .filter(|&index| index <= steps)
        .map(|index| index * step)
        .collect()
}

/// Round values on a logarithmic axis, of which the first and the last enclose `low` … `high`: 1, 2
/// and 5 of each power of ten while they are few, else the powers alone between the ends.
pub fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    #[expect(clippy::cast_possible_truncation, reason = "a logarithm of an f64 is below 309")]
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let powers = first - 1..=last;
    let all = powers.flat_map(|power| [1.0, 2.0, 5.0].map(|factor| factor * 10_f64.powi(power)));
    let all: Vec<f64> = all.collect();
    let mut below = all.iter().rposition(|&tick| tick <= low * (1.0 + 1e-9)).unwrap_or(0);
    let above = all.iter().position(|&tick| tick >= high * (1.0 - 1e-9)).unwrap_or(all.len() - 1);
    // A flat line still needs an axis with a length.
    below = below.min(above.saturating_sub(1));
    all[below..=above].to_vec()
}

/// Whether a label belongs to a tick of [`log_ticks`]: where there are many, only powers of ten.
pub fn log_label(ticks: &[f64], tick: f64) -> bool {
    let power = tick.log10();
    ticks.len() <= 7 || (power - power.round()).abs() < 1e-9
}

/// Round positions on a clock of `end_s` seconds, at most 12 steps.
pub fn clock_ticks(end_s: f64) -> Vec<f64> {
    const STEPS: [u32; 17] =
        [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400];
    let fits = |step: &f64| end_s / step <= 12.0;
    let step = STEPS.map(f64::from).into_iter().find(fits).unwrap_or(end_s / 12.0);
    (0..=12).map(|index| f64::from(index) * step).take_while(|&at| at <= end_s).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_three_digits_and_their_own_unit() {
        let cases = [
            (0.0, "0 µs"),
            (850.0, "850 µs"),
            (5_120.0, "5.12 ms"),
            (99_960.0, "100 ms"),
            (999_600.0, "1.00 s"),
            (2_010_000.0, "2.01 s"),
            (1_200e6, "1,200 s"),
        ];
        for (us, text) in cases {
            assert_eq!(span(us), text, "{us}");
        }
    }

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        let cases =
            [(1.0, "100.00 %"), (0.99999, "99.999 %"), (0.0, "0.00 %"), (0.00001, "0.001 %")];
        for (ratio, text) in cases {
            assert_eq!(percent(ratio), text);
        }
        assert_eq!(percent(1.0 - 1e-12), "> 99.999999 %");
        assert_eq!(percent(1e-12), "< 0.000001 %");
    }

    #[test]
    fn counts_rates_and_numbers_are_readable() {
        assert_eq!([count(0), count(999), count(1_234_567)], ["0", "999", "1,234,567"]);
        assert_eq!([number(0.5), number(2000.0), number(-1500.25)], ["0.5", "2,000", "-1,500.25"]);
        assert_eq!(
            [rate(0.25), rate(12.5), rate(1200.4), rate(100.0)],
            ["0.25", "12.5", "1,200", "100"]
        );
    }

    #[test]
    fn clocks_show_hours_where_the_run_has_them() {
        assert_eq!([clock(65.9, 600.0), clock(65.0, 3600.0)], ["1:05", "0:01:05"]);
        assert_eq!(
            [length(0.85), length(59.2), length(303.0), length(28_800.0)],
            ["850 ms", "59.2 s", "5 min 3 s", "8 h 0 min"]
        );
    }

    #[test]
    fn linear_ticks_start_at_zero_and_cover_the_maximum() {
        assert_eq!(linear_ticks(97.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(linear_ticks(0.0, 5).last(), Some(&1.0));
        for max in [1e-3, 0.3, 1.0, 7.0, 12.0, 101.0, 5e9] {
            let ticks = linear_ticks(max, 5);
            assert!(ticks.len() <= 7 && *ticks.last().unwrap() >= max * 0.999, "{max}: {ticks:?}");
        }
    }

    #[test]
    fn logarithmic_ticks_enclose_the_values() {
        assert_eq!(log_ticks(3.0, 40.0), [2.0, 5.0, 10.0, 20.0, 50.0]);
        let wide = log_ticks(3.0, 2500.0);
        assert_eq!((wide[0], wide[wide.len() - 1]), (2.0, 5000.0));
        let labels: Vec<f64> =
            wide.iter().copied().filter(|&tick| log_label(&wide, tick)).collect();
        assert_eq!(labels, [10.0, 100.0, 1000.0]);
        for (low, high) in [(1.0, 1.0), (10.0, 10.0), (7.0, 7.0), (0.001, 3.6e9)] {
            let ticks = log_ticks(low, high);
            assert!(
                ticks.len() >= 2 && ticks[0] <= low && *ticks.last().unwrap() >= high,
                "{ticks:?}"
            );
        }
    }

    #[test]
    fn clock_ticks_are_round_and_few() {
        assert_eq!(clock_ticks(60.0)[..3], [0.0, 5.0, 10.0]);
        assert_eq!(clock_ticks(1.0), [0.0, 1.0]);
        for end in [0.5, 61.0, 10_000.0, 28_800.0, 1e7] {
            let ticks = clock_ticks(end);
            assert!((1..=13).contains(&ticks.len()), "{end}: {ticks:?}");
        }
    }
}
