//! What is kept of accounts and their servers. Each table holds the columns that it is searched by
//! and the rest as JSON.

mod orders;

use std::collections::BTreeMap;

use async_trait::async_trait;
use sea_orm::sea_query::{Expr, ExprTrait, LockType, Order, Query};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, Statement};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use yunhai_cloud::AccountCheck;
use yunhai_database::{Database, Migration, Table, is_unique_violation};
use yunhai_model::{Clock, CloudAccountId, TimestampMs};
use yunhai_vault::{Place, Resealer, StoreError, Vault};

use crate::account::{AccountSettings, RoundReport};
use crate::budget::Budget;
use crate::error::{Error, Result};
use crate::server::KnownServer;

pub(crate) use orders::user_data_place;

/// How many rows go into a statement.
const ROWS_AT_ONCE: usize = 200;

/// What an account is read from.
const ACCOUNT: [&str; 4] = ["id", "body", "sealed_access", "course"];

/// The tables of this crate.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        domain: "inventory",
        version: 1,
        name: "cloud accounts and their servers",
        statements: tables,
    },
    Migration {
        domain: "inventory",
        version: 2,
        name: "orders to clouds",
        statements: |backend| orders::table().statements(backend),
    },
];

fn tables(backend: DbBackend) -> Vec<Statement> {
    [
        Table::new("cloud_account")
            .id("id")
            .string("name")
            .text("body")
            .text("sealed_access")
            .text("course")
            .primary_key(&["id"])
            .unique(&["name"]),
        Table::new("cloud_server")
            .string("label")
            .id("account_id")
            .text("body")
            .primary_key(&["label"])
            .index(&["account_id"])
            .belongs_to("account_id", "cloud_account"),
    ]
    .iter()
    .flat_map(|table| table.statements(backend))
    .collect()
}

/// An account as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredAccount {
    pub(crate) id: CloudAccountId,
    pub(crate) body: Body,
    pub(crate) sealed_access: String,
    pub(crate) course: Course,
}

/// What people set, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Body {
    pub(crate) settings: AccountSettings,
    /// What it is opened with, without the secrets.
    pub(crate) access: serde_json::Value,
    pub(crate) check: Option<AccountCheck>,
    pub(crate) created_at_ms: TimestampMs,
    /// Later with every change, also where the clock stood still.
    pub(crate) updated_at_ms: TimestampMs,
}

/// What changes with every round.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Course {
    pub(crate) last_round: Option<RoundReport>,
    pub(crate) budget: Budget,
    /// Until when each region's measurements were collected.
    pub(crate) collected_until_ms: BTreeMap<String, TimestampMs>,
}

/// The tables of accounts.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    database: Database,
}

/// The place that credentials are sealed for.
pub(crate) fn place(id: CloudAccountId) -> Place {
    Place::new("cloud_account", id, "access")
}

impl Store {
    pub(crate) fn new(database: Database) -> Self {
        Self { database }
    }

    pub(crate) async fn accounts(&self) -> Result<Vec<StoredAccount>> {
        let query = Query::select()
            .columns(ACCOUNT)
            .from("cloud_account")
            .order_by("name", Order::Asc)
            .to_owned();
        let rows = self.database.connection().query_all(&query).await?;
        rows.iter().map(account).collect()
    }

    pub(crate) async fn account(&self, id: CloudAccountId) -> Result<StoredAccount> {
        let query = Query::select()
            .columns(ACCOUNT)
            .from("cloud_account")
            .and_where(Expr::col("id").eq(id.to_string()))
            .to_owned();
        let row = self.database.connection().query_one(&query).await?;
        account(&row.ok_or_else(|| not_found(id))?)
    }

    /// Reads an account for a change: nobody else changes it until the transaction ends.
    pub(crate) async fn hold_account(
        &self,
        transaction: &DatabaseTransaction,
        id: CloudAccountId,
    ) -> Result<StoredAccount> {
        let query = Query::select()
            .columns(ACCOUNT)
            .from("cloud_account")
            .and_where(Expr::col("id").eq(id.to_string()))
            .lock(LockType::Update)
            .to_owned();
        let row = transaction.query_one(&query).await?;
        account(&row.ok_or_else(|| not_found(id))?)
    }

    pub(crate) async fn add(
        &self,
        connection: &impl ConnectionTrait,
        account: &StoredAccount,
    ) -> Result<()> {
        let insert = Query::insert()
            .into_table("cloud_account")
            .columns(["id", "name", "body", "sealed_access", "course"])
            .values_panic([
                account.id.to_string().into(),
                account.body.settings.name.as_str().into(),
                encode(&account.body).into(),
                account.sealed_access.as_str().into(),
                encode(&account.course).into(),
            ])
            .to_owned();
        named(account, connection.execute(&insert).await)
    }

    pub(crate) async fn change(
        &self,
        connection: &impl ConnectionTrait,
        account: &StoredAccount,
    ) -> Result<()> {
        let update = Query::update()
            .table("cloud_account")
            .value("name", account.body.settings.name.as_str())
            .value("body", encode(&account.body))
            .value("sealed_access", account.sealed_access.as_str())
            .and_where(Expr::col("id").eq(account.id.to_string()))
            .to_owned();
        named(account, connection.execute(&update).await)
    }

    /// Deletes an account and its servers.
    pub(crate) async fn delete(
        &self,
        connection: &impl ConnectionTrait,
        id: CloudAccountId,
    ) -> Result<()> {
        let delete = Query::delete()
            .from_table("cloud_account")
            .and_where(Expr::col("id").eq(id.to_string()))
            .to_owned();
        if connection.execute(&delete).await?.rows_affected() == 0 {
            return Err(not_found(id));
        }
        Ok(())
    }

