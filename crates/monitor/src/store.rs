//! What alerting keeps in the database. Each table holds the columns that it is searched by and
//! the rest as JSON in `body`.

mod alerts;
mod channels;
mod groups;
mod lease;
mod outbox;
mod probes;
mod pruning;
mod rows;
mod rule_files;
mod sealed;
pub(crate) mod settings;
mod silences;
mod tables;
mod timeline;

use sea_orm::sea_query::SelectStatement;
use sea_orm::{ConnectionTrait, QueryResult};
use serde::Serialize;
use serde::de::DeserializeOwned;
use yunhai_database::Database;

use crate::error::{Error, Result};

pub use alerts::{ActiveAlerts, AlertFilter};
pub use channels::{Channel, NewChannel};
pub use lease::leading_server;
pub use outbox::{OutboxEntry, OutboxFilter, OutboxState};
pub use rule_files::StoredRuleFile;
pub use tables::MIGRATIONS;
pub use timeline::{AlertEvent, EventKind};

pub(crate) use sealed::Sealed;

pub(crate) use channels::{SEALED_PREFIX, is_used_by, place};

/// The tables of alerting.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    database: Database,
}

impl Store {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    pub(crate) fn database(&self) -> &Database {
        &self.database
    }
}

/// Reads a JSON column.
fn body<T: DeserializeOwned>(row: &QueryResult, what: &'static str) -> Result<T> {
    decode(&row.try_get::<String>("", "body")?, what)
}

fn decode<T: DeserializeOwned>(text: &str, what: &'static str) -> Result<T> {
    serde_json::from_str(text).map_err(|source| Error::Stored { what, source })
}

fn encode<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("what is stored has text keys and finite numbers only")
}

/// Columns that are searched hold 191 characters; the body holds the whole.
fn shortened(text: &str) -> String {
    text.chars().take(191).collect()
}

/// Counts the rows of a query.
async fn count(connection: &impl ConnectionTrait, query: &SelectStatement) -> Result<u64> {
    use sea_orm::sea_query::{Expr, ExprTrait, Query};
    let counting = Query::select()
        .expr_as(Expr::col("id").count(), "number")
        .from_subquery(query.clone(), "counted")
        .to_owned();
    let row = connection.query_one(&counting).await?;
    let number: i64 = row.map_or(Ok(0), |row| row.try_get("", "number"))?;
    Ok(number.unsigned_abs())
}

/// A pattern for `LIKE` that finds a text literally, with `\` as the escape character.
fn like_pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}
