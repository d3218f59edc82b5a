//! How fast a counter or a gauge moves: `rate`, `increase`, `delta`, `irate`, `idelta`, `resets`,
//! `changes`.

use super::window::Window;
use crate::engine::Semantics;

pub(crate) fn rate(window: &Window<'_>) -> Option<f64> {
    let range_seconds = (window.end_ms - window.start_ms) as f64 / 1000.0;
    extrapolated(window, true, Some(range_seconds))
}

pub(crate) fn increase(window: &Window<'_>) -> Option<f64> {
    extrapolated(window, true, None)
}

pub(crate) fn delta(window: &Window<'_>) -> Option<f64> {
    extrapolated(window, false, None)
}

/// The change over the whole window, extrapolated from the samples in it to its edges; per second
/// where `per_seconds` is given. Counters are corrected for resets and not extrapolated below zero.
fn extrapolated(window: &Window<'_>, is_counter: bool, per_seconds: Option<f64>) -> Option<f64> {
    if window.samples.len() < 2 {
        return None;
    }
    let (first, last) = (window.first(), window.last());
    let mut change = last.value - first.value;
    if is_counter {
        for pair in window.samples.windows(2) {
            if pair[1].value < pair[0].value {
                change += pair[0].value;
            }
        }
    }

    let mut to_start = (first.timestamp_ms - window.start_ms) as f64 / 1000.0;
    let mut to_end = (window.end_ms - last.timestamp_ms) as f64 / 1000.0;
    let sampled = (last.timestamp_ms - first.timestamp_ms) as f64 / 1000.0;
    let between_samples = sampled / (window.samples.len() - 1) as f64;
    // A gap to the edge that is hardly longer than between samples is an accident of timing: the
    // series is taken to span it. Otherwise it began or ended in the window, half a gap away.
    let threshold = between_samples * 1.1;
    let half = between_samples / 2.0;
    let limit_to_zero = |to_start: f64| {
        if is_counter && change > 0.0 && first.value >= 0.0 {
            to_start.min(sampled * (first.value / change))
        } else {
            to_start
        }
    };
    match window.semantics {
        Semantics::Prometheus2 => {
            to_start = limit_to_zero(to_start);
            if to_start >= threshold {
                to_start = half;
            }
        }
        Semantics::Prometheus3 => {
            if to_start >= threshold {
                to_start = half;
            }
            to_start = limit_to_zero(to_start);
        }
    }
    if to_end >= threshold {
        to_end = half;
    }
    let mut factor = (sampled + to_start + to_end) / sampled;
    if let Some(seconds) = per_seconds {
        factor /= seconds;
    }
    Some(change * factor)
}

pub(crate) fn irate(window: &Window<'_>) -> Option<f64> {
    last_step(window, true)
}

pub(crate) fn idelta(window: &Window<'_>) -> Option<f64> {
    last_step(window, false)
}

/// The change between the last two samples.
fn last_step(window: &Window<'_>, is_rate: bool) -> Option<f64> {
    let [.., previous, last] = window.samples else {
        return None;
    };
    let seconds = (last.timestamp_ms - previous.timestamp_ms) as f64 / 1000.0;
    if last.timestamp_ms == previous.timestamp_ms {
        return None;
    }
    if !is_rate {
        return Some(last.value - previous.value);
    }
    let change = if last.value < previous.value {
        last.value
    } else {
        last.value - previous.value
    };
    Some(change / seconds)
}

pub(crate) fn resets(window: &Window<'_>) -> Option<f64> {
    count_pairs(window, |before, after| after < before)
}

#[allow(clippy::float_cmp)] // any change counts
pub(crate) fn changes(window: &Window<'_>) -> Option<f64> {
    count_pairs(window, |before, after| {
        after != before && !(after.is_nan() && before.is_nan())
    })
}

#[allow(clippy::unnecessary_wraps)] // the shape of all functions over ranges
fn count_pairs(window: &Window<'_>, counts: impl Fn(f64, f64) -> bool) -> Option<f64> {
    let count = window
        .samples
        .windows(2)
        .filter(|pair| counts(pair[0].value, pair[1].value))
        .count();
    Some(count as f64)
}
