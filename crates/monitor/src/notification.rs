//! The door through which notifications leave the house, and the one behind which secrets lie.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use yunhai_notify::{
    AlertStatus, Language, Notification, NotifiedAlert, Preview, RateLimit, RateLimits,
};

/// Why a notification is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Occasion {
    /// The alerts of the group changed.
    Change,
    /// Nothing changed for the repeat interval.
    Repeat,
    /// Nobody has acknowledged the alerts in time.
    Escalation,
    /// Several notifications in one, as the channel's limit was reached.
    Digest,
    /// What was held back in quiet hours, in one.
    Summary,
}

/// What a channel answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// The receiver's own answer, shortened and without secrets.
    pub answer: String,
}

/// Why a notification did not arrive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NotifyError {
    /// What happened, without secrets.
    pub message: String,
    /// Whether another attempt can succeed.
    pub is_retryable: bool,
    /// How long the receiver wants to be left alone.
    pub retry_after_ms: Option<i64>,
    /// How many attempts that fail in this way are made at most; `None` where only time ends them.
    pub max_attempts: Option<u32>,
}

/// Carries notifications out of the house. The server wires the channels in.
///
/// A channel's configuration is the JSON object of its settings, with `kind` among them and the
/// secrets in the clear.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Checks a configuration and tells everything that is wrong with it.
    fn check(&self, config: &Value) -> Result<(), String>;

    /// The paths of the fields that are secrets (`/password`, as JSON pointers): they are sealed
    /// in the database and never shown.
    fn secret_fields(&self, config: &Value) -> Vec<String>;

    /// The channel's limits and what they are counted by; `None` where there are none.
    fn rate_limits(&self, config: &Value) -> Option<RateLimits>;

    /// Whether a channel's messages are texts for people, so that templates have a place there.
    fn has_texts(&self, config: &Value) -> bool;

    /// A notification as it would read on a channel, whose secrets need not be known.
    fn preview(&self, config: &Value, notification: &Notification) -> Preview;

    /// Sends a notification; `id` is the idempotency key, the same for every attempt.
    async fn send(
        &self,
        config: &Value,
        id: &str,
        notification: &Notification,
    ) -> Result<Delivered, NotifyError>;
}

/// Seals the secrets of channels and probes. The server wires the key ring in.
#[async_trait]
pub trait SecretSealer: Send + Sync {
    /// Seals a text for a place (`channel/ID/field`, `probe/ID/field`); it opens only with the same place.
    fn seal(&self, place: &str, secret: &str) -> Result<String, String>;

    /// Opens what was sealed for a place.
    fn open(&self, place: &str, sealed: &str) -> Result<String, String>;

    /// Learns of keys that another process has made in the meantime; called where something cannot
    /// be opened, before it is tried once more.
    async fn refresh(&self) -> Result<(), String>;
}
