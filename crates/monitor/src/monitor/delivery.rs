//! Sends notifications: a row of the outbox is claimed for the time of a lease, sent under its
//! stable id, and finished. Whoever dies in between leaves a lease that ends: the row is sent again
//! under the same id, by which the receiver knows it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use futures::future::join_all;
use serde_json::Value;
use yunhai_model::{ChannelId, TimestampMs, with_causes};
use yunhai_notify::RateLimits;

use super::counting::{UNKNOWN_KIND, count_attempt, count_finished, kind_of, tell_pending};
use super::pacing::Counted;
use super::{Monitor, StateChange};
use crate::alert::digest;
use crate::channel_message::MessageSettings;
use crate::error::Result;
use crate::notification::{Notification, NotifyError, Occasion};
use crate::store::{Channel, EventKind, OutboxEntry, OutboxState};

/// How many unfinished notifications of one channel are put into one digest at most.
const MAX_DIGEST: usize = 200;

/// A channel that is ready, and what is to go over it.
struct Outlet {
    channel: ChannelId,
    kind: &'static str,
    /// Its settings with the secrets in the clear.
    config: Value,
    message: MessageSettings,
    limits: Option<RateLimits>,
    entries: Vec<OutboxEntry>,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    /// It arrived.
    Arrived,
    /// It did not; or somebody else has changed the row.
    Failed,
    /// It was not made: the channel takes no more for the moment.
    Held,
}

impl Monitor {
    /// Sends what is due, the channels side by side; returns how many arrived.
    pub(super) async fn deliver(&self) -> Result<usize> {
        self.release_held().await?;
        let entries = self.0.store.unfinished_outbox().await?;
        if entries.is_empty() {
            tell_pending([].into_iter());
            return Ok(0);
        }
        let channels = self
            .0
            .store
            .channels(self.0.store.database().connection())
            .await?;
        let kinds: BTreeMap<ChannelId, &str> = channels
            .iter()
            .map(|channel| (channel.id, kind_of(&channel.config)))
            .collect();
        let kind_of_entry = |entry: &OutboxEntry| kinds.get(&entry.channel).copied();
        tell_pending(
            entries
                .iter()
                .map(|entry| kind_of_entry(entry).unwrap_or(UNKNOWN_KIND)),
        );
        let mut by_channel: BTreeMap<ChannelId, Vec<OutboxEntry>> = BTreeMap::new();
        for entry in entries {
            by_channel.entry(entry.channel).or_default().push(entry);
        }
        // Channels that a provider counts together take turns.
        let mut together: BTreeMap<String, Vec<Outlet>> = BTreeMap::new();
        for (id, entries) in by_channel {
            let channel = channels.iter().find(|channel| channel.id == id);
            let entries = match channel {
                Some(channel) => self.hold_back(channel, entries).await?,
                None => entries,
            };
            if entries.is_empty() {
                continue;
            }
            if let Some(outlet) = self.outlet(channel, entries).await? {
                let key = outlet.limits.as_ref();
                let key = key.map_or_else(|| id.to_string(), |limits| limits.counted_by.clone());
                together.entry(key).or_default().push(outlet);
            }
        }
        let deliveries = together
            .into_values()
            .map(|outlets| self.deliver_in_turn(outlets));
        let mut sent = 0;
        for outcome in join_all(deliveries).await {
            sent += outcome?;
        }
        Ok(sent)
    }

    /// Prepares a channel for sending; `None` where nothing can be sent over it now.
    async fn outlet(
        &self,
        channel: Option<&Channel>,
        entries: Vec<OutboxEntry>,
    ) -> Result<Option<Outlet>> {
        let Some(channel) = channel else {
            for entry in &entries {
                let deleted = Err("the channel was deleted".to_owned());
                self.finish(entry, UNKNOWN_KIND, deleted).await?;
            }
            return Ok(None);
        };
        let config = match self.open_config(channel).await {
            Ok(config) => config,
            Err(error) => {
                tracing::error!(channel = channel.name, error = %with_causes(&error), "a channel cannot be used");
                return Ok(None);
            }
        };
        Ok(Some(Outlet {
            channel: channel.id,
            kind: kind_of(&config),
            limits: self.0.notifier.rate_limits(&config),
            message: channel.message.clone(),
            config,
            entries,
        }))
    }

