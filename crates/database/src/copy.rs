//! Copies the whole state into an empty database of any engine.
//!
//! The source is only read, and the copy has its version of the tables: a server brings them up
//! to date as it would have done with the source. All rows are one transaction of the target, in
//! which they are compared with the source once more before it is committed.

mod rows;
mod shape;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, Statement};
use yunhai_model::Clock;

use self::rows::{Pages, insert};
use self::shape::{Shape, shapes};
use crate::migrate::{VERSION_TABLE, versions};
use crate::table::quote;
use crate::{Database, Error, Migration, Result};

/// A copy that can be made: the source holds a state that this release knows, the target is empty.
#[derive(Debug)]
pub struct CopyPlan {
    source: Database,
    target: Database,
    /// Those that the source has had.
    migrations: Vec<Migration>,
    tables: Vec<Shape>,
    /// The target's file where it was not there before.
    made_file: Option<PathBuf>,
}

/// How many rows of a table were copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CopiedTable {
    /// The table.
    pub name: String,
    /// Its rows.
    pub rows: u64,
}

/// How far a copy is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyProgress {
    /// Rows that were written or compared.
    pub done: u64,
    /// All that has to be written and compared.
    pub total: u64,
}

impl CopyPlan {
    /// Connects to both databases, of which the source must be there, and checks that the state
    /// can be copied. `migrations` are all that this release knows.
    pub async fn new(source: &str, target: &str, migrations: &[Migration]) -> Result<Self> {
        let source = Database::connect_existing(source).await?;
        let (migrations, tables) = what_it_holds(&source, migrations).await?;
        let made_file = Database::file_of(target)?.filter(|path| !path.exists());
        let plan = Self {
            source,
            target: Database::connect(target).await?,
            migrations,
            tables,
            made_file,
        };
        match plan.first_table_in_the_way().await? {
            None => Ok(plan),
            Some(table) => Err(Error::CopyTargetInUse {
                place: plan.target.place().to_owned(),
                table,
            }),
        }
    }

    /// Returns the database that is copied.
    pub fn source(&self) -> &Database {
        &self.source
    }

    /// Returns the database that the copy goes to.
    pub fn target(&self) -> &Database {
        &self.target
    }

    /// Tells whether the source has the tables of a domain, in this version at least.
    pub fn has(&self, domain: &str, version: u32) -> bool {
        self.migrations
            .iter()
            .any(|migration| migration.domain == domain && migration.version >= version)
    }

    /// Makes the copy and compares it with the source row by row. After a failure, or where it is
    /// given up half-way, [`Self::undo`] takes away what it has made.
    pub async fn execute(
        &self,
        clock: &dyn Clock,
        progress: &mut (dyn FnMut(CopyProgress) + Send),
    ) -> Result<Vec<CopiedTable>> {
        self.target.migrate(&self.migrations, clock).await?;
        let reading = self.source.begin_snapshot().await?;
        let mut total = 0;
        for shape in &self.tables {
            total += count(&reading, shape).await.map_err(failed(shape))?;
        }
        let mut counter = Counter {
            progress: CopyProgress {
                done: 0,
                total: total * 2,
            },
            tell: progress,
        };
        let writing = self.target.begin().await?;
        for shape in &self.tables {
            copy(&reading, &writing, shape, &mut counter)
                .await
                .map_err(failed(shape))?;
        }
        reading.rollback().await?;
        // Read anew, so that what somebody changed in the source meanwhile is noticed.
        let reading = self.source.begin_snapshot().await?;
        let mut copied = Vec::new();
        for shape in &self.tables {
            let rows = compare(&reading, &writing, shape, &mut counter)
                .await
                .map_err(failed(shape))?
                .ok_or_else(|| Error::CopyDiffers {
                    table: shape.name.clone(),
                })?;
            copied.push(CopiedTable {
                name: shape.name.clone(),
                rows,
            });
        }
        reading.rollback().await?;
        writing.commit().await?;
        Ok(copied)
    }

    /// Takes everything away that the copy has made in the target.
    pub async fn undo(self) -> Result<()> {
        if let Some(path) = &self.made_file {
            self.target.close().await?;
            return remove_file(path).map_err(|error| Error::CopyUndo {
                place: path.display().to_string(),
                reason: error.to_string(),
            });
        }
        let names = self.tables.iter().rev().map(|shape| shape.name.as_str());
        for name in names.chain([VERSION_TABLE]) {
            self.target
                .connection()
                .execute_unprepared(&format!(
                    "DROP TABLE IF EXISTS {}",
                    quote(self.target.backend(), name)
                ))
                .await?;
        }
        Ok(())
    }

