//! Alerts: one row per episode.

use sea_orm::sea_query::{Condition, Expr, ExprTrait, LikeExpr, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait, QueryResult};
use serde::{Deserialize, Serialize};
use yunhai_model::{AlertId, Labels, Page, PageRequest, TimestampMs};

use super::{Store, body, count, encode, like_pattern};
use crate::alert::Alert;
use crate::error::{Error, Result};
use crate::state_machine::AlertState;

/// Which alerts are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertFilter {
    /// In one of these states; none for any.
    pub states: Vec<AlertState>,
    /// With this severity.
    pub severity: Option<String>,
    /// With this name.
    pub name: Option<String>,
    /// Of this server.
    pub server: Option<String>,
    /// Begun at this time or later.
    pub from_ms: Option<TimestampMs>,
    /// Begun before this time.
    pub until_ms: Option<TimestampMs>,
}

const SORT_FIELDS: &[(&str, &str)] = &[
    ("active_since", "active_since"),
    ("fired_at", "fired_at"),
    ("ended_at", "ended_at"),
    ("name", "name"),
    ("severity", "severity"),
    ("server", "server"),
    ("state", "state"),
];

impl Store {
    /// The alerts of a group that the next evaluation has to follow: those that have not ended, and
    /// those that ended recently enough to count for flapping.
    pub(crate) async fn group_alerts(
        &self,
        connection: &impl ConnectionTrait,
        file: &str,
        group: &str,
        ended_after_ms: TimestampMs,
    ) -> Result<Vec<Alert>> {
        let query = select()
            .and_where(Expr::col("rule_file").eq(file))
            .and_where(Expr::col("rule_group").eq(group))
            .cond_where(
                Condition::any()
                    .add(Expr::col("is_settled").eq(false))
                    .add(Expr::col("ended_at").gt(ended_after_ms)),
            )
            .order_by("id", Order::Asc)
            .to_owned();
        read(connection, &query).await
    }

    /// The alerts of which something may have to be told.
    pub(crate) async fn unsettled_alerts(
        &self,
        connection: &impl ConnectionTrait,
    ) -> Result<Vec<Alert>> {
        let query = select()
            .and_where(Expr::col("is_settled").eq(false))
            .and_where(Expr::col("state").ne(AlertState::Pending.as_str()))
            .order_by("id", Order::Asc)
            .to_owned();
        read(connection, &query).await
    }

    /// The alerts that have not ended.
    pub(crate) async fn active_alerts(&self) -> Result<Vec<Alert>> {
        let query = select()
            .and_where(Expr::col("ended_at").is_null())
            .to_owned();
        read(self.database.connection(), &query).await
    }

    pub(crate) async fn alert(
        &self,
        connection: &impl ConnectionTrait,
        id: AlertId,
    ) -> Result<Alert> {
        let query = select()
            .and_where(Expr::col("id").eq(id.to_string()))
            .to_owned();
        let found = read(connection, &query).await?.pop();
        found.ok_or_else(|| Error::NotFound {
            what: "alert",
            id: id.to_string(),
        })
    }

