//! Keeps to what the providers take. What was sent over a robot is counted in the database, where
//! all channels over it, all servers and the tests of people find the same count.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use yunhai_model::TimestampMs;
use yunhai_notify::{RateLimits, SendHistory};

use super::Monitor;
use crate::error::Result;
use crate::notification::NotifyError;

/// How often a count that somebody else changes at the same moment is tried.
const TRIES: usize = 10;

/// What came of counting a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    /// It may be sent.
    Yes,
    /// It must wait for so long.
    Full(Duration),
    /// Somebody else has counted at the same moment.
    Raced,
}

impl Monitor {
    /// Counts a message that is about to be sent, if the limits let it.
    pub(super) async fn count_message(
        &self,
        connection: &impl ConnectionTrait,
        limits: &RateLimits,
        now_ms: TimestampMs,
    ) -> Result<Counted> {
        let store = &self.0.store;
        let key = &limits.counted_by;
        let before: Option<SendHistory> = store.send_history(connection, key).await?;
        let mut after = before.clone().unwrap_or_default();
        let outcome = after.begin(&limits.limits, now_ms);
        let is_stored = before.as_ref() == Some(&after)
            || store
                .replace_send_history(connection, key, before.as_ref(), &after)
                .await?;
        Ok(match outcome {
            Ok(()) if is_stored => Counted::Yes,
            Ok(()) => Counted::Raced,
            Err(wait) => Counted::Full(wait),
        })
    }

    /// Counts a message that does not go through the outbox; the error says how long to wait.
    pub(super) async fn count_test(&self, limits: &RateLimits, now_ms: TimestampMs) -> Result<()> {
        let connection = self.0.store.database().connection();
        for _ in 0..TRIES {
            match self.count_message(connection, limits, now_ms).await? {
                Counted::Yes => return Ok(()),
                Counted::Raced => {}
                Counted::Full(wait) => return Err(full(wait).into()),
            }
        }
        Err(full(Duration::from_secs(1)).into())
    }

    /// Notes that a message that was counted when it began has been answered.
    pub(super) async fn note_answer(
        &self,
        limits: &RateLimits,
        begun_ms: TimestampMs,
    ) -> Result<()> {
        let store = &self.0.store;
        let (connection, key) = (store.database().connection(), &limits.counted_by);
        for _ in 0..TRIES {
            let Some(before) = store.send_history(connection, key).await? else {
                return Ok(());
            };
            let mut after = before.clone();
            after.end(begun_ms, self.now_ms());
            let is_done = after == before
                || store
                    .replace_send_history(connection, key, Some(&before), &after)
                    .await?;
            if is_done {
                break;
            }
        }
        Ok(())
    }

    /// How many messages may be sent now.
    pub(super) async fn room(&self, limits: &RateLimits, now_ms: TimestampMs) -> Result<usize> {
        let store = &self.0.store;
        let history = store
            .send_history(store.database().connection(), &limits.counted_by)
            .await?;
        Ok(history.unwrap_or_default().room(&limits.limits, now_ms))
    }
}

fn full(wait: Duration) -> NotifyError {
    NotifyError {
        message: format!(
            "not sent: the provider takes no more messages over this channel for the moment; \
             try again in {} s",
            wait.as_millis().div_ceil(1000)
        ),
        is_retryable: true,
        retry_after_ms: Some(wait.as_millis() as i64),
        max_attempts: None,
    }
}
