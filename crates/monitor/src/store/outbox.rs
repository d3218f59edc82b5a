//! The outbox: notifications that are written down before they are sent.
//!
//! pending → sending (until a lease ends) → sent, failed or merged into a digest. A row whose lease
//! has ended is sent again under the same id.

use sea_orm::sea_query::{Condition, Expr, ExprTrait, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait, QueryResult};
use serde::{Deserialize, Serialize};
use yunhai_model::{AlertId, ChannelId, Page, PageRequest, TimestampMs};

use super::{Store, body, count, encode};
use crate::error::Result;
use crate::notification::{Notification, Occasion};

/// Where a notification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutboxState {
    /// It waits for its first or next attempt.
    Pending,
    /// An attempt is under way, or was when the process died.
    Sending,
    /// It has arrived.
    Sent,
    /// It is given up.
    Failed,
    /// It was put into a digest.
    Merged,
}

impl OutboxState {
    /// The state as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Merged => "merged",
        }
    }
}

/// A notification for one channel, and how far it has got.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxEntry {
    /// The stable id: the idempotency key of every attempt.
    pub id: String,
    /// Where it goes.
    pub channel: ChannelId,
    /// The group that it tells of.
    pub group_key: String,
    /// Where it stands.
    pub state: OutboxState,
    /// Why it was made.
    pub occasion: Occasion,
    /// When it was made.
    pub created_at_ms: TimestampMs,
    /// When it is tried next, or when the lease of the present attempt ends.
    pub due_at_ms: TimestampMs,
    /// How many attempts there were.
    pub attempts: i64,
    /// When the last one began.
    pub attempted_at_ms: Option<TimestampMs>,
    /// When it arrived or was given up.
    pub finished_at_ms: Option<TimestampMs>,
    /// The receiver's answer.
    pub answer: Option<String>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// The digest that it was merged into.
    pub merged_into: Option<String>,
    /// What is told.
    pub notification: Notification,
    /// The alerts whose timelines hear of it.
    pub alerts: Vec<AlertId>,
    /// The order within the group.
    pub sequence: i64,
}

/// Which notifications are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutboxFilter {
    /// In one of these states; none for any.
    pub states: Vec<OutboxState>,
    /// For this channel.
    pub channel: Option<ChannelId>,
}

const SORT_FIELDS: &[(&str, &str)] = &[
    ("created_at", "created_at"),
    ("finished_at", "finished_at"),
    ("state", "state"),
];

impl Store {
    pub(crate) async fn add_to_outbox(
        &self,
        connection: &impl ConnectionTrait,
        entry: &OutboxEntry,
    ) -> Result<()> {
        let insert = Query::insert()
            .into_table("monitor_outbox")
            .columns([
                "id",
                "channel_id",
                "group_key",
                "sequence",
                "state",
                "created_at",
                "due_at",
                "attempts",
                "attempted_at",
                "finished_at",
                "body",
            ])
            .values_panic([
                entry.id.as_str().into(),
                entry.channel.to_string().into(),
                entry.group_key.as_str().into(),
                entry.sequence.into(),
                entry.state.as_str().into(),
                entry.created_at_ms.into(),
                entry.due_at_ms.into(),
                entry.attempts.into(),
                entry.attempted_at_ms.into(),
                entry.finished_at_ms.into(),
                encode(entry).into(),
            ])
            .to_owned();
        connection.execute(&insert).await?;
        Ok(())
    }

    /// Changes a row if nobody else has changed it; tells whether it did.
    pub(crate) async fn advance_outbox(
        &self,
        connection: &impl ConnectionTrait,
        previous: &OutboxEntry,
        next: &OutboxEntry,
    ) -> Result<bool> {
        let update = Query::update()
            .table("monitor_outbox")
            .value("state", next.state.as_str())
            .value("due_at", next.due_at_ms)
            .value("attempts", next.attempts)
            .value("attempted_at", next.attempted_at_ms)
            .value("finished_at", next.finished_at_ms)
            .value("body", encode(next))
            .and_where(Expr::col("id").eq(previous.id.as_str()))
            .and_where(Expr::col("state").eq(previous.state.as_str()))
            .and_where(Expr::col("attempts").eq(previous.attempts))
            .to_owned();
        Ok(connection.execute(&update).await?.rows_affected() == 1)
    }

    /// The rows that are not finished, in the order in which they were made.
    pub(crate) async fn unfinished_outbox(&self) -> Result<Vec<OutboxEntry>> {
        let states = [OutboxState::Pending, OutboxState::Sending].map(OutboxState::as_str);
        let query = select()
            .and_where(Expr::col("state").is_in(states))
            .order_by("created_at", Order::Asc)
            .order_by("sequence", Order::Asc)
            .order_by("id", Order::Asc)
            .limit(2000)
            .to_owned();
        read(self.database.connection(), &query).await
    }

    /// How many attempts a channel has seen since a moment.
    pub(crate) async fn attempts_since(
        &self,
        channel: ChannelId,
        since_ms: TimestampMs,
    ) -> Result<u64> {
        let query = Query::select()
            .column("id")
            .from("monitor_outbox")
            .and_where(Expr::col("channel_id").eq(channel.to_string()))
            .and_where(Expr::col("attempted_at").gt(since_ms))
            .to_owned();
        count(self.database.connection(), &query).await
    }

    /// One page of the notification log.
    pub(crate) async fn outbox(
        &self,
        filter: &OutboxFilter,
        page: &PageRequest,
    ) -> Result<Page<OutboxEntry>> {
        let (column, is_descending) = page.order(SORT_FIELDS, "-created_at")?;
        let mut condition = Condition::all();
        if !filter.states.is_empty() {
            let states = filter.states.iter().map(|state| state.as_str());
            condition = condition.add(Expr::col("state").is_in(states));
        }
        if let Some(channel) = filter.channel {
            condition = condition.add(Expr::col("channel_id").eq(channel.to_string()));
        }
        let mut query = select().cond_where(condition).to_owned();
        let total = count(self.database.connection(), &query).await?;
        let order = if is_descending {
            Order::Desc
        } else {
            Order::Asc
        };
        query
            .order_by(*column, order.clone())
            .order_by("sequence", order.clone())
            .order_by("id", order)
            .limit(page.limit())
            .offset(page.offset());
        let items = read(self.database.connection(), &query).await?;
        Ok(Page { items, total })
    }
}

fn select() -> SelectStatement {
    Query::select()
        .columns(["id", "body"])
        .from("monitor_outbox")
        .to_owned()
}

async fn read(
    connection: &impl ConnectionTrait,
    query: &SelectStatement,
) -> Result<Vec<OutboxEntry>> {
    let rows: Vec<QueryResult> = connection.query_all(query).await?;
    rows.iter().map(|row| body(row, "notification")).collect()
}
