//! Forgets what is long over: ended alerts with their history, finished notifications, silences,
//! maintenance windows, and what deleted rules have seen. In small batches, so that nobody waits long for the database.

use std::collections::HashSet;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use yunhai_model::with_causes;

use super::Monitor;
use super::evaluation::rule_digest;
use super::rules::rule_key;
use crate::error::Result;
use crate::rule_file::RuleFile;

/// How often is looked for something to forget.
const INTERVAL: Duration = Duration::from_mins(30);

/// Longer than the windows of all providers' limits.
const LONG_AFTER_MS: i64 = 86_400_000;

/// How many rows one statement deletes at most.
pub(crate) const BATCH: u64 = 500;

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Ended alerts, with their history.
    pub alerts: u64,
    /// Events of alerts that go on.
    pub events: u64,
    /// Finished notifications.
    pub notifications: u64,
    /// Expired silences.
    pub silences: u64,
    /// Maintenance windows that are over for good.
    pub windows: u64,
    /// Deleted rules of which was kept what they had seen.
    pub rules: u64,
}

impl Monitor {
    /// Forgets what is older than the settings keep it.
    pub async fn prune(&self) -> Result<Pruned> {
        let (store, config, now_ms) = (&self.0.store, &self.0.config, self.now_ms());
        let alerts_ms = now_ms - config.keep_alerts_for.as_millis();
        let notifications_ms = now_ms - config.keep_notifications_for.as_millis();
        let silences_ms = now_ms - config.keep_silences_for.as_millis();
        let pruned = Pruned {
            alerts: in_batches(|| store.prune_alerts(alerts_ms, BATCH)).await?,
            events: in_batches(|| store.prune_events(alerts_ms, BATCH)).await?,
            notifications: in_batches(|| store.prune_outbox(notifications_ms, BATCH)).await?,
            silences: in_batches(|| store.prune_silences(silences_ms, BATCH)).await?,
            windows: self.prune_windows(silences_ms).await?,
            rules: self.prune_known_series().await?,
        };
        store.prune_send_histories(now_ms - LONG_AFTER_MS).await?;
        if pruned != Pruned::default() {
            tracing::info!(
                alerts = pruned.alerts,
                events = pruned.events,
                notifications = pruned.notifications,
                silences = pruned.silences,
                windows = pruned.windows,
                rules = pruned.rules,
                "forgot what is older than it is kept"
            );
        }
        Ok(pruned)
    }

    async fn prune_windows(&self, over_before_ms: i64) -> Result<u64> {
        let mut count = 0;
        let database = self.0.store.database();
        for window in self.windows().await? {
            if window.settings.is_over(over_before_ms) {
                let mut transaction = database.transaction();
                self.delete_window(&mut transaction, window.id).await?;
                transaction.commit().await?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Forgets what rules that are no longer there have seen.
    async fn prune_known_series(&self) -> Result<u64> {
        let store = &self.0.store;
        // First what is known, then the rules: what a rule that comes meanwhile sees is not touched.
        let mut gone = store.remembering_rules().await?;
        let mut there = HashSet::new();
        for file in store.rule_files().await? {
            // Which rules a file has that this release does not understand nobody can tell.
            let Ok(rules) = RuleFile::parse(&file.source) else {
                return Ok(0);
            };
            for group in &rules.groups {
                there.extend(
                    group
                        .identified()
                        .map(|(id, _)| rule_digest(&rule_key(&file.name, group, id))),
                );
            }
        }
        gone.retain(|rule| !there.contains(rule));
        for batch in gone.chunks(BATCH as usize) {
            store.forget_rules(batch).await?;
        }
        Ok(gone.len() as u64)
    }

    pub(super) async fn run_pruning(&self, cancel: &CancellationToken) {
        let mut ticks = tokio::time::interval(INTERVAL);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                _ = ticks.tick() => {}
            }
            if let Err(error) = self.prune().await {
                tracing::error!(error = %with_causes(&error), "what is long over could not be forgotten");
            }
        }
    }
}

/// Deletes a batch after another, until one is not full; returns how many rows went.
async fn in_batches<F: Future<Output = Result<u64>>>(batch: impl Fn() -> F) -> Result<u64> {
    let mut total = 0;
    loop {
        let count = batch().await?;
        total += count;
        if count < BATCH {
            return Ok(total);
        }
        tokio::task::yield_now().await;
    }
}
