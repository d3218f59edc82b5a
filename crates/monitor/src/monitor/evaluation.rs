//! Evaluates groups and writes what follows: alerts and their events in one transaction per rule.

use std::collections::{BTreeMap, HashSet};
use std::sync::PoisonError;
use std::time::Instant;

use serde::Serialize;
use yunhai_model::{Labels, METRIC_NAME, Sample, TimeSeries, TimestampMs, stale_nan, with_causes};

use super::alerts::MAX_RACES;
use super::rules::rule_key;
use super::{Monitor, RuleStatus, StateChange};
use crate::alert::{ALERT_NAME, Alert, RuleKey, digest};
use crate::error::{Error, Result};
use crate::evaluate::{
    KnownSeries, Measured, Outcome, SeriesExplanation, Surroundings, follow, measure, record,
};
use crate::rule_file::{AlertRule, RecordingRule, Rule, RuleGroup};
use crate::state_machine::{AlertState, Change, Instance};
use crate::store::{AlertEvent, EventKind};

/// Evaluations of groups since the start.
const GROUP_EVALUATIONS: &str = "yunhai_rule_group_evaluations_total";
/// Evaluations that did not happen, as the one before was not done in time.
const GROUP_SKIPPED: &str = "yunhai_rule_group_evaluations_skipped_total";
/// How long the evaluation of a group takes.
const GROUP_DURATION: &str = "yunhai_rule_group_evaluation_duration_seconds";
/// Evaluations of single rules.
const RULE_EVALUATIONS: &str = "yunhai_rule_evaluations_total";
/// Evaluations of single rules that failed.
const RULE_FAILURES: &str = "yunhai_rule_evaluation_failures_total";

/// Counts evaluations that were skipped, and makes all counters of evaluation known at zero, so
/// that a scrape sees their first increase.
pub(super) fn count_skipped(skipped: u64) {
    metrics::counter!(GROUP_SKIPPED).increment(skipped);
    metrics::counter!(GROUP_EVALUATIONS).increment(0);
    metrics::counter!(RULE_EVALUATIONS).increment(0);
    metrics::counter!(RULE_FAILURES).increment(0);
}

/// How many alerts there are after an evaluation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EvaluationSummary {
    /// Alerts that hold, but not yet for long enough.
    pub pending: usize,
    /// Alerts that fire and that nobody has taken on.
    pub firing: usize,
    /// Alerts that fire and that someone has taken on.
    pub acknowledged: usize,
    /// Rules that could not be evaluated.
    pub failed_rules: usize,
}

impl Monitor {
    /// Evaluates every group once, tells what there is to tell and sends it. For the one-shot mode:
    /// groups do not wait for more alerts there.
    pub async fn evaluate_once(&self) -> Result<EvaluationSummary> {
        self.take_lease().await?;
        let outcome = self.evaluate_all().await;
        self.release_lease().await;
        let failed_rules = outcome?;
        let mut summary = EvaluationSummary {
            failed_rules,
            ..EvaluationSummary::default()
        };
        for alert in self.0.store.active_alerts().await? {
            match alert.instance.state {
                AlertState::Pending => summary.pending += 1,
                AlertState::Firing => summary.firing += 1,
                AlertState::Acknowledged => summary.acknowledged += 1,
                AlertState::Resolved => {}
            }
        }
        Ok(summary)
    }

    /// Evaluates every group, tells and sends; returns how many rules failed.
    async fn evaluate_all(&self) -> Result<usize> {
        let now_ms = self.now_ms();
        let mut failed_rules = 0;
        for file in self.loaded().iter() {
            for group in &file.rules.groups {
                failed_rules += self.evaluate_group(&file.name, group, now_ms).await?;
            }
        }
        self.dispatch_after(false).await?;
        self.deliver().await?;
        Ok(failed_rules)
    }