    /// One page of alerts.
    pub(crate) async fn alerts(
        &self,
        filter: &AlertFilter,
        page: &PageRequest,
    ) -> Result<Page<Alert>> {
        let (column, is_descending) = page.order(SORT_FIELDS, "-active_since")?;
        let mut condition = Condition::all();
        if !filter.states.is_empty() {
            let states = filter.states.iter().map(|state| state.as_str());
            condition = condition.add(Expr::col("state").is_in(states));
        }
        for (column, value) in [
            ("severity", &filter.severity),
            ("name", &filter.name),
            ("server", &filter.server),
        ] {
            if let Some(value) = value {
                condition = condition.add(Expr::col(column).eq(value.as_str()));
            }
        }
        if let Some(from_ms) = filter.from_ms {
            condition = condition.add(Expr::col("active_since").gte(from_ms));
        }
        if let Some(until_ms) = filter.until_ms {
            condition = condition.add(Expr::col("active_since").lt(until_ms));
        }
        if let Some(text) = &page.query {
            let pattern = LikeExpr::new(like_pattern(text)).escape('!');
            condition = condition.add(Expr::col("search").like(pattern));
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
            .order_by("id", order)
            .limit(page.limit())
            .offset(page.offset());
        let items = read(self.database.connection(), &query).await?;
        Ok(Page { items, total })
    }

    pub(crate) async fn insert_alert(
        &self,
        connection: &impl ConnectionTrait,
        alert: &Alert,
    ) -> Result<()> {
        let insert = Query::insert()
            .into_table("monitor_alert")
            .columns([
                "id",
                "rule_file",
                "rule_group",
                "name",
                "fingerprint",
                "severity",
                "server",
                "active_since",
                "state",
                "fired_at",
                "ended_at",
                "is_settled",
                "search",
                "body",
            ])
            .values_panic([
                alert.id.to_string().into(),
                alert.rule.file.as_str().into(),
                alert.rule.group.as_str().into(),
                shortened(alert.name()).into(),
                alert.fingerprint.as_str().into(),
                shortened(alert.severity()).into(),
                shortened(alert.labels.get("server").unwrap_or_default()).into(),
                alert.instance.active_since_ms.into(),
                alert.instance.state.as_str().into(),
                alert.instance.fired_at_ms.into(),
                alert.instance.ended_at_ms.into(),
                false.into(),
                search_text(&alert.labels).into(),
                encode(alert).into(),
            ])
            .to_owned();
        connection.execute(&insert).await?;
        Ok(())
    }

    pub(crate) async fn update_alert(
        &self,
        connection: &impl ConnectionTrait,
        alert: &Alert,
    ) -> Result<()> {
        let update = Query::update()
            .table("monitor_alert")
            .value("state", alert.instance.state.as_str())
            .value("severity", shortened(alert.severity()))
            .value("fired_at", alert.instance.fired_at_ms)
            .value("ended_at", alert.instance.ended_at_ms)
            .value("search", search_text(&alert.labels))
            .value("body", encode(alert))
            .and_where(Expr::col("id").eq(alert.id.to_string()))
            .to_owned();
        connection.execute(&update).await?;
        Ok(())
    }

    pub(crate) async fn delete_alert(
        &self,
        connection: &impl ConnectionTrait,
        id: AlertId,
    ) -> Result<()> {
        for (table, column) in [("monitor_alert_event", "alert_id"), ("monitor_alert", "id")] {
            let delete = Query::delete()
                .from_table(table)
                .and_where(Expr::col(column).eq(id.to_string()))
                .to_owned();
            connection.execute(&delete).await?;
        }
        Ok(())
    }

    pub(crate) async fn settle_alerts(
        &self,
        connection: &impl ConnectionTrait,
        ids: &[AlertId],
    ) -> Result<()> {
        for ids in ids.chunks(500) {
            let update = Query::update()
                .table("monitor_alert")
                .value("is_settled", true)
                .and_where(Expr::col("id").is_in(ids.iter().map(ToString::to_string)))
                .to_owned();
            connection.execute(&update).await?;
        }
        Ok(())
    }
}

fn select() -> SelectStatement {
    Query::select()
        .columns(["id", "body"])
        .from("monitor_alert")
        .to_owned()
}

async fn read(connection: &impl ConnectionTrait, query: &SelectStatement) -> Result<Vec<Alert>> {
    let rows: Vec<QueryResult> = connection.query_all(query).await?;
    rows.iter().map(|row| body(row, "alert")).collect()
}

/// Columns that are searched hold 191 characters; the body holds the whole.
fn shortened(text: &str) -> String {
    text.chars().take(191).collect()
}

fn search_text(labels: &Labels) -> String {
    let pairs: Vec<_> = labels
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    pairs.join("\n").to_lowercase()
}