    pub(crate) async fn servers(&self) -> Result<Vec<KnownServer>> {
        let query = Query::select()
            .column("body")
            .from("cloud_server")
            .order_by("label", Order::Asc)
            .to_owned();
        let rows = self.database.connection().query_all(&query).await?;
        rows.iter()
            .map(|row| json(row, "body", "server of a cloud"))
            .collect()
    }

    /// Keeps how an account fares: `change` gets what is stored, also by another server. Tells
    /// nothing where the account is gone.
    pub(crate) async fn change_course(
        &self,
        id: CloudAccountId,
        change: impl FnOnce(&mut Course) + Send,
    ) -> Result<Option<Course>> {
        let transaction = self.database.begin().await?;
        let mut course = match self.hold_account(&transaction, id).await {
            Ok(account) => account.course,
            Err(Error::NotFound(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        change(&mut course);
        let update = Query::update()
            .table("cloud_account")
            .value("course", encode(&course))
            .and_where(Expr::col("id").eq(id.to_string()))
            .to_owned();
        transaction.execute(&update).await?;
        transaction.commit().await?;
        Ok(Some(course))
    }

    /// Keeps which servers an account has, all of it or nothing. A label that another account's
    /// server has by now is refused.
    pub(crate) async fn put_servers(
        &self,
        account_id: CloudAccountId,
        changed: &[KnownServer],
        forgotten: &[String],
    ) -> Result<()> {
        let labels: Vec<&str> = changed
            .iter()
            .map(|server| server.label.as_str())
            .chain(forgotten.iter().map(String::as_str))
            .collect();
        if labels.is_empty() {
            return Ok(());
        }
        let transaction = self.database.begin().await?;
        for chunk in labels.chunks(ROWS_AT_ONCE) {
            let delete = Query::delete()
                .from_table("cloud_server")
                .and_where(Expr::col("account_id").eq(account_id.to_string()))
                .and_where(Expr::col("label").is_in(chunk.iter().copied()))
                .to_owned();
            transaction.execute(&delete).await?;
        }
        for chunk in changed.chunks(ROWS_AT_ONCE) {
            let mut insert = Query::insert()
                .into_table("cloud_server")
                .columns(["label", "account_id", "body"])
                .to_owned();
            for server in chunk {
                insert.values_panic([
                    server.label.as_str().into(),
                    server.account_id.to_string().into(),
                    encode(server).into(),
                ]);
            }
            match transaction.execute(&insert).await {
                Ok(_) => {}
                Err(error) if is_unique_violation(&error) => return Err(Error::LabelTaken),
                Err(error) => return Err(error.into()),
            }
        }
        transaction.commit().await?;
        Ok(())
    }

    async fn replace_access(&self, id: CloudAccountId, before: &str, after: &str) -> Result<bool> {
        let update = Query::update()
            .table("cloud_account")
            .value("sealed_access", after)
            .and_where(Expr::col("id").eq(id.to_string()))
            // Whoever has changed it meanwhile has sealed it with the new key.
            .and_where(Expr::col("sealed_access").eq(before))
            .to_owned();
        let done = self.database.connection().execute(&update).await?;
        Ok(done.rows_affected() > 0)
    }
}

/// The credentials of accounts as they lie in the database, for a change of the keys.
#[derive(Clone, Debug)]
pub struct SealedAccounts(Store);

impl SealedAccounts {
    /// Makes the tables when absent.
    pub async fn open(database: Database, clock: &dyn Clock) -> Result<Self> {
        database.migrate(MIGRATIONS, clock).await?;
        Ok(Self(Store::new(database)))
    }
}

#[async_trait]
impl Resealer for SealedAccounts {
    fn domain(&self) -> &'static str {
        "inventory"
    }

    async fn reseal(&self, vault: &Vault) -> Result<u64, StoreError> {
        let mut count = 0;
        for account in self.0.accounts().await? {
            let fresh = vault.reseal(&place(account.id), &account.sealed_access)?;
            if let Some(fresh) = fresh {
                let is_written = self
                    .0
                    .replace_access(account.id, &account.sealed_access, &fresh)
                    .await?;
                count += u64::from(is_written);
            }
        }
        Ok(count + self.0.reseal_orders(vault).await?)
    }
}

fn account(row: &QueryResult) -> Result<StoredAccount> {
    Ok(StoredAccount {
        id: id(row, "id")?,
        body: json(row, "body", "cloud account")?,
        sealed_access: row.try_get("", "sealed_access")?,
        course: json(row, "course", "course of a cloud account")?,
    })
}

fn not_found(id: CloudAccountId) -> Error {
    Error::NotFound(id.to_string())
}

fn named(account: &StoredAccount, outcome: Result<sea_orm::ExecResult, DbErr>) -> Result<()> {
    match outcome {
        Ok(_) => Ok(()),
        Err(error) if is_unique_violation(&error) => {
            Err(Error::NameTaken(account.body.settings.name.clone()))
        }
        Err(error) => Err(error.into()),
    }
}

fn id(row: &QueryResult, column: &str) -> Result<CloudAccountId> {
    let text: String = row.try_get("", column)?;
    serde_json::from_value(text.into()).map_err(|source| Error::Stored {
        what: "id of a cloud account",
        source,
    })
}

fn json<T: DeserializeOwned>(row: &QueryResult, column: &str, what: &'static str) -> Result<T> {
    let text: String = row.try_get("", column)?;
    serde_json::from_str(&text).map_err(|source| Error::Stored { what, source })
}

fn encode<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("what is stored has text keys and finite numbers only")
}