    /// Evaluates a group's rules one after another as of a moment; returns how many failed.
    pub(super) async fn evaluate_group(
        &self,
        file: &str,
        group: &RuleGroup,
        at_ms: TimestampMs,
    ) -> Result<usize> {
        let offset_ms = group
            .query_offset_ms
            .unwrap_or_else(|| self.0.config.query_offset.as_millis());
        let begun = Instant::now();
        let mut failed = 0;
        let mut failure = None;
        for (id, rule) in group.identified() {
            let key = rule_key(file, group, id);
            let rule_begun = Instant::now();
            let outcome = match rule {
                Rule::Recording(rule) => self
                    .record(&key, rule, group.limit, at_ms, at_ms - offset_ms)
                    .await
                    .map(|()| Vec::new()),
                Rule::Alerting(rule) if !rule.options.is_enabled => {
                    self.end_alerts(&key).await.map(|()| Vec::new())
                }
                Rule::Alerting(rule) => {
                    self.alert_rule(&key, rule, group.limit, at_ms, at_ms - offset_ms)
                        .await
                }
            };
            metrics::counter!(RULE_EVALUATIONS).increment(1);
            let (explanations, error) = match outcome {
                Ok(explanations) => (explanations, None),
                Err(error @ Error::NotLeader { .. }) => return Err(error),
                Err(error) => {
                    failed += 1;
                    metrics::counter!(RULE_FAILURES).increment(1);
                    (Vec::new(), Some(with_causes(&error)))
                }
            };
            failure = failure.or_else(|| error.clone());
            let status = RuleStatus {
                evaluated_at_ms: at_ms,
                duration_ms: rule_begun.elapsed().as_secs_f64() * 1000.0,
                error,
                explanations,
            };
            self.note_status(key, group, rule, status);
        }
        let took = begun.elapsed();
        metrics::counter!(GROUP_EVALUATIONS).increment(1);
        metrics::histogram!(GROUP_DURATION).record(took);
        let mut groups = self
            .0
            .groups
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let status = groups
            .entry((file.to_owned(), group.name.clone()))
            .or_default();
        status.evaluated_at_ms = Some(at_ms);
        status.duration_ms = took.as_secs_f64() * 1000.0;
        status.evaluations += 1;
        status.error = failure;
        Ok(failed)
    }

    async fn record(
        &self,
        key: &RuleKey,
        rule: &RecordingRule,
        limit: usize,
        at_ms: TimestampMs,
        query_ms: TimestampMs,
    ) -> Result<()> {
        let samples = record(&self.0.engine, &*self.0.queryable, rule, query_ms).await?;
        if limit > 0 && samples.len() > limit {
            return Err(Error::Limit {
                found: samples.len(),
                limit,
            });
        }
        self.write_series(key, samples, at_ms).await
    }

    /// Hands samples to the sink; series that the rule wrote before and no longer writes end with
    /// a staleness marker.
    async fn write_series(
        &self,
        key: &RuleKey,
        samples: Vec<(Labels, f64)>,
        at_ms: TimestampMs,
    ) -> Result<()> {
        let mut written = self.0.written.lock().await;
        let before = written.remove(key).unwrap_or_default();
        let now: HashSet<Labels> = samples.iter().map(|(labels, _)| labels.clone()).collect();
        let ended = before.into_iter().filter(|labels| !now.contains(labels));
        let series: Vec<TimeSeries> = samples
            .into_iter()
            .chain(ended.map(|labels| (labels, stale_nan())))
            .map(|(labels, value)| TimeSeries {
                labels,
                samples: vec![Sample {
                    timestamp_ms: at_ms,
                    value,
                }],
            })
            .collect();
        if !now.is_empty() {
            written.insert(key.clone(), now);
        }
        drop(written);
        if series.is_empty() {
            return Ok(());
        }
        self.0.sink.append(series).await.map_err(Error::Sink)
    }

    /// Evaluates an alerting rule and writes what follows, anew where somebody else has changed one
    /// of its alerts at the same time.
    async fn alert_rule(
        &self,
        key: &RuleKey,
        rule: &AlertRule,
        limit: usize,
        at_ms: TimestampMs,
        query_ms: TimestampMs,
    ) -> Result<Vec<SeriesExplanation>> {
        let mut attempts = 0;
        let outcome = loop {
            match self.follow_rule(key, rule, limit, at_ms, query_ms).await {
                Err(Error::Raced(_)) if attempts < MAX_RACES => attempts += 1,
                other => break other?,
            }
        };
        for fault in &outcome.faults {
            tracing::warn!(
                rule = key.rule,
                fault,
                "a text of an alert could not be made"
            );
        }
        self.announce_outcome(&outcome);
        self.write_series(key, alert_series(&outcome.standing), at_ms)
            .await?;
        Ok(outcome.explanations)
    }

