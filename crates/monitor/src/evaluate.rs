//! One evaluation of one alerting rule, without a database: from series to observations, and
//! from observations to the next alerts.

mod describe;
mod gather;
mod reason;

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use yunhai_model::{AlertId, Labels, METRIC_NAME, TimestampMs};
use yunhai_promql::{Engine, QueryValue, Queryable};

use crate::alert::{Alert, AlertKind, RuleKey};
use crate::error::{Error, Result};
use crate::rule_file::{AlertRule, RecordingRule};
use crate::state_machine::{AlertState, Change, Observation, Timing, transition};

use describe::describe;
pub(crate) use gather::KnownSeries;
use gather::{Followed, gather};
use reason::reason;

/// What the last evaluation saw of one series, and why it has the state that it has.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SeriesExplanation {
    /// The labels of the series.
    pub labels: Labels,
    /// Its value; `None` where it no longer comes.
    pub value: Option<f64>,
    /// The state of its alert; `None` where there is none.
    pub state: Option<AlertState>,
    /// The alert, where there is one.
    pub alert: Option<AlertId>,
    /// The reason in words.
    pub reason: String,
}

/// The measured series of a rule and which of them satisfy it.
pub(crate) struct Measured {
    /// With the value, and how it stands to the rule.
    pub(crate) series: Vec<(Labels, f64, Observation)>,
}

/// Evaluates an expression to a vector; a number becomes one series without labels.
pub(crate) async fn vector(
    engine: &Engine,
    source: &dyn Queryable,
    expr: &str,
    at_ms: TimestampMs,
) -> Result<Vec<(Labels, f64)>> {
    let value = engine
        .instant(source, expr, at_ms)
        .await
        .map_err(|source| Error::Evaluate {
            expr: expr.to_owned(),
            source,
        })?;
    Ok(match value {
        QueryValue::Vector(samples) => samples
            .into_iter()
            .map(|sample| (sample.labels, sample.value))
            .collect(),
        QueryValue::Scalar(sample) => vec![(Labels::default(), sample.value)],
        QueryValue::String { .. } | QueryValue::Matrix(_) => Vec::new(),
    })
}

/// Evaluates a recording rule to the series that it records.
pub(crate) async fn record(
    engine: &Engine,
    source: &dyn Queryable,
    rule: &RecordingRule,
    at_ms: TimestampMs,
) -> Result<Vec<(Labels, f64)>> {
    let values = vector(engine, source, &rule.expr, at_ms).await?;
    let recorded = values.into_iter().map(|(labels, value)| {
        let mut labels = labels.with(METRIC_NAME, &rule.record);
        for (name, text) in &rule.labels {
            labels = labels.with(name, text);
        }
        (labels, value)
    });
    Ok(recorded.collect())
}

/// Measures a rule: where its expression compares with a number, every series on the left is seen,
/// so that the quiet ones can be explained and missed.
pub(crate) async fn measure(
    engine: &Engine,
    source: &dyn Queryable,
    rule: &AlertRule,
    at_ms: TimestampMs,
) -> Result<Measured> {
    let expr = rule
        .threshold
        .as_ref()
        .map_or(&rule.expr, |threshold| &threshold.measured);
    let values = vector(engine, source, expr, at_ms).await?;
    let series = values
        .into_iter()
        .map(|(labels, value)| {
            let observation = observe(rule, value);
            (labels, value, observation)
        })
        .collect();
    Ok(Measured { series })
}

/// How a measured value stands to a rule.
pub(crate) fn observe(rule: &AlertRule, value: f64) -> Observation {
    match &rule.threshold {
        None => Observation::Active { value },
        Some(threshold) if threshold.comparison.holds(value, threshold.number) => {
            Observation::Active { value }
        }
        Some(threshold) => match rule.options.recovery_threshold {
            Some(recovery) if threshold.comparison.holds(value, recovery) => {
                Observation::Recovering { value }
            }
            _ => Observation::Quiet,
        },
    }
}

/// What one evaluation changes.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// New alerts.
    pub(crate) inserted: Vec<(Alert, Vec<Change>)>,
    /// Alerts to write again.
    pub(crate) updated: Vec<(Alert, Vec<Change>)>,
    /// Pending alerts that are withdrawn.
    pub(crate) deleted: Vec<AlertId>,
    /// All alerts that stand, for the `ALERTS` series.
    pub(crate) standing: Vec<Alert>,
    pub(crate) explanations: Vec<SeriesExplanation>,
    /// What the rule has seen, where that changed.
    pub(crate) known: Option<BTreeMap<String, KnownSeries>>,
    /// Texts that could not be rendered.
    pub(crate) faults: Vec<String>,
}

