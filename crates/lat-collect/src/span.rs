//! Spans of time for people.

/// Microseconds with a unit that fits; milliseconds with as many digits as there is room for.
pub(crate) fn span(us: u64, digits: u32) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..1_000_000 => {
            let part = us % 1_000 / 10_u64.pow(3 - digits);
            format!("{}.{part:0width$} ms", us / 1_000, width = digits as usize)
        }
        _ => format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000),
    }
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans_have_the_unit_that_fits() {
        let shown = [7, 1_234, 1_034, 999_999, 2_050_000].map(|us| span(us, 2));
        assert_eq!(shown, ["7 µs", "1.23 ms", "1.03 ms", "999.99 ms", "2.05 s"]);
        let short = [7, 1_234, 999_999, 2_050_000].map(|us| span(us, 1));
        assert_eq!(short, ["7 µs", "1.2 ms", "999.9 ms", "2.05 s"]);
    }
}
