//! Quantiles of plain values.

use std::cmp::Ordering;

/// Orders values with NaN before everything, as Prometheus sorts.
pub(crate) fn nan_first(a: f64, b: f64) -> Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Less,
        (false, true) => Ordering::Greater,
        (false, false) => a.partial_cmp(&b).unwrap_or(Ordering::Equal),
    }
}

/// The quantile of some values, interpolated between neighbours; the values get sorted.
/// Outside 0 to 1 it is infinite.
pub(crate) fn quantile_of(quantile: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || quantile.is_nan() {
        return f64::NAN;
    }
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    values.sort_unstable_by(|a, b| nan_first(*a, *b));
    let last = values.len() - 1;
    let rank = quantile * last as f64;
    let lower = (rank.floor() as usize).min(last);
    let upper = (lower + 1).min(last);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_interpolated() {
        let mut values = [3.0, 1.0, 2.0, 4.0];
        assert_eq!(quantile_of(0.5, &mut values), 2.5);
        assert_eq!(quantile_of(0.0, &mut values), 1.0);
        assert_eq!(quantile_of(1.0, &mut values), 4.0);
        assert_eq!(quantile_of(-0.1, &mut values), f64::NEG_INFINITY);
        assert_eq!(quantile_of(1.1, &mut values), f64::INFINITY);
        assert!(quantile_of(0.5, &mut []).is_nan());
    }
}
