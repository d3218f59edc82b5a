//! Trends: `deriv`, `predict_linear` and double exponential smoothing (`holt_winters`).

use yunhai_model::TimestampMs;

use super::summation::Sum;
use super::window::Window;

pub(crate) fn deriv(window: &Window<'_>) -> Option<f64> {
    if window.samples.len() < 2 {
        return None;
    }
    // Times relative to the first sample keep the sums small and so precise.
    Some(least_squares(window, window.first().timestamp_ms).slope)
}

pub(crate) fn predict_linear(window: &Window<'_>) -> Option<f64> {
    if window.samples.len() < 2 {
        return None;
    }
    let line = least_squares(window, window.time_ms);
    Some(line.slope * window.scalars[0] + line.intercept)
}

struct Line {
    /// Change per second.
    slope: f64,
    /// The value at the origin.
    intercept: f64,
}

/// Fits a line by least squares.
#[allow(clippy::float_cmp)] // a constant series is one whose values are all the very same
fn least_squares(window: &Window<'_>, origin_ms: TimestampMs) -> Line {
    let first = window.first().value;
    if window.values().all(|value| value == first) {
        let (slope, intercept) = if first.is_infinite() {
            (f64::NAN, f64::NAN)
        } else {
            (0.0, first)
        };
        return Line { slope, intercept };
    }
    let count = window.samples.len() as f64;
    let (mut sum_x, mut sum_y) = (Sum::default(), Sum::default());
    let (mut sum_xy, mut sum_xx) = (Sum::default(), Sum::default());
    for sample in window.samples {
        let x = (sample.timestamp_ms - origin_ms) as f64 / 1e3;
        sum_x.add(x);
        sum_y.add(sample.value);
        sum_xy.add(x * sample.value);
        sum_xx.add(x * x);
    }
    let [x, y, xy, xx] = [sum_x, sum_y, sum_xy, sum_xx].map(|sum| sum.high + sum.low);
    let slope = (xy - x * y / count) / (xx - x * x / count);
    Line {
        slope,
        intercept: y / count - slope * x / count,
    }
}

/// Double exponential smoothing: the smoothed value of the last sample.
pub(crate) fn smoothed(window: &Window<'_>) -> Option<f64> {
    let [smoothing, trend] = *window.scalars else {
        return None;
    };
    let mut values = window.values();
    let (first, second) = (values.next()?, values.next()?);
    let mut level = first;
    let mut slope = second - first;
    let mut previous = 0.0;
    for (at, value) in window.values().enumerate().skip(1) {
        if at > 1 {
            slope = trend * (level - previous) + (1.0 - trend) * slope;
        }
        let next = smoothing * value + (1.0 - smoothing) * (level + slope);
        previous = std::mem::replace(&mut level, next);
    }
    Some(level)
}
