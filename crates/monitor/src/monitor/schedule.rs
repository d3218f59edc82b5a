//! Evaluates groups at aligned times, tells and sends, until it is asked to stop.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use yunhai_model::{TimestampMs, with_causes};

use super::Monitor;
use super::counting::begin_counting;
use super::evaluation::count_skipped;
use crate::alert::digest;
use crate::error::{Error, Result};
use crate::leadership::Term;
use crate::rule_file::RuleGroup;

impl Monitor {
    /// Runs until it is cancelled; what is under way then is finished.
    pub async fn run(&self, cancel: CancellationToken) -> Result<()> {
        count_skipped(0);
        begin_counting();
        let done = CancellationToken::new();
        let working = async {
            self.work_as_leader(&cancel).await;
            // Only now may another server begin.
            done.cancel();
        };
        tokio::join!(working, self.keep_lease(&done));
        Ok(())
    }

    /// Evaluates, tells and sends whenever this server leads, until cancelled.
    async fn work_as_leader(&self, cancel: &CancellationToken) {
        let mut term = self.0.term.subscribe();
        while !cancel.is_cancelled() {
            let number = term.borrow_and_update().map(|term| term.number);
            let Some(number) = number else {
                tokio::select! {
                    () = cancel.cancelled() => {}
                    _ = term.changed() => {}
                }
                continue;
            };
            let stop = cancel.child_token();
            let working = async {
                tokio::join!(
                    self.run_groups(&stop),
                    self.run_dispatch(&stop),
                    self.run_delivery(&stop),
                    self.run_pruning(&stop),
                )
            };
            let watching = async {
                let is_over = |term: &Option<Term>| term.map(|term| term.number) != Some(number);
                tokio::select! {
                    () = stop.cancelled() => {}
                    _ = term.wait_for(is_over) => stop.cancel(),
                }
            };
            tokio::join!(working, watching);
        }
    }

    /// One task per group; all begin anew when the rules change.
    async fn run_groups(&self, cancel: &CancellationToken) {
        let semaphore = Arc::new(Semaphore::new(self.0.config.concurrency.max(1)));
        let mut generation = self.0.generation.subscribe();
        while !cancel.is_cancelled() {
            generation.mark_unchanged();
            let stop = cancel.child_token();
            let mut tasks = JoinSet::new();
            for file in self.loaded().iter() {
                for group in &file.rules.groups {
                    let monitor = self.clone();
                    let (file, group) = (file.name.clone(), group.clone());
                    let (stop, semaphore) = (stop.clone(), semaphore.clone());
                    tasks.spawn(async move {
                        monitor.run_group(&file, &group, &stop, &semaphore).await;
                    });
                }
            }
            tokio::select! {
                () = cancel.cancelled() => {}
                _ = generation.changed() => {}
            }
            stop.cancel();
            while tasks.join_next().await.is_some() {}
        }
    }