    async fn deliver_in_turn(&self, mut outlets: Vec<Outlet>) -> Result<usize> {
        let now_ms = self.now_ms();
        // Who has waited longest comes first, so that one channel's storm starves no other.
        outlets.sort_by_key(|outlet| {
            let due = outlet.entries.iter();
            let due = due.filter(|entry| entry.due_at_ms <= now_ms);
            due.map(|entry| entry.created_at_ms)
                .min()
                .unwrap_or(i64::MAX)
        });
        let mut sent = 0;
        for outlet in outlets {
            sent += self.deliver_channel(outlet).await?;
        }
        Ok(sent)
    }

    async fn deliver_channel(&self, mut outlet: Outlet) -> Result<usize> {
        let entries = std::mem::take(&mut outlet.entries);
        let entries = match &outlet.limits {
            Some(limits) => self.digest(outlet.channel, entries, limits).await?,
            None => entries,
        };
        let mut sent = 0;
        let mut waiting: BTreeSet<String> = BTreeSet::new();
        for entry in entries {
            // Within a group the order holds: an end is not told before its beginning.
            if waiting.contains(&entry.group_key) {
                continue;
            }
            if !self.is_due(&entry, self.now_ms())? {
                waiting.insert(entry.group_key);
                continue;
            }
            match self.attempt(&outlet, &entry).await? {
                Attempt::Arrived => sent += 1,
                Attempt::Failed => {
                    waiting.insert(entry.group_key);
                }
                Attempt::Held => break,
            }
        }
        Ok(sent)
    }

    /// Tells whether the time for an attempt has come.
    fn is_due(&self, entry: &OutboxEntry, now_ms: TimestampMs) -> Result<bool> {
        let term = self.term()?;
        let is_foreign = term.is_contested && entry.term != term.number;
        if entry.state == OutboxState::Sending && is_foreign {
            // The leader before may be under way with it; its clock says nothing here.
            return Ok(term.begun.elapsed() >= self.0.config.send_lease.0);
        }
        // A clock that was set back would otherwise hold everything up until it is there again.
        let is_set_back = entry.attempted_at_ms.is_some_and(|at_ms| at_ms > now_ms);
        Ok(entry.due_at_ms <= now_ms || is_set_back)
    }

