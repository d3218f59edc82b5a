//! Channels for people: their secrets go in and never come out.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use yunhai_database::Transaction;
use yunhai_model::{ChannelId, Labels, TimestampMs};

use super::{Monitor, StateChange, check};
use crate::alert::digest;
use crate::channel_message::{MessageSettings, sample};
use crate::error::{Error, Result};
use crate::notification::{AlertStatus, Delivered, Notification, NotifiedAlert, Preview};
use crate::quiet_hours::QuietHours;
use crate::routing::Route;
use crate::store::{Channel, NewChannel, SEALED_PREFIX, is_used_by, place, settings};

/// What stands for a secret wherever a channel is shown.
const HIDDEN: &str = "********";

/// What came of a test of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelTest {
    /// When it was sent.
    pub at_ms: TimestampMs,
    /// Whether it arrived.
    pub ok: bool,
    /// What the channel answered, or why it did not take it.
    pub result: String,
}

/// The name under which the last test of a channel is kept.
fn test_of(id: ChannelId) -> String {
    format!("channel_test/{id}")
}

impl Monitor {
    /// All channels, their secrets hidden.
    pub async fn channels(&self) -> Result<Vec<Channel>> {
        let channels = self
            .0
            .store
            .channels(self.0.store.database().connection())
            .await?;
        Ok(channels
            .into_iter()
            .map(|channel| self.hidden(channel))
            .collect())
    }

    /// One channel, its secrets hidden.
    pub async fn channel(&self, id: ChannelId) -> Result<Channel> {
        Ok(self.hidden(self.0.store.channel(id).await?))
    }

    /// Makes a channel.
    pub async fn add_channel(
        &self,
        transaction: &mut Transaction,
        new: NewChannel,
    ) -> Result<Channel> {
        let channel = self.seal_channel(ChannelId::new(), new)?;
        let connection = transaction.connection().await?;
        self.0.store.add_channel(connection, &channel).await?;
        self.announce_settings(transaction, "channels");
        Ok(self.hidden(channel))
    }

    /// Changes a channel; returns what it was and what it is. A secret that comes back hidden stays
    /// what it was.
    pub async fn change_channel(
        &self,
        transaction: &mut Transaction,
        id: ChannelId,
        mut new: NewChannel,
    ) -> Result<(Channel, Channel)> {
        // Keys that another server has made are read now, as that is not for a transaction.
        self.open_config(&self.0.store.channel(id).await?).await?;
        let connection = transaction.connection().await?;
        let old = self.0.store.hold_channel(connection, id).await?;
        let opened = self.try_open(&old)?;
        for pointer in self.0.notifier.secret_fields(&new.config) {
            if let (Some(field), Some(secret)) =
                (new.config.pointer_mut(&pointer), opened.pointer(&pointer))
                && field == HIDDEN
            {
                *field = secret.clone();
            }
        }
        let mut channel = self.seal_channel(id, new)?;
        channel.updated_at_ms = channel.updated_at_ms.max(old.updated_at_ms + 1);
        self.0.store.change_channel(connection, &channel).await?;
        self.announce_settings(transaction, "channels");
        Ok((self.hidden(old), self.hidden(channel)))
    }

    /// Deletes a channel that no route names; returns what it was.
    pub async fn delete_channel(
        &self,
        transaction: &mut Transaction,
        id: ChannelId,
    ) -> Result<Channel> {
        let store = &self.0.store;
        let connection = transaction.connection().await?;
        let route: Option<Route> = store.hold_setting(connection, settings::ROUTE).await?;
        if route.is_some_and(|route| is_used_by(&route, id)) {
            return Err(Error::Conflict(
                "a route names the channel; take it out there first".to_owned(),
            ));
        }
        let old = store.hold_channel(connection, id).await?;
        store.delete_channel(connection, id).await?;
        store.forget_setting(connection, &test_of(id)).await?;
        self.announce_settings(transaction, "channels");
        Ok(self.hidden(old))
    }

