//! Silences and maintenance windows.

use sea_orm::ConnectionTrait;
use sea_orm::sea_query::{Condition, Expr, ExprTrait, LikeExpr, OnConflict, Order, Query};
use yunhai_model::{MaintenanceWindowId, Page, PageRequest, SilenceId, TimestampMs};

use super::{Store, body, count, encode, like_pattern};
use crate::error::{Error, Result};
use crate::silence::{MaintenanceWindow, Silence};

const SORT_FIELDS: &[(&str, &str)] = &[
    ("starts_at", "starts_at"),
    ("ends_at", "ends_at"),
    ("author", "author"),
];

impl Store {
    /// The silences that have not expired.
    pub(crate) async fn current_silences(
        &self,
        connection: &impl ConnectionTrait,
        now_ms: TimestampMs,
    ) -> Result<Vec<Silence>> {
        let query = Query::select()
            .column("body")
            .from("monitor_silence")
            .and_where(Expr::col("ends_at").gt(now_ms))
            .to_owned();
        let rows = connection.query_all(&query).await?;
        rows.iter().map(|row| body(row, "silence")).collect()
    }

    /// One page of silences; the expired ones as well where asked for.
    pub(crate) async fn silences(
        &self,
        unexpired_at_ms: Option<TimestampMs>,
        page: &PageRequest,
    ) -> Result<Page<Silence>> {
        let (column, is_descending) = page.order(SORT_FIELDS, "-ends_at")?;
        let mut condition = Condition::all();
        if let Some(now_ms) = unexpired_at_ms {
            condition = condition.add(Expr::col("ends_at").gt(now_ms));
        }
        if let Some(text) = &page.query {
            let pattern = LikeExpr::new(like_pattern(text)).escape('!');
            condition = condition.add(Expr::col("search").like(pattern));
        }
        let mut query = Query::select()
            .columns(["id", "body"])
            .from("monitor_silence")
            .cond_where(condition)
            .to_owned();
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
        let rows = self.database.connection().query_all(&query).await?;
        let items = rows
            .iter()
            .map(|row| body(row, "silence"))
            .collect::<Result<_>>()?;
        Ok(Page { items, total })
    }

    pub(crate) async fn silence(&self, id: SilenceId) -> Result<Silence> {
        let query = Query::select()
            .column("body")
            .from("monitor_silence")
            .and_where(Expr::col("id").eq(id.to_string()))
            .to_owned();
        let row = self.database.connection().query_one(&query).await?;
        row.map(|row| body(&row, "silence"))
            .transpose()?
            .ok_or_else(|| Error::NotFound {
                what: "silence",
                id: id.to_string(),
            })
    }

    pub(crate) async fn put_silence(&self, silence: &Silence) -> Result<()> {
        let matchers: Vec<_> = silence.matchers.iter().map(ToString::to_string).collect();
        let search = format!(
            "{}\n{}\n{}",
            matchers.join("\n"),
            silence.comment,
            silence.author
        )
        .to_lowercase();
        let insert = Query::insert()
            .into_table("monitor_silence")
            .columns(["id", "starts_at", "ends_at", "author", "search", "body"])
            .values_panic([
                silence.id.to_string().into(),
                silence.starts_at_ms.into(),
                silence.ends_at_ms.into(),
                silence.author.chars().take(191).collect::<String>().into(),
                search.into(),
                encode(silence).into(),
            ])
            .on_conflict(
                OnConflict::column("id")
                    .update_columns(["starts_at", "ends_at", "author", "search", "body"])
                    .to_owned(),
            )
            .to_owned();
        self.database.connection().execute(&insert).await?;
        Ok(())
    }

    pub(crate) async fn windows(
        &self,
        connection: &impl ConnectionTrait,
    ) -> Result<Vec<MaintenanceWindow>> {
        let query = Query::select()
            .column("body")
            .from("monitor_window")
            .order_by("id", Order::Asc)
            .to_owned();
        let rows = connection.query_all(&query).await?;
        rows.iter()
            .map(|row| body(row, "maintenance window"))
            .collect()
    }

    pub(crate) async fn put_window(&self, window: &MaintenanceWindow) -> Result<()> {
        let insert = Query::insert()
            .into_table("monitor_window")
            .columns(["id", "body"])
            .values_panic([window.id.to_string().into(), encode(window).into()])
            .on_conflict(OnConflict::column("id").update_column("body").to_owned())
            .to_owned();
        self.database.connection().execute(&insert).await?;
        Ok(())
    }

    pub(crate) async fn delete_window(&self, id: MaintenanceWindowId) -> Result<()> {
        let delete = Query::delete()
            .from_table("monitor_window")
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
                what: "maintenance window",
                id: id.to_string(),
            });
        }
        Ok(())
    }
}
