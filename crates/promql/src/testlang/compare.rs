//! Compares answers with what a script expects.

use std::collections::HashMap;

use yunhai_model::{Labels, Sample, TimeSeries, TimestampMs, is_stale};

use super::script::{Eval, Expectation, When, describe};
use crate::number::GoFloat;
use crate::value::{Annotated, InstantSample, QueryValue};

/// Relative error that values may have.
const EPSILON: f64 = 1e-6;

/// Tells whether two values are the same but for rounding.
#[allow(clippy::float_cmp)] // infinities are equal to themselves only
fn is_almost(a: f64, b: f64) -> bool {
    if is_stale(a) || is_stale(b) {
        return is_stale(a) && is_stale(b);
    }
    if a.is_nan() || b.is_nan() {
        return a.is_nan() && b.is_nan();
    }
    let difference = (a - b).abs();
    a == b || difference < EPSILON * f64::MIN_POSITIVE || difference / (a.abs() + b.abs()) < EPSILON
}

fn check_value(labels: &Labels, expected: f64, actual: f64) -> Result<(), String> {
    if is_almost(expected, actual) {
        Ok(())
    } else {
        Err(format!(
            "{}: expected {}, got {}",
            describe(labels),
            GoFloat(expected),
            GoFloat(actual)
        ))
    }
}

pub(super) fn failure(eval: &Eval, message: &str) -> Result<(), String> {
    for expectation in &eval.expectations {
        if let Expectation::Failure(pattern) = expectation
            && !pattern.is_match(message)
        {
            return Err(format!("expected the failure `{pattern}`, got `{message}`"));
        }
    }
    Ok(())
}

pub(super) fn annotations(eval: &Eval, answer: &Annotated) -> Result<(), String> {
    for expectation in &eval.expectations {
        let (kind, messages, pattern, is_wanted) = match expectation {
            Expectation::Warn(pattern) => ("warning", &answer.warnings, pattern.as_ref(), true),
            Expectation::Info(pattern) => ("info", &answer.infos, pattern.as_ref(), true),
            Expectation::NoWarn => ("warning", &answer.warnings, None, false),
            Expectation::NoInfo => ("info", &answer.infos, None, false),
            Expectation::Failure(_) => continue,
        };
        let prefixed = |message: &String| match kind {
            "warning" => format!("PromQL warning: {message}"),
            _ => format!("PromQL info: {message}"),
        };
        let is_found = messages
            .iter()
            .any(|message| pattern.is_none_or(|pattern| matches(pattern, &prefixed(message))));
        if is_found != is_wanted {
            return Err(match (is_wanted, pattern) {
                (true, Some(pattern)) => {
                    format!("expected the {kind} `{pattern}`, got {messages:?}")
                }
                (true, None) => format!("expected a {kind}, got none"),
                (false, _) => format!("expected no {kind}, got {messages:?}"),
            });
        }
    }
    Ok(())
}

/// Patterns may ask for a position, which ours have not.
fn matches(pattern: &regex::Regex, message: &str) -> bool {
    pattern.is_match(message) || pattern.is_match(&format!("{message} (1:1)"))
}

pub(super) fn value(eval: &Eval, actual: &QueryValue) -> Result<(), String> {
    match actual {
        QueryValue::Scalar(sample) => match eval.scalar {
            Some(expected) => check_value(&Labels::default(), expected, sample.value),
            None => Err(format!("got the scalar {}", GoFloat(sample.value))),
        },
        QueryValue::String { value, .. } => match &eval.text {
            Some(expected) if expected == value => Ok(()),
            // Scripts of Prometheus 2 cannot say what text they expect.
            None if eval.rows.is_empty() && eval.scalar.is_none() => Ok(()),
            _ => Err(format!("expected {:?}, got {value:?}", eval.text)),
        },
        QueryValue::Vector(samples) => vector(eval, samples),
        QueryValue::Matrix(series) => matrix(eval, series),
    }
}

