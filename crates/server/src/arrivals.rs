//! When the measurements of servers arrive, beside when they say that they were taken: what can be
//! told of the servers' clocks.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use yunhai_model::{METRIC_NAME, Sample, TimeSeries, TimestampMs};
use yunhai_series::IncomingSeries;

/// The metric that is looked at: each server has one series of it.
const METRIC: &str = "server_up";

/// How many minutes with arrivals are kept.
const MINUTES: usize = 10;

/// For how long what is known of a clock holds.
const MEMORY_MS: i64 = 3_600_000;

/// A clock that is behind shows only beyond this: less is an ordinary delay.
const LEAST_LAG_MS: i64 = 60_000;

/// A clock that is behind is so steadily; delays of batches and retries vary by more.
const STEADY_MS: i64 = 10_000;

/// In how many minutes measurements must have arrived before a delay counts as steady.
const LEAST_MINUTES: usize = 5;

/// How many servers are followed at most.
const MAX_SERVERS: usize = 100_000;

/// The arrivals of all servers.
#[derive(Debug, Default)]
pub(crate) struct Arrivals(Mutex<HashMap<String, VecDeque<Minute>>>);

#[derive(Clone, Copy, Debug)]
struct Minute {
    minute: i64,
    /// By how much the newest measurement was ahead of our clock; below 0, behind.
    most_ahead_ms: i64,
}

impl Arrivals {
    /// Notes the servers among the series of a remote write request, which arrived at `now_ms`.
    pub(crate) fn note_borrowed(&self, series: &[IncomingSeries<'_>], now_ms: TimestampMs) {
        let found = series.iter().filter_map(|series| {
            let label = |wanted: &str| {
                let mut labels = series.labels.iter();
                Some(labels.find(|(name, _)| *name == wanted)?.1)
            };
            label(METRIC_NAME).filter(|name| *name == METRIC)?;
            Some((label("server")?, newest(series.samples)?))
        });
        self.note_all(found.collect(), now_ms);
    }

    /// Notes the servers among the series of another request, which arrived at `now_ms`.
    pub(crate) fn note(&self, series: &[TimeSeries], now_ms: TimestampMs) {
        let found = series.iter().filter_map(|series| {
            let name = series.labels.metric_name();
            name.filter(|name| *name == METRIC)?;
            Some((series.labels.get("server")?, newest(&series.samples)?))
        });
        self.note_all(found.collect(), now_ms);
    }

    fn note_all(&self, found: Vec<(&str, TimestampMs)>, now_ms: TimestampMs) {
        if found.is_empty() {
            return;
        }
        let mut arrivals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (server, newest_ms) in found {
            note_one(&mut arrivals, server, newest_ms, now_ms);
        }
    }

    /// Returns by how many seconds the clock of each server is ahead, below 0 behind; 0 where
    /// nothing can be told. Forgets servers that have been silent for an hour.
    pub(crate) fn skews(&self, now_ms: TimestampMs) -> Vec<(String, f64)> {
        let mut arrivals = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        arrivals.retain(|_, minutes| {
            minutes.retain(|minute| now_ms - minute.minute * 60_000 <= MEMORY_MS);
            !minutes.is_empty()
        });
        arrivals
            .iter()
            .map(|(server, minutes)| (server.clone(), skew_ms(minutes) as f64 / 1000.0))
            .collect()
    }
}

fn newest(samples: &[Sample]) -> Option<TimestampMs> {
    samples.iter().map(|sample| sample.timestamp_ms).max()
}

fn note_one(
    arrivals: &mut HashMap<String, VecDeque<Minute>>,
    server: &str,
    newest_ms: TimestampMs,
    now_ms: TimestampMs,
) {
    if !arrivals.contains_key(server) {
        if arrivals.len() >= MAX_SERVERS {
            return;
        }
        arrivals.insert(server.to_owned(), VecDeque::with_capacity(MINUTES));
    }
    let Some(minutes) = arrivals.get_mut(server) else {
        return;
    };
    let minute = now_ms.div_euclid(60_000);
    let ahead_ms = newest_ms.saturating_sub(now_ms);
    match minutes.back_mut() {
        Some(last) if last.minute == minute => {
            last.most_ahead_ms = last.most_ahead_ms.max(ahead_ms);
        }
        _ => {
            if minutes.len() == MINUTES {
                minutes.pop_front();
            }
            minutes.push_back(Minute {
                minute,
                most_ahead_ms: ahead_ms,
            });
        }
    }
}

fn skew_ms(minutes: &VecDeque<Minute>) -> i64 {
    let ahead = || minutes.iter().map(|minute| minute.most_ahead_ms);
    let (Some(most), Some(least)) = (ahead().max(), ahead().min()) else {
        return 0;
    };
    let is_steady = minutes.len() >= LEAST_MINUTES && most - least <= STEADY_MS;
    if most > 0 || (most < -LEAST_LAG_MS && is_steady) {
        most
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_MS: i64 = 1_700_000_040_000;

    /// Sends measurements a minute apart, each ahead by so many seconds, and returns the skew.
    fn skew_after(ahead_secs: &[i64]) -> f64 {
        let arrivals = Arrivals::default();
        let labels = [("__name__", METRIC), ("server", "db1")];
        let mut now_ms = START_MS;
        for ahead in ahead_secs {
            now_ms += 60_000;
            let samples = [-30_000, 0].map(|before| Sample {
                timestamp_ms: now_ms + ahead * 1000 + before,
                value: 1.0,
            });
            let series = IncomingSeries {
                labels: &labels,
                samples: &samples,
            };
            arrivals.note_borrowed(&[series], now_ms);
        }
        arrivals.skews(now_ms)[0].1
    }

    #[test]
    fn the_future_is_certain() {
        assert_eq!(skew_after(&[90]) as i64, 90);
        assert_eq!(skew_after(&[-1, 90, -300]) as i64, 90);
        assert_eq!(skew_after(&[-3, -4, -1]) as i64, 0);
    }

    #[test]
    fn delayed_batches_are_no_skew() {
        assert_eq!(skew_after(&[-3600]) as i64, 0, "a backfill");
        assert_eq!(
            skew_after(&[-600, -480, -360, -240, -120, -1]) as i64,
            0,
            "a queue that empties"
        );
        assert_eq!(
            skew_after(&[-300, -310, -290, -325, -300, -340]) as i64,
            0,
            "a slow line"
        );
        assert_eq!(skew_after(&[-30; 10]) as i64, 0, "an ordinary delay");
    }

    #[test]
    fn a_steady_lag_is_a_clock_that_is_behind() {
        assert_eq!(skew_after(&[-301, -302, -300, -303]) as i64, 0, "too early");
        assert_eq!(skew_after(&[-301, -302, -300, -303, -301]) as i64, -300);
    }

    #[test]
    fn a_corrected_clock_is_forgotten_and_so_is_a_silent_server() {
        let mut ahead = vec![90];
        ahead.extend([-1; 10]);
        assert_eq!(skew_after(&ahead) as i64, 0);
        let arrivals = Arrivals::default();
        let series = TimeSeries {
            labels: yunhai_model::Labels::of_metric(METRIC, [("server", "db1")]),
            samples: vec![Sample {
                timestamp_ms: START_MS,
                value: 1.0,
            }],
        };
        arrivals.note(&[series], START_MS);
        assert_eq!(arrivals.skews(START_MS).len(), 1);
        assert!(arrivals.skews(START_MS + MEMORY_MS + 60_000).is_empty());
    }
}
