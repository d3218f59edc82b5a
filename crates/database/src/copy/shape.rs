//! Learns which tables migrations make, by making them in memory.
//!
//! What stands in the database itself would have to be asked of each engine in its own way, and
//! would name tables of other programs too.

use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, DbErr, Statement};

use crate::Migration;

/// A table as far as its rows go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// The columns that name a row.
    pub(super) primary_key: Vec<Column>,
    /// The tables whose rows have to be there before.
    belongs_to: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Float,
    Boolean,
}

/// Returns the tables that migrations make, those that others refer to before those.
pub(super) async fn shapes(migrations: &[Migration]) -> Result<Vec<Shape>, DbErr> {
    let mut options = ConnectOptions::new("sqlite::memory:");
    // A second connection would be a second, empty database.
    options.max_connections(1).sqlx_logging(false);
    let memory = sea_orm::Database::connect(options).await?;
    for migration in migrations {
        for statement in (migration.statements)(DbBackend::Sqlite) {
            memory.execute_raw(statement).await?;
        }
    }
    let mut shapes = Vec::new();
    let tables = "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name";
    for row in ask(&memory, tables).await? {
        shapes.push(shape(&memory, row.try_get("", "name")?).await?);
    }
    memory.close().await?;
    Ok(in_order(shapes))
}

async fn shape(memory: &DatabaseConnection, name: String) -> Result<Shape, DbErr> {
    let mut columns = Vec::new();
    let mut keys = Vec::new();
    let asked = format!("SELECT name, type, pk FROM pragma_table_info('{name}') ORDER BY cid");
    for row in ask(memory, &asked).await? {
        let declared: String = row.try_get("", "type")?;
        let column = Column {
            name: row.try_get("", "name")?,
            kind: match declared.as_str() {
                "bigint" => Kind::Integer,
                "double" => Kind::Float,
                "boolean" => Kind::Boolean,
                _ => Kind::Text,
            },
        };
        let place: i64 = row.try_get("", "pk")?;
        if place > 0 {
            keys.push((place, column.clone()));
        }
        columns.push(column);
    }
    assert!(!keys.is_empty(), "the table `{name}` has no primary key");
    keys.sort_by_key(|(place, _)| *place);
    let asked = format!("SELECT \"table\" AS name FROM pragma_foreign_key_list('{name}')");
    let belongs_to = ask(memory, &asked)
        .await?
        .iter()
        .map(|row| row.try_get("", "name"))
        .collect::<Result<_, _>>()?;
    Ok(Shape {
        name,
        columns,
        primary_key: keys.into_iter().map(|(_, column)| column).collect(),
        belongs_to,
    })
}

async fn ask(memory: &DatabaseConnection, sql: &str) -> Result<Vec<sea_orm::QueryResult>, DbErr> {
    memory
        .query_all_raw(Statement::from_string(DbBackend::Sqlite, sql))
        .await
}

/// Puts tables behind those that they belong to.
fn in_order(mut left: Vec<Shape>) -> Vec<Shape> {
    let mut ordered: Vec<Shape> = Vec::new();
    while !left.is_empty() {
        let is_ready = |shape: &Shape| {
            shape
                .belongs_to
                .iter()
                .all(|name| *name == shape.name || ordered.iter().any(|one| one.name == *name))
        };
        let (ready, rest): (Vec<_>, Vec<_>) = left.into_iter().partition(is_ready);
        assert!(!ready.is_empty(), "tables refer to each other in a circle");
        ordered.extend(ready);
        left = rest;
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Table;

    const MIGRATION: Migration = Migration {
        domain: "animals",
        version: 1,
        name: "animals",
        statements: |backend| {
            let tables = [
                Table::new("owner").id("id").primary_key(&["id"]),
                Table::new("animal")
                    .string("name")
                    .id("owner_id")
                    .float("height")
                    .boolean("is_tame")
                    .nullable()
                    .integer("number")
                    .primary_key(&["owner_id", "name"])
                    .belongs_to("owner_id", "owner"),
            ];
            tables
                .iter()
                .flat_map(|table| table.statements(backend))
                .chain(
                    Table::new("animal")
                        .text("life")
                        .nullable()
                        .additions(backend),
                )
                .collect()
        },
    };

    #[tokio::test]
    async fn tables_come_after_those_that_they_belong_to_with_all_their_columns() {
        let shapes = shapes(&[MIGRATION]).await.unwrap();
        let names: Vec<_> = shapes.iter().map(|shape| &shape.name[..]).collect();
        assert_eq!(names, ["owner", "animal"]);
        let column = |name: &str, kind| Column {
            name: name.to_owned(),
            kind,
        };
        let expected = [
            column("name", Kind::Text),
            column("owner_id", Kind::Text),
            column("height", Kind::Float),
            column("is_tame", Kind::Boolean),
            column("number", Kind::Integer),
            column("life", Kind::Text),
        ];
        assert_eq!(shapes[1].columns, expected);
        assert_eq!(
            shapes[1].primary_key,
            [expected[1].clone(), expected[0].clone()]
        );
    }
}
