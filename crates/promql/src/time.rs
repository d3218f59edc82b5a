//! Durations and timestamps in Prometheus's notation.

use std::fmt::Write as _;

use yunhai_model::TimestampMs;

/// Why a duration or a timestamp was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseTimeError {
    /// The text is not a duration.
    #[error("`{0}` is not a duration: write numbers with units from y to ms, such as 5m or 1h30m")]
    Duration(String),
    /// A duration of nothing.
    #[error("a duration must be greater than 0")]
    Zero,
    /// More than about 290 years.
    #[error("the duration `{0}` is out of range")]
    OutOfRange(String),
    /// The text is not a timestamp.
    #[error(
        "`{0}` is not a timestamp: use seconds since 1970 or RFC 3339 such as 2024-01-31T10:00:00Z"
    )]
    Timestamp(String),
}

/// The units in the order in which they may follow each other.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

/// What fits into Prometheus's nanoseconds.
const MAX_DURATION_MS: i64 = i64::MAX / 1_000_000;

/// Parses a duration such as `5m`, `1h30m` or `250ms` into milliseconds, refusing zero.
pub fn parse_duration(text: &str) -> Result<i64, ParseTimeError> {
    match parse_duration_or_zero(text)? {
        0 => Err(ParseTimeError::Zero),
        duration_ms => Ok(duration_ms),
    }
}

/// Parses a duration such as `5m`, `1h30m`, `0` or `0s` into milliseconds.
pub fn parse_duration_or_zero(text: &str) -> Result<i64, ParseTimeError> {
    if text == "0" {
        return Ok(0);
    }
    let malformed = || ParseTimeError::Duration(text.into());
    let mut rest = text;
    let mut next_unit = 0;
    let mut total: i64 = 0;
    if rest.is_empty() {
        return Err(malformed());
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let letters = rest[digits..]
            .bytes()
            .take_while(u8::is_ascii_alphabetic)
            .count();
        let (number, unit) = rest[..digits + letters].split_at(digits);
        rest = &rest[digits + letters..];
        let position = UNITS[next_unit..]
            .iter()
            .position(|(name, _)| *name == unit)
            .ok_or_else(malformed)?
            + next_unit;
        if digits == 0 {
            return Err(malformed());
        }
        next_unit = position + 1;
        total = number
            .parse::<i64>()
            .ok()
            .and_then(|number| number.checked_mul(UNITS[position].1))
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= MAX_DURATION_MS)
            .ok_or_else(|| ParseTimeError::OutOfRange(text.into()))?;
    }
    Ok(total)
}

/// Parses a number of seconds as a duration in milliseconds, refusing zero.
pub(crate) fn parse_seconds(text: &str) -> Result<i64, ParseTimeError> {
    let seconds = promql_parser::util::parse_str_radix(text)
        .map_err(|_| ParseTimeError::Duration(text.into()))?;
    let duration_ms = seconds * 1000.0;
    if duration_ms.is_nan() || duration_ms > MAX_DURATION_MS as f64 {
        return Err(ParseTimeError::OutOfRange(text.into()));
    }
    if duration_ms < 1.0 {
        return Err(ParseTimeError::Zero);
    }
    Ok(duration_ms as i64)
}

/// Tells whether a word has the form of a duration, however large.
pub(crate) fn looks_like_duration(word: &str) -> bool {
    !matches!(
        parse_duration_or_zero(word),
        Err(ParseTimeError::Duration(_))
    )
}

/// Parses a step or a duration parameter of the HTTP API, a number of seconds or a duration,
/// into milliseconds.
pub fn parse_step(text: &str) -> Result<i64, ParseTimeError> {
    match text.parse::<f64>() {
        Ok(seconds) => {
            let duration_ms = seconds * 1000.0;
            if duration_ms.is_nan() || duration_ms.abs() > MAX_DURATION_MS as f64 {
                return Err(ParseTimeError::OutOfRange(text.into()));
            }
            if duration_ms < 1.0 {
                return Err(ParseTimeError::Zero);
            }
            Ok(duration_ms as i64)
        }
        Err(_) => parse_duration(text),
    }
}

/// Parses a timestamp, seconds since 1970 with a fraction or RFC 3339, into milliseconds.
pub fn parse_timestamp(text: &str) -> Result<TimestampMs, ParseTimeError> {
    let malformed = || ParseTimeError::Timestamp(text.into());
    if let Ok(seconds) = text.parse::<f64>() {
        let timestamp_ms = (seconds * 1000.0).round();
        // Half of the range leaves room for offsets and ranges.
        return if timestamp_ms.abs() <= MAX_DURATION_MS as f64 {
            Ok(timestamp_ms as i64)
        } else {
            Err(malformed())
        };
    }
    text.parse::<jiff::Timestamp>()
        .map(jiff::Timestamp::as_millisecond)
        .map_err(|_| malformed())
}

/// Writes a duration as Prometheus does: `90000` is `1m30s`, nothing is `0s`.
pub fn format_duration(duration_ms: i64) -> String {
    if duration_ms == 0 {
        return "0s".into();
    }
    let mut text = String::from(if duration_ms < 0 { "-" } else { "" });
    let mut rest = duration_ms.unsigned_abs();
    for (at, (unit, size)) in UNITS.iter().enumerate() {
        let size = size.unsigned_abs();
        // Years and weeks only where they come out even: 90d reads better than 12w6d.
        if at < 2 && !rest.is_multiple_of(size) {
            continue;
        }
        if rest >= size {
            // Writing to a string cannot fail.
            let _ = write!(text, "{}{unit}", rest / size);
            rest %= size;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_parsed_in_the_order_of_units() {
        assert_eq!(parse_duration("5m"), Ok(300_000));
        assert_eq!(parse_duration("1h30m"), Ok(5_400_000));
        assert_eq!(parse_duration("1y2w3d4h5m6s7ms"), Ok(33_019_506_007));
        assert_eq!(parse_duration("0s"), Err(ParseTimeError::Zero));
        for malformed in ["", "m", "5", "5m5m", "5s5m", "5 m", "-5m", "1.5h", "5mm"] {
            assert!(
                matches!(parse_duration(malformed), Err(ParseTimeError::Duration(_))),
                "{malformed}"
            );
        }
        assert!(matches!(
            parse_duration("300y"),
            Err(ParseTimeError::OutOfRange(_))
        ));
    }

    #[test]
    fn durations_are_written_shortly() {
        for text in ["0s", "5m", "1h30m", "90d", "2w", "1d", "1m30s", "250ms"] {
            assert_eq!(format_duration(parse_duration_or_zero(text).unwrap()), text);
        }
    }

    #[test]
    fn timestamps_are_seconds_or_rfc_3339() {
        assert_eq!(parse_timestamp("1435781451.781"), Ok(1_435_781_451_781));
        assert_eq!(
            parse_timestamp("2015-07-01T20:10:51.781Z"),
            Ok(1_435_781_451_781)
        );
        assert_eq!(
            parse_timestamp("2015-07-01T22:10:51+02:00"),
            Ok(1_435_781_451_000)
        );
        assert!(parse_timestamp("yesterday").is_err());
        assert!(parse_timestamp("NaN").is_err());
        assert!(parse_timestamp("1e300").is_err());
    }

    #[test]
    fn steps_are_seconds_or_durations() {
        assert_eq!(parse_step("15"), Ok(15_000));
        assert_eq!(parse_step("0.5"), Ok(500));
        assert_eq!(parse_step("1m"), Ok(60_000));
        assert!(parse_step("0").is_err());
        assert!(parse_step("-1").is_err());
    }
}
