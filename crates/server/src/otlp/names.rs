//! Names as Prometheus has them: with the unit in words, `_total`, and no sign beyond its own.

use std::fmt::Write;

use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;

/// Returns the metric's name with its unit and, for a counter, `_total`.
pub(super) fn metric_name(metric: &Metric) -> String {
    let mut name = sanitize(&metric.name, true);
    let is_counter = matches!(&metric.data, Some(Data::Sum(sum)) if sum.is_monotonic);
    let is_gauge = matches!(&metric.data, Some(Data::Gauge(_)));
    let unit = unit_words(&metric.unit, is_gauge);
    if !unit.is_empty() && !name.ends_with(&unit) && !name.ends_with(&format!("{unit}_total")) {
        name.truncate(name.trim_end_matches("_total").len());
        let _ = write!(name, "_{unit}");
    }
    if is_counter && !name.ends_with("_total") {
        name.push_str("_total");
    }
    name
}

/// The words that Prometheus has for a unit of the UCUM; none for what is only remarked in braces.
fn unit_words(unit: &str, is_gauge: bool) -> String {
    if unit == "1" {
        return if is_gauge { "ratio" } else { "" }.to_owned();
    }
    let (unit, per) = unit.split_once('/').unwrap_or((unit, ""));
    let word = unit_word(unit).unwrap_or_default();
    match per_word(per) {
        None => word.to_owned(),
        Some(per) if word.is_empty() => format!("per_{per}"),
        Some(per) => format!("{word}_per_{per}"),
    }
}

fn per_word(unit: &str) -> Option<&'static str> {
    Some(match unit {
        "s" => "second",
        "min" | "m" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "mo" => "month",
        "y" => "year",
        _ => return None,
    })
}

fn unit_word(unit: &str) -> Option<&'static str> {
    Some(match unit {
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "TiBy" => "tibibytes",
        "KBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "TBy" => "terabytes",
        "bit" => "bits",
        "V" => "volts",
        "A" => "amperes",
        "J" => "joules",
        "W" => "watts",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "%" => "percent",
        "m" => "meters",
        "g" => "grams",
        _ => return None,
    })
}

/// Replaces what a name of Prometheus cannot have; `:` may stand in metrics alone.
pub(super) fn sanitize(name: &str, is_metric: bool) -> String {
    let mut sanitized: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '_' || (is_metric && c == ':') {
                c
            } else {
                '_'
            }
        })
        .collect();
    if sanitized.is_empty() || sanitized.starts_with(|c: char| c.is_ascii_digit()) {
        sanitized.insert(0, '_');
    }
    sanitized
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_of_a_rate_are_words() {
        assert_eq!(unit_words("By/s", false), "bytes_per_second");
        assert_eq!(unit_words("{request}/s", false), "per_second");
        assert_eq!(unit_words("1", true), "ratio");
        assert_eq!(unit_words("{packet}", true), "");
    }
}
