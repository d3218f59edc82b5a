//! Deletes what is long over, one batch at a time.

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, Order, Query};
use yunhai_model::TimestampMs;

use super::Store;
use super::outbox::OutboxState;
use crate::error::Result;

impl Store {
    /// Deletes alerts that ended before a moment and of which everything was told, with their
    /// history; returns how many.
    pub(crate) async fn prune_alerts(&self, before_ms: TimestampMs, batch: u64) -> Result<u64> {
        let is_over = Condition::all()
            .add(Expr::col("is_settled").eq(true))
            .add(Expr::col("ended_at").lt(before_ms));
        let transaction = self.database.begin().await?;
        let ids = ids(&transaction, "monitor_alert", is_over, "ended_at", batch).await?;
        delete(&transaction, "monitor_alert_event", "alert_id", &ids).await?;
        delete(&transaction, "monitor_alert", "id", &ids).await?;
        transaction.commit().await?;
        Ok(ids.len() as u64)
    }

    /// Deletes events from before a moment, also of alerts that go on.
    pub(crate) async fn prune_events(&self, before_ms: TimestampMs, batch: u64) -> Result<u64> {
        let is_old = Condition::all().add(Expr::col("at").lt(before_ms));
        self.prune("monitor_alert_event", is_old, "at", batch).await
    }

    /// Deletes notifications that were finished before a moment.
    pub(crate) async fn prune_outbox(&self, before_ms: TimestampMs, batch: u64) -> Result<u64> {
        let done = [
            OutboxState::Sent,
            OutboxState::Failed,
            OutboxState::Merged,
            OutboxState::Dropped,
        ];
        let is_over = Condition::all()
            .add(Expr::col("state").is_in(done.map(OutboxState::as_str)))
            .add(Expr::col("finished_at").lt(before_ms));
        self.prune("monitor_outbox", is_over, "finished_at", batch)
            .await
    }

    /// Deletes silences that ended before a moment.
    pub(crate) async fn prune_silences(&self, before_ms: TimestampMs, batch: u64) -> Result<u64> {
        let is_over = Condition::all().add(Expr::col("ends_at").lt(before_ms));
        self.prune("monitor_silence", is_over, "ends_at", batch)
            .await
    }

    /// The digests of the rules of which is kept what they have seen.
    pub(crate) async fn remembering_rules(&self) -> Result<Vec<String>> {
        let query = Query::select()
            .column("rule")
            .from("monitor_known_series")
            .to_owned();
        let rows = self.database.connection().query_all(&query).await?;
        rows.iter()
            .map(|row| Ok(row.try_get("", "rule")?))
            .collect()
    }

    /// Deletes what rules have seen.
    pub(crate) async fn forget_rules(&self, digests: &[String]) -> Result<()> {
        let connection = self.database.connection();
        delete(connection, "monitor_known_series", "rule", digests).await
    }

    async fn prune(
        &self,
        table: &'static str,
        condition: Condition,
        order: &'static str,
        batch: u64,
    ) -> Result<u64> {
        let connection = self.database.connection();
        let ids = ids(connection, table, condition, order, batch).await?;
        delete(connection, table, "id", &ids).await?;
        Ok(ids.len() as u64)
    }
}

async fn ids(
    connection: &impl ConnectionTrait,
    table: &'static str,
    condition: Condition,
    order: &'static str,
    limit: u64,
) -> Result<Vec<String>> {
    let query = Query::select()
        .column("id")
        .from(table)
        .cond_where(condition)
        .order_by(order, Order::Asc)
        .limit(limit)
        .to_owned();
    let rows = connection.query_all(&query).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

async fn delete(
    connection: &impl ConnectionTrait,
    table: &'static str,
    column: &'static str,
    ids: &[String],
) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let delete = Query::delete()
        .from_table(table)
        .and_where(Expr::col(column).is_in(ids.iter().map(String::as_str)))
        .to_owned();
    connection.execute(&delete).await?;
    Ok(())
}
