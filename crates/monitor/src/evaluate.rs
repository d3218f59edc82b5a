//! One evaluation of one alerting rule, without a database: from series to observations, and
//! from observations to the next alerts.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use yunhai_model::{AlertId, Labels, METRIC_NAME, TimestampMs};
use yunhai_promql::{Engine, QueryValue, Queryable};

use crate::alert::{ALERT_NAME, Alert, AlertKind, RuleKey, fingerprint};
use crate::duration::format_duration_ms;
use crate::error::{Error, Result};
use crate::rule_file::{AlertRule, NoData};
use crate::state_machine::{AlertState, Change, Observation, Timing, transition};
use crate::template::{RenderError, Template, TemplateData, format_value};

/// The label that tells an alert about missing data from one about the value.
pub(crate) const NO_DATA_LABEL: &str = "alert_kind";

/// For how long a series that no longer comes is missed; then it is taken for gone for good.
const FORGET_AFTER_MS: i64 = 7 * 86_400_000;

/// How many queries one template may make.
const MAX_TEMPLATE_QUERIES: usize = 20;

/// A series that a rule has seen, for no-data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct KnownSeries {
    pub(crate) labels: Labels,
    pub(crate) last_seen_ms: TimestampMs,
}

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

/// One thing to follow: a series and what was seen of it.
struct Followed {
    series: Labels,
    value: Option<f64>,
    kind: AlertKind,
    observation: Observation,
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

/// Collects everything to follow: what was measured, what had an alert, what is missed.
fn gather(
    surroundings: &Surroundings<'_>,
    rule: &AlertRule,
    measured: Measured,
    previous: &[Alert],
    known: &BTreeMap<String, KnownSeries>,
    outcome: &mut Outcome,
) -> Vec<Followed> {
    let now_ms = surroundings.at_ms;
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
    for alert in previous
        .iter()
        .filter(|alert| alert.kind == AlertKind::Expression)
    {
        if present.contains(&alert.series) || followed.iter().any(|one| one.series == alert.series)
        {
            continue;
        }
        let observation = match rule.options.no_data {
            NoData::Ok => Observation::Quiet,
            NoData::Alert | NoData::Keep => Observation::Unknown,
        };
        followed.push(Followed {
            series: alert.series.clone(),
            value: None,
            kind: AlertKind::Expression,
            observation,
        });
    }
    if rule.options.no_data == NoData::Alert {
        let mut next = known.clone();
        for labels in &present {
            let seen = KnownSeries {
                labels: labels.clone(),
                last_seen_ms: now_ms,
            };
            next.insert(series_key(labels), seen);
        }
        next.retain(|_, seen| now_ms - seen.last_seen_ms < FORGET_AFTER_MS);
        for seen in next.values() {
            let is_missing = !present.contains(&seen.labels);
            let observation = if is_missing {
                Observation::Active {
                    value: ((now_ms - seen.last_seen_ms) as f64) / 1000.0,
                }
            } else {
                Observation::Quiet
            };
            if is_missing || has_alert(previous, AlertKind::NoData, &seen.labels) {
                followed.push(Followed {
                    series: seen.labels.clone(),
                    value: None,
                    kind: AlertKind::NoData,
                    observation,
                });
            }
        }
        // Times are written only with a change of the set: a restart may miss a few minutes of a
        // series' absence, and an evaluation writes nothing as long as all is well.
        let is_changed = next.len() != known.len()
            || next.keys().any(|key| !known.contains_key(key))
            || next.values().any(|seen| {
                known
                    .get(&series_key(&seen.labels))
                    .is_some_and(|old| seen.last_seen_ms - old.last_seen_ms > 3_600_000)
            });
        if is_changed {
            outcome.known = Some(next);
        }
    }
    // Alerts about data that are no longer missed: forgotten, or the rule has changed.
    for alert in previous
        .iter()
        .filter(|alert| alert.kind == AlertKind::NoData)
    {
        let is_followed = followed
            .iter()
            .any(|one| one.kind == AlertKind::NoData && one.series == alert.series);
        if !is_followed {
            followed.push(Followed {
                series: alert.series.clone(),
                value: None,
                kind: AlertKind::NoData,
                observation: Observation::Quiet,
            });
        }
    }
    followed
}

fn has_alert(previous: &[Alert], kind: AlertKind, series: &Labels) -> bool {
    previous
        .iter()
        .any(|alert| alert.kind == kind && &alert.series == series)
}

fn series_key(labels: &Labels) -> String {
    crate::alert::digest(&labels.to_string())
}

/// Gives an alert its labels and texts.
async fn describe(
    surroundings: &Surroundings<'_>,
    rule: &AlertRule,
    alert: &mut Alert,
    faults: &mut Vec<String>,
) {
    let mut data = TemplateData {
        labels: alert.series.clone(),
        value: alert.instance.value,
        at_ms: surroundings.at_ms,
        external_labels: surroundings.external_labels.clone(),
        external_url: surroundings.external_url.to_owned(),
        queries: HashMap::new(),
    };
    let mut labels = alert.series.clone();
    for (name, template) in &rule.labels {
        let text = render(surroundings, template, &mut data, faults).await;
        labels = labels.with(name, &text);
    }
    if alert.kind == AlertKind::NoData {
        labels = labels.with(NO_DATA_LABEL, "no_data");
    }
    labels = labels.with(ALERT_NAME, &rule.name);
    alert.fingerprint = fingerprint(&alert.rule, alert.kind, &labels);
    alert.labels = labels;
    alert.annotations.clear();
    for (name, template) in &rule.annotations {
        let text = match (alert.kind, name.as_str()) {
            (AlertKind::NoData, "summary") => {
                format!("No data: {} for {}", rule.name, alert.series)
            }
            (AlertKind::NoData, "description") => format!(
                "The series has sent nothing for {}; the rule `{}` cannot be judged.",
                format_duration_ms((alert.instance.value * 1000.0) as i64),
                rule.name
            ),
            _ => render(surroundings, template, &mut data, faults).await,
        };
        alert.annotations.insert(name.clone(), text);
    }
}

/// Renders a template, answering its queries; a fault becomes the text, as in Prometheus.
async fn render(
    surroundings: &Surroundings<'_>,
    template: &Template,
    data: &mut TemplateData,
    faults: &mut Vec<String>,
) -> String {
    let mut queries = 0;
    let message = loop {
        match template.render(data) {
            Ok(text) => return text,
            Err(RenderError::Failed(error)) => break error.to_string(),
            Err(RenderError::NeedsQuery(expr)) => {
                queries += 1;
                if queries > MAX_TEMPLATE_QUERIES {
                    break format!("the template makes more than {MAX_TEMPLATE_QUERIES} queries");
                }
                match vector(
                    surroundings.engine,
                    surroundings.source,
                    &expr,
                    surroundings.query_ms,
                )
                .await
                {
                    Ok(samples) => drop(data.queries.insert(expr, samples)),
                    Err(error) => break format!("`{expr}`: {error}"),
                }
            }
        }
    };
    let text = format!("<error expanding template: {message}>");
    faults.push(message);
    text
}

/// Says why a series has the state that it has.
fn reason(rule: &AlertRule, one: &Followed, alert: Option<&Alert>, now_ms: TimestampMs) -> String {
    let comparison = match (one.value, &rule.threshold) {
        (None, _) if one.kind == AlertKind::NoData => "no data come".to_owned(),
        (None, _) => "no data come any more".to_owned(),
        (Some(value), None) => format!("the expression yields {}", format_value(value)),
        (Some(value), Some(threshold)) => {
            let not = if threshold.comparison.holds(value, threshold.number) {
                ""
            } else {
                "not "
            };
            let (value, number) = (format_value(value), format_value(threshold.number));
            format!("{value} is {not}{} {number}", threshold.comparison)
        }
    };
    let Some(alert) = alert else {
        return comparison;
    };
    let instance = &alert.instance;
    let since = |at_ms: TimestampMs| yunhai_model::format_rfc3339(at_ms);
    match (instance.state, one.observation) {
        (AlertState::Pending, _) => {
            let hold_ms = match one.kind {
                AlertKind::Expression => rule.hold_ms,
                AlertKind::NoData => rule.options.no_data_for_ms,
            };
            format!(
                "{comparison}; pending since {}, fires after {} (in {})",
                since(instance.active_since_ms),
                format_duration_ms(hold_ms),
                format_duration_ms((hold_ms - (now_ms - instance.active_since_ms)).max(0))
            )
        }
        (_, Observation::Recovering { .. }) => {
            let threshold = rule.options.recovery_threshold.unwrap_or_default();
            format!(
                "{comparison}, but not past the recovery threshold {}",
                format_value(threshold)
            )
        }
        (_, Observation::Unknown) => format!("{comparison}; the alert stays as it was"),
        (_, Observation::Quiet) => {
            let kept_until = instance.last_active_ms + rule.keep_firing_for_ms;
            format!("{comparison}; kept firing until {}", since(kept_until))
        }
        _ => format!("{comparison} since {}", since(instance.active_since_ms)),
    }
}
