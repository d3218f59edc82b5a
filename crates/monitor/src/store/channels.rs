//! Channels: where notifications go. Their secrets lie sealed in the configuration.

use sea_orm::sea_query::{Condition, Order};
use sea_orm::{ConnectionTrait, DatabaseTransaction, Value as ColumnValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use yunhai_database::is_unique_violation;
use yunhai_model::{ChannelId, TimestampMs};

use super::Store;
use super::rows::{self, Row};
use crate::channel_message::MessageSettings;
use crate::error::{Error, Result};
use crate::quiet_hours::QuietHours;
use crate::routing::Route;

/// A channel as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Its id.
    pub id: ChannelId,
    /// Its name, unique.
    pub name: String,
    /// Its settings, `kind` among them. The secrets are sealed in the database, hidden in what
    /// [`crate::Monitor::channels`] returns, and in the clear nowhere else than in the sender.
    pub config: Value,
    /// Whether notifications go there.
    pub is_enabled: bool,
    /// What its messages say.
    #[serde(default)]
    pub message: MessageSettings,
    /// When only what is severe is told at once; `None` for never.
    #[serde(default)]
    pub quiet_hours: Option<QuietHours>,
    /// When it was changed last; later each time, also where the clock stood still.
    pub updated_at_ms: TimestampMs,
}

/// What a new or changed channel is made of.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewChannel {
    /// Its name, unique.
    pub name: String,
    /// Its settings, `kind` among them. A secret that is the hidden form stays what it is.
    pub config: Value,
    /// Whether notifications go there.
    #[serde(default = "enabled")]
    pub is_enabled: bool,
    /// What its messages say.
    #[serde(default)]
    pub message: MessageSettings,
    /// When only what is severe is told at once; `None` for never.
    #[serde(default)]
    pub quiet_hours: Option<QuietHours>,
}

fn enabled() -> bool {
    true
}

/// Marks a text of a stored configuration as sealed.
pub(crate) const SEALED_PREFIX: &str = "sealed:";

/// The place for which a secret of a channel is sealed.
pub(crate) fn place(channel: ChannelId, field: &str) -> String {
    format!("channel/{channel}{field}")
}

/// Tells whether a routing tree names a channel.
pub(crate) fn is_used_by(route: &Route, channel: ChannelId) -> bool {
    route.channels().contains(&channel)
}

impl Row for Channel {
    const TABLE: &'static str = "monitor_channel";
    const WHAT: &'static str = "channel";

    fn id(&self) -> String {
        self.id.to_string()
    }

    fn columns(&self) -> Vec<(&'static str, ColumnValue)> {
        vec![("name", self.name.as_str().into())]
    }
}

impl Store {
    /// All channels, sorted by name.
    pub(crate) async fn channels(&self, connection: &impl ConnectionTrait) -> Result<Vec<Channel>> {
        let query = rows::select::<Channel>()
            .order_by("name", Order::Asc)
            .to_owned();
        rows::read(connection, &query).await
    }

    pub(crate) async fn channel(&self, id: ChannelId) -> Result<Channel> {
        rows::find(self.database.connection(), id).await
    }

    pub(crate) async fn hold_channel(
        &self,
        transaction: &DatabaseTransaction,
        id: ChannelId,
    ) -> Result<Channel> {
        rows::hold(transaction, id).await
    }

    pub(crate) async fn add_channel(
        &self,
        connection: &impl ConnectionTrait,
        channel: &Channel,
    ) -> Result<()> {
        named_once(channel, rows::insert(connection, channel).await)
    }

    pub(crate) async fn change_channel(
        &self,
        connection: &impl ConnectionTrait,
        channel: &Channel,
    ) -> Result<()> {
        let changed = rows::update(connection, channel, Condition::all()).await;
        named_once(channel, changed.map(drop))
    }

    pub(crate) async fn delete_channel(
        &self,
        connection: &impl ConnectionTrait,
        id: ChannelId,
    ) -> Result<()> {
        rows::delete::<Channel>(connection, id).await
    }
}

/// Says in plain words that a name is taken.
fn named_once(channel: &Channel, outcome: Result<()>) -> Result<()> {
    match outcome {
        Err(Error::Database(yunhai_database::Error::Query(error)))
            if is_unique_violation(&error) =>
        {
            Err(Error::Conflict(format!(
                "there is a channel named `{}` already",
                channel.name
            )))
        }
        other => other,
    }
}
