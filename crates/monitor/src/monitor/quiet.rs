//! Holds back what comes up in a channel's quiet hours, and tells it in one summary when they are
//! over. What is held lies in the outbox, so that a restart loses nothing.

use std::collections::{BTreeMap, BTreeSet};

use yunhai_model::{AlertId, ChannelId};

use super::Monitor;
use crate::alert::digest;
use crate::error::Result;
use crate::notification::{AlertStatus, NotifiedAlert, Occasion};
use crate::quiet_hours::{Summary, sum_up};
use crate::store::{Channel, EventKind, OutboxEntry, OutboxState};

impl Monitor {
    /// Takes out of a channel's entries what its quiet hours hold back, and writes that down.
    pub(super) async fn hold_back(
        &self,
        channel: &Channel,
        entries: Vec<OutboxEntry>,
    ) -> Result<Vec<OutboxEntry>> {
        let now_ms = self.now_ms();
        let stretch = channel
            .quiet_hours
            .as_ref()
            .and_then(|quiet| Some((quiet, quiet.stretch_at(now_ms)?)));
        let Some((quiet, stretch)) = stretch else {
            return Ok(entries);
        };
        let is_held = |entry: &OutboxEntry| {
            entry.state == OutboxState::Pending
                && entry.attempts == 0
                && entry.occasion != Occasion::Summary
                && !quiet.lets_through(&entry.notification)
        };
        let (held, rest): (Vec<_>, Vec<_>) = entries.into_iter().partition(is_held);
        for entry in held {
            let next = OutboxEntry {
                state: OutboxState::Held,
                due_at_ms: stretch.ends_ms,
                held_since_ms: Some(stretch.began_ms),
                ..entry.clone()
            };
            let transaction = self.begin_as_leader().await?;
            let store = &self.0.store;
            if store.advance_outbox(&transaction, &entry, &next).await? {
                let event = EventKind::Held {
                    notification: entry.id.clone(),
                    channel: entry.channel,
                    until_ms: stretch.ends_ms,
                };
                store
                    .add_events(&transaction, &entry.alerts, now_ms, &event)
                    .await?;
                transaction.commit().await?;
            } else {
                transaction.rollback().await?;
            }
        }
        Ok(rest)
    }

    /// Makes the summaries of the channels whose quiet hours are over, or no longer set.
    pub(super) async fn release_held(&self) -> Result<()> {
        let store = &self.0.store;
        let held = store.held_outbox().await?;
        if held.is_empty() {
            return Ok(());
        }
        let connection = store.database().connection();
        let now_ms = self.now_ms();
        let quiet_now: BTreeSet<ChannelId> = store
            .channels(connection)
            .await?
            .into_iter()
            .filter(|channel| {
                let quiet = channel.quiet_hours.as_ref();
                quiet.is_some_and(|quiet| quiet.stretch_at(now_ms).is_some())
            })
            .map(|channel| channel.id)
            .collect();
        let mut by_channel: BTreeMap<ChannelId, Vec<OutboxEntry>> = BTreeMap::new();
        for entry in held {
            if !quiet_now.contains(&entry.channel) {
                by_channel.entry(entry.channel).or_default().push(entry);
            }
        }
        if by_channel.is_empty() {
            return Ok(());
        }
        let firing: BTreeMap<String, NotifiedAlert> = store
            .unsettled_alerts(connection)
            .await?
            .iter()
            .filter(|alert| alert.told_status() == AlertStatus::Firing)
            .map(|alert| {
                let told = alert.to_notified(&self.0.config.external_url);
                (alert.fingerprint.clone(), told)
            })
            .collect();
        for (channel, entries) in by_channel {
            self.release(channel, entries, &firing).await?;
        }
        Ok(())
    }

    async fn release(
        &self,
        channel: ChannelId,
        entries: Vec<OutboxEntry>,
        firing: &BTreeMap<String, NotifiedAlert>,
    ) -> Result<()> {
        let now_ms = self.now_ms();
        let began_ms = entries.iter().filter_map(|entry| entry.held_since_ms).min();
        let notifications = entries.iter().map(|entry| entry.notification.clone());
        let Summary {
            notification,
            dropped,
        } = sum_up(notifications.collect(), began_ms.unwrap_or(now_ms), |one| {
            firing.get(one).cloned()
        });
        let (told, gone) = alerts_of(&entries, &dropped);
        let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
        let summary = notification.map(|notification| OutboxEntry {
            id: digest(&format!("summary\0{}", ids.join("\0"))),
            group_key: notification.group_key.clone(),
            state: OutboxState::Pending,
            occasion: Occasion::Summary,
            created_at_ms: now_ms,
            due_at_ms: now_ms,
            held_since_ms: None,
            notification,
            alerts: told,
            channel,
            ..entries[0].clone()
        });
        let store = &self.0.store;
        let transaction = self.begin_as_leader().await?;
        for entry in &entries {
            let next = OutboxEntry {
                state: match &summary {
                    Some(_) => OutboxState::Merged,
                    None => OutboxState::Dropped,
                },
                merged_into: summary.as_ref().map(|summary| summary.id.clone()),
                finished_at_ms: Some(now_ms),
                ..entry.clone()
            };
            if !store.advance_outbox(&transaction, entry, &next).await? {
                transaction.rollback().await?;
                return Ok(());
            }
        }
        if let Some(summary) = &summary {
            store.add_to_outbox(&transaction, summary).await?;
            let event = EventKind::Queued {
                notification: summary.id.clone(),
                channel,
                occasion: Occasion::Summary,
            };
            store
                .add_events(&transaction, &summary.alerts, now_ms, &event)
                .await?;
        }
        let event = EventKind::Dropped { channel };
        store
            .add_events(&transaction, &gone, now_ms, &event)
            .await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// The alerts of which a summary tells, and those that were dropped. Of a digest it is not known
/// which alert is which; all of its alerts hear of the summary.
fn alerts_of(entries: &[OutboxEntry], dropped: &[String]) -> (Vec<AlertId>, Vec<AlertId>) {
    let mut told = BTreeSet::new();
    let mut gone = BTreeSet::new();
    for entry in entries {
        for (at, id) in entry.alerts.iter().enumerate() {
            let alert = entry.notification.alerts.get(at);
            let is_dropped = entry.occasion != Occasion::Digest
                && alert.is_some_and(|alert| dropped.contains(&alert.fingerprint));
            if is_dropped {
                gone.insert(*id);
            } else {
                told.insert(*id);
            }
        }
    }
    (told.into_iter().collect(), gone.into_iter().collect())
}
