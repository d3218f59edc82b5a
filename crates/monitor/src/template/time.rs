//! Times and durations as Go prints them, and the layouts of its `Format`.

use std::fmt;

use jiff::Timestamp;
use jiff::civil::{DateTime, Weekday};
use jiff::tz::TimeZone;

use super::value::Value;

/// A moment in UTC, to the millisecond as Prometheus keeps it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Time(DateTime, Timestamp);

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// The parts that a layout can have, the longer ones before those that they begin with.
const PARTS: [&str; 38] = [
    "January",
    "Jan",
    "Monday",
    "Mon",
    "MST",
    "002",
    "01",
    "02",
    "03",
    "04",
    "05",
    "06",
    "15",
    "1",
    "2006",
    "2",
    "__2",
    "_2",
    "3",
    "4",
    "5",
    "PM",
    "pm",
    "-07:00:00",
    "-070000",
    "-07:00",
    "-0700",
    "-07",
    "Z07:00:00",
    "Z070000",
    "Z07:00",
    "Z0700",
    "Z07",
    ".0",
    ".9",
    ",0",
    ",9",
    "_2006",
];

impl Time {
    /// Makes a time of seconds since the Unix epoch.
    pub(super) fn from_secs(secs: f64) -> Result<Self, String> {
        let nanos = nanos(secs)?;
        let timestamp = Timestamp::from_millisecond(nanos / 1_000_000)
            .map_err(|_| format!("{secs} is no time"))?;
        let time = timestamp.to_zoned(TimeZone::UTC).datetime();
        Ok(Self(time, timestamp))
    }

    /// A field or a method without arguments.
    pub(super) fn field(self, name: &str) -> Option<Value> {
        let Self(time, timestamp) = self;
        Some(match name {
            "Year" => Value::Integer(time.year().into()),
            "Month" => Value::Named(time.month().into(), self.month()),
            "Day" => Value::Integer(time.day().into()),
            "Hour" => Value::Integer(time.hour().into()),
            "Minute" => Value::Integer(time.minute().into()),
            "Second" => Value::Integer(time.second().into()),
            "Nanosecond" => Value::Integer(time.subsec_nanosecond().into()),
            "YearDay" => Value::Integer(time.day_of_year().into()),
            "Weekday" => {
                let number = weekday(time.weekday());
                Value::Named(number, WEEKDAYS[number as usize])
            }
            "Unix" => Value::Integer(timestamp.as_millisecond().div_euclid(1000)),
            "UnixMilli" => Value::Integer(timestamp.as_millisecond()),
            "UnixNano" => Value::Integer(timestamp.as_millisecond().saturating_mul(1_000_000)),
            "UTC" => Value::Time(self),
            "String" => Value::Text(self.to_string()),
            _ => return None,
        })
    }

