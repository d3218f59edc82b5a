//! What all tables of alerting have in common: a key, columns to search by, and the value as JSON
//! in `body`.

use sea_orm::sea_query::{
    Condition, Expr, ExprTrait, LikeExpr, LockType, OnConflict, Order, Query, SelectStatement,
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;
use yunhai_model::{Page, PageRequest};

use super::{body, encode, like_pattern};
use crate::error::{Error, Result};

/// A value that has a table.
pub(super) trait Row: Serialize + DeserializeOwned {
    /// The table.
    const TABLE: &'static str;
    /// What a row is, for errors.
    const WHAT: &'static str;
    /// The fields that a list is sorted by, each beside its column.
    const SORT_FIELDS: &'static [(&'static str, &'static str)] = &[];
    /// The order of a list of which nobody asks for another.
    const OWN_ORDER: &'static str = "id";
    /// What decides among equals, the id last of all.
    const THEN_BY: &'static [&'static str] = &["id"];
    /// The columns that are read beside the body.
    const BESIDE: &'static [&'static str] = &[];

    /// The row's key.
    fn id(&self) -> String;

    /// The columns that the table is searched by, the key not among them.
    fn columns(&self) -> Vec<(&'static str, Value)>;

    /// The columns that are set when the row is added and have a life of their own afterwards.
    fn first_columns(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// Takes over what stands beside the body.
    fn take_beside(&mut self, row: &QueryResult) -> Result<()> {
        let _ = row;
        Ok(())
    }
}

/// Begins a query for rows.
pub(super) fn select<T: Row>() -> SelectStatement {
    Query::select()
        .columns(["id", "body"])
        .columns(T::BESIDE.iter().copied())
        .from(T::TABLE)
        .to_owned()
}

/// Reads the rows of a query.
pub(super) async fn read<T: Row>(
    connection: &impl ConnectionTrait,
    query: &SelectStatement,
) -> Result<Vec<T>> {
    let rows = connection.query_all(query).await?;
    rows.iter()
        .map(|row| {
            let mut value: T = body(row, T::WHAT)?;
            value.take_beside(row)?;
            Ok(value)
        })
        .collect()
}

/// Reads the row of a key.
pub(super) async fn find<T: Row>(
    connection: &impl ConnectionTrait,
    id: impl ToString,
) -> Result<T> {
    find_by(connection, select::<T>(), id.to_string()).await
}

/// Reads the row of a key for a change: nobody else changes it until the transaction ends.
pub(super) async fn hold<T: Row>(
    transaction: &DatabaseTransaction,
    id: impl ToString,
) -> Result<T> {
    // SQLite has one writer, which the transaction is; it needs no lock.
    let query = select::<T>().lock(LockType::Update).to_owned();
    find_by(transaction, query, id.to_string()).await
}

async fn find_by<T: Row>(
    connection: &impl ConnectionTrait,
    mut query: SelectStatement,
    id: String,
) -> Result<T> {
    query.and_where(Expr::col("id").eq(id.as_str()));
    let found = read(connection, &query).await?.pop();
    found.ok_or(Error::NotFound { what: T::WHAT, id })
}

/// Reads one page of the rows that satisfy a condition.
pub(super) async fn page<T: Row>(
    connection: &impl ConnectionTrait,
    mut condition: Condition,
    page: &PageRequest,
) -> Result<Page<T>> {
    let (column, is_descending) = page.order(T::SORT_FIELDS, T::OWN_ORDER)?;
    if let Some(text) = &page.query {
        let pattern = LikeExpr::new(like_pattern(text)).escape('!');
        condition = condition.add(Expr::col("search").like(pattern));
    }
    let mut query = select::<T>().cond_where(condition).to_owned();
    let total = super::count(connection, &query).await?;
    let order = if is_descending {
        Order::Desc
    } else {
        Order::Asc
    };
    query.order_by(*column, order.clone());
    for column in T::THEN_BY {
        query.order_by(*column, order.clone());
    }
    query.limit(page.limit()).offset(page.offset());
    let items = read(connection, &query).await?;
    Ok(Page { items, total })
}

/// Adds a row.
pub(super) async fn insert<T: Row>(connection: &impl ConnectionTrait, value: &T) -> Result<()> {
    connection.execute(&inserting(value)).await?;
    Ok(())
}

/// Adds a row, or replaces the one with its key.
pub(super) async fn put<T: Row>(connection: &impl ConnectionTrait, value: &T) -> Result<()> {
    let mut columns: Vec<&'static str> = value.columns().iter().map(|(name, _)| *name).collect();
    columns.push("body");
    let replace = OnConflict::column("id").update_columns(columns).to_owned();
    connection
        .execute(inserting(value).on_conflict(replace))
        .await?;
    Ok(())
}

fn inserting<T: Row>(value: &T) -> sea_orm::sea_query::InsertStatement {
    let (mut names, mut values) = (
        vec!["id", "body"],
        vec![Expr::value(value.id()), Expr::value(encode(value))],
    );
    for (name, value) in value.columns().into_iter().chain(value.first_columns()) {
        names.push(name);
        values.push(Expr::value(value));
    }
    Query::insert()
        .into_table(T::TABLE)
        .columns(names)
        .values_panic(values)
        .to_owned()
}

/// Replaces the row of a key if it satisfies a condition; tells whether it did.
pub(super) async fn update<T: Row>(
    connection: &impl ConnectionTrait,
    value: &T,
    condition: Condition,
) -> Result<bool> {
    let columns = value.columns().into_iter();
    let update = Query::update()
        .table(T::TABLE)
        .values(columns.map(|(name, value)| (name, Expr::value(value))))
        .value("body", encode(value))
        .and_where(Expr::col("id").eq(value.id()))
        .cond_where(condition)
        .to_owned();
    Ok(connection.execute(&update).await?.rows_affected() == 1)
}

/// Deletes the row of a key.
pub(super) async fn delete<T: Row>(
    connection: &impl ConnectionTrait,
    id: impl ToString,
) -> Result<()> {
    delete_named(connection, T::TABLE, "id", T::WHAT, &id.to_string()).await
}

/// Deletes the row of a key whose column has another name.
pub(super) async fn delete_named(
    connection: &impl ConnectionTrait,
    table: &'static str,
    column: &'static str,
    what: &'static str,
    key: &str,
) -> Result<()> {
    let delete = Query::delete()
        .from_table(table)
        .and_where(Expr::col(column).eq(key))
        .to_owned();
    if connection.execute(&delete).await?.rows_affected() == 0 {
        return Err(Error::NotFound {
            what,
            id: key.to_owned(),
        });
    }
    Ok(())
}
