//! Alerts for people: lists, details, acknowledgement.

use serde::Serialize;
use yunhai_model::{AlertId, Page, PageRequest};

use super::{Monitor, StateChange};
use crate::alert::Alert;
use crate::error::{Error, Result};
use crate::evaluate::SeriesExplanation;
use crate::rule_file::Rule;
use crate::state_machine::{Acknowledgement, AlertState};
use crate::store::{AlertEvent, AlertFilter, EventKind};

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

    /// An alert with its history.
    pub async fn alert(&self, id: AlertId) -> Result<AlertDetail> {
        let store = &self.0.store;
        let alert = store.alert(store.database().connection(), id).await?;
        let timeline = store.timeline(id).await?;
        let rule = self.find_rule(&alert.rule).ok().map(|(_, rule)| rule);
        let explanation = self
            .explain(&alert.rule)
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
        self.change_alert(id, kind, |alert| {
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
        })
        .await
    }

    /// Gives an alert back.
    pub async fn unacknowledge(&self, id: AlertId, user: &str) -> Result<Alert> {
        self.change_alert(
            id,
            EventKind::Unacknowledged {
                user: user.to_owned(),
            },
            |alert| {
                if alert.instance.state != AlertState::Acknowledged {
                    return Err(Error::Conflict("the alert is not acknowledged".to_owned()));
                }
                alert.instance.state = AlertState::Firing;
                alert.instance.acknowledgement = None;
                Ok(())
            },
        )
        .await
    }

    /// Adds a comment to an alert's history.
    pub async fn comment(&self, id: AlertId, user: &str, comment: &str) -> Result<Alert> {
        if comment.trim().is_empty() {
            return Err(Error::Invalid {
                what: "comment",
                faults: vec!["comment: it is empty".to_owned()],
            });
        }
        let kind = EventKind::Commented {
            user: user.to_owned(),
            comment: comment.to_owned(),
        };
        self.change_alert(id, kind, |_| Ok(())).await
    }

    async fn change_alert(
        &self,
        id: AlertId,
        kind: EventKind,
        change: impl FnOnce(&mut Alert) -> Result<()>,
    ) -> Result<Alert> {
        let deciding = self.0.deciding.lock().await;
        let store = &self.0.store;
        let mut alert = store.alert(store.database().connection(), id).await?;
        change(&mut alert)?;
        let transaction = store.database().begin().await?;
        store.update_alert(&transaction, &alert).await?;
        let event = AlertEvent {
            alert: id,
            at_ms: self.now_ms(),
            kind,
        };
        store.add_event(&transaction, &event).await?;
        transaction.commit().await?;
        drop(deciding);
        self.announce(StateChange::Alert {
            id,
            name: alert.name().to_owned(),
            labels: alert.labels.clone(),
            state: Some(alert.instance.state),
        });
        Ok(alert)
    }
}
