//! What there is to tell: a group of alerts, in the model of Alertmanager's webhook version 4.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use yunhai_model::{Labels, TimestampMs};

use crate::Language;

/// The label that holds the name of an alert's rule.
pub(crate) const ALERT_NAME: &str = "alertname";

/// Whether an alert, or any of a group, still holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertStatus {
    /// It holds.
    Firing,
    /// It is over.
    Resolved,
}

impl AlertStatus {
    /// Returns Alertmanager's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }
}

/// One alert of a notification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NotifiedAlert {
    /// Whether it still holds.
    pub status: AlertStatus,
    /// What names it.
    pub labels: Labels,
    /// What people read about it: `summary`, `description`, `runbook_url` and others.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// When it began.
    pub starts_at_ms: TimestampMs,
    /// When it ended, once it has.
    #[serde(default)]
    pub ends_at_ms: Option<TimestampMs>,
    /// Where it can be looked at; empty if nowhere.
    #[serde(default)]
    pub generator_url: String,
    /// The same for the same labels.
    pub fingerprint: String,
    /// The value that made it fire, if known.
    #[serde(default)]
    pub value: Option<f64>,
}

/// A group of alerts that is told together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    /// The name of the receiver that the group is routed to.
    pub receiver: String,
    /// Firing while any of the alerts is.
    pub status: AlertStatus,
    /// The same for every notification of the group.
    pub group_key: String,
    /// The labels by which the alerts were grouped.
    #[serde(default)]
    pub group_labels: Labels,
    /// The labels that all alerts share.
    #[serde(default)]
    pub common_labels: Labels,
    /// The annotations that all alerts share.
    #[serde(default)]
    pub common_annotations: BTreeMap<String, String>,
    /// Where Yunhai's own pages are; empty if unknown.
    #[serde(default)]
    pub external_url: String,
    /// How many alerts were left out already.
    #[serde(default)]
    pub truncated: u64,
    /// How many of those are over.
    #[serde(default)]
    pub truncated_resolved: u64,
    /// The alerts.
    pub alerts: Vec<NotifiedAlert>,
    /// The language of the message, where it is another one than usual.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// The title, instead of the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What stands below the title, instead of the usual text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

impl Notification {
    /// Makes the notification of a group; what the alerts share, and the group's state, follow
    /// from the alerts.
    pub fn new(
        receiver: impl Into<String>,
        group_key: impl Into<String>,
        group_labels: Labels,
        external_url: impl Into<String>,
        alerts: Vec<NotifiedAlert>,
    ) -> Self {
        Self {
            receiver: receiver.into(),
            status: status_of(&alerts),
            group_key: group_key.into(),
            group_labels,
            common_labels: common_labels(&alerts),
            common_annotations: common_annotations(&alerts),
            external_url: external_url.into(),
            truncated: 0,
            truncated_resolved: 0,
            alerts,
            language: None,
            title: None,
            body: None,
        }
    }

    /// Leaves out alerts beyond the first so many, and keeps their number.
    #[must_use]
    pub fn shortened(mut self, limit: usize) -> Self {
        if self.alerts.len() > limit {
            let left_out = self.alerts.split_off(limit);
            self.truncated += left_out.len() as u64;
            self.truncated_resolved += count(&left_out, AlertStatus::Resolved) as u64;
        }
        self
    }

    /// Puts several notifications for one channel, in the order they came up, into one digest;
    /// of an alert that stands in several the last state is told. `None` if there are none.
    pub fn merge(notifications: Vec<Self>) -> Option<Self> {
        if notifications.len() <= 1 {
            return notifications.into_iter().next();
        }
        let first = notifications.first()?;
        let (receiver, external_url) = (first.receiver.clone(), first.external_url.clone());
        let group_labels = common_of(notifications.iter().map(|one| one.group_labels.iter()));
        let group_key = format!("digest:{}", first.group_key);
        let truncated = notifications.iter().map(|one| one.truncated).sum();
        let truncated_resolved = notifications.iter().map(|one| one.truncated_resolved).sum();
        let mut alerts: Vec<NotifiedAlert> = Vec::new();
        let mut places: BTreeMap<String, usize> = BTreeMap::new();
        for alert in notifications.into_iter().flat_map(|one| one.alerts) {
            if let Some(place) = places.get(&alert.fingerprint) {
                alerts[*place] = alert;
            } else {
                places.insert(alert.fingerprint.clone(), alerts.len());
                alerts.push(alert);
            }
        }
        let merged = Self::new(
            receiver,
            group_key,
            Labels::new(group_labels),
            external_url,
            alerts,
        );
        Some(Self {
            truncated,
            truncated_resolved,
            ..merged
        })
    }