/// The world around an evaluation.
pub(crate) struct Surroundings<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) source: &'a dyn Queryable,
    pub(crate) external_labels: &'a Labels,
    pub(crate) external_url: &'a str,
    pub(crate) flapping_window_ms: i64,
    pub(crate) flapping_changes: usize,
    pub(crate) at_ms: TimestampMs,
    /// `at_ms` less the group's offset: the time of the queries.
    pub(crate) query_ms: TimestampMs,
}

impl Surroundings<'_> {
    fn timing(&self, rule: &AlertRule, kind: AlertKind) -> Timing {
        Timing {
            hold_ms: match kind {
                AlertKind::Expression => rule.hold_ms,
                AlertKind::NoData => rule.options.no_data_for_ms,
            },
            keep_firing_for_ms: match kind {
                AlertKind::Expression => rule.keep_firing_for_ms,
                AlertKind::NoData => 0,
            },
            flapping_window_ms: self.flapping_window_ms,
            flapping_changes: self.flapping_changes,
        }
    }
}

/// Follows a rule's series from the alerts that were to those that are.
pub(crate) async fn follow(
    surroundings: &Surroundings<'_>,
    key: &RuleKey,
    rule: &AlertRule,
    measured: Measured,
    previous: &[Alert],
    known: &BTreeMap<String, KnownSeries>,
    limit: usize,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let followed = gather(surroundings, rule, measured, previous, known, &mut outcome);
    let active = followed
        .iter()
        .filter(|one| matches!(one.observation, Observation::Active { .. }))
        .count();
    if limit > 0 && active > limit {
        return Err(Error::Limit {
            found: active,
            limit,
        });
    }
    // Of several episodes of one series the last one counts; the others are over.
    let mut latest: HashMap<(AlertKind, &Labels), &Alert> = HashMap::new();
    for alert in previous {
        let entry = latest.entry((alert.kind, &alert.series)).or_insert(alert);
        if entry.id < alert.id {
            *entry = alert;
        }
    }
    for one in followed {
        let before = latest.get(&(one.kind, &one.series)).copied();
        let timing = surroundings.timing(rule, one.kind);
        let (next, changes) = transition(
            before.map(|alert| &alert.instance),
            one.observation,
            &timing,
            surroundings.at_ms,
        );
        let mut now = None;
        if let Some(instance) = next {
            let is_new = before.is_none_or(|alert| {
                alert.instance.state == AlertState::Resolved
                    && instance.state != AlertState::Resolved
            });
            let mut alert = match before {
                Some(alert) if !is_new => alert.clone(),
                _ => Alert {
                    id: AlertId::new(),
                    rule: key.clone(),
                    kind: one.kind,
                    fingerprint: String::new(),
                    labels: Labels::default(),
                    annotations: BTreeMap::new(),
                    instance: instance.clone(),
                    series: one.series.clone(),
                    muted_by: Vec::new(),
                    version: 0,
                },
            };
            let must_keep_time = rule.keep_firing_for_ms > 0
                && alert.instance.last_active_ms != instance.last_active_ms;
            let was_clock_set_back = alert.instance.active_since_ms > instance.active_since_ms
                || alert.instance.fired_at_ms > instance.fired_at_ms
                || alert.instance.ended_at_ms > instance.ended_at_ms;
            let is_changed = is_new
                || !changes.is_empty()
                || must_keep_time
                || was_clock_set_back
                || alert.instance.flapping_since_ms != instance.flapping_since_ms;
            if let Some(old) =
                before.filter(|old| is_new && old.instance.flapping_since_ms.is_some())
            {
                // The new episode flaps on; the old one is over for good.
                let mut old = old.clone();
                old.instance.flapping_since_ms = None;
                outcome.updated.push((old, Vec::new()));
            }
            alert.instance = instance;
            if matches!(one.observation, Observation::Active { .. }) {
                describe(surroundings, rule, &mut alert, &mut outcome.faults).await;
            }
            if alert.instance.state != AlertState::Resolved {
                outcome.standing.push(alert.clone());
            }
            now = Some(alert.clone());
            match (is_new, is_changed) {
                (true, _) => outcome.inserted.push((alert, changes)),
                (false, true) => outcome.updated.push((alert, changes)),
                (false, false) => {}
            }
        } else if let Some(alert) = before {
            outcome.deleted.push(alert.id);
        }
        let now = now.filter(|alert| alert.instance.state != AlertState::Resolved);
        outcome.explanations.push(SeriesExplanation {
            reason: reason(rule, &one, now.as_ref(), surroundings.at_ms),
            labels: one.series,
            value: one.value,
            state: now.as_ref().map(|alert| alert.instance.state),
            alert: now.map(|alert| alert.id),
        });
    }
    Ok(outcome)
}
