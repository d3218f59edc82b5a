//! Durations as Prometheus writes them in rule files: `5m`, `1h30m`, `0`.

use std::fmt::Write;

/// Units from the largest to the smallest, the only order in which they may follow each other.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Parses a duration into milliseconds (`model.ParseDuration` of Prometheus).
pub(crate) fn parse_duration_ms(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is not a duration; write it like `30s`, `5m` or `1h30m`");
    if text == "0" {
        return Ok(0);
    }
    let mut rest = text;
    let mut total: i64 = 0;
    let mut allowed = &UNITS[..];
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: i64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let at = allowed
            .iter()
            .position(|(unit, _)| *unit == &rest[..letters])
            .ok_or_else(wrong)?;
        total = number
            .checked_mul(allowed[at].1)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(|| format!("`{text}` is too long a duration"))?;
        allowed = &allowed[at + 1..];
        rest = &rest[letters..];
    }
    if text.is_empty() {
        Err(wrong())
    } else {
        Ok(total)
    }
}

/// Writes milliseconds as Prometheus does: the largest units first, years and weeks only where
/// they divide the whole.
pub(crate) fn format_duration_ms(duration_ms: i64) -> String {
    if duration_ms == 0 {
        return "0s".to_owned();
    }
    let mut text = String::new();
    let mut rest = duration_ms.unsigned_abs();
    if duration_ms < 0 {
        text.push('-');
    }
    for (unit, size) in UNITS {
        let size = size.unsigned_abs();
        let is_whole_only = matches!(unit, "y" | "w");
        if rest < size || (is_whole_only && !rest.is_multiple_of(size)) {
            continue;
        }
        write!(text, "{}{unit}", rest / size).expect("writing to a text does not fail");
        rest %= size;
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_those_of_prometheus() {
        for (text, expected_ms) in [
            ("0", 0),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("1w", 604_800_000),
            ("10ms", 10),
            ("2d3h", 183_600_000),
        ] {
            assert_eq!(parse_duration_ms(text), Ok(expected_ms), "{text}");
        }
        for text in ["", "5", "5 m", "m", "1m1h", "1.5h", "-5m", "99999999999y"] {
            assert!(parse_duration_ms(text).is_err(), "{text}");
        }
        assert_eq!(format_duration_ms(5_400_000), "1h30m");
        assert_eq!(format_duration_ms(14 * 86_400_000), "2w");
    }

    proptest! {
        #[test]
        fn a_written_duration_reads_back(duration_ms in 0_i64..10_000_000_000_000) {
            prop_assert_eq!(parse_duration_ms(&format_duration_ms(duration_ms)), Ok(duration_ms));
        }
    }
}