    async fn first_table_in_the_way(&self) -> Result<Option<String>> {
        let names = self.tables.iter().map(|shape| shape.name.as_str());
        for name in names.chain([VERSION_TABLE]) {
            if has_table(&self.target, name).await? {
                return Ok(Some(name.to_owned()));
            }
        }
        Ok(None)
    }
}

/// Finds out which migrations a database has had, and which tables they make.
async fn what_it_holds(
    source: &Database,
    known: &[Migration],
) -> Result<(Vec<Migration>, Vec<Shape>)> {
    if !has_table(source, VERSION_TABLE).await? {
        return Err(Error::NoState {
            place: source.place().to_owned(),
        });
    }
    let found: BTreeMap<String, u32> = versions(source.connection()).await?;
    for (domain, found) in &found {
        let newest = known
            .iter()
            .filter(|migration| migration.domain == domain)
            .map(|migration| migration.version)
            .max();
        if newest.is_none_or(|newest| newest < *found) {
            return Err(Error::NewerSchema {
                domain: domain.clone(),
                found: *found,
                known: newest.unwrap_or(0),
            });
        }
    }
    let mut migrations: Vec<Migration> = known
        .iter()
        .filter(|migration| {
            found
                .get(migration.domain)
                .is_some_and(|version| migration.version <= *version)
        })
        .copied()
        .collect();
    migrations.sort_by_key(|migration| (migration.domain, migration.version));
    let tables = shapes(&migrations).await?;
    Ok((migrations, tables))
}

struct Counter<'a> {
    progress: CopyProgress,
    tell: &'a mut (dyn FnMut(CopyProgress) + Send),
}

impl Counter<'_> {
    fn add(&mut self, rows: usize) {
        self.progress.done += rows as u64;
        (self.tell)(self.progress);
    }
}

async fn copy(
    reading: &DatabaseTransaction,
    writing: &DatabaseTransaction,
    shape: &Shape,
    counter: &mut Counter<'_>,
) -> Result<(), DbErr> {
    let mut pages = Pages::new(shape);
    loop {
        let rows = pages.next(reading).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let count = rows.len();
        insert(writing, shape, rows).await?;
        counter.add(count);
    }
}

/// Counts the rows of a table that are the same in both databases; `None` where one differs.
async fn compare(
    reading: &DatabaseTransaction,
    writing: &DatabaseTransaction,
    shape: &Shape,
    counter: &mut Counter<'_>,
) -> Result<Option<u64>, DbErr> {
    let (mut theirs, mut ours) = (Pages::new(shape), Pages::new(shape));
    let mut same = 0;
    loop {
        let rows = theirs.next(reading).await?;
        if rows != ours.next(writing).await? {
            return Ok(None);
        }
        if rows.is_empty() {
            return Ok(Some(same));
        }
        same += rows.len() as u64;
        counter.add(rows.len());
    }
}

async fn count(reading: &DatabaseTransaction, shape: &Shape) -> Result<u64, DbErr> {
    let backend = reading.get_database_backend();
    let table = quote(backend, &shape.name);
    let sql = format!("SELECT COUNT(*) AS number FROM {table}");
    let asked = Statement::from_string(backend, sql);
    let row = reading.query_one_raw(asked).await?;
    let number: i64 = row.map_or(Ok(0), |row| row.try_get("", "number"))?;
    Ok(number.unsigned_abs())
}

fn failed(shape: &Shape) -> impl FnOnce(DbErr) -> Error {
    let table = shape.name.clone();
    move |source| Error::Copy { table, source }
}

async fn has_table(database: &Database, name: &str) -> Result<bool> {
    let sql = match database.backend() {
        DbBackend::Sqlite => {
            format!("SELECT name FROM sqlite_master WHERE type = 'table' AND name = '{name}'")
        }
        DbBackend::Postgres => format!(
            "SELECT 1 FROM information_schema.tables \
             WHERE table_schema = current_schema() AND table_name = '{name}'"
        ),
        _ => format!(
            "SELECT 1 FROM information_schema.tables \
             WHERE table_schema = DATABASE() AND table_name = '{name}'"
        ),
    };
    let asked = Statement::from_string(database.backend(), sql);
    let row = database.connection().query_one_raw(asked).await?;
    Ok(row.is_some())
}

/// Removes a file of SQLite with what stands beside it.
fn remove_file(path: &Path) -> std::io::Result<()> {
    for ending in ["-wal", "-shm", ""] {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        match std::fs::remove_file(&name) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
