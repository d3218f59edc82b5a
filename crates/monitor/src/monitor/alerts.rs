//! Alerts for people: lists, details, acknowledgement.

use serde::Serialize;
use yunhai_database::Transaction;
use yunhai_model::{AlertId, Page, PageRequest};

use super::{Monitor, check};
use crate::alert::Alert;
use crate::error::{Error, Result};
use crate::evaluate::SeriesExplanation;
use crate::rule_file::Rule;
use crate::state_machine::{Acknowledgement, AlertState};
use crate::store::{ActiveAlerts, AlertEvent, AlertFilter, EventKind};

/// The longest comment.
const MAX_COMMENT_CHARS: usize = 4000;

/// How often a change is tried anew that others come before.
pub(super) const MAX_RACES: usize = 5;

/// An alert with everything about it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlertDetail {
    /// The alert.
    pub alert: Alert,
    /// What happened to it, oldest first.
    pub timeline: Vec<AlertEvent>,
    /// The rule that it comes from, if it is still there.
    pub rule: Option<Rule>,
    /// What the last evaluation saw of its series.
    pub explanation: Option<SeriesExplanation>,
}

impl Monitor {
    /// One page of alerts, ended ones among them unless the filter says otherwise.
    pub async fn alerts(&self, filter: &AlertFilter, page: &PageRequest) -> Result<Page<Alert>> {
        self.0.store.alerts(filter, page).await
    }

    /// Counts the alerts that have not ended.
    pub async fn active_alerts(&self) -> Result<Vec<ActiveAlerts>> {
        self.0.store.count_active_alerts().await
    }

    /// An alert with its history.
    pub async fn alert(&self, id: AlertId) -> Result<AlertDetail> {
        let store = &self.0.store;
        let alert = store.alert(store.database().connection(), id).await?;
        let timeline = store.timeline(id).await?;
        let rule = self.find_rule(&alert.rule).ok().map(|(_, rule)| rule);
        let explanation = self
            .explain(&alert.rule)
            .await
            .unwrap_or_default()
            .into_iter()
            .find(|explanation| explanation.labels == alert.series);
        Ok(AlertDetail {
            alert,
            timeline,
            rule,
            explanation,
        })
    }

    /// Takes an alert on, so that it is no longer repeated and does not escalate; returns what it was
    /// and what it is.
    pub async fn acknowledge(
        &self,
        transaction: &mut Transaction,
        id: AlertId,
        user: &str,
        comment: &str,
    ) -> Result<(Alert, Alert)> {
        let now_ms = self.now_ms();
        let kind = EventKind::Acknowledged {
            user: user.to_owned(),
            comment: comment.to_owned(),
        };
        let change = self.change_alert(transaction, id, kind, |alert| {
            if !alert.instance.state.is_raised() {
                let state = alert.instance.state.as_str();
                return Err(Error::Conflict(format!(
                    "the alert is {state}; only a firing one can be acknowledged"
                )));
            }
            alert.instance.state = AlertState::Acknowledged;
            alert.instance.acknowledgement = Some(Acknowledgement {
                user: user.to_owned(),
                comment: comment.to_owned(),
                at_ms: now_ms,
            });
            Ok(())
        });
        let (before, after, _) = change.await?;
        Ok((before, after))
    }

    /// Gives an alert back; returns what it was and what it is.
    pub async fn unacknowledge(
        &self,
        transaction: &mut Transaction,
        id: AlertId,
        user: &str,
    ) -> Result<(Alert, Alert)> {
        let kind = EventKind::Unacknowledged {
            user: user.to_owned(),
        };
        let change = self.change_alert(transaction, id, kind, |alert| {
            if alert.instance.state != AlertState::Acknowledged {
                return Err(Error::Conflict("the alert is not acknowledged".to_owned()));
            }
            alert.instance.state = AlertState::Firing;
            alert.instance.acknowledgement = None;
            Ok(())
        });
        let (before, after, _) = change.await?;
        Ok((before, after))
    }

    /// The history of an alert, oldest first.
    pub async fn timeline(&self, id: AlertId) -> Result<Vec<AlertEvent>> {
        let store = &self.0.store;
        store.alert(store.database().connection(), id).await?;
        store.timeline(id).await
    }

    /// Adds a comment to an alert's history, ended or not; returns the alert with it.
    pub async fn comment(
        &self,
        transaction: &mut Transaction,
        id: AlertId,
        user: &str,
        comment: &str,
    ) -> Result<(Alert, AlertEvent)> {
        let length = comment.trim().chars().count();
        let fault = match length {
            0 => Some("comment: it is empty".to_owned()),
            1..=MAX_COMMENT_CHARS => None,
            _ => Some(format!(
                "comment: {length} characters are more than {MAX_COMMENT_CHARS}"
            )),
        };
        check("comment", fault.into_iter().collect())?;
        let kind = EventKind::Commented {
            user: user.to_owned(),
            comment: comment.to_owned(),
        };
        let commented = self.change_alert(transaction, id, kind, |_| Ok(()));
        let (_, alert, event) = commented.await?;
        Ok((alert, event))
    }

    /// Changes an alert; returns what it was, what it is, and the line of its history.
    async fn change_alert(
        &self,
        transaction: &mut Transaction,
        id: AlertId,
        kind: EventKind,
        change: impl Fn(&mut Alert) -> Result<()>,
    ) -> Result<(Alert, Alert, AlertEvent)> {
        let event = AlertEvent {
            alert: id,
            at_ms: self.now_ms(),
            kind,
        };
        // What evaluates and tells on this server comes before or after; others see by the version of
        // the alert that it has changed.
        transaction.hold(&self.0.deciding).await;
        let store = &self.0.store;
        let connection = transaction.connection().await?;
        let before = store.hold_alert(connection, id).await?;
        let mut after = before.clone();
        change(&mut after)?;
        store.update_alert(connection, &after).await?;
        store.add_event(connection, &event).await?;
        let (monitor, changed) = (self.clone(), after.clone());
        transaction.after_commit(async move {
            monitor.announce_alert(&changed, Some(changed.instance.state));
        });
        Ok((before, after, event))
    }
}