fn vector(eval: &Eval, samples: &[InstantSample]) -> Result<(), String> {
    if let Some(scalar) = eval.scalar {
        return Err(format!(
            "expected the scalar {}, got a vector",
            GoFloat(scalar)
        ));
    }
    if eval.ordered {
        let order = |labels: &mut dyn Iterator<Item = &Labels>| {
            labels.map(describe).collect::<Vec<_>>().join(" ")
        };
        let expected = order(&mut eval.rows.iter().map(|(labels, _)| labels));
        let actual = order(&mut samples.iter().map(|sample| &sample.labels));
        if expected != actual {
            return Err(format!("expected the order {expected}, got {actual}"));
        }
    }
    let mut expected: HashMap<&Labels, f64> = eval
        .rows
        .iter()
        .filter_map(|(labels, values)| Some((labels, (*values.first()?)?)))
        .collect();
    for sample in samples {
        let Some(value) = expected.remove(&sample.labels) else {
            return Err(format!("unexpected {}", describe(&sample.labels)));
        };
        check_value(&sample.labels, value, sample.value)?;
    }
    match expected.keys().next() {
        Some(missing) => Err(format!("missing {}", describe(missing))),
        None => Ok(()),
    }
}

fn matrix(eval: &Eval, series: &[TimeSeries]) -> Result<(), String> {
    let (start_ms, step_ms) = match (eval.when, eval.range_vector) {
        (_, Some(range)) => range,
        (
            When::Range {
                start_ms, step_ms, ..
            },
            None,
        ) => (start_ms, step_ms),
        (When::Instant(_), None) => return Err("got a range vector".into()),
    };
    let scalar_row = eval
        .scalar
        .map(|scalar| (Labels::default(), vec![Some(scalar)]));
    let mut expected: HashMap<&Labels, &[Option<f64>]> = eval
        .rows
        .iter()
        .chain(&scalar_row)
        .map(|(labels, values)| (labels, &**values))
        .collect();
    for series in series {
        let Some(values) = expected.remove(&series.labels) else {
            return Err(format!("unexpected {}", describe(&series.labels)));
        };
        let wanted: Vec<Sample> = values
            .iter()
            .enumerate()
            .filter_map(|(at, value)| {
                Some(Sample {
                    timestamp_ms: start_ms + at as i64 * step_ms,
                    value: (*value)?,
                })
            })
            .collect();
        let times = |samples: &[Sample]| -> Vec<TimestampMs> {
            samples.iter().map(|sample| sample.timestamp_ms).collect()
        };
        if times(&wanted) != times(&series.samples) {
            return Err(format!(
                "{}: expected values at {:?} ms, got them at {:?} ms",
                describe(&series.labels),
                times(&wanted),
                times(&series.samples)
            ));
        }
        for (wanted, got) in wanted.iter().zip(&series.samples) {
            check_value(&series.labels, wanted.value, got.value)
                .map_err(|reason| format!("at {} ms: {reason}", got.timestamp_ms))?;
        }
    }
    match expected.keys().next() {
        Some(missing) => Err(format!("missing {}", describe(missing))),
        None => Ok(()),
    }
}

/// Compares one step of a range with the same moment by itself.
pub(super) fn middle(
    range: &QueryValue,
    instant: &QueryValue,
    time_ms: TimestampMs,
) -> Result<(), String> {
    let QueryValue::Matrix(series) = range else {
        return Err("expected a matrix".into());
    };
    let mut found: HashMap<&Labels, f64> = series
        .iter()
        .filter_map(|series| {
            let sample = series
                .samples
                .iter()
                .find(|sample| sample.timestamp_ms == time_ms)?;
            Some((&series.labels, sample.value))
        })
        .collect();
    let none = Labels::default();
    let expected: Vec<(&Labels, f64)> = match instant {
        QueryValue::Scalar(sample) => vec![(&none, sample.value)],
        QueryValue::Vector(samples) => samples
            .iter()
            .map(|sample| (&sample.labels, sample.value))
            .collect(),
        QueryValue::String { .. } | QueryValue::Matrix(_) => return Ok(()),
    };
    for (labels, value) in expected {
        match found.remove(labels) {
            Some(got) => check_value(labels, value, got)?,
            None => return Err(format!("missing {}", describe(labels))),
        }
    }
    match found.keys().next() {
        Some(extra) => Err(format!("unexpected {}", describe(extra))),
        None => Ok(()),
    }
}