    /// Sends a test through a channel at once, past the outbox; returns the receiver's answer. It
    /// counts as every message does, and is not sent where the channel takes no more.
    pub async fn test_channel(&self, id: ChannelId, user: &str) -> Result<Delivered> {
        let channel = self.0.store.channel(id).await?;
        let config = self.open_config(&channel).await?;
        let now_ms = self.now_ms();
        let alert = NotifiedAlert {
            status: AlertStatus::Firing,
            labels: Labels::new([("alertname", "TestNotification"), ("severity", "info")]),
            annotations: [(
                "summary".to_owned(),
                format!("A test of the channel `{}` by {user}", channel.name),
            )]
            .into(),
            starts_at_ms: now_ms,
            ends_at_ms: None,
            generator_url: self.0.config.external_url.clone(),
            fingerprint: digest("test"),
            value: None,
        };
        let mut notification = Notification::new(
            channel.name.clone(),
            "test",
            Labels::default(),
            self.0.config.external_url.clone(),
            vec![alert],
        );
        channel.message.word(&mut notification);
        let test_id = digest(&format!("test\0{id}\0{now_ms}"));
        let limits = self.0.notifier.rate_limits(&config);
        if let Some(limits) = &limits {
            self.count_test(limits, now_ms).await?;
        }
        let sent = self.0.notifier.send(&config, &test_id, &notification).await;
        if let Some(limits) = &limits {
            self.note_answer(limits, now_ms).await?;
        }
        let test = ChannelTest {
            at_ms: now_ms,
            ok: sent.is_ok(),
            result: match &sent {
                Ok(delivered) => delivered.answer.clone(),
                Err(error) => error.to_string(),
            },
        };
        let store = &self.0.store;
        store
            .put_setting(store.database().connection(), &test_of(id), &test)
            .await?;
        self.announce(StateChange::Settings { what: "channels" });
        Ok(sent?)
    }

    /// How a sample alert would read on a channel of such settings, or what is wrong with them. Only
    /// the kind among the settings counts.
    pub fn preview_message(&self, config: &Value, message: &MessageSettings) -> Result<Preview> {
        check("message", message.faults())?;
        let mut sample = sample("sample", self.now_ms(), &self.0.config.external_url);
        message.word(&mut sample);
        Ok(self.0.notifier.preview(config, &sample))
    }

    /// How the last test of a channel went.
    pub async fn last_channel_test(&self, id: ChannelId) -> Result<Option<ChannelTest>> {
        let store = &self.0.store;
        store
            .setting(store.database().connection(), &test_of(id))
            .await
    }

    /// Checks what a channel is made of and seals its secrets.
    fn seal_channel(&self, id: ChannelId, new: NewChannel) -> Result<Channel> {
        let mut faults = Vec::new();
        if new.name.trim().is_empty() || new.name.chars().count() > 191 {
            faults.push("name: 1 to 191 characters are needed".to_owned());
        }
        if let Err(message) = self.0.notifier.check(&new.config) {
            faults.push(format!("config: {message}"));
        }
        faults.extend(new.message.faults());
        if new.message.has_texts() && !self.0.notifier.has_texts(&new.config) {
            faults.push(
                "body_template: this kind of channel carries data, which have no title and no text"
                    .to_owned(),
            );
        }
        faults.extend(new.quiet_hours.iter().flat_map(QuietHours::faults));
        check("channel", faults)?;
        let mut channel = Channel {
            id,
            name: new.name,
            config: new.config,
            is_enabled: new.is_enabled,
            message: new.message,
            quiet_hours: new.quiet_hours,
            updated_at_ms: self.now_ms(),
        };
        for pointer in self.0.notifier.secret_fields(&channel.config) {
            let Some(Value::String(secret)) = channel.config.pointer_mut(&pointer) else {
                continue;
            };
            let sealed = self
                .0
                .sealer
                .seal(&place(id, &pointer), secret)
                .map_err(|reason| Error::Secret {
                    attempt: "seal",
                    channel: channel.name.clone(),
                    reason,
                })?;
            *secret = format!("{SEALED_PREFIX}{sealed}");
        }
        Ok(channel)
    }

    /// A channel's settings with the secrets in the clear, for the sender alone.
    pub(super) async fn open_config(&self, channel: &Channel) -> Result<Value> {
        let opened = self.try_open(channel);
        if opened.is_ok() {
            return opened;
        }
        self.0
            .sealer
            .refresh()
            .await
            .map_err(|reason| Error::Secret {
                attempt: "open",
                channel: channel.name.clone(),
                reason,
            })?;
        self.try_open(channel)
    }

    fn try_open(&self, channel: &Channel) -> Result<Value> {
        let mut config = channel.config.clone();
        for pointer in self.0.notifier.secret_fields(&channel.config) {
            let Some(Value::String(text)) = config.pointer_mut(&pointer) else {
                continue;
            };
            let Some(sealed) = text.strip_prefix(SEALED_PREFIX) else {
                continue;
            };
            *text = self
                .0
                .sealer
                .open(&place(channel.id, &pointer), sealed)
                .map_err(|reason| Error::Secret {
                    attempt: "open",
                    channel: channel.name.clone(),
                    reason,
                })?;
        }
        Ok(config)
    }

    fn hidden(&self, mut channel: Channel) -> Channel {
        for pointer in self.0.notifier.secret_fields(&channel.config) {
            if let Some(field) = channel.config.pointer_mut(&pointer)
                && !field.is_null()
            {
                *field = Value::from(HIDDEN);
            }
        }
        channel
    }
}
