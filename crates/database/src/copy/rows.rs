//! Reads and writes the rows of a table in pieces, in the order of its primary key.

use sea_orm::sea_query::{Expr, ExprTrait, Order, Query};
use sea_orm::{ConnectionTrait, DbErr, QueryResult, Value};

use super::shape::{Column, Kind, Shape};

/// How many rows are read at once.
const PAGE: usize = 500;

/// Engines allow statements of a few megabytes.
const STATEMENT_BYTES: usize = 1 << 20;

/// Every engine allows a statement at least so many values.
const STATEMENT_VALUES: usize = 30_000;

pub(super) type Row = Vec<Value>;

/// Goes along the rows of a table.
pub(super) struct Pages<'a> {
    shape: &'a Shape,
    after: Option<Row>,
    is_over: bool,
}

impl<'a> Pages<'a> {
    pub(super) fn new(shape: &'a Shape) -> Self {
        Self {
            shape,
            after: None,
            is_over: false,
        }
    }

    /// Returns the next rows; none when there are no more.
    pub(super) async fn next(
        &mut self,
        connection: &impl ConnectionTrait,
    ) -> Result<Vec<Row>, DbErr> {
        if self.is_over {
            return Ok(Vec::new());
        }
        let keys = &self.shape.primary_key;
        let mut query = Query::select();
        query
            .columns(self.shape.columns.iter().map(|column| column.name.clone()))
            .from(self.shape.name.clone())
            .limit(PAGE as u64);
        for key in keys {
            query.order_by(key.name.clone(), Order::Asc);
        }
        if let Some(after) = &self.after {
            let names = keys.iter().map(|key| Expr::col(key.name.clone()));
            let values = after.iter().map(|value| Expr::value(value.clone()));
            query.and_where(Expr::tuple(names).gt(Expr::tuple(values)));
        }
        let found = connection.query_all(&query).await?;
        self.is_over = found.len() < PAGE;
        self.after = found.last().map(|row| read(row, keys)).transpose()?;
        found
            .iter()
            .map(|row| read(row, &self.shape.columns))
            .collect()
    }
}

fn read(row: &QueryResult, columns: &[Column]) -> Result<Row, DbErr> {
    let value = |column: &Column| -> Result<Value, DbErr> {
        let name = column.name.as_str();
        Ok(match column.kind {
            Kind::Text => row.try_get::<Option<String>>("", name)?.into(),
            Kind::Integer => row.try_get::<Option<i64>>("", name)?.into(),
            Kind::Float => row.try_get::<Option<f64>>("", name)?.into(),
            Kind::Boolean => row.try_get::<Option<bool>>("", name)?.into(),
        })
    };
    columns.iter().map(value).collect()
}

/// Inserts rows, as many by one statement as every engine takes.
pub(super) async fn insert(
    connection: &impl ConnectionTrait,
    shape: &Shape,
    rows: Vec<Row>,
) -> Result<(), DbErr> {
    let most = STATEMENT_VALUES / shape.columns.len().max(1);
    let mut statement: Vec<Row> = Vec::new();
    let mut bytes = 0;
    for row in rows {
        let size = size(&row);
        if !statement.is_empty() && (bytes + size > STATEMENT_BYTES || statement.len() == most) {
            send(connection, shape, std::mem::take(&mut statement)).await?;
            bytes = 0;
        }
        bytes += size;
        statement.push(row);
    }
    if statement.is_empty() {
        return Ok(());
    }
    send(connection, shape, statement).await
}

async fn send(
    connection: &impl ConnectionTrait,
    shape: &Shape,
    rows: Vec<Row>,
) -> Result<(), DbErr> {
    let mut query = Query::insert();
    query
        .into_table(shape.name.clone())
        .columns(shape.columns.iter().map(|column| column.name.clone()));
    for row in rows {
        query.values_panic(row.into_iter().map(Expr::value));
    }
    connection.execute(&query).await.map(drop)
}

fn size(row: &Row) -> usize {
    row.iter()
        .map(|value| match value {
            Value::String(Some(text)) => text.len(),
            _ => 8,
        })
        .sum()
}