    async fn follow_rule(
        &self,
        key: &RuleKey,
        rule: &AlertRule,
        limit: usize,
        at_ms: TimestampMs,
        query_ms: TimestampMs,
    ) -> Result<Outcome> {
        // The query may take its time; only the decision is made under the lock.
        let measured = measure(&self.0.engine, &*self.0.queryable, rule, query_ms).await?;
        let _deciding = self.0.deciding.lock().await;
        let outcome = self
            .outcome_of(key, rule, measured, limit, at_ms, query_ms)
            .await?;
        self.write_outcome(&rule_digest(key), &outcome, at_ms)
            .await?;
        Ok(outcome)
    }

    /// What follows from a measurement and what is stored of the rule's alerts.
    pub(super) async fn outcome_of(
        &self,
        key: &RuleKey,
        rule: &AlertRule,
        measured: Measured,
        limit: usize,
        at_ms: TimestampMs,
        query_ms: TimestampMs,
    ) -> Result<Outcome> {
        let config = &self.0.config;
        let surroundings = Surroundings {
            engine: &self.0.engine,
            source: &*self.0.queryable,
            external_labels: &config.external_labels,
            external_url: &config.external_url,
            flapping_window_ms: config.flapping_window.as_millis(),
            flapping_changes: config.flapping_changes,
            at_ms,
            query_ms,
        };
        let store = &self.0.store;
        let connection = store.database().connection();
        let previous = self.alerts_of(key, &rule.name, at_ms).await?;
        let known: BTreeMap<String, KnownSeries> = store
            .known_series(connection, &rule_digest(key))
            .await?
            .unwrap_or_default();
        follow(&surroundings, key, rule, measured, &previous, &known, limit).await
    }

    async fn alerts_of(&self, key: &RuleKey, name: &str, at_ms: TimestampMs) -> Result<Vec<Alert>> {
        let store = &self.0.store;
        let ended_after_ms = at_ms - self.0.config.flapping_window.as_millis();
        let connection = store.database().connection();
        let mut alerts = store
            .named_alerts(connection, (&key.file, &key.group), name, ended_after_ms)
            .await?;
        alerts.retain(|alert| alert.rule == *key);
        Ok(alerts)
    }