    /// Returns how many alerts fire, and how many are over, those that were left out among them.
    pub fn counts(&self) -> (usize, usize) {
        let of = |status| count(&self.alerts, status);
        let over = self.truncated_resolved as usize;
        let firing = (self.truncated as usize).saturating_sub(over);
        (
            of(AlertStatus::Firing) + firing,
            of(AlertStatus::Resolved) + over,
        )
    }
}

fn count(alerts: &[NotifiedAlert], status: AlertStatus) -> usize {
    let alerts = alerts.iter();
    alerts.filter(|alert| alert.status == status).count()
}

fn status_of(alerts: &[NotifiedAlert]) -> AlertStatus {
    let is_firing = |alert: &NotifiedAlert| alert.status == AlertStatus::Firing;
    if alerts.iter().any(is_firing) {
        AlertStatus::Firing
    } else {
        AlertStatus::Resolved
    }
}

fn common_labels(alerts: &[NotifiedAlert]) -> Labels {
    Labels::new(common_of(alerts.iter().map(|alert| alert.labels.iter())))
}

fn common_annotations(alerts: &[NotifiedAlert]) -> BTreeMap<String, String> {
    common_of(alerts.iter().map(|alert| {
        alert
            .annotations
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }))
}

/// Returns the pairs that stand in every one of the sets.
fn common_of<'a, S: IntoIterator<Item = (&'a str, &'a str)>>(
    mut sets: impl Iterator<Item = S>,
) -> BTreeMap<String, String> {
    let mut common: BTreeMap<&str, &str> = sets.next().into_iter().flatten().collect();
    for set in sets {
        let set: BTreeMap<&str, &str> = set.into_iter().collect();
        common.retain(|name, value| set.get(name) == Some(value));
    }
    common
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(fingerprint: &str, status: AlertStatus, labels: &[(&str, &str)]) -> NotifiedAlert {
        NotifiedAlert {
            status,
            labels: Labels::new(labels.iter().copied()),
            annotations: BTreeMap::new(),
            starts_at_ms: 0,
            ends_at_ms: None,
            generator_url: String::new(),
            fingerprint: fingerprint.into(),
            value: None,
        }
    }

    fn group(key: &str, alerts: Vec<NotifiedAlert>) -> Notification {
        Notification::new("ops", key, Labels::default(), "http://yunhai", alerts)
    }

    #[test]
    fn what_all_alerts_share_is_found() {
        let notification = group(
            "g",
            vec![
                alert(
                    "1",
                    AlertStatus::Resolved,
                    &[("env", "prod"), ("server", "a")],
                ),
                alert(
                    "2",
                    AlertStatus::Firing,
                    &[("env", "prod"), ("server", "b")],
                ),
            ],
        );
        assert_eq!(notification.common_labels, Labels::new([("env", "prod")]));
        assert_eq!(notification.status, AlertStatus::Firing);
        assert_eq!(notification.counts(), (1, 1));
    }

    #[test]
    fn a_shortened_notification_still_knows_how_many_there_are() {
        let fire = |n| alert(n, AlertStatus::Firing, &[("env", "prod"), ("server", n)]);
        let end = |n| alert(n, AlertStatus::Resolved, &[("env", "prod"), ("server", n)]);
        let whole = group("g", vec![fire("1"), fire("2"), end("3"), end("4")]);
        assert_eq!(whole.clone().shortened(4), whole);
        let shortened = whole.clone().shortened(1);
        assert_eq!(shortened.alerts.len(), 1);
        assert_eq!(shortened.truncated, 3);
        assert_eq!(shortened.counts(), (2, 2));
        assert_eq!(shortened.common_labels, Labels::new([("env", "prod")]));
    }

    #[test]
    fn a_digest_tells_every_alert_once_in_its_last_state() {
        let mut first = group("a", vec![alert("1", AlertStatus::Firing, &[("x", "1")])]);
        first.truncated = 2;
        let second = group(
            "b",
            vec![
                alert("2", AlertStatus::Resolved, &[("x", "2")]),
                alert("1", AlertStatus::Resolved, &[("x", "1")]),
            ],
        );
        let digest = Notification::merge(vec![first.clone(), second]).unwrap();
        assert_eq!(digest.alerts.len(), 2);
        assert_eq!(digest.status, AlertStatus::Resolved);
        assert_eq!(digest.truncated, 2);
        assert_eq!(digest.group_key, "digest:a");
        assert_eq!(Notification::merge(vec![first.clone()]), Some(first));
        assert_eq!(Notification::merge(vec![]), None);
    }
}
