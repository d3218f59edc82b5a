//! When each account is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use yunhai_model::with_causes;

use crate::inventory::Inventory;

/// How many accounts are asked at once.
const ACCOUNTS_AT_ONCE: usize = 4;

/// How often is looked for which account is due.
const TICK: Duration = Duration::from_secs(1);

/// How often is looked for what another server on the same database has changed.
const RELOAD_INTERVAL: Duration = Duration::from_secs(30);

impl Inventory {
    /// Asks every account in its interval until stopped. Of several servers on one database the one
    /// asks for which `is_leading` holds.
    pub async fn run(&self, is_leading: impl Fn() -> bool, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        // By the monotonic clock: a wall clock that jumps asks neither twice nor never.
        let mut begun = BTreeMap::new();
        let mut under_way = BTreeSet::new();
        let mut running = JoinSet::new();
        let mut reloaded = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = running.join_next() => {
                    if let Ok(id) = ended {
                        under_way.remove(&id);
                    }
                    continue;
                }
                _ = ticks.tick() => {}
            }
            if reloaded.elapsed() >= RELOAD_INTERVAL {
                reloaded = Instant::now();
                let outcome = if is_leading() {
                    self.reload_accounts().await
                } else {
                    self.reload().await
                };
                if let Err(error) = outcome {
                    tracing::warn!(
                        error = with_causes(&error),
                        "cannot look for changes of cloud accounts"
                    );
                }
            }
            if !is_leading() {
                begun.clear();
                continue;
            }
            for (id, settings) in self.wanted() {
                let interval = Duration::from_secs(settings.interval_secs);
                let is_due = begun
                    .get(&id)
                    .is_none_or(|begun: &Instant| begun.elapsed() >= interval);
                if !is_due || running.len() >= ACCOUNTS_AT_ONCE || !under_way.insert(id) {
                    continue;
                }
                begun.insert(id, Instant::now());
                let inventory = self.clone();
                running.spawn(async move {
                    if let Err(error) = inventory.ask(id).await {
                        tracing::warn!(
                            account = settings.name,
                            error = with_causes(&error),
                            "cannot ask a cloud account"
                        );
                    }
                    id
                });
            }
        }
        // A round that is cut short is asked for again after the next start.
        running.shutdown().await;
    }
}
