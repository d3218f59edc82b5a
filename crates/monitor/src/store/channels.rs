//! Channels: where notifications go. Their secrets lie sealed in the configuration.

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use yunhai_database::is_unique_violation;
use yunhai_model::{ChannelId, TimestampMs};

use super::{Store, body, encode};
use crate::error::{Error, Result};
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
    /// When it was changed last.
    pub updated_at_ms: TimestampMs,
}

/// What a new or changed channel is made of.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewChannel {
    /// Its name, unique.
    pub name: String,
    /// Its settings, `kind` among them. A secret that is the hidden form stays what it is.
    pub config: Value,
    /// Whether notifications go there.
    #[serde(default = "enabled")]
    pub is_enabled: bool,
}

fn enabled() -> bool {
    true
}

/// The place for which a secret of a channel is sealed.
pub(crate) fn place(channel: ChannelId, field: &str) -> String {
    format!("channel/{channel}{field}")
}

/// Tells whether a routing tree names a channel.
pub(crate) fn is_used_by(route: &Route, channel: ChannelId) -> bool {
    route.channels().contains(&channel)
}

impl Store {
    pub(crate) async fn channels(&self, connection: &impl ConnectionTrait) -> Result<Vec<Channel>> {
        let query = Query::select()
            .column("body")
            .from("monitor_channel")
            .order_by("name", Order::Asc)
            .to_owned();
        let rows = connection.query_all(&query).await?;
        rows.iter().map(|row| body(row, "channel")).collect()
    }

    pub(crate) async fn channel(&self, id: ChannelId) -> Result<Channel> {
        let query = Query::select()
            .column("body")
            .from("monitor_channel")
            .and_where(Expr::col("id").eq(id.to_string()))
            .to_owned();
        let row = self.database.connection().query_one(&query).await?;
        row.map(|row| body(&row, "channel"))
            .transpose()?
            .ok_or_else(|| Error::NotFound {
                what: "channel",
                id: id.to_string(),
            })
    }

    pub(crate) async fn put_channel(&self, channel: &Channel) -> Result<()> {
        let insert = Query::insert()
            .into_table("monitor_channel")
            .columns(["id", "name", "body"])
            .values_panic([
                channel.id.to_string().into(),
                channel.name.as_str().into(),
                encode(channel).into(),
            ])
            .to_owned();
        let update = Query::update()
            .table("monitor_channel")
            .value("name", channel.name.as_str())
            .value("body", encode(channel))
            .and_where(Expr::col("id").eq(channel.id.to_string()))
            .to_owned();
        let connection = self.database.connection();
        let outcome = if self.channel(channel.id).await.is_ok() {
            connection.execute(&update).await
        } else {
            connection.execute(&insert).await
        };
        match outcome {
            Ok(_) => Ok(()),
            Err(error) if is_unique_violation(&error) => Err(Error::Conflict(format!(
                "there is a channel named `{}` already",
                channel.name
            ))),
            Err(error) => Err(error.into()),
        }
    }

    pub(crate) async fn delete_channel(&self, id: ChannelId) -> Result<()> {
        let delete = Query::delete()
            .from_table("monitor_channel")
            .and_where(Expr::col("id").eq(id.to_string()))
            .to_owned();
        if self
            .database
            .connection()
            .execute(&delete)
            .await?
            .rows_affected()
            == 0
        {
            return Err(Error::NotFound {
                what: "channel",
                id: id.to_string(),
            });
        }
        Ok(())
    }
}
