//! What there is only one of: the routing tree, what a rule has seen.

use sea_orm::sea_query::{Expr, ExprTrait, LockType, OnConflict, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Store, body, encode};
use crate::error::Result;

/// The name of the routing tree.
pub(crate) const ROUTE: &str = "route";
/// How the leader's rules fare.
pub(crate) const STATUS: &str = "rule_status";
/// The mark that the default rules were laid down once.
pub(crate) const SET_UP: &str = "set_up";

impl Store {
    pub(crate) async fn setting<T: DeserializeOwned>(
        &self,
        connection: &impl ConnectionTrait,
        name: &str,
    ) -> Result<Option<T>> {
        keyed(connection, select("monitor_setting", "name", name)).await
    }

    /// Reads a value for a change: nobody else changes it until the transaction ends.
    pub(crate) async fn hold_setting<T: DeserializeOwned>(
        &self,
        transaction: &DatabaseTransaction,
        name: &str,
    ) -> Result<Option<T>> {
        let query = select("monitor_setting", "name", name)
            .lock(LockType::Update)
            .to_owned();
        keyed(transaction, query).await
    }

    pub(crate) async fn put_setting<T: Serialize>(
        &self,
        connection: &impl ConnectionTrait,
        name: &str,
        value: &T,
    ) -> Result<()> {
        put_keyed(connection, "monitor_setting", "name", name, value).await
    }

    /// Deletes a value, should there be one.
    pub(crate) async fn forget_setting(
        &self,
        connection: &impl ConnectionTrait,
        name: &str,
    ) -> Result<()> {
        let delete = Query::delete()
            .from_table("monitor_setting")
            .and_where(Expr::col("name").eq(name))
            .to_owned();
        connection.execute(&delete).await?;
        Ok(())
    }

    /// Stores a value unless what is stored is no longer `before`; tells whether it did.
    pub(crate) async fn replace_setting<T: Serialize>(
        &self,
        connection: &impl ConnectionTrait,
        name: &str,
        before: Option<&T>,
        value: &T,
    ) -> Result<bool> {
        let Some(before) = before else {
            let insert = Query::insert()
                .into_table("monitor_setting")
                .columns(["name", "body"])
                .values_panic([name.into(), encode(value).into()])
                .to_owned();
            return match connection.execute(&insert).await {
                Ok(_) => Ok(true),
                Err(error) if yunhai_database::is_unique_violation(&error) => Ok(false),
                Err(error) => Err(error.into()),
            };
        };
        let update = Query::update()
            .table("monitor_setting")
            .value("body", encode(value))
            .and_where(Expr::col("name").eq(name))
            .and_where(Expr::col("body").eq(encode(before)))
            .to_owned();
        Ok(connection.execute(&update).await?.rows_affected() > 0)
    }

    /// What a rule has seen, under the digest of its key.
    pub(crate) async fn known_series<T: DeserializeOwned>(
        &self,
        connection: &impl ConnectionTrait,
        rule: &str,
    ) -> Result<Option<T>> {
        keyed(connection, select("monitor_known_series", "rule", rule)).await
    }

    pub(crate) async fn put_known_series<T: Serialize>(
        &self,
        connection: &impl ConnectionTrait,
        rule: &str,
        value: &T,
    ) -> Result<()> {
        put_keyed(connection, "monitor_known_series", "rule", rule, value).await
    }
}

fn select(table: &'static str, column: &'static str, key: &str) -> SelectStatement {
    Query::select()
        .column("body")
        .from(table)
        .and_where(Expr::col(column).eq(key))
        .to_owned()
}

async fn keyed<T: DeserializeOwned>(
    connection: &impl ConnectionTrait,
    query: SelectStatement,
) -> Result<Option<T>> {
    let row = connection.query_one(&query).await?;
    row.map(|row| body(&row, "setting")).transpose()
}

async fn put_keyed<T: Serialize>(
    connection: &impl ConnectionTrait,
    table: &'static str,
    column: &'static str,
    key: &str,
    value: &T,
) -> Result<()> {
    let insert = Query::insert()
        .into_table(table)
        .columns([column, "body"])
        .values_panic([key.into(), encode(value).into()])
        .on_conflict(OnConflict::column(column).update_column("body").to_owned())
        .to_owned();
    connection.execute(&insert).await?;
    Ok(())
}
