//! The order in which a block's series follow each other.
//!
//! Where one series ends and the next begins, the values step from the one's last to the other's
//! first, and a step down is dear ([`delta_pack`](super::delta_pack)). Counters of many servers
//! lie far apart, so that in the order of labels every other step is one; in chains of series that
//! begin where the one before ended there is hardly any.

use std::collections::BTreeSet;

/// So many neighbours in the order of labels change places among themselves, no more: what is
/// read together stays together.
pub(crate) const CHAINED_SERIES: usize = 256;

/// Brings series into an order in which as few as possible begin below the end of the one before.
pub(crate) fn chained<T>(series: Vec<T>, ends: impl Fn(&T) -> (f64, f64)) -> Vec<T> {
    let lasts: Vec<i64> = series.iter().map(|one| sortable(ends(one).1)).collect();
    let mut waiting: BTreeSet<(i64, usize)> = series
        .iter()
        .enumerate()
        .map(|(at, one)| (sortable(ends(one).0), at))
        .collect();
    let mut slots: Vec<Option<T>> = series.into_iter().map(Some).collect();
    let mut chained = Vec::with_capacity(slots.len());
    let mut end = i64::MIN;
    while let Some(next) = waiting
        .range((end, 0)..)
        .next()
        .or_else(|| waiting.first())
        .copied()
    {
        waiting.remove(&next);
        end = lasts[next.1];
        chained.extend(slots[next.1].take());
    }
    chained
}

/// A number with the order of `f64::total_cmp`.
fn sortable(value: f64) -> i64 {
    let bits = value.to_bits().cast_signed();
    bits ^ (((bits >> 63) as u64) >> 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_follow_those_that_end_below_them() {
        let series = vec![
            (50.0, 70.0),
            (-3.0, -1.0),
            (0.0, 60.0),
            (80.0, 90.0),
            (65.0, 66.0),
        ];
        let steps_down = |series: &[(f64, f64)]| {
            let steps = series.windows(2);
            steps.filter(|pair| pair[1].0 < pair[0].1).count()
        };
        let ordered = chained(series.clone(), |one| *one);
        assert_eq!(ordered.len(), series.len());
        assert_eq!((steps_down(&series), steps_down(&ordered)), (2, 1));
    }
}