    /// Claims a row, sends it and writes down what came of it.
    async fn attempt(&self, outlet: &Outlet, entry: &OutboxEntry) -> Result<Attempt> {
        let (config, kind, limits) = (&outlet.config, outlet.kind, outlet.limits.as_ref());
        let now_ms = self.now_ms();
        let claimed = OutboxEntry {
            state: OutboxState::Sending,
            due_at_ms: now_ms + self.0.config.send_lease.as_millis(),
            attempts: entry.attempts + 1,
            attempted_at_ms: Some(now_ms),
            term: self.term()?.number,
            ..entry.clone()
        };
        let transaction = self.begin_as_leader().await?;
        // Counted before anything is sent, and with the claim: whoever dies in between has counted.
        if let Some(limits) = limits {
            match self.count_message(&transaction, limits, now_ms).await? {
                Counted::Yes => {}
                Counted::Full(_) => {
                    transaction.commit().await?;
                    return Ok(Attempt::Held);
                }
                Counted::Raced => {
                    transaction.rollback().await?;
                    return Ok(Attempt::Held);
                }
            }
        }
        let is_claimed = self
            .0
            .store
            .advance_outbox(&transaction, entry, &claimed)
            .await?;
        if !is_claimed {
            transaction.rollback().await?;
            return Ok(Attempt::Failed);
        }
        transaction.commit().await?;
        let lease = self.0.config.send_lease.0;
        let begun = Instant::now();
        let mut notification = entry.notification.clone();
        outlet.message.word(&mut notification);
        let sending = self.0.notifier.send(config, &entry.id, &notification);
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
                    max_attempts: None,
                })
            });
        count_attempt(kind, begun.elapsed(), outcome.is_ok());
        let attempt = match outcome {
            Ok(delivered) => {
                self.finish(&claimed, kind, Ok(delivered.answer)).await?;
                Attempt::Arrived
            }
            Err(error) => {
                self.retry(&claimed, kind, &error).await?;
                Attempt::Failed
            }
        };
        if let Some(limits) = limits {
            self.note_answer(limits, now_ms).await?;
        }
        Ok(attempt)
    }

    async fn retry(
        &self,
        entry: &OutboxEntry,
        kind: &'static str,
        error: &NotifyError,
    ) -> Result<()> {
        let now_ms = self.now_ms();
        let config = &self.0.config;
        let is_too_old = now_ms - entry.created_at_ms >= config.give_up_after.as_millis();
        let limited_failures = entry.limited_failures + i64::from(error.max_attempts.is_some());
        let is_used_up = error
            .max_attempts
            .is_some_and(|most| limited_failures >= i64::from(most));
        if !error.is_retryable || is_too_old || is_used_up {
            return self.finish(entry, kind, Err(error.message.clone())).await;
        }
        // Few attempts must last for a while: after the second one the longest waits begin.
        let doublings = if error.max_attempts.is_some() && limited_failures > 1 {
            30
        } else {
            (entry.attempts - 1).clamp(0, 30)
        };
        let doubled = config
            .retry_first
            .as_millis()
            .saturating_mul(1_i64 << doublings)
            .min(config.retry_most.as_millis().max(1));
        let wait_ms =
            jittered(&entry.id, entry.attempts, doubled).max(error.retry_after_ms.unwrap_or(0));
        let next = OutboxEntry {
            state: OutboxState::Pending,
            due_at_ms: now_ms + wait_ms,
            error: Some(error.message.clone()),
            limited_failures,
            ..entry.clone()
        };
        let store = &self.0.store;
        store
            .advance_outbox(store.database().connection(), entry, &next)
            .await?;
        tracing::warn!(notification = entry.id, attempts = entry.attempts, %error, retry_in_ms = wait_ms, "a notification did not arrive and is tried again");
        Ok(())
    }

    /// Finishes a row, with the receiver's answer or the reason why it is given up.
    async fn finish(
        &self,
        entry: &OutboxEntry,
        kind: &'static str,
        outcome: Result<String, String>,
    ) -> Result<()> {
        let now_ms = self.now_ms();
        let (notification, channel) = (entry.id.clone(), entry.channel);
        let mut next = OutboxEntry {
            finished_at_ms: Some(now_ms),
            ..entry.clone()
        };
        let is_delivered = outcome.is_ok();
        let event = match outcome {
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
        let is_ours = store.advance_outbox(&transaction, entry, &next).await?;
        if is_ours {
            store
                .add_events(&transaction, &entry.alerts, now_ms, &event)
                .await?;
        }
        transaction.commit().await?;
        if is_ours {
            count_finished(kind, is_delivered);
        }
        self.announce(StateChange::Notification {
            id: entry.id.clone(),
            is_delivered,
        });
        Ok(())
    }

    /// Where more is due than the channel takes, puts what was never tried into one digest.
    async fn digest(
        &self,
        channel: ChannelId,
        entries: Vec<OutboxEntry>,
        limits: &RateLimits,
    ) -> Result<Vec<OutboxEntry>> {
        let now_ms = self.now_ms();
        let room = self.room(limits, now_ms).await?;
        let is_fresh =
            |entry: &OutboxEntry| entry.state == OutboxState::Pending && entry.attempts == 0;
        let fresh = entries.iter().filter(|entry| is_fresh(entry)).count();
        // With no room at all the digest waits, so that it tells the latest.
        if room == 0 || fresh < 2 || fresh <= room {
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
            channel,
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
            term: 0,
            limited_failures: 0,
            held_since_ms: None,
        };
        let store = &self.0.store;
        let transaction = self.begin_as_leader().await?;
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
}

/// A wait of 75 to 100 % of the given one, so that what failed together is not tried together;
/// derived from the row, as chance has no place in a test.
fn jittered(id: &str, attempt: i64, wait_ms: i64) -> i64 {
    let digest = digest(&format!("{id}\0{attempt}"));
    let number = i64::from_str_radix(&digest[..4], 16).expect("a digest is hexadecimal");
    wait_ms - wait_ms / 4 * number / 0x1_0000
}
