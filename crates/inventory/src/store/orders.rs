//! What is kept of orders. A row has a version: whoever writes says which one it has read, so that of
//! several servers one takes the next step.

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Order as Direction, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult};
use yunhai_database::{Table, is_unique_violation};
use yunhai_model::{CloudAccountId, CloudOrderId, Page, PageRequest, TimestampMs};
use yunhai_vault::{Place, Vault};

use super::{Store, encode, json};
use crate::error::{Error, Result};
use crate::order::{Order, OrderFilter};

/// The longest text that has an index on every engine.
const MAX_INDEXED: usize = 191;

/// The table of orders. They outlive their accounts, as what was done stays done.
pub(super) fn table() -> Table {
    Table::new("cloud_order")
        .id("id")
        .string("request_key")
        .id("account_id")
        .string("account")
        .string("subject")
        .boolean("is_open")
        .integer("placed_at_ms")
        .integer("next_at_ms")
        .integer("held_until_ms")
        .integer("version")
        .text("body")
        .text("sealed_user_data")
        .nullable()
        .primary_key(&["id"])
        .unique(&["request_key"])
        .index(&["is_open", "next_at_ms"])
}

/// An order as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct StoredOrder {
    pub(crate) order: Order,
    pub(crate) version: i64,
    /// Until when a server has it in hand.
    pub(crate) held_until_ms: TimestampMs,
    pub(crate) sealed_user_data: Option<String>,
}

/// Where an order that has not ended stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenOrder {
    pub(crate) id: CloudOrderId,
    pub(crate) version: i64,
    next_at_ms: TimestampMs,
    held_until_ms: TimestampMs,
}

impl OpenOrder {
    pub(crate) fn is_due(&self, now_ms: TimestampMs) -> bool {
        is_due(self.next_at_ms, self.held_until_ms, now_ms)
    }
}

impl StoredOrder {
    pub(crate) fn is_due(&self, now_ms: TimestampMs) -> bool {
        !self.order.state.is_end() && is_due(self.order.next_at_ms, self.held_until_ms, now_ms)
    }
}

fn is_due(next_at_ms: TimestampMs, held_until_ms: TimestampMs, now_ms: TimestampMs) -> bool {
    next_at_ms <= now_ms && held_until_ms <= now_ms
}

/// The place that user data is sealed for.
pub(crate) fn user_data_place(id: CloudOrderId) -> Place {
    Place::new("cloud_order", id, "user_data")
}

impl Store {
    pub(crate) async fn add_order(
        &self,
        transaction: &DatabaseTransaction,
        order: &Order,
        request_key: Option<&str>,
        sealed_user_data: Option<String>,
    ) -> Result<()> {
        let own_key = order.id.to_string();
        let insert = Query::insert()
            .into_table("cloud_order")
            .columns([
                "id",
                "request_key",
                "account_id",
                "account",
                "subject",
                "is_open",
                "placed_at_ms",
                "next_at_ms",
                "held_until_ms",
                "version",
                "body",
                "sealed_user_data",
            ])
            .values_panic([
                own_key.as_str().into(),
                request_key.unwrap_or(&own_key).into(),
                order.account_id.to_string().into(),
                order.account.as_str().into(),
                indexed(order.what.subject()).into(),
                true.into(),
                order.placed_at_ms.into(),
                order.next_at_ms.into(),
                0_i64.into(),
                0_i64.into(),
                encode(order).into(),
                sealed_user_data.into(),
            ])
            .to_owned();
        match transaction.execute(&insert).await {
            Ok(_) => Ok(()),
            Err(error) if is_unique_violation(&error) => Err(Error::KeyTaken),
            Err(error) => Err(error.into()),
        }
    }

    /// Writes an order while it is still of the version that was read; tells whether it was.
    pub(crate) async fn put_order(
        &self,
        connection: &impl ConnectionTrait,
        order: &Order,
        read_version: i64,
        held_until_ms: TimestampMs,
    ) -> Result<bool> {
        let is_open = !order.state.is_end();
        let mut update = Query::update()
            .table("cloud_order")
            .value("is_open", is_open)
            .value("next_at_ms", order.next_at_ms)
            .value("held_until_ms", held_until_ms)
            .value("version", read_version + 1)
            .value("body", encode(order))
            .and_where(Expr::col("id").eq(order.id.to_string()))
            .and_where(Expr::col("version").eq(read_version))
            .to_owned();
        if !is_open {
            update.value("sealed_user_data", Option::<String>::None);
        }
        let done = connection.execute(&update).await?;
        Ok(done.rows_affected() == 1)
    }

    pub(crate) async fn order(&self, id: CloudOrderId) -> Result<StoredOrder> {
        let query = orders()
            .and_where(Expr::col("id").eq(id.to_string()))
            .to_owned();
        let row = self.database.connection().query_one(&query).await?;
        stored(&row.ok_or_else(|| Error::NoSuchOrder(id.to_string()))?)
    }

    /// The order that was placed by a key, if there is one.
    pub(crate) async fn order_by_key(
        &self,
        transaction: &DatabaseTransaction,
        request_key: &str,
    ) -> Result<Option<Order>> {
        let query = orders()
            .and_where(Expr::col("request_key").eq(request_key))
            .to_owned();
        let row = transaction.query_one(&query).await?;
        row.map(|row| Ok(stored(&row)?.order)).transpose()
    }

