//! Forward-only migrations: each domain counts its own versions.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement};
use yunhai_model::Clock;

use crate::{Database, Error, Result, Table, is_conflict};

/// One step of a domain's tables from a version to the next.
///
/// MySQL commits every change of a table at once, so a step that was interrupted there is run
/// again from its beginning: its statements must bear that, as those of [`Table`] do.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Whose tables, such as `identity`.
    pub domain: &'static str,
    /// The version that the step makes; the first is 1.
    pub version: u32,
    /// What the step does, in a few words.
    pub name: &'static str,
    /// The statements, for one engine.
    pub statements: fn(DbBackend) -> Vec<Statement>,
}

/// Which steps a database has had.
pub(crate) const VERSION_TABLE: &str = "schema_version";

/// Any number that no other program takes for its own advisory lock.
const POSTGRES_LOCK: i64 = 0x79_756e_6861_6901;

/// How long a server that starts waits for another one's migration: other than a transaction that
/// serves somebody, one may take long. On PostgreSQL the steps themselves wait as long for a table.
const LOCK_WAIT_SECS: u32 = 60;

const MYSQL_LOCK: &str = "CONCAT('yunhai:', MD5(DATABASE()))";

impl Database {
    /// Runs the migrations that this database has not had yet, in the order of their versions.
    ///
    /// Refuses tables of a newer release before it changes anything. Servers that start at once
    /// wait for one another.
    pub async fn migrate(&self, migrations: &[Migration], clock: &dyn Clock) -> Result<()> {
        let transaction = self.begin().await?;
        lock(&transaction, LOCK_WAIT_SECS).await?;
        let outcome = apply(&transaction, migrations, clock).await;
        unlock(&transaction).await?;
        match outcome {
            Ok(()) => Ok(transaction.commit().await?),
            Err(error) => {
                transaction.rollback().await?;
                Err(error)
            }
        }
    }
}

/// Waits until no other server migrates. SQLite's transaction is a lock of its own, PostgreSQL's
/// lock ends with the transaction, MySQL's belongs to the connection.
async fn lock(transaction: &DatabaseTransaction, wait_secs: u32) -> Result<()> {
    match transaction.get_database_backend() {
        DbBackend::Postgres => {
            transaction
                .execute_unprepared(&format!("SET LOCAL lock_timeout = '{wait_secs}s'"))
                .await?;
            let sql = format!("SELECT pg_advisory_xact_lock({POSTGRES_LOCK})");
            match transaction.execute_unprepared(&sql).await {
                Err(error) if is_conflict(&error) => return Err(Error::MigrationLocked),
                taken => taken?,
            };
        }
        DbBackend::MySql => {
            let answer = transaction
                .query_one_raw(Statement::from_string(
                    DbBackend::MySql,
                    format!("SELECT CAST(GET_LOCK({MYSQL_LOCK}, {wait_secs}) AS SIGNED) AS locked"),
                ))
                .await?;
            let locked =
                answer.and_then(|row| row.try_get::<Option<i64>>("", "locked").ok().flatten());
            if locked != Some(1) {
                return Err(Error::MigrationLocked);
            }
        }
        _ => {}
    }
    Ok(())
}

async fn unlock(transaction: &DatabaseTransaction) -> Result<()> {
    if transaction.get_database_backend() == DbBackend::MySql {
        transaction
            .execute_unprepared(&format!("DO RELEASE_LOCK({MYSQL_LOCK})"))
            .await?;
    }
    Ok(())
}

