//! What happened to an alert, in order.

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Expr, ExprTrait, InsertStatement, Order, Query};
use serde::{Deserialize, Serialize};
use ulid::Ulid;
use yunhai_model::{AlertId, ChannelId, TimestampMs};

use super::{Store, body, encode};
use crate::dispatch::Muting;
use crate::error::Result;
use crate::notification::Occasion;

/// One line of an alert's history.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertEvent {
    /// The alert.
    pub alert: AlertId,
    /// When it happened.
    pub at_ms: TimestampMs,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What can happen to an alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
#[allow(missing_docs)] // The fields say what they are.
pub enum EventKind {
    /// The expression has begun to hold.
    Pending { value: Option<f64> },
    /// The alert fired.
    Fired { value: Option<f64> },
    /// The alert ended.
    Resolved,
    /// The alert changes too often: its notifications are held.
    FlappingStarted,
    /// The alert has calmed down.
    FlappingEnded,
    /// Someone has taken it on.
    Acknowledged { user: String, comment: String },
    /// Someone has given it back.
    Unacknowledged { user: String },
    /// Someone has said something.
    Commented { user: String, comment: String },
    /// What keeps it from being told has changed; nothing does where the list is empty.
    Muted { by: Vec<Muting> },
    /// A notification was made.
    Queued {
        notification: String,
        channel: ChannelId,
        occasion: Occasion,
    },
    /// A notification arrived.
    Delivered {
        notification: String,
        channel: ChannelId,
        answer: String,
    },
    /// A notification is held back by the channel's quiet hours.
    Held {
        notification: String,
        channel: ChannelId,
        until_ms: TimestampMs,
    },
    /// The alert came and went in a channel's quiet hours: nobody is told of it there.
    Dropped { channel: ChannelId },
    /// A notification did not arrive and is given up.
    Failed {
        notification: String,
        channel: ChannelId,
        error: String,
    },
}

/// How many rows are written by one statement; engines limit the values in it.
const ROWS_AT_ONCE: usize = 200;

fn insert() -> InsertStatement {
    Query::insert()
        .into_table("monitor_alert_event")
        .columns(["id", "alert_id", "at", "body"])
        .to_owned()
}

fn row(event: &AlertEvent) -> [Expr; 4] {
    [
        Ulid::generate().to_string().into(),
        event.alert.to_string().into(),
        event.at_ms.into(),
        encode(event).into(),
    ]
}

impl Store {
    pub(crate) async fn add_event(
        &self,
        connection: &impl ConnectionTrait,
        event: &AlertEvent,
    ) -> Result<()> {
        connection
            .execute(insert().values_panic(row(event)))
            .await?;
        Ok(())
    }

    /// Writes that the same thing happened to several alerts.
    pub(crate) async fn add_events(
        &self,
        connection: &impl ConnectionTrait,
        alerts: &[AlertId],
        at_ms: TimestampMs,
        kind: &EventKind,
    ) -> Result<()> {
        for alerts in alerts.chunks(ROWS_AT_ONCE) {
            let mut insert = insert();
            for alert in alerts {
                insert.values_panic(row(&AlertEvent {
                    alert: *alert,
                    at_ms,
                    kind: kind.clone(),
                }));
            }
            connection.execute(&insert).await?;
        }
        Ok(())
    }

    /// How far what happens has come: the latest event, and when a notification was finished last.
    pub(crate) async fn activity(&self) -> Result<(String, TimestampMs)> {
        let connection = self.database.connection();
        let latest = |column, table| {
            Query::select()
                .expr_as(Expr::col(column).max(), "latest")
                .from(table)
                .to_owned()
        };
        let event = connection
            .query_one(&latest("id", "monitor_alert_event"))
            .await?;
        let event: Option<String> = event.map_or(Ok(None), |row| row.try_get("", "latest"))?;
        let finished = connection
            .query_one(&latest("finished_at", "monitor_outbox"))
            .await?;
        let finished: Option<i64> = finished.map_or(Ok(None), |row| row.try_get("", "latest"))?;
        Ok((event.unwrap_or_default(), finished.unwrap_or_default()))
    }

    /// The history of an alert, oldest first.
    pub(crate) async fn timeline(&self, alert: AlertId) -> Result<Vec<AlertEvent>> {
        let query = Query::select()
            .column("body")
            .from("monitor_alert_event")
            .and_where(Expr::col("alert_id").eq(alert.to_string()))
            .order_by("at", Order::Asc)
            .order_by("id", Order::Asc)
            .to_owned();
        let rows = self.database.connection().query_all(&query).await?;
        rows.iter().map(|row| body(row, "alert event")).collect()
    }
}