    /// The orders of an account that go on about something.
    pub(crate) async fn open_orders_about(
        &self,
        transaction: &DatabaseTransaction,
        account_id: CloudAccountId,
        subject: &str,
    ) -> Result<Vec<Order>> {
        let query = orders()
            .and_where(Expr::col("is_open").eq(true))
            .and_where(Expr::col("account_id").eq(account_id.to_string()))
            .and_where(Expr::col("subject").eq(indexed(subject)))
            .to_owned();
        let rows = transaction.query_all(&query).await?;
        rows.iter().map(|row| Ok(stored(row)?.order)).collect()
    }

    /// Where all orders stand that have not ended, those that wait longest first.
    pub(crate) async fn open_orders(&self) -> Result<Vec<OpenOrder>> {
        let query = Query::select()
            .columns(["id", "version", "next_at_ms", "held_until_ms"])
            .from("cloud_order")
            .and_where(Expr::col("is_open").eq(true))
            .order_by("next_at_ms", Direction::Asc)
            .to_owned();
        let rows = self.database.connection().query_all(&query).await?;
        rows.iter()
            .map(|row| {
                Ok(OpenOrder {
                    id: order_id(row)?,
                    version: row.try_get("", "version")?,
                    next_at_ms: row.try_get("", "next_at_ms")?,
                    held_until_ms: row.try_get("", "held_until_ms")?,
                })
            })
            .collect()
    }

    /// A page of the orders, the newest first unless asked otherwise.
    pub(crate) async fn orders(
        &self,
        filter: &OrderFilter,
        request: &PageRequest,
    ) -> Result<Page<Order>> {
        let mut query = orders();
        if let Some(is_open) = filter.is_open {
            query.and_where(Expr::col("is_open").eq(is_open));
        }
        if let Some(subject) = &filter.subject {
            query.and_where(Expr::col("subject").eq(indexed(subject)));
        }
        if let Some(account) = &filter.account {
            query.and_where(Expr::col("account").eq(account.as_str()));
        }
        let connection = self.database.connection();
        let counting = Query::select()
            .expr_as(Expr::col("id").count(), Alias::new("number"))
            .from_subquery(query.clone(), "counted")
            .to_owned();
        let counted = connection.query_one(&counting).await?;
        let total: i64 = counted.map_or(Ok(0), |row| row.try_get("", "number"))?;
        let is_rising = request.sort.as_ref().is_some_and(|sort| !sort.descending);
        let direction = if is_rising {
            Direction::Asc
        } else {
            Direction::Desc
        };
        // Ids of the same millisecond are in no order, but in the same one each time.
        query
            .order_by("placed_at_ms", direction.clone())
            .order_by("id", direction)
            .offset(request.offset())
            .limit(request.limit());
        let rows = connection.query_all(&query).await?;
        Ok(Page {
            items: rows
                .iter()
                .map(|row| Ok(stored(row)?.order))
                .collect::<Result<_>>()?,
            total: total.unsigned_abs(),
        })
    }

    /// Forgets the orders that ended and were placed before a moment.
    pub(crate) async fn delete_orders(&self, before_ms: TimestampMs) -> Result<u64> {
        let delete = Query::delete()
            .from_table("cloud_order")
            .and_where(Expr::col("is_open").eq(false))
            .and_where(Expr::col("placed_at_ms").lt(before_ms))
            .to_owned();
        let done = self.database.connection().execute(&delete).await?;
        Ok(done.rows_affected())
    }

    /// Seals user data with the active key; tells how many were sealed anew.
    pub(super) async fn reseal_orders(&self, vault: &Vault) -> Result<u64> {
        let query = orders()
            .and_where(Expr::col("sealed_user_data").is_not_null())
            .to_owned();
        let connection = self.database.connection();
        let mut count = 0;
        for row in connection.query_all(&query).await? {
            let StoredOrder {
                order,
                sealed_user_data,
                ..
            } = stored(&row)?;
            let place = user_data_place(order.id);
            let Some(before) = sealed_user_data else {
                continue;
            };
            let fresh = vault.reseal(&place, &before);
            let fresh = fresh.map_err(|source| Error::Sealed {
                account: order.account,
                source,
            })?;
            let Some(fresh) = fresh else { continue };
            let update = Query::update()
                .table("cloud_order")
                .value("sealed_user_data", fresh)
                .and_where(Expr::col("id").eq(order.id.to_string()))
                // An order that has ended meanwhile needs it no longer.
                .and_where(Expr::col("sealed_user_data").eq(before))
                .to_owned();
            count += connection.execute(&update).await?.rows_affected();
        }
        Ok(count)
    }
}

fn orders() -> SelectStatement {
    Query::select()
        .columns(["id", "version", "held_until_ms", "body", "sealed_user_data"])
        .from("cloud_order")
        .to_owned()
}

fn stored(row: &QueryResult) -> Result<StoredOrder> {
    Ok(StoredOrder {
        order: json(row, "body", "order to a cloud")?,
        version: row.try_get("", "version")?,
        held_until_ms: row.try_get("", "held_until_ms")?,
        sealed_user_data: row.try_get("", "sealed_user_data")?,
    })
}

fn order_id(row: &QueryResult) -> Result<CloudOrderId> {
    let text: String = row.try_get("", "id")?;
    serde_json::from_value(text.into()).map_err(|source| Error::Stored {
        what: "id of an order to a cloud",
        source,
    })
}

fn indexed(text: &str) -> String {
    text.chars().take(MAX_INDEXED).collect()
}