async fn apply(
    transaction: &DatabaseTransaction,
    migrations: &[Migration],
    clock: &dyn Clock,
) -> Result<()> {
    let backend = transaction.get_database_backend();
    for statement in version_table().statements(backend) {
        transaction.execute_raw(statement).await?;
    }
    let applied = versions(transaction).await?;
    let mut pending: Vec<&Migration> = migrations.iter().collect();
    pending.sort_by_key(|migration| (migration.domain, migration.version));
    for chunk in pending.chunk_by(|a, b| a.domain == b.domain) {
        let (domain, known) = (chunk[0].domain, chunk[chunk.len() - 1].version);
        let found = applied.get(domain).copied().unwrap_or(0);
        if found > known {
            return Err(Error::NewerSchema {
                domain: domain.to_owned(),
                found,
                known,
            });
        }
    }
    for migration in pending {
        if migration.version <= applied.get(migration.domain).copied().unwrap_or(0) {
            continue;
        }
        run(transaction, migration, clock)
            .await
            .map_err(|source| Error::Migration {
                domain: migration.domain,
                version: migration.version,
                name: migration.name,
                source,
            })?;
        tracing::info!(
            domain = migration.domain,
            version = migration.version,
            "brought the tables up to date: {}",
            migration.name
        );
    }
    Ok(())
}

async fn run(
    transaction: &DatabaseTransaction,
    migration: &Migration,
    clock: &dyn Clock,
) -> Result<(), DbErr> {
    let backend = transaction.get_database_backend();
    for statement in (migration.statements)(backend) {
        // Not prepared, as MySQL cannot prepare every change of a table.
        if statement.values.is_none() {
            transaction.execute_unprepared(&statement.sql).await?;
        } else {
            transaction.execute_raw(statement).await?;
        }
    }
    let sql = match backend {
        DbBackend::Postgres => {
            "INSERT INTO schema_version (domain, version, name, applied_at_ms) VALUES ($1, $2, $3, $4)"
        }
        _ => {
            "INSERT INTO schema_version (domain, version, name, applied_at_ms) VALUES (?, ?, ?, ?)"
        }
    };
    transaction
        .execute_raw(Statement::from_sql_and_values(
            backend,
            sql,
            [
                migration.domain.into(),
                i64::from(migration.version).into(),
                migration.name.into(),
                clock.now_ms().into(),
            ],
        ))
        .await
        .map(drop)
}

fn version_table() -> Table {
    Table::new(VERSION_TABLE)
        .string("domain")
        .integer("version")
        .string("name")
        .integer("applied_at_ms")
        .primary_key(&["domain", "version"])
}

/// Reads which version of each domain's tables there is.
pub(crate) async fn versions(connection: &impl ConnectionTrait) -> Result<BTreeMap<String, u32>> {
    let rows = connection
        .query_all_raw(Statement::from_string(
            connection.get_database_backend(),
            "SELECT domain, MAX(version) AS version FROM schema_version GROUP BY domain",
        ))
        .await?;
    rows.into_iter()
        .map(|row| {
            let version: i64 = row.try_get("", "version")?;
            Ok((
                row.try_get("", "domain")?,
                u32::try_from(version).unwrap_or(u32::MAX),
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use yunhai_test_support::databases::{Engine, TestDatabase};

    use super::*;

    async fn check(engine: Engine) {
        let server = TestDatabase::start(engine);
        let database = Database::connect(&server.url).await.unwrap();
        let first = database.begin().await.unwrap();
        lock(&first, LOCK_WAIT_SECS).await.unwrap();
        let second = database.begin().await.unwrap();
        let begun = Instant::now();
        let refused = lock(&second, 1).await;
        assert!(
            matches!(refused, Err(Error::MigrationLocked)),
            "{engine:?}: {refused:?}"
        );
        // Not as long as other transactions wait, but as long as it was told to.
        let waited = begun.elapsed();
        let expected = Duration::from_millis(900)..Duration::from_secs(8);
        assert!(expected.contains(&waited), "{engine:?}: {waited:?}");
        second.rollback().await.unwrap();
        unlock(&first).await.unwrap();
        first.rollback().await.unwrap();
        let third = database.begin().await.unwrap();
        lock(&third, 1).await.unwrap();
        unlock(&third).await.unwrap();
    }

    #[tokio::test]
    async fn a_migration_that_takes_too_long_is_told_by_name() {
        check(Engine::Postgres).await;
        check(Engine::Mysql).await;
    }
}