    async fn run_group(
        &self,
        file: &str,
        group: &RuleGroup,
        stop: &CancellationToken,
        semaphore: &Semaphore,
    ) {
        let interval_ms = group
            .interval_ms
            .unwrap_or_else(|| self.0.config.evaluation_interval.as_millis())
            .max(1);
        let phase_ms = phase(file, &group.name, interval_ms);
        let mut tick_ms = next_tick(self.now_ms(), interval_ms, phase_ms);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.sleep_until(tick_ms) => {}
            }
            let Ok(_permit) = semaphore.acquire().await else {
                return;
            };
            // Whoever does not lead any more is told so where the lease is kept.
            if let Err(error) = self.evaluate_group(file, group, tick_ms).await
                && !matches!(error, Error::NotLeader { .. })
            {
                tracing::error!(file, group = group.name, error = %with_causes(&error), "a rule group could not be evaluated");
            }
            let next_ms = tick_after(tick_ms, self.now_ms(), interval_ms, phase_ms);
            let skipped = (next_ms - tick_ms) / interval_ms - 1;
            if skipped > 0 {
                tracing::warn!(
                    file,
                    group = group.name,
                    skipped,
                    "evaluations were skipped: the group takes longer than its interval, or the clock was set forward"
                );
                count_skipped(skipped.unsigned_abs());
                let mut groups = self
                    .0
                    .groups
                    .write()
                    .unwrap_or_else(PoisonError::into_inner);
                groups
                    .entry((file.to_owned(), group.name.clone()))
                    .or_default()
                    .skipped += skipped.unsigned_abs();
            }
            tick_ms = next_ms;
        }
    }

    async fn sleep_until(&self, at_ms: TimestampMs) {
        let wait_ms = (at_ms - self.now_ms()).max(0);
        tokio::time::sleep(Duration::from_millis(wait_ms.unsigned_abs())).await;
    }

    async fn run_dispatch(&self, cancel: &CancellationToken) {
        self.repeat(cancel, "notifications could not be made", || {
            self.dispatch()
        })
        .await;
    }

    async fn run_delivery(&self, cancel: &CancellationToken) {
        self.repeat(cancel, "notifications could not be sent", || self.deliver())
            .await;
    }

    async fn repeat<F: Future<Output = Result<usize>>>(
        &self,
        cancel: &CancellationToken,
        failure: &str,
        step: impl Fn() -> F,
    ) {
        let mut interval = tokio::time::interval(self.0.config.dispatch_interval.0);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = cancel.cancelled() => return,
                _ = interval.tick() => {}
            }
            match step().await {
                Ok(_) | Err(Error::NotLeader { .. }) => {}
                // What another server has changed meanwhile is seen by the next step.
                Err(error @ Error::Raced(_)) => {
                    tracing::debug!(error = %with_causes(&error), "{failure}");
                }
                Err(error) => tracing::error!(error = %with_causes(&error), "{failure}"),
            }
        }
    }
}

/// When in its interval a group is evaluated: spread over the interval, the same after a restart.
fn phase(file: &str, group: &str, interval_ms: i64) -> i64 {
    let digest = digest(&format!("{file}\0{group}"));
    let number = u64::from_str_radix(&digest[..15], 16).expect("a digest is hexadecimal");
    (number % interval_ms.unsigned_abs()) as i64
}

/// The first tick after a moment.
fn next_tick(now_ms: TimestampMs, interval_ms: i64, phase_ms: i64) -> TimestampMs {
    let passed = (now_ms - phase_ms).rem_euclid(interval_ms);
    now_ms - passed + interval_ms
}

/// The tick after one that has been: never the same again, but counted anew where the clock was set
/// back, or nothing would be evaluated until it is there again.
fn tick_after(
    tick_ms: TimestampMs,
    now_ms: TimestampMs,
    interval_ms: i64,
    phase_ms: i64,
) -> TimestampMs {
    let next_ms = next_tick(now_ms, interval_ms, phase_ms);
    let is_set_back = next_ms < tick_ms;
    if is_set_back {
        next_ms
    } else {
        next_ms.max(tick_ms + interval_ms)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ticks_are_aligned_and_come_next(now_ms in 0..4_000_000_000_000_i64, interval_ms in 1..100_000_i64) {
            let phase_ms = phase("f", "g", interval_ms);
            let tick_ms = next_tick(now_ms, interval_ms, phase_ms);
            prop_assert!(tick_ms > now_ms && tick_ms - now_ms <= interval_ms);
            prop_assert_eq!((tick_ms - phase_ms).rem_euclid(interval_ms), 0);
            prop_assert_eq!(next_tick(tick_ms, interval_ms, phase_ms), tick_ms + interval_ms);
        }

        #[test]
        fn the_tick_after_one_is_near_whatever_the_clock_does(now_ms in 0..4_000_000_000_000_i64, moved_ms in -100_000_000..100_000_000_i64) {
            let interval_ms = 60_000;
            let tick_ms = next_tick(now_ms, interval_ms, 7);
            let moved_to_ms = tick_ms + moved_ms;
            let after_ms = tick_after(tick_ms, moved_to_ms, interval_ms, 7);
            prop_assert_ne!(after_ms, tick_ms);
            prop_assert!(after_ms > moved_to_ms && after_ms - moved_to_ms <= 2 * interval_ms);
        }
    }
}