    fn month(self) -> &'static str {
        MONTHS[self.0.month() as usize - 1]
    }

    /// Writes the time in a layout: an example, written for the second of January 2006.
    pub(super) fn format(self, layout: &str) -> String {
        let mut output = String::new();
        let mut rest = layout;
        while let Some(first) = rest.chars().next() {
            let found = PARTS.iter().find_map(|part| {
                rest.starts_with(part)
                    .then(|| self.part(part, &rest[part.len()..]))
                    .flatten()
            });
            let length = if let Some((text, length)) = found {
                output.push_str(&text);
                length
            } else {
                output.push(first);
                first.len_utf8()
            };
            rest = &rest[length..];
        }
        output
    }

    /// What stands for a part of a layout, and the length of the part; `None` where it only looks
    /// like one, by what follows.
    fn part(self, part: &str, after: &str) -> Option<(String, usize)> {
        let time = self.0;
        let is_word_on = after.starts_with(|c: char| c.is_ascii_lowercase());
        let hour = match time.hour() % 12 {
            0 => 12,
            hour => hour,
        };
        let weekday = WEEKDAYS[weekday(time.weekday()) as usize];
        let text = match part {
            "January" => self.month().to_owned(),
            "Jan" if !is_word_on => self.month()[..3].to_owned(),
            "Monday" => weekday.to_owned(),
            "Mon" if !is_word_on => weekday[..3].to_owned(),
            "Jan" | "Mon" => return None,
            "MST" => "UTC".to_owned(),
            "002" => format!("{:03}", time.day_of_year()),
            "01" => format!("{:02}", time.month()),
            "02" => format!("{:02}", time.day()),
            "03" => format!("{hour:02}"),
            "04" => format!("{:02}", time.minute()),
            "05" => format!("{:02}", time.second()),
            "06" => format!("{:02}", time.year().rem_euclid(100)),
            "15" => format!("{:02}", time.hour()),
            "1" => time.month().to_string(),
            "2006" => format!("{:04}", time.year()),
            "2" => time.day().to_string(),
            "__2" => format!("{:3}", time.day_of_year()),
            "_2" if after.starts_with("006") => return None,
            "_2" => format!("{:2}", time.day()),
            "_2006" => format!("_{:04}", time.year()),
            "3" => hour.to_string(),
            "4" => time.minute().to_string(),
            "5" => time.second().to_string(),
            "PM" => if time.hour() < 12 { "AM" } else { "PM" }.to_owned(),
            "pm" => if time.hour() < 12 { "am" } else { "pm" }.to_owned(),
            "-07:00:00" => "+00:00:00".to_owned(),
            "-070000" => "+000000".to_owned(),
            "-07:00" => "+00:00".to_owned(),
            "-0700" => "+0000".to_owned(),
            "-07" => "+00".to_owned(),
            zone if zone.starts_with('Z') => "Z".to_owned(),
            // A point or comma with a run of zeros or nines: parts of a second.
            _ => return self.fraction(part, after),
        };
        Some((text, part.len()))
    }

    fn fraction(self, part: &str, after: &str) -> Option<(String, usize)> {
        let (point, digit) = part.split_at(1);
        let more = after.len() - after.trim_start_matches(digit).len();
        if after[more..].starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let digits = format!("{:09}", self.0.subsec_nanosecond());
        let shown: String = digits
            .chars()
            .chain("0".chars().cycle())
            .take(more + 1)
            .collect();
        let text = if digit == "9" {
            let shown = shown.trim_end_matches('0');
            if shown.is_empty() {
                String::new()
            } else {
                format!("{point}{shown}")
            }
        } else {
            format!("{point}{shown}")
        };
        Some((text, part.len() + more))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.format("2006-01-02 15:04:05.999999999 -0700 MST"))
    }
}

fn weekday(day: Weekday) -> i64 {
    day.to_sunday_zero_offset().into()
}

/// Nanoseconds out of seconds.
pub(super) fn nanos(secs: f64) -> Result<i64, String> {
    let nanos = secs * 1e9;
    if nanos.is_finite() && nanos.abs() < i64::MAX as f64 {
        Ok(nanos as i64)
    } else {
        Err(format!("{secs} s is out of range"))
    }
}

/// What Go prints of a duration: `1h2m3.5s`, `12ms`.
pub(super) fn duration_text(nanos: i64) -> String {
    let sign = if nanos < 0 { "-" } else { "" };
    let whole = nanos.unsigned_abs();
    let scaled = |divisor: u64, width: usize| {
        let (number, fraction) = (whole / divisor, whole % divisor);
        let fraction = format!("{fraction:0width$}");
        match fraction.trim_end_matches('0') {
            "" => number.to_string(),
            fraction => format!("{number}.{fraction}"),
        }
    };
    match whole {
        0 => "0s".to_owned(),
        1..1_000 => format!("{sign}{whole}ns"),
        1_000..1_000_000 => format!("{sign}{}µs", scaled(1_000, 3)),
        1_000_000..1_000_000_000 => format!("{sign}{}ms", scaled(1_000_000, 6)),
        _ => {
            let minutes = whole / 60_000_000_000;
            let (hours, minutes) = (minutes / 60, minutes % 60);
            let secs = {
                let below = whole % 60_000_000_000;
                let fraction = format!("{:09}", below % 1_000_000_000);
                match fraction.trim_end_matches('0') {
                    "" => (below / 1_000_000_000).to_string(),
                    fraction => format!("{}.{fraction}", below / 1_000_000_000),
                }
            };
            match (hours, minutes) {
                (0, 0) => format!("{sign}{secs}s"),
                (0, _) => format!("{sign}{minutes}m{secs}s"),
                _ => format!("{sign}{hours}h{minutes}m{secs}s"),
            }
        }
    }
}

/// A method of a duration.
pub(super) fn duration_field(nanos: i64, name: &str) -> Option<Value> {
    let secs = nanos as f64 / 1e9;
    Some(match name {
        "Hours" => Value::Number(secs / 3600.0),
        "Minutes" => Value::Number(secs / 60.0),
        "Seconds" => Value::Number(secs),
        "Milliseconds" => Value::Integer(nanos / 1_000_000),
        "Microseconds" => Value::Integer(nanos / 1_000),
        "Nanoseconds" => Value::Integer(nanos),
        "String" => Value::Text(duration_text(nanos)),
        _ => return None,
    })
}
