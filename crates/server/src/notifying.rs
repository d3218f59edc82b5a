//! Wires alerting to the channels, the vault and the series store, through the small traits that
//! it asks for.

use async_trait::async_trait;
use serde_json::Value;
use yunhai_model::{Secret, TimeSeries};
use yunhai_monitor::{
    Delivered, Notification, Notifier, NotifyError, Preview, RateLimits, SampleSink, SecretSealer,
    place_of,
};
use yunhai_notify::{ChannelConfig, ChannelKind, ChannelSender, SendError, Sender};
use yunhai_series::Store;
use yunhai_vault::Vault;

use crate::samples::SampleSource;

/// Sends through the channels of the `notify` crate.
pub(crate) struct ChannelNotifier(pub(crate) Sender);

#[async_trait]
impl Notifier for ChannelNotifier {
    fn check(&self, config: &Value) -> Result<(), String> {
        parse(config)?.validate().map_err(|error| error.to_string())
    }

    fn secret_fields(&self, config: &Value) -> Vec<String> {
        parse(config)
            .map(|config| config.secret_fields())
            .unwrap_or_default()
    }

    fn rate_limits(&self, config: &Value) -> Option<RateLimits> {
        parse(config).ok()?.rate_limits()
    }

    fn has_texts(&self, config: &Value) -> bool {
        kind_of(config).is_none_or(ChannelKind::has_texts)
    }

    fn preview(&self, config: &Value, notification: &Notification) -> Preview {
        let kind = kind_of(config).unwrap_or(ChannelKind::Email);
        self.0.preview(kind, notification)
    }

    async fn send(
        &self,
        config: &Value,
        id: &str,
        notification: &Notification,
    ) -> Result<Delivered, NotifyError> {
        let config = parse(config).map_err(|message| NotifyError {
            message,
            is_retryable: false,
            retry_after_ms: None,
            max_attempts: None,
        })?;
        match self.0.send(&config, notification, id).await {
            Ok(delivery) => Ok(Delivered {
                answer: delivery.answer,
            }),
            Err(error) => Err(notify_error(&error)),
        }
    }
}

fn kind_of(config: &Value) -> Option<ChannelKind> {
    serde_json::from_value(config["kind"].clone()).ok()
}

fn parse(config: &Value) -> Result<ChannelConfig, String> {
    ChannelConfig::from_clear_json(&Secret::new(config.to_string()))
        .map_err(|error| error.to_string())
}

fn notify_error(error: &SendError) -> NotifyError {
    NotifyError {
        message: error.to_string(),
        is_retryable: error.is_retryable,
        retry_after_ms: error.retry_after.map(|wait| wait.as_millis() as i64),
        max_attempts: error.max_attempts,
    }
}

/// Seals the secrets of channels with the vault.
pub(crate) struct VaultSealer(pub(crate) Vault);

#[async_trait]
impl SecretSealer for VaultSealer {
    fn seal(&self, place: &str, secret: &str) -> Result<String, String> {
        Ok(self.0.seal_secret(&place_of(place), &Secret::new(secret)))
    }

    fn open(&self, place: &str, sealed: &str) -> Result<String, String> {
        self.0
            .open_secret(&place_of(place), sealed)
            .map(|secret| secret.expose().to_owned())
            .map_err(|error| error.to_string())
    }

    async fn refresh(&self) -> Result<(), String> {
        self.0.refresh().await.map_err(|error| error.to_string())
    }
}

/// Appends what rules and probes yield to the series store.
pub(crate) struct StoreSink(pub(crate) Store, pub(crate) SampleSource);

#[async_trait]
impl SampleSink for StoreSink {
    async fn append(&self, series: Vec<TimeSeries>) -> Result<(), String> {
        let outcome = self
            .0
            .append(series)
            .await
            .map_err(|error| error.to_string())?;
        self.1.count(&outcome);
        match outcome.rejected.first() {
            None => Ok(()),
            Some(rejection) => Err(rejection.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
