//! What one evaluation has to follow: the series that were measured, those that have alerts, and those
//! that are missed.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use yunhai_model::{Labels, METRIC_NAME, TimestampMs};

use super::{Measured, Outcome, Surroundings};
use crate::alert::{Alert, AlertKind, digest};
use crate::rule_file::{AlertRule, NoData};
use crate::state_machine::Observation;

/// For how long a series that no longer comes is missed; then it is taken for gone for good.
const FORGET_AFTER_MS: i64 = 7 * 86_400_000;

/// A series that a rule has seen, for no-data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KnownSeries {
    pub(crate) labels: Labels,
    pub(crate) last_seen_ms: TimestampMs,
}

/// One thing to follow: a series and what was seen of it.
pub(super) struct Followed {
    pub(super) series: Labels,
    pub(super) value: Option<f64>,
    pub(super) kind: AlertKind,
    pub(super) observation: Observation,
}

/// Collects everything to follow: what was measured, what had an alert, what is missed.
pub(super) fn gather(
    surroundings: &Surroundings<'_>,
    rule: &AlertRule,
    measured: Measured,
    previous: &[Alert],
    known: &BTreeMap<String, KnownSeries>,
    outcome: &mut Outcome,
) -> Vec<Followed> {
    let mut followed: Vec<Followed> = Vec::new();
    let mut present: HashSet<Labels> = HashSet::new();
    for (labels, value, observation) in measured.series {
        let series = labels.without(&[METRIC_NAME]);
        if present.insert(series.clone()) {
            followed.push(Followed {
                series,
                value: Some(value),
                kind: AlertKind::Expression,
                observation,
            });
        }
    }
    // An alert whose series no longer comes.
    let gone = match rule.options.no_data {
        NoData::Ok => Observation::Quiet,
        NoData::Alert | NoData::Keep => Observation::Unknown,
    };
    let mut seen: HashSet<&Labels> = HashSet::new();
    for series in series_of(previous, AlertKind::Expression) {
        if !present.contains(series) && seen.insert(series) {
            followed.push(without_value(series, AlertKind::Expression, gone));
        }
    }
    // Alerts about data, of series that are missed, have come again, or are missed no longer, as they
    // were forgotten or the rule has changed.
    let alerts: HashSet<&Labels> = series_of(previous, AlertKind::NoData).collect();
    let mut seen: HashSet<Labels> = HashSet::new();
    if rule.options.no_data == NoData::Alert {
        let now_ms = surroundings.at_ms;
        let next = known_now(&present, known, now_ms);
        for one in next.values() {
            let observation = if present.contains(&one.labels) {
                Observation::Quiet
            } else {
                Observation::Active {
                    value: ((now_ms - one.last_seen_ms) as f64) / 1000.0,
                }
            };
            if observation != Observation::Quiet || alerts.contains(&one.labels) {
                seen.insert(one.labels.clone());
                followed.push(without_value(&one.labels, AlertKind::NoData, observation));
            }
        }
        if is_worth_writing(&next, known) {
            outcome.known = Some(next);
        }
    }
    for series in series_of(previous, AlertKind::NoData) {
        if seen.insert(series.clone()) {
            followed.push(without_value(series, AlertKind::NoData, Observation::Quiet));
        }
    }
    followed
}

fn without_value(series: &Labels, kind: AlertKind, observation: Observation) -> Followed {
    Followed {
        series: series.clone(),
        value: None,
        kind,
        observation,
    }
}

/// The series of alerts of a kind.
fn series_of(alerts: &[Alert], kind: AlertKind) -> impl Iterator<Item = &Labels> {
    alerts
        .iter()
        .filter(move |alert| alert.kind == kind)
        .map(|alert| &alert.series)
}

/// The series that a rule knows once it has seen those that are present.
fn known_now(
    present: &HashSet<Labels>,
    known: &BTreeMap<String, KnownSeries>,
    now_ms: TimestampMs,
) -> BTreeMap<String, KnownSeries> {
    let mut next = known.clone();
    for labels in present {
        let seen = KnownSeries {
            labels: labels.clone(),
            last_seen_ms: now_ms,
        };
        next.insert(digest(&labels.to_string()), seen);
    }
    next.retain(|_, seen| now_ms - seen.last_seen_ms < FORGET_AFTER_MS);
    next
}

/// Tells whether to write what a rule knows. Times are written only with a change of the set: a
/// restart may miss a few minutes of a series' absence, and an evaluation writes nothing as long as
/// all is well.
fn is_worth_writing(
    next: &BTreeMap<String, KnownSeries>,
    known: &BTreeMap<String, KnownSeries>,
) -> bool {
    const HOUR_MS: i64 = 3_600_000;
    next.len() != known.len()
        || next.iter().any(|(key, seen)| {
            known
                .get(key)
                .is_none_or(|old| seen.last_seen_ms - old.last_seen_ms > HOUR_MS)
        })
}
