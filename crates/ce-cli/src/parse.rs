//! Parsers for the values of flags.

use std::time::Duration;

/// A span such as `250ms`, `90s` or `1m30s`.
pub fn duration(text: &str) -> Result<Duration, String> {
    load_plan::parse_duration(text).map_err(|err| err.to_string())
}

/// A number of bytes such as `300`, `64KiB` or `1MB`.
pub fn size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let scale = match unit {
        "" | "B" => 1,
        "kB" | "KB" => 1000,
        "KiB" => 1 << 10,
        "MB" => 1_000_000,
        "MiB" => 1 << 20,
        _ => 0,
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(scale));
    match bytes {
        Some(bytes) if scale > 0 => Ok(bytes),
        _ => Err(format!("`{text}` is not a size: write a number of bytes such as 300 or 64KiB")),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size("300"), Ok(300));
        assert_eq!(size("64KiB"), Ok(65_536));
        assert_eq!(size("1MB"), Ok(1_000_000));
        for wrong in ["", "KiB", "-1", "1.5MB", "3 apples", "99999999999999999999"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }
}
