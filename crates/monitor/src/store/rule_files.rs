//! Rule files: the source as it was given, which is what counts.

use sea_orm::sea_query::{InsertStatement, OnConflict, Order, Query, SelectStatement};
use sea_orm::{ConnectionTrait, DatabaseTransaction};
use serde::Serialize;
use yunhai_model::TimestampMs;

use super::{Store, settings};
use crate::error::{Error, Result};

const COLUMNS: [&str; 5] = ["name", "source", "origin", "updated_by", "updated_at"];

/// A stored rule file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StoredRuleFile {
    /// The name under which it is stored.
    pub name: String,
    /// The YAML as it was given.
    pub source: String,
    /// The file that it came from, where it was applied from one.
    pub origin: Option<String>,
    /// Who has changed it last.
    pub updated_by: String,
    /// When.
    pub updated_at_ms: TimestampMs,
}

impl Store {
    pub(crate) async fn rule_files(&self) -> Result<Vec<StoredRuleFile>> {
        read(self.database.connection(), &select()).await
    }

    /// Reads all rule files for a change: nobody else changes them until the transaction ends.
    pub(crate) async fn hold_rule_files(
        &self,
        transaction: &DatabaseTransaction,
    ) -> Result<Vec<StoredRuleFile>> {
        // One row stands for all of them: by their own rows, of which some are still to come, two
        // transactions could wait for each other.
        let _: Option<bool> = self.hold_setting(transaction, settings::SET_UP).await?;
        read(transaction, &select()).await
    }

    /// The names of the rule files, and when each was changed last.
    pub(crate) async fn rule_file_stamps(&self) -> Result<Vec<(String, TimestampMs)>> {
        let query = Query::select()
            .columns(["name", "updated_at"])
            .from("monitor_rule_file")
            .order_by("name", Order::Asc)
            .to_owned();
        let rows = self.database.connection().query_all(&query).await?;
        rows.iter()
            .map(|row| Ok((row.try_get("", "name")?, row.try_get("", "updated_at")?)))
            .collect()
    }

    pub(crate) async fn rule_file(&self, name: &str) -> Result<StoredRuleFile> {
        let files = self.rule_files().await?;
        let found = files.into_iter().find(|file| file.name == name);
        found.ok_or_else(|| not_found(name))
    }

    /// Reads a rule file like [`Self::hold_rule_files`].
    pub(crate) async fn hold_rule_file(
        &self,
        transaction: &DatabaseTransaction,
        name: &str,
    ) -> Result<Option<StoredRuleFile>> {
        let files = self.hold_rule_files(transaction).await?;
        Ok(files.into_iter().find(|file| file.name == name))
    }

    pub(crate) async fn put_rule_files(
        &self,
        transaction: &DatabaseTransaction,
        files: &[StoredRuleFile],
    ) -> Result<()> {
        for file in files {
            let replace = OnConflict::column("name")
                .update_columns(COLUMNS[1..].iter().copied())
                .to_owned();
            transaction
                .execute(insert(file).on_conflict(replace))
                .await?;
        }
        Ok(())
    }

    /// Deletes a rule file and returns what it was.
    pub(crate) async fn delete_rule_file(
        &self,
        transaction: &DatabaseTransaction,
        name: &str,
    ) -> Result<StoredRuleFile> {
        let before = self.hold_rule_file(transaction, name).await?;
        let before = before.ok_or_else(|| not_found(name))?;
        let (table, column, what) = ("monitor_rule_file", "name", "rule file");
        super::rows::delete_named(transaction, table, column, what, name).await?;
        Ok(before)
    }
}

fn not_found(name: &str) -> Error {
    Error::NotFound {
        what: "rule file",
        id: name.to_owned(),
    }
}

fn select() -> SelectStatement {
    Query::select()
        .columns(COLUMNS)
        .from("monitor_rule_file")
        .order_by("name", Order::Asc)
        .to_owned()
}

async fn read(
    connection: &impl ConnectionTrait,
    query: &SelectStatement,
) -> Result<Vec<StoredRuleFile>> {
    let rows = connection.query_all(query).await?;
    rows.iter()
        .map(|row| {
            Ok(StoredRuleFile {
                name: row.try_get("", "name")?,
                source: row.try_get("", "source")?,
                origin: row.try_get("", "origin")?,
                updated_by: row.try_get("", "updated_by")?,
                updated_at_ms: row.try_get("", "updated_at")?,
            })
        })
        .collect()
}

fn insert(file: &StoredRuleFile) -> InsertStatement {
    Query::insert()
        .into_table("monitor_rule_file")
        .columns(COLUMNS)
        .values_panic([
            file.name.as_str().into(),
            file.source.as_str().into(),
            file.origin.as_deref().into(),
            file.updated_by.as_str().into(),
            file.updated_at_ms.into(),
        ])
        .to_owned()
}
