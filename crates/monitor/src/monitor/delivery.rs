//! Makes notifications and sends them.
//!
//! Making: the plan of [`crate::dispatch`] is written in one transaction, the memory of what was
//! told beside the rows of the outbox. Sending: a row is claimed for the time of a lease, sent
//! under its stable id, and finished. Whoever dies in between leaves a lease that ends: the row is
//! sent again under the same id, by which the receiver knows it.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;
use serde_json::Value;
use yunhai_model::{ChannelId, Page, PageRequest, TimestampMs};

use super::evaluation::chain;
use super::{Monitor, StateChange};
use crate::alert::digest;
use crate::dispatch::{DispatchInput, plan};
use crate::error::{Error, Result};
use crate::notification::{Notification, NotifyError, Occasion, RateLimit};
use crate::routing::{Inhibition, Route};
use crate::store::{
    AlertEvent, Channel, EventKind, OutboxEntry, OutboxFilter, OutboxState, settings,
};

/// How many unfinished notifications of one channel are put into one digest at most.
const MAX_DIGEST: usize = 200;

impl Monitor {
    /// Makes the notifications that are due; returns how many.
    pub async fn dispatch(&self) -> Result<usize> {
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
        let inhibitions: Vec<Inhibition> = store
            .setting(connection, settings::INHIBITIONS)
            .await?
            .unwrap_or_default();
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
        let transaction = store.database().begin().await?;
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
                sequence,
            };
            store.add_to_outbox(&transaction, &entry).await?;
            let kind = EventKind::Queued {
                notification: entry.id.clone(),
                channel: entry.channel,
                occasion: entry.occasion,
            };
            for alert in &entry.alerts {
                let event = AlertEvent {
                    alert: *alert,
                    at_ms: now_ms,
                    kind: kind.clone(),
                };
                store.add_event(&transaction, &event).await?;
            }
        }
        transaction.commit().await?;
        Ok(plan.outgoing.len())
    }

    /// Sends what is due, the channels side by side; returns how many arrived.
    pub async fn deliver(&self) -> Result<usize> {
        let entries = self.0.store.unfinished_outbox().await?;
        if entries.is_empty() {
            return Ok(0);
        }
        let channels = self
            .0
            .store
            .channels(self.0.store.database().connection())
            .await?;
        let mut by_channel: BTreeMap<ChannelId, Vec<OutboxEntry>> = BTreeMap::new();
        for entry in entries {
            by_channel.entry(entry.channel).or_default().push(entry);
        }
        let deliveries = by_channel.into_iter().map(|(id, entries)| {
            let channel = channels.iter().find(|channel| channel.id == id);
            self.deliver_channel(channel, entries)
        });
        let mut sent = 0;
        for outcome in join_all(deliveries).await {
            sent += outcome?;
        }
        Ok(sent)
    }

    async fn deliver_channel(
        &self,
        channel: Option<&Channel>,
        entries: Vec<OutboxEntry>,
    ) -> Result<usize> {
        let Some(channel) = channel else {
            for entry in &entries {
                self.finish(entry, Err("the channel was deleted".to_owned()))
                    .await?;
            }
            return Ok(0);
        };
        let config = match self.open_config(channel) {
            Ok(config) => config,
            Err(error) => {
                tracing::error!(channel = channel.name, error = %chain(&error), "a channel cannot be used");
                return Ok(0);
            }
        };
        let limit = self.0.notifier.rate_limit(&config);
        let entries = match limit {
            Some(limit) => self.digest(channel, entries, limit).await?,
            None => entries,
        };
        let mut sent = 0;
        let mut waiting: BTreeSet<String> = BTreeSet::new();
        for entry in entries {
            // Within a group the order holds: an end is not told before its beginning.
            if waiting.contains(&entry.group_key) {
                continue;
            }
            let now_ms = self.now_ms();
            let is_open = match limit {
                Some(limit) => self.capacity(channel.id, limit, now_ms).await? > 0,
                None => true,
            };
            if entry.due_at_ms > now_ms || !is_open {
                waiting.insert(entry.group_key);
                continue;
            }
            if self.attempt(&config, &entry).await? {
                sent += 1;
            } else {
                waiting.insert(entry.group_key);
            }
        }
        Ok(sent)
    }

    /// Claims a row, sends it and writes down what came of it; tells whether it arrived.
    async fn attempt(&self, config: &Value, entry: &OutboxEntry) -> Result<bool> {
        let now_ms = self.now_ms();
        let claimed = OutboxEntry {
            state: OutboxState::Sending,
            due_at_ms: now_ms + self.0.config.send_lease.as_millis(),
            attempts: entry.attempts + 1,
            attempted_at_ms: Some(now_ms),
            ..entry.clone()
        };
        let store = &self.0.store;
        if !store
            .advance_outbox(store.database().connection(), entry, &claimed)
            .await?
        {
            return Ok(false);
        }
        let lease = self.0.config.send_lease.0;
        let sending = self.0.notifier.send(config, &entry.id, &entry.notification);
        let outcome = tokio::time::timeout(lease, sending)
            .await
            .unwrap_or_else(|_| {
                Err(NotifyError {
                    message: format!(
                        "the channel did not answer within {} s",
                        lease.as_secs_f64()
                    ),
                    is_retryable: true,
                    retry_after_ms: None,
                })
            });
        match outcome {
            Ok(delivered) => {
                self.finish(&claimed, Ok(delivered.answer)).await?;
                Ok(true)
            }
            Err(error) => {
                self.retry(&claimed, &error).await?;
                Ok(false)
            }
        }
    }

    async fn retry(&self, entry: &OutboxEntry, error: &NotifyError) -> Result<()> {
        let now_ms = self.now_ms();
        let config = &self.0.config;
        let is_too_old = now_ms - entry.created_at_ms >= config.give_up_after.as_millis();
        if !error.is_retryable || is_too_old {
            return self.finish(entry, Err(error.message.clone())).await;
        }
        let doubled = config
            .retry_first
            .as_millis()
            .saturating_mul(1_i64 << (entry.attempts - 1).clamp(0, 30))
            .min(config.retry_most.as_millis().max(1));
        let wait_ms =
            jittered(&entry.id, entry.attempts, doubled).max(error.retry_after_ms.unwrap_or(0));
        let next = OutboxEntry {
            state: OutboxState::Pending,
            due_at_ms: now_ms + wait_ms,
            error: Some(error.message.clone()),
            ..entry.clone()
        };
        let store = &self.0.store;
        store
            .advance_outbox(store.database().connection(), entry, &next)
            .await?;
        tracing::warn!(notification = entry.id, attempts = entry.attempts, error = %error, retry_in_ms = wait_ms, "a notification did not arrive and is tried again");
        Ok(())
    }

    /// Finishes a row, with the receiver's answer or the reason why it is given up.
    async fn finish(&self, entry: &OutboxEntry, outcome: Result<String, String>) -> Result<()> {
        let now_ms = self.now_ms();
        let (notification, channel) = (entry.id.clone(), entry.channel);
        let mut next = OutboxEntry {
            finished_at_ms: Some(now_ms),
            ..entry.clone()
        };
        let is_delivered = outcome.is_ok();
        let kind = match outcome {
            Ok(answer) => {
                next.state = OutboxState::Sent;
                next.answer = Some(answer.clone());
                next.error = None;
                EventKind::Delivered {
                    notification,
                    channel,
                    answer,
                }
            }
            Err(error) => {
                tracing::error!(notification, error, "a notification is given up");
                next.state = OutboxState::Failed;
                next.error = Some(error.clone());
                EventKind::Failed {
                    notification,
                    channel,
                    error,
                }
            }
        };
        let store = &self.0.store;
        let transaction = store.database().begin().await?;
        if store.advance_outbox(&transaction, entry, &next).await? {
            for alert in &entry.alerts {
                let event = AlertEvent {
                    alert: *alert,
                    at_ms: now_ms,
                    kind: kind.clone(),
                };
                store.add_event(&transaction, &event).await?;
            }
        }
        transaction.commit().await?;
        self.announce(StateChange::Notification {
            id: entry.id.clone(),
            is_delivered,
        });
        Ok(())
    }

    async fn capacity(
        &self,
        channel: ChannelId,
        limit: RateLimit,
        now_ms: TimestampMs,
    ) -> Result<u64> {
        let used = self
            .0
            .store
            .attempts_since(channel, now_ms - limit.period_ms)
            .await?;
        Ok(u64::from(limit.messages).saturating_sub(used))
    }

    /// Where more is due than the channel takes, puts what was never tried into one digest.
    async fn digest(
        &self,
        channel: &Channel,
        entries: Vec<OutboxEntry>,
        limit: RateLimit,
    ) -> Result<Vec<OutboxEntry>> {
        let now_ms = self.now_ms();
        let capacity = self.capacity(channel.id, limit, now_ms).await?;
        let is_fresh =
            |entry: &OutboxEntry| entry.state == OutboxState::Pending && entry.attempts == 0;
        let fresh = entries.iter().filter(|entry| is_fresh(entry)).count();
        // With no room at all the digest waits, so that it tells the latest.
        if capacity == 0 || fresh < 2 || (fresh as u64) <= capacity {
            return Ok(entries);
        }
        // What follows on a row that is being tried keeps its place behind it.
        let tried: BTreeSet<String> = entries
            .iter()
            .filter(|entry| !is_fresh(entry))
            .map(|entry| entry.group_key.clone())
            .collect();
        let (merged, mut rest): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .partition(|entry| is_fresh(entry) && !tried.contains(&entry.group_key));
        if merged.len() < 2 {
            rest.extend(merged);
            rest.sort_by_key(|entry| (entry.created_at_ms, entry.sequence));
            return Ok(rest);
        }
        let (merged, later) = merged.split_at(merged.len().min(MAX_DIGEST));
        rest.extend_from_slice(later);
        let notifications: Vec<Notification> = merged
            .iter()
            .map(|entry| entry.notification.clone())
            .collect();
        let Some(notification) = Notification::merge(notifications) else {
            return Ok(rest);
        };
        let ids: Vec<&str> = merged.iter().map(|entry| entry.id.as_str()).collect();
        let alerts: BTreeSet<_> = merged
            .iter()
            .flat_map(|entry| entry.alerts.clone())
            .collect();
        let digest = OutboxEntry {
            id: digest(&format!("digest\0{}", ids.join("\0"))),
            channel: channel.id,
            group_key: notification.group_key.clone(),
            state: OutboxState::Pending,
            occasion: Occasion::Digest,
            created_at_ms: merged[0].created_at_ms,
            due_at_ms: now_ms,
            attempts: 0,
            attempted_at_ms: None,
            finished_at_ms: None,
            answer: None,
            error: None,
            merged_into: None,
            notification,
            alerts: alerts.into_iter().collect(),
            sequence: merged[0].sequence,
        };
        let store = &self.0.store;
        let transaction = store.database().begin().await?;
        for entry in merged {
            let next = OutboxEntry {
                state: OutboxState::Merged,
                merged_into: Some(digest.id.clone()),
                finished_at_ms: Some(now_ms),
                ..entry.clone()
            };
            if !store.advance_outbox(&transaction, entry, &next).await? {
                transaction.rollback().await?;
                return Ok(rest);
            }
        }
        store.add_to_outbox(&transaction, &digest).await?;
        transaction.commit().await?;
        rest.push(digest);
        rest.sort_by_key(|entry| (entry.created_at_ms, entry.sequence));
        Ok(rest)
    }

    /// One page of the notification log.
    pub async fn notifications(
        &self,
        filter: &OutboxFilter,
        page: &PageRequest,
    ) -> Result<Page<OutboxEntry>> {
        self.0.store.outbox(filter, page).await
    }

    /// The routing tree.
    pub async fn route(&self) -> Result<Route> {
        let store = &self.0.store;
        let route = store
            .setting(store.database().connection(), settings::ROUTE)
            .await?;
        Ok(route.unwrap_or_default())
    }

    /// Replaces the routing tree, or tells all its faults.
    pub async fn put_route(&self, route: &Route) -> Result<()> {
        let store = &self.0.store;
        let connection = store.database().connection();
        let mut faults = route.faults();
        let known = store.channels(connection).await?;
        for id in route.channels() {
            if !known.iter().any(|channel| channel.id == id) {
                faults.push(format!("channels: there is no channel `{id}`"));
            }
        }
        if !faults.is_empty() {
            return Err(Error::Invalid {
                what: "routes",
                faults,
            });
        }
        store
            .put_setting(connection, settings::ROUTE, route)
            .await?;
        self.announce(StateChange::Settings { what: "route" });
        Ok(())
    }

    /// The inhibitions.
    pub async fn inhibitions(&self) -> Result<Vec<Inhibition>> {
        let store = &self.0.store;
        let found = store
            .setting(store.database().connection(), settings::INHIBITIONS)
            .await?;
        Ok(found.unwrap_or_default())
    }

    /// Replaces the inhibitions, or tells all their faults.
    pub async fn put_inhibitions(&self, inhibitions: &[Inhibition]) -> Result<()> {
        let faults: Vec<String> = inhibitions
            .iter()
            .enumerate()
            .filter(|(_, inhibition)| inhibition.source.is_empty() || inhibition.target.is_empty())
            .map(|(number, _)| format!("[{number}]: source and target need at least one matcher"))
            .collect();
        if !faults.is_empty() {
            return Err(Error::Invalid {
                what: "inhibitions",
                faults,
            });
        }
        let store = &self.0.store;
        store
            .put_setting(
                store.database().connection(),
                settings::INHIBITIONS,
                &inhibitions,
            )
            .await?;
        self.announce(StateChange::Settings {
            what: "inhibitions",
        });
        Ok(())
    }
}

/// A wait of 75 to 100 % of the given one, so that what failed together is not tried together;
/// derived from the row, as chance has no place in a test.
fn jittered(id: &str, attempt: i64, wait_ms: i64) -> i64 {
    let digest = digest(&format!("{id}\0{attempt}"));
    let number = i64::from_str_radix(&digest[..4], 16).expect("a digest is hexadecimal");
    wait_ms - wait_ms / 4 * number / 0x1_0000
}
