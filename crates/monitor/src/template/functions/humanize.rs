//! Numbers, durations and times as people like to read them.

use super::super::number::format_general;
use super::super::time::Time;

fn scaled(mut value: f64, prefixes: &[&str], factor: f64, is_done: impl Fn(f64) -> bool) -> String {
    let mut prefix = "";
    for next in prefixes {
        if is_done(value.abs()) {
            break;
        }
        prefix = next;
        value *= factor;
    }
    format!("{}{prefix}", format_general(value, 4))
}

const SMALL_PREFIXES: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

pub(super) fn humanize(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        format_general(value, 4)
    } else if value.abs() >= 1.0 {
        scaled(
            value,
            &["k", "M", "G", "T", "P", "E", "Z", "Y"],
            1e-3,
            |value| value < 1000.0,
        )
    } else {
        scaled(value, &SMALL_PREFIXES, 1000.0, |value| value >= 1.0)
    }
}

pub(super) fn humanize_1024(value: f64) -> String {
    if value.abs() <= 1.0 || !value.is_finite() {
        return format_general(value, 4);
    }
    let prefixes = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
    scaled(value, &prefixes, 1.0 / 1024.0, |value| value < 1024.0)
}

pub(super) fn humanize_duration(value: f64) -> String {
    if !value.is_finite() {
        return format_general(value, 4);
    }
    if value == 0.0 {
        return "0s".to_owned();
    }
    if value.abs() < 1.0 {
        return scaled(value, &SMALL_PREFIXES, 1000.0, |value| value >= 1.0) + "s";
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let whole = value.abs() as i64;
    let (days, hours, minutes, secs) = (
        whole / 86_400,
        whole / 3600 % 24,
        whole / 60 % 60,
        whole % 60,
    );
    if days != 0 {
        format!("{sign}{days}d {hours}h {minutes}m {secs}s")
    } else if hours != 0 {
        format!("{sign}{hours}h {minutes}m {secs}s")
    } else if minutes != 0 {
        format!("{sign}{minutes}m {secs}s")
    } else {
        format!("{sign}{}s", format_general(value.abs(), 4))
    }
}

pub(super) fn humanize_timestamp(secs: f64) -> String {
    if !secs.is_finite() {
        return format_general(secs, 4);
    }
    Time::from_secs(secs).map_or_else(|_| format_general(secs, 4), |time| time.to_string())
}
