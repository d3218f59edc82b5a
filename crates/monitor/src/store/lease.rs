//! The lease of the server that evaluates and sends.

use std::time::{Duration, Instant};

use sea_orm::sea_query::{Expr, ExprTrait, LockType, Query, SelectStatement};
use sea_orm::{ConnectionTrait, QueryResult};
use yunhai_database::{Database, is_unique_violation};

use super::Store;
use crate::error::Result;
use crate::leadership::Lease;

const TABLE: &str = "monitor_lease";

/// There is one lease; its name leaves room for others.
const NAME: &str = "alerting";

/// How often a lease is looked at that is being watched.
const LOOK_EVERY: Duration = Duration::from_millis(200);

impl Store {
    pub(crate) async fn lease(&self) -> Result<Option<Lease>> {
        let row = self.database.connection().query_one(&select()).await?;
        row.map(|row| from_row(&row)).transpose()
    }

    /// Replaces the lease if it is still the one that was seen; tells whether it did.
    pub(crate) async fn replace_lease(&self, seen: Option<&Lease>, next: &Lease) -> Result<bool> {
        let connection = self.database.connection();
        let Some(seen) = seen else {
            let insert = Query::insert()
                .into_table(TABLE)
                .columns(["name", "node", "server", "term", "beat", "since"])
                .values_panic([
                    NAME.into(),
                    next.node.as_str().into(),
                    next.server.as_str().into(),
                    next.term.into(),
                    next.beat.into(),
                    next.since_ms.into(),
                ])
                .to_owned();
            return match connection.execute(&insert).await {
                Ok(_) => Ok(true),
                Err(error) if is_unique_violation(&error) => Ok(false),
                Err(error) => Err(error.into()),
            };
        };
        let update = Query::update()
            .table(TABLE)
            .value("node", next.node.as_str())
            .value("server", next.server.as_str())
            .value("term", next.term)
            .value("beat", next.beat)
            .value("since", next.since_ms)
            .and_where(Expr::col("name").eq(NAME))
            .and_where(Expr::col("term").eq(seen.term))
            .and_where(Expr::col("beat").eq(seen.beat))
            .to_owned();
        Ok(connection.execute(&update).await?.rows_affected() == 1)
    }

    /// Tells whether a term still holds, and keeps it from ending before the transaction does.
    pub(crate) async fn holds_lease(
        &self,
        transaction: &impl ConnectionTrait,
        node: &str,
        term: i64,
    ) -> Result<bool> {
        // SQLite has one writer, which the transaction is; it needs no lock.
        let query = select().lock(LockType::Share).to_owned();
        let Some(row) = transaction.query_one(&query).await? else {
            return Ok(false);
        };
        let lease = from_row(&row)?;
        Ok(lease.term == term && lease.node == node)
    }
}

/// Returns the name of the server that leads on a database, or `None` where none lives: nobody has
/// the lease, or it does not beat for as long as it lasts.
pub async fn leading_server(database: &Database, lease: Duration) -> Result<Option<String>> {
    let store = Store::new(database.clone());
    let Some(found) = store.lease().await?.filter(|found| !found.is_released()) else {
        return Ok(None);
    };
    let begun = Instant::now();
    while begun.elapsed() < lease {
        tokio::time::sleep(LOOK_EVERY).await;
        match store.lease().await? {
            Some(next) if next == found => {}
            next => return Ok(next.map(|next| next.server)),
        }
    }
    Ok(None)
}

fn select() -> SelectStatement {
    Query::select()
        .columns(["node", "server", "term", "beat", "since"])
        .from(TABLE)
        .and_where(Expr::col("name").eq(NAME))
        .to_owned()
}

fn from_row(row: &QueryResult) -> Result<Lease> {
    Ok(Lease {
        node: row.try_get("", "node")?,
        server: row.try_get("", "server")?,
        term: row.try_get("", "term")?,
        beat: row.try_get("", "beat")?,
        since_ms: row.try_get("", "since")?,
    })
}
