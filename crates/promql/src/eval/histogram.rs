//! Quantiles of classic histograms: cumulative buckets with the upper bound in the label `le`.

use rustc_hash::FxHashMap;
use yunhai_model::{Labels, METRIC_NAME, is_stale};

use super::{ABSENT, Evaluator, Grid, Series, has_any};
use crate::engine::Error;
use crate::number::parse_go_float;

const BUCKET_LABEL: &str = "le";

#[derive(Clone, Copy, Debug)]
struct Bucket {
    upper_bound: f64,
    count: f64,
}

/// Buckets of one histogram: upper bounds and the series that count them.
type Buckets = Vec<(f64, usize)>;

impl Evaluator<'_> {
    pub(crate) fn histogram_quantile(
        &self,
        quantiles: &[f64],
        series: &[Series],
        grid: Grid,
    ) -> Result<Vec<Series>, Error> {
        self.remark_on_quantiles(quantiles);
        let mut places: FxHashMap<Labels, usize> = FxHashMap::default();
        let mut histograms: Vec<(Labels, Buckets)> = Vec::new();
        for (at, series) in series.iter().enumerate() {
            let Some(upper_bound) = series.labels.get(BUCKET_LABEL).and_then(parse_go_float) else {
                self.warn(format!(
                    "bucket label \"le\" is missing or has a malformed value of \"{}\" for metric name \"{}\"",
                    series.labels.get(BUCKET_LABEL).unwrap_or_default(),
                    series.labels.metric_name().unwrap_or_default()
                ));
                continue;
            };
            let histogram = series.labels.without(&[BUCKET_LABEL]);
            let place = *places.entry(histogram.clone()).or_insert_with(|| {
                histograms.push((histogram.without(&[METRIC_NAME]), Vec::new()));
                histograms.len() - 1
            });
            histograms[place].1.push((upper_bound, at));
        }
        let mut result = Vec::with_capacity(histograms.len());
        let mut present = Vec::new();
        for (labels, mut buckets) in histograms {
            self.limits.check_time()?;
            buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
            let mut values = vec![ABSENT; grid.steps];
            let mut is_fixed = false;
            for (step, (value, quantile)) in values.iter_mut().zip(quantiles).enumerate() {
                present.clear();
                present.extend(
                    buckets
                        .iter()
                        .map(|(upper_bound, at)| Bucket {
                            upper_bound: *upper_bound,
                            count: series[*at].values[step],
                        })
                        .filter(|bucket| !is_stale(bucket.count)),
                );
                if !present.is_empty() {
                    *value = bucket_quantile(*quantile, &mut present, self.is_v3(), &mut is_fixed);
                }
            }
            if is_fixed {
                let name = series[buckets[0].1]
                    .labels
                    .metric_name()
                    .unwrap_or_default();
                self.info(format!(
                    "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) for metric name \"{name}\""
                ));
            }
            if has_any(&values) {
                result.push(Series { labels, values });
            }
        }
        self.merged(result)
    }
}

/// The quantile within buckets that are sorted by upper bound and not empty; NaN where they are
/// no histogram. Values are taken to be spread evenly within a bucket, the lowest one beginning
/// at 0. Notes whether counts had to be corrected.
fn bucket_quantile(
    quantile: f64,
    buckets: &mut Vec<Bucket>,
    ignores_jitter: bool,
    is_fixed: &mut bool,
) -> f64 {
    if quantile.is_nan() {
        return f64::NAN;
    }
    if quantile < 0.0 {
        return f64::NEG_INFINITY;
    }
    if quantile > 1.0 {
        return f64::INFINITY;
    }
    if buckets.last().map(|bucket| bucket.upper_bound) != Some(f64::INFINITY) {
        return f64::NAN;
    }
    coalesce(buckets);
    *is_fixed |= make_monotonic(buckets, ignores_jitter);
    let [below @ .., top] = buckets.as_slice() else {
        return f64::NAN;
    };
    let Some(second_highest) = below.last() else {
        return f64::NAN;
    };
    if top.count == 0.0 {
        return f64::NAN;
    }
    let mut rank = quantile * top.count;
    let at = below
        .iter()
        .position(|bucket| bucket.count >= rank)
        .unwrap_or(below.len());
    if at == below.len() {
        return second_highest.upper_bound;
    }
    let upper = below[at].upper_bound;
    if at == 0 && upper <= 0.0 {
        return upper;
    }
    let (mut lower, mut count) = (0.0, below[at].count);
    if at > 0 {
        lower = below[at - 1].upper_bound;
        count -= below[at - 1].count;
        rank -= below[at - 1].count;
    }
    lower + (upper - lower) * (rank / count)
}

/// Adds up buckets with the same upper bound.
#[allow(clippy::float_cmp)] // the bounds are labels: the same or not
fn coalesce(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|next, kept| {
        let is_same = next.upper_bound == kept.upper_bound;
        if is_same {
            kept.count += next.count;
        }
        is_same
    });
}

/// Lifts counts that are lower than the one before: buckets that were scraped or computed at
/// different moments. Differences that are but rounding are levelled too, where asked for.
/// Tells whether any count was lifted for more than rounding.
fn make_monotonic(buckets: &mut [Bucket], ignores_jitter: bool) -> bool {
    const TOLERANCE: f64 = 1e-12;
    let mut is_fixed = false;
    for at in 1..buckets.len() {
        let (previous, current) = (buckets[at - 1].count, buckets[at].count);
        let is_jitter = (current - previous).abs() < TOLERANCE * (current.abs() + previous.abs());
        if current < previous || (is_jitter && ignores_jitter) {
            buckets[at].count = previous;
            is_fixed |= !is_jitter;
        }
    }
    is_fixed
}
