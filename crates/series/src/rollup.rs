//! Roll-ups: a series reduced to one row for each five minutes or hour, and read back.
//!
//! A row stands for the bucket that its timestamp lies in; the timestamp is that of the bucket's
//! last sample, so that `last` is a real sample. NaN and staleness markers are left out. For
//! counters `increase` is the growth since the last sample of the bucket before, a fall being a
//! reset to zero as Prometheus reads it, so that no reset inside a bucket is lost. Rows of a series
//! that has one sample a bucket are those samples, and are stored as such.

use yunhai_model::{Sample, TimestampMs, stale_nan};

use crate::block::{Points, Resolution, RollupColumn};

/// Reduces raw samples of one series. Samples before `start_ms` only tell where a counter stood.
pub(crate) fn roll_up(
    times: &[TimestampMs],
    values: &[f64],
    start_ms: TimestampMs,
    resolution: Resolution,
    is_counter: bool,
) -> Points {
    let bucket_ms = resolution.bucket_ms();
    let mut points = Points::new(resolution);
    let mut bucket: Option<Bucket> = None;
    let mut previous: Option<f64> = None;
    for (&time, &value) in times.iter().zip(values) {
        if value.is_nan() {
            continue;
        }
        let growth = previous
            .replace(value)
            .map_or(0.0, |before| grown(before, value));
        if time < start_ms {
            continue;
        }
        let number = time.div_euclid(bucket_ms);
        match &mut bucket {
            Some(open) if open.number == number => open.add(time, value, growth),
            _ => {
                if let Some(done) = bucket.take() {
                    done.finish(is_counter, &mut points);
                }
                bucket = Some(Bucket::new(number, time, value, growth));
            }
        }
    }
    if let Some(done) = bucket {
        done.finish(is_counter, &mut points);
    }
    points
}

/// How far a counter grew from one sample to the next; a fall is a reset to zero.
fn grown(before: f64, value: f64) -> f64 {
    if value < before {
        value
    } else {
        value - before
    }
}

struct Bucket {
    number: i64,
    time: TimestampMs,
    min: f64,
    max: f64,
    sum: f64,
    last: f64,
    increase: f64,
    count: f64,
}

impl Bucket {
    fn new(number: i64, time: TimestampMs, value: f64, growth: f64) -> Self {
        Self {
            number,
            time,
            min: value,
            max: value,
            sum: value,
            last: value,
            increase: growth,
            count: 1.0,
        }
    }

    fn add(&mut self, time: TimestampMs, value: f64, growth: f64) {
        self.time = time;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum += value;
        self.last = value;
        self.increase += growth;
        self.count += 1.0;
    }

    fn finish(self, is_counter: bool, into: &mut Points) {
        let increase = if is_counter {
            self.increase
        } else {
            stale_nan()
        };
        let row = [
            self.min, self.max, self.sum, self.last, increase, self.count,
        ];
        into.times.push(self.time);
        for (column, value) in into.columns.iter_mut().zip(row) {
            // An infinite sum may become NaN with the bits of no marker; NULL is only ever the
            // missing increase.
            column.push(value);
        }
    }
}

/// What a query does with a series, as far as it decides how a roll-up stands in for samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    Min,
    Max,
    /// Sums, counts and averages over time: as many samples as there were, each the average.
    Average,
    /// Rates and increases of counters.
    Growth,
    /// Everything else: the last sample of each bucket.
    Last,
}

impl Reading {
    /// Tells how the innermost function around a selector reads the samples.
    pub(crate) fn of_function(function: Option<&str>) -> Self {
        match function {
            Some("min_over_time") => Self::Min,
            Some("max_over_time") => Self::Max,
            Some("avg_over_time" | "sum_over_time" | "count_over_time") => Self::Average,
            Some("rate" | "increase") => Self::Growth,
            _ => Self::Last,
        }
    }
}

