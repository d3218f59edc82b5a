//! Statistics of the values in a window: the `…_over_time` functions.
#![allow(clippy::unnecessary_wraps)] // all functions over ranges have one shape

use super::quantile::quantile_of;
use super::summation::{Mean, Sum};
use super::window::{Window, seconds};
use crate::engine::Semantics;

pub(crate) fn sum(window: &Window<'_>) -> Option<f64> {
    let mut sum = Sum::default();
    window.values().for_each(|value| sum.add(value));
    Some(sum.value())
}

pub(crate) fn avg(window: &Window<'_>) -> Option<f64> {
    let mut mean = Mean::default();
    window.values().for_each(|value| mean.add(value));
    Some(mean.value())
}

pub(crate) fn max(window: &Window<'_>) -> Option<f64> {
    window.values().reduce(|max, value| {
        if value > max || max.is_nan() {
            value
        } else {
            max
        }
    })
}

pub(crate) fn min(window: &Window<'_>) -> Option<f64> {
    window.values().reduce(|min, value| {
        if value < min || min.is_nan() {
            value
        } else {
            min
        }
    })
}

pub(crate) fn time_of_max(window: &Window<'_>) -> Option<f64> {
    window
        .samples
        .iter()
        .copied()
        .reduce(|max, sample| {
            if sample.value >= max.value || max.value.is_nan() {
                sample
            } else {
                max
            }
        })
        .map(seconds)
}

pub(crate) fn time_of_min(window: &Window<'_>) -> Option<f64> {
    window
        .samples
        .iter()
        .copied()
        .reduce(|min, sample| {
            if sample.value <= min.value || min.value.is_nan() {
                sample
            } else {
                min
            }
        })
        .map(seconds)
}

/// The population variance, by Welford's method with compensated sums.
pub(crate) fn variance(window: &Window<'_>) -> f64 {
    let mut count = 0.0;
    let (mut mean, mut squares) = (Sum::default(), Sum::default());
    for value in window.values() {
        count += 1.0;
        let delta = value - (mean.high + mean.low);
        mean.add(delta / count);
        squares.add(delta * (value - (mean.high + mean.low)));
    }
    let variance = (squares.high + squares.low) / count;
    if window.semantics == Semantics::Prometheus2 && variance.is_infinite() {
        // Its compensation turns an overflow into NaN.
        f64::NAN
    } else {
        variance
    }
}

pub(crate) fn quantile(window: &Window<'_>) -> Option<f64> {
    let mut values: Vec<f64> = window.values().collect();
    Some(quantile_of(window.scalars[0], &mut values))
}

/// The median of the absolute deviations from the median.
pub(crate) fn median_deviation(window: &Window<'_>) -> Option<f64> {
    let mut values: Vec<f64> = window.values().collect();
    if values.iter().any(|value| value.is_nan()) {
        return Some(f64::NAN);
    }
    let median = quantile_of(0.5, &mut values);
    for value in &mut values {
        *value = (*value - median).abs();
    }
    Some(quantile_of(0.5, &mut values))
}
