//! When each account is asked.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use yunhai_model::{CloudAccountId, with_causes};

use crate::inventory::{Inventory, Wanted};

/// How many accounts are asked at once.
const ACCOUNTS_AT_ONCE: usize = 4;

/// How often is looked for which account is due.
const TICK: Duration = Duration::from_secs(1);

/// How long after the end of a period it is asked for: two minutes to settle, and a little more.
const AFTER_PERIOD_MS: i64 = 135_000;

/// How long rounds may take to end when the server stops.
const ENDING: Duration = Duration::from_secs(5);

/// How often is looked for what another server on the same database has changed.
const RELOAD_INTERVAL: Duration = Duration::from_secs(30);

impl Inventory {
    /// Asks every account in its interval until stopped. Of several servers on one database the one
    /// asks for which `is_leading` holds.
    pub async fn run(&self, is_leading: impl Fn() -> bool, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut due: BTreeMap<CloudAccountId, Due> = BTreeMap::new();
        let mut running = JoinSet::new();
        let mut under_way = BTreeMap::new();
        let mut reloaded = Instant::now();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = running.join_next_with_id() => {
                    let id = match ended {
                        Ok((id, ())) => id,
                        Err(error) => {
                            tracing::error!(error = with_causes(&error), "asking a cloud account failed");
                            error.id()
                        }
                    };
                    under_way.remove(&id);
                    continue;
                }
                _ = ticks.tick() => {}
            }
            if reloaded.elapsed() >= RELOAD_INTERVAL {
                reloaded = Instant::now();
                self.follow_changes(is_leading()).await;
            }
            if !is_leading() {
                due.clear();
                continue;
            }
            let wanted = self.wanted();
            due.retain(|id, _| wanted.iter().any(|wanted| wanted.id == *id));
            let mut waiting = Vec::new();
            for wanted in wanted {
                let known = due.get(&wanted.id);
                // What somebody changed is asked anew at once.
                let at = match known {
                    Some(known) if known.revision == wanted.revision => known.at,
                    _ => self.first_due(&wanted),
                };
                due.insert(
                    wanted.id,
                    Due {
                        at,
                        revision: wanted.revision,
                    },
                );
                if at <= Instant::now() && !under_way.values().any(|id| *id == wanted.id) {
                    waiting.push((at, wanted));
                }
            }
            // Whoever waits longest comes first.
            waiting.sort_by_key(|(at, _)| *at);
            for (_, wanted) in waiting {
                if running.len() >= ACCOUNTS_AT_ONCE {
                    break;
                }
                let at = Instant::now() + self.until_next(&wanted);
                due.insert(
                    wanted.id,
                    Due {
                        at,
                        revision: wanted.revision,
                    },
                );
                let inventory = self.clone();
                let id = wanted.id;
                let task = running.spawn(async move { inventory.ask_or_tell(&wanted).await });
                under_way.insert(task.id(), id);
            }
        }
        // What was paid for is kept where it comes soon; what is cut short is asked for again.
        let through = async { while running.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(ENDING, through).await;
        running.shutdown().await;
    }

    /// Asks every account that is due, once: for a process that lives no longer than that.
    pub async fn ask_all_due(&self) {
        let due = self
            .wanted()
            .into_iter()
            .filter(|wanted| self.is_due(wanted));
        futures::stream::iter(due)
            .for_each_concurrent(ACCOUNTS_AT_ONCE, |wanted| async move {
                self.ask_or_tell(&wanted).await;
            })
            .await;
    }

    async fn ask_or_tell(&self, wanted: &Wanted) {
        if let Err(error) = self.ask_in_turn(wanted.id).await {
            tracing::warn!(
                account = wanted.settings.name,
                error = with_causes(&error),
                "cannot ask a cloud account"
            );
        }
    }

    /// Whether nearly an interval is over. Whoever starts the process does not do so to the second.
    fn is_due(&self, wanted: &Wanted) -> bool {
        let lately_ms = wanted.settings.interval_secs as i64 * 900;
        let asked_ms = wanted.asked_at_ms.map(|at_ms| self.now_ms() - at_ms);
        asked_ms.is_none_or(|ago_ms| !(0..lately_ms).contains(&ago_ms))
    }

    async fn follow_changes(&self, is_leading: bool) {
        let outcome = if is_leading {
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

    /// When an account is asked first: at once, unless it was asked lately by whoever ran before.
    fn first_due(&self, wanted: &Wanted) -> Instant {
        let interval_ms = wanted.settings.interval_secs as i64 * 1000;
        let asked_ms = wanted.asked_at_ms.map(|at_ms| self.now_ms() - at_ms);
        let is_lately = asked_ms.is_some_and(|ago_ms| (0..interval_ms).contains(&ago_ms));
        if is_lately && wanted.revision == 0 {
            Instant::now() + self.until_next(wanted)
        } else {
            Instant::now()
        }
    }

    /// How long it is until the next round: providers measure in whole periods since midnight, and
    /// whoever asks soon after they have settled on one has it freshest.
    fn until_next(&self, wanted: &Wanted) -> Duration {
        let interval_ms = wanted.settings.interval_secs as i64 * 1000;
        let into_ms = (self.now_ms() - AFTER_PERIOD_MS).rem_euclid(interval_ms);
        Duration::from_millis((interval_ms - into_ms).unsigned_abs())
    }
}

/// When an account is due next, and for which of its settings that was found out.
struct Due {
    at: Instant,
    revision: u64,
}