    async fn write_outcome(
        &self,
        digest: &str,
        outcome: &Outcome,
        at_ms: TimestampMs,
    ) -> Result<()> {
        let is_quiet = outcome.inserted.is_empty()
            && outcome.updated.is_empty()
            && outcome.deleted.is_empty()
            && outcome.known.is_none();
        if is_quiet {
            return Ok(());
        }
        let store = &self.0.store;
        let transaction = self.begin_as_leader().await?;
        for (alert, changes) in &outcome.inserted {
            store.insert_alert(&transaction, alert).await?;
            self.write_changes(&transaction, alert, changes, at_ms)
                .await?;
        }
        for (alert, changes) in &outcome.updated {
            store.update_alert(&transaction, alert).await?;
            self.write_changes(&transaction, alert, changes, at_ms)
                .await?;
        }
        for id in &outcome.deleted {
            store.delete_alert(&transaction, *id).await?;
        }
        if let Some(known) = &outcome.known {
            store.put_known_series(&transaction, digest, known).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn write_changes(
        &self,
        connection: &impl sea_orm::ConnectionTrait,
        alert: &Alert,
        changes: &[Change],
        at_ms: TimestampMs,
    ) -> Result<()> {
        let value = Some(alert.instance.value).filter(|value| value.is_finite());
        for change in changes {
            let kind = match change {
                Change::Pending => EventKind::Pending { value },
                Change::Fired => EventKind::Fired { value },
                Change::Resolved => EventKind::Resolved,
                Change::FlappingStarted => EventKind::FlappingStarted,
                Change::FlappingEnded => EventKind::FlappingEnded,
                Change::Withdrawn => continue,
            };
            self.0
                .store
                .add_event(
                    connection,
                    &AlertEvent {
                        alert: alert.id,
                        at_ms,
                        kind,
                    },
                )
                .await?;
        }
        Ok(())
    }

    fn announce_outcome(&self, outcome: &Outcome) {
        for (alert, changes) in outcome.inserted.iter().chain(&outcome.updated) {
            if !changes.is_empty() {
                self.announce_alert(alert, Some(alert.instance.state));
            }
        }
        for id in &outcome.deleted {
            self.announce(StateChange::Alert {
                id: *id,
                name: String::new(),
                labels: Labels::default(),
                state: None,
            });
        }
    }

    pub(super) fn announce_alert(&self, alert: &Alert, state: Option<AlertState>) {
        self.announce(StateChange::Alert {
            id: alert.id,
            name: alert.name().to_owned(),
            labels: alert.labels.clone(),
            state,
        });
    }

    /// Ends the alerts of a rule that is switched off.
    async fn end_alerts(&self, key: &RuleKey) -> Result<()> {
        self.end_where(|alert| alert.rule == *key).await
    }

    /// Ends the alerts whose rules are no longer there.
    pub(super) async fn end_orphans(&self) -> Result<()> {
        self.end_where(|alert| self.find_rule(&alert.rule).is_err())
            .await
    }

    async fn end_where(&self, is_over: impl Fn(&Alert) -> bool) -> Result<()> {
        let mut attempts = 0;
        loop {
            match self.try_end_where(&is_over).await {
                Err(Error::Raced(_)) if attempts < MAX_RACES => attempts += 1,
                other => return other,
            }
        }
    }

    async fn try_end_where(&self, is_over: &impl Fn(&Alert) -> bool) -> Result<()> {
        let _deciding = self.0.deciding.lock().await;
        let store = &self.0.store;
        let now_ms = self.now_ms();
        let over: Vec<Alert> = store
            .active_alerts()
            .await?
            .into_iter()
            .filter(|alert| is_over(alert))
            .collect();
        if over.is_empty() {
            return Ok(());
        }
        let transaction = store.database().begin().await?;
        for alert in &over {
            if alert.instance.state == AlertState::Pending {
                store.delete_alert(&transaction, alert.id).await?;
                continue;
            }
            let instance = Instance {
                state: AlertState::Resolved,
                ended_at_ms: Some(now_ms),
                flapping_since_ms: None,
                ..alert.instance.clone()
            };
            store
                .update_alert(
                    &transaction,
                    &Alert {
                        instance,
                        ..alert.clone()
                    },
                )
                .await?;
            let event = AlertEvent {
                alert: alert.id,
                at_ms: now_ms,
                kind: EventKind::Resolved,
            };
            store.add_event(&transaction, &event).await?;
        }
        transaction.commit().await?;
        for alert in &over {
            let state =
                (alert.instance.state != AlertState::Pending).then_some(AlertState::Resolved);
            self.announce_alert(alert, state);
        }
        Ok(())
    }
}

/// `ALERTS` and `ALERTS_FOR_STATE` as Prometheus writes them.
pub(crate) fn alert_series(alerts: &[Alert]) -> Vec<(Labels, f64)> {
    alerts
        .iter()
        .flat_map(|alert| {
            let state = if alert.instance.state == AlertState::Pending {
                "pending"
            } else {
                "firing"
            };
            let labels = alert.labels.with(ALERT_NAME, alert.name());
            [
                (
                    labels.with(METRIC_NAME, "ALERTS").with("alertstate", state),
                    1.0,
                ),
                (
                    labels.with(METRIC_NAME, "ALERTS_FOR_STATE"),
                    (alert.instance.active_since_ms / 1000) as f64,
                ),
            ]
        })
        .collect()
}

/// Under what is kept what a rule has seen.
pub(super) fn rule_digest(key: &RuleKey) -> String {
    digest(&format!("{}\0{}\0{}", key.file, key.group, key.rule))
}
