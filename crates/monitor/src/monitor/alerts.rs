//! Alerts for people: lists, details, acknowledgement.

use serde::Serialize;
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

    /// Takes an alert on: it is no longer repeated and does not escalate.
    pub async fn acknowledge(&self, id: AlertId, user: &str, comment: &str) -> Result<Alert> {
        let now_ms = self.now_ms();
        let kind = EventKind::Acknowledged {
            user: user.to_owned(),
            comment: comment.to_owned(),
        };
        let change = self.change_alert(id, kind, |alert| {
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
        Ok(change.await?.0)
    }

    /// Gives an alert back.
    pub async fn unacknowledge(&self, id: AlertId, user: &str) -> Result<Alert> {
        let kind = EventKind::Unacknowledged {
            user: user.to_owned(),
        };
        let change = self.change_alert(id, kind, |alert| {
            if alert.instance.state != AlertState::Acknowledged {
                return Err(Error::Conflict("the alert is not acknowledged".to_owned()));
            }
            alert.instance.state = AlertState::Firing;
            alert.instance.acknowledgement = None;
            Ok(())
        });
        Ok(change.await?.0)
    }

    /// The history of an alert, oldest first.
    pub async fn timeline(&self, id: AlertId) -> Result<Vec<AlertEvent>> {
        let store = &self.0.store;
        store.alert(store.database().connection(), id).await?;
        store.timeline(id).await
    }

    /// Adds a comment to an alert's history, ended or not.
    pub async fn comment(&self, id: AlertId, user: &str, comment: &str) -> Result<AlertEvent> {
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
        let (_, event) = self.change_alert(id, kind, |_| Ok(())).await?;
        Ok(event)
    }

    /// Changes an alert, anew where another server has changed it at the same time.
    async fn change_alert(
        &self,
        id: AlertId,
        kind: EventKind,
        change: impl Fn(&mut Alert) -> Result<()>,
    ) -> Result<(Alert, AlertEvent)> {
        let event = AlertEvent {
            alert: id,
            at_ms: self.now_ms(),
            kind,
        };
        let mut attempts = 0;
        let alert = loop {
            match self.try_change(&event, &change).await {
                Err(Error::Raced(_)) if attempts < MAX_RACES => attempts += 1,
                other => break other?,
            }
        };
        self.announce_alert(&alert, Some(alert.instance.state));
        Ok((alert, event))
    }

    async fn try_change(
        &self,
        event: &AlertEvent,
        change: &impl Fn(&mut Alert) -> Result<()>,
    ) -> Result<Alert> {
        let _deciding = self.0.deciding.lock().await;
        let store = &self.0.store;
        let mut alert = store
            .alert(store.database().connection(), event.alert)
            .await?;
        change(&mut alert)?;
        let transaction = store.database().begin().await?;
        store.update_alert(&transaction, &alert).await?;
        store.add_event(&transaction, event).await?;
        transaction.commit().await?;
        Ok(alert)
    }
}
