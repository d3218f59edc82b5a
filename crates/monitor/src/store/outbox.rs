//! The outbox: notifications that are written down before they are sent.
//!
//! pending → sending (until a lease ends) → sent, failed or merged into a digest. A row whose lease
//! has ended is sent again under the same id. In quiet hours: pending → held → merged into the summary
//! that follows them, or dropped.

use sea_orm::sea_query::{Condition, Expr, ExprTrait, Order, Query};
use sea_orm::{ConnectionTrait, Value};
use serde::{Deserialize, Serialize};
use yunhai_model::{AlertId, ChannelId, Page, PageRequest, TimestampMs};
use yunhai_notify::SendHistory;

use super::rows::{self, Row};
use super::{Store, body, encode};
use crate::error::Result;
use crate::notification::{Notification, Occasion};

/// Before the key of what a provider counts by, the name of what was sent over it.
const HISTORY: &str = "sent/";

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
    /// The channel's quiet hours hold it back.
    Held,
    /// It was held back, and over before the quiet hours were.
    Dropped,
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
            Self::Held => "held",
            Self::Dropped => "dropped",
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
    /// The term of the leader that has tried it last.
    #[serde(default)]
    pub term: i64,
    /// How many attempts failed in a way of which only a few are made.
    #[serde(default)]
    pub limited_failures: i64,
    /// When the quiet hours began that hold it back.
    #[serde(default)]
    pub held_since_ms: Option<TimestampMs>,
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

impl Row for OutboxEntry {
    const TABLE: &'static str = "monitor_outbox";
    const WHAT: &'static str = "notification";
    const SORT_FIELDS: &'static [(&'static str, &'static str)] = &[
        ("created_at", "created_at"),
        ("finished_at", "finished_at"),
        ("attempted_at", "attempted_at"),
        ("due_at", "due_at"),
        ("attempts", "attempts"),
        ("state", "state"),
    ];
    const OWN_ORDER: &'static str = "-created_at";
    const THEN_BY: &'static [&'static str] = &["sequence", "id"];

    fn id(&self) -> String {
        self.id.clone()
    }

    fn columns(&self) -> Vec<(&'static str, Value)> {
        vec![
            ("channel_id", self.channel.to_string().into()),
            ("group_key", self.group_key.as_str().into()),
            ("sequence", self.sequence.into()),
            ("state", self.state.as_str().into()),
            ("created_at", self.created_at_ms.into()),
            ("due_at", self.due_at_ms.into()),
            ("attempts", self.attempts.into()),
            ("attempted_at", self.attempted_at_ms.into()),
            ("finished_at", self.finished_at_ms.into()),
        ]
    }
}

impl Store {
    pub(crate) async fn add_to_outbox(
        &self,
        connection: &impl ConnectionTrait,
        entry: &OutboxEntry,
    ) -> Result<()> {
        rows::insert(connection, entry).await
    }

    /// Changes a row if nobody else has changed it; tells whether it did.
    pub(crate) async fn advance_outbox(
        &self,
        connection: &impl ConnectionTrait,
        previous: &OutboxEntry,
        next: &OutboxEntry,
    ) -> Result<bool> {
        let unchanged = Condition::all()
            .add(Expr::col("state").eq(previous.state.as_str()))
            .add(Expr::col("attempts").eq(previous.attempts));
        rows::update(connection, next, unchanged).await
    }

    /// The rows that are not finished, in the order in which they were made.
    pub(crate) async fn unfinished_outbox(&self) -> Result<Vec<OutboxEntry>> {
        let states = [OutboxState::Pending, OutboxState::Sending].map(OutboxState::as_str);
        let query = rows::select::<OutboxEntry>()
            .and_where(Expr::col("state").is_in(states))
            .order_by("created_at", Order::Asc)
            .order_by("sequence", Order::Asc)
            .order_by("id", Order::Asc)
            .limit(2000)
            .to_owned();
        rows::read(self.database.connection(), &query).await
    }

    /// The rows that quiet hours hold back, in the order in which they were made.
    pub(crate) async fn held_outbox(&self) -> Result<Vec<OutboxEntry>> {
        let query = rows::select::<OutboxEntry>()
            .and_where(Expr::col("state").eq(OutboxState::Held.as_str()))
            .order_by("created_at", Order::Asc)
            .order_by("sequence", Order::Asc)
            .order_by("id", Order::Asc)
            .limit(2000)
            .to_owned();
        rows::read(self.database.connection(), &query).await
    }

    /// When messages were sent that are counted under a key.
    pub(crate) async fn send_history(
        &self,
        connection: &impl ConnectionTrait,
        key: &str,
    ) -> Result<Option<SendHistory>> {
        self.setting(connection, &format!("{HISTORY}{key}")).await
    }

    /// Stores when messages were sent, unless somebody else did since `before` was read; tells
    /// whether it did.
    pub(crate) async fn replace_send_history(
        &self,
        connection: &impl ConnectionTrait,
        key: &str,
        before: Option<&SendHistory>,
        after: &SendHistory,
    ) -> Result<bool> {
        self.replace_setting(connection, &format!("{HISTORY}{key}"), before, after)
            .await
    }

    /// Forgets the counts of what has not sent since a moment.
    pub(crate) async fn prune_send_histories(&self, before_ms: TimestampMs) -> Result<()> {
        let connection = self.database.connection();
        let query = Query::select()
            .columns(["name", "body"])
            .from("monitor_setting")
            .and_where(Expr::col("name").like(format!("{HISTORY}%")))
            .to_owned();
        for row in connection.query_all(&query).await? {
            let history: SendHistory = body(&row, "history of a channel")?;
            if history
                .last_ms()
                .is_some_and(|last_ms| last_ms >= before_ms)
            {
                continue;
            }
            let delete = Query::delete()
                .from_table("monitor_setting")
                .and_where(Expr::col("name").eq(row.try_get::<String>("", "name")?))
                .and_where(Expr::col("body").eq(encode(&history)))
                .to_owned();
            connection.execute(&delete).await?;
        }
        Ok(())
    }

    /// One page of the notification log.
    pub(crate) async fn outbox(
        &self,
        filter: &OutboxFilter,
        page: &PageRequest,
    ) -> Result<Page<OutboxEntry>> {
        let mut condition = Condition::all();
        if !filter.states.is_empty() {
            let states = filter.states.iter().map(|state| state.as_str());
            condition = condition.add(Expr::col("state").is_in(states));
        }
        if let Some(channel) = filter.channel {
            condition = condition.add(Expr::col("channel_id").eq(channel.to_string()));
        }
        rows::page(self.database.connection(), condition, page).await
    }
}
