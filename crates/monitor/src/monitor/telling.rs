//! Makes notifications: the plan of [`crate::dispatch`] is written in one transaction, the memory of
//! what was told beside the rows of the outbox.

use std::collections::BTreeMap;

use yunhai_model::ChannelId;

use super::Monitor;
use crate::dispatch::{DispatchInput, plan};
use crate::error::Result;
use crate::routing::Route;
use crate::store::{AlertEvent, EventKind, OutboxEntry, OutboxState, settings};

impl Monitor {
    /// Makes the notifications that are due; returns how many.
    pub(super) async fn dispatch(&self) -> Result<usize> {
        self.dispatch_after(true).await
    }

    /// Makes notifications; new groups may be told without waiting for more alerts.
    pub(super) async fn dispatch_after(&self, waits: bool) -> Result<usize> {
        let _deciding = self.0.deciding.lock().await;
        let store = &self.0.store;
        let now_ms = self.now_ms();
        let connection = store.database().connection();
        let alerts = store.unsettled_alerts(connection).await?;
        let groups = store.groups(connection).await?;
        if alerts.is_empty() && groups.is_empty() {
            return Ok(0);
        }
        let route: Route = store
            .setting(connection, settings::ROUTE)
            .await?
            .unwrap_or_default();
        let inhibitions = store.inhibitions(connection).await?;
        let silences = store.current_silences(connection, now_ms).await?;
        let windows = store.windows(connection).await?;
        let channels: BTreeMap<ChannelId, String> = store
            .channels(connection)
            .await?
            .into_iter()
            .filter(|channel| channel.is_enabled)
            .map(|channel| (channel.id, channel.name))
            .collect();
        let plan = plan(&DispatchInput {
            alerts: &alerts,
            groups: &groups,
            route: &route,
            silences: &silences,
            windows: &windows,
            inhibitions: &inhibitions,
            channels: &channels,
            external_url: &self.0.config.external_url,
            now_ms,
            waits,
        });
        let muting_changed: Vec<_> = alerts
            .iter()
            .filter_map(|alert| {
                let by = plan
                    .muted
                    .get(&alert.fingerprint)
                    .cloned()
                    .unwrap_or_default();
                (alert.instance.state.is_raised() && alert.muted_by != by).then_some((alert, by))
            })
            .collect();
        let is_idle = plan.outgoing.is_empty()
            && plan.groups.is_empty()
            && plan.removed.is_empty()
            && plan.settled.is_empty()
            && muting_changed.is_empty();
        if is_idle {
            return Ok(0);
        }
        let transaction = self.begin_as_leader().await?;
        for (alert, by) in muting_changed {
            let mut alert = alert.clone();
            alert.muted_by.clone_from(&by);
            store.update_alert(&transaction, &alert).await?;
            let event = AlertEvent {
                alert: alert.id,
                at_ms: now_ms,
                kind: EventKind::Muted { by },
            };
            store.add_event(&transaction, &event).await?;
        }
        for group in &plan.groups {
            store.put_group(&transaction, group).await?;
        }
        for group in &plan.removed {
            store.delete_group(&transaction, group).await?;
        }
        store.settle_alerts(&transaction, &plan.settled).await?;
        for outgoing in &plan.outgoing {
            let sequence = plan
                .groups
                .iter()
                .chain(&plan.removed)
                .find(|group| group.key == outgoing.notification.group_key)
                .map_or(0, |group| group.sequence);
            let entry = OutboxEntry {
                id: outgoing.id.clone(),
                channel: outgoing.channel,
                group_key: outgoing.notification.group_key.clone(),
                state: OutboxState::Pending,
                occasion: outgoing.occasion,
                created_at_ms: now_ms,
                due_at_ms: now_ms,
                attempts: 0,
                attempted_at_ms: None,
                finished_at_ms: None,
                answer: None,
                error: None,
                merged_into: None,
                notification: outgoing.notification.clone(),
                alerts: outgoing.alerts.clone(),
                term: 0,
                limited_failures: 0,
                held_since_ms: None,
                sequence,
            };
            store.add_to_outbox(&transaction, &entry).await?;
            let kind = EventKind::Queued {
                notification: entry.id.clone(),
                channel: entry.channel,
                occasion: entry.occasion,
            };
            store
                .add_events(&transaction, &entry.alerts, now_ms, &kind)
                .await?;
        }
        transaction.commit().await?;
        Ok(plan.outgoing.len())
    }
}