/// Turns roll-up rows into samples that give a query what the raw samples would have given.
pub(crate) fn to_samples(points: &Points, resolution: Resolution, reading: Reading) -> Vec<Sample> {
    let column = |which: RollupColumn| &points.columns[which as usize];
    let plain = |which: RollupColumn| {
        points
            .times
            .iter()
            .zip(column(which))
            .map(|(&timestamp_ms, &value)| Sample {
                timestamp_ms,
                value,
            })
            .collect()
    };
    match reading {
        Reading::Min => plain(RollupColumn::Min),
        Reading::Max => plain(RollupColumn::Max),
        Reading::Last => plain(RollupColumn::Last),
        Reading::Growth => {
            let mut samples: Vec<Sample> = plain(RollupColumn::Last);
            let increases = column(RollupColumn::Increase);
            if increases.iter().all(|increase| increase.is_nan()) {
                // Not a counter, or rows that are samples themselves: resets are where they were.
                return samples;
            }
            let lasts = column(RollupColumn::Last);
            // Anchored at the newest value, so that raw samples go on from there without a reset.
            for at in (1..samples.len()).rev() {
                let increase = match increases[at] {
                    single if single.is_nan() => grown(lasts[at - 1], lasts[at]),
                    increase => increase,
                };
                samples[at - 1].value = samples[at].value - increase;
            }
            samples
        }
        Reading::Average => {
            let sums = column(RollupColumn::Sum).iter();
            let rows = sums.zip(column(RollupColumn::Count)).zip(&points.times);
            rows.flat_map(|((sum, count), time)| {
                let bucket_ms = resolution.bucket_ms();
                let start = time.div_euclid(bucket_ms) * bucket_ms;
                let (number, value) = (*count as i64, sum / count);
                let span = *time - start;
                // The last one stands where the last sample stood, the others evenly before it.
                (1..=number).map(move |at| Sample {
                    timestamp_ms: start + span * at / number.max(1),
                    value,
                })
            })
            .collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE_MS: i64 = 60_000;

    #[test]
    fn buckets_keep_what_functions_need() {
        let times: Vec<i64> = (0..10).map(|minute| minute * MINUTE_MS).collect();
        let values = [5.0, 1.0, f64::NAN, 3.0, 3.0, 7.0, 8.0, 2.0, 4.0, 4.0];
        let points = roll_up(&times, &values, 0, Resolution::FiveMinutes, false);
        assert_eq!(points.times, [4 * MINUTE_MS, 9 * MINUTE_MS]);
        let column = |which: RollupColumn| points.columns[which as usize].clone();
        assert_eq!(column(RollupColumn::Min), [1.0, 2.0]);
        assert_eq!(column(RollupColumn::Max), [5.0, 8.0]);
        assert_eq!(column(RollupColumn::Sum), [12.0, 25.0]);
        assert_eq!(column(RollupColumn::Count), [4.0, 5.0]);
        let average = to_samples(&points, Resolution::FiveMinutes, Reading::Average);
        assert_eq!(average.len(), 9);
        let total: f64 = average.iter().map(|sample| sample.value).sum();
        assert!((total - 37.0).abs() < 1e-9);
    }

    #[test]
    fn a_counter_that_is_reset_inside_a_bucket_keeps_its_growth() {
        let times: Vec<i64> = (0..10).map(|minute| minute * MINUTE_MS).collect();
        // 0 → 100, reset, 0 → 100: the growth is 90 + 100 whatever the buckets hide.
        let values = [10.0, 50.0, 100.0, 0.0, 30.0, 60.0, 70.0, 80.0, 90.0, 100.0];
        let points = roll_up(&times, &values, MINUTE_MS, Resolution::FiveMinutes, true);
        let increases = &points.columns[RollupColumn::Increase as usize];
        assert!((increases.iter().sum::<f64>() - 190.0).abs() < 1e-9);
        let samples = to_samples(&points, Resolution::FiveMinutes, Reading::Growth);
        let last = samples.last().unwrap();
        assert!((last.value - 100.0).abs() < 1e-9);
        assert!((last.value - samples[0].value - 70.0).abs() < 1e-9);
    }
}
