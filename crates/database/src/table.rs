//! Writes the statement that makes a table, alike on all three engines.
//!
//! Text compares byte by byte everywhere, so that sorting and uniqueness do not depend on the
//! engine or its locale.

use sea_orm::{DbBackend, Statement};

/// A table to make, with its keys and indices. Columns hold a value unless [`Self::nullable`]
/// follows them.
#[derive(Clone, Debug)]
pub struct Table {
    name: &'static str,
    columns: Vec<Column>,
    primary_key: Vec<&'static str>,
    indices: Vec<Index>,
    references: Vec<Reference>,
}

#[derive(Clone, Debug)]
struct Column {
    name: &'static str,
    kind: Kind,
    nullable: bool,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Id,
    String,
    Text,
    Integer,
    Float,
    Boolean,
}

#[derive(Clone, Debug)]
struct Index {
    columns: &'static [&'static str],
    unique: bool,
}

#[derive(Clone, Debug)]
struct Reference {
    column: &'static str,
    table: &'static str,
}

impl Table {
    /// Begins a table.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            columns: Vec::new(),
            primary_key: Vec::new(),
            indices: Vec::new(),
            references: Vec::new(),
        }
    }

    fn column(mut self, name: &'static str, kind: Kind) -> Self {
        self.columns.push(Column {
            name,
            kind,
            nullable: false,
        });
        self
    }

    /// Adds a typed id: 26 characters.
    #[must_use]
    pub fn id(self, name: &'static str) -> Self {
        self.column(name, Kind::Id)
    }

    /// Adds a text of at most 191 characters, which every engine can index.
    #[must_use]
    pub fn string(self, name: &'static str) -> Self {
        self.column(name, Kind::String)
    }

    /// Adds a text of any length, JSON among them, which has no index.
    #[must_use]
    pub fn text(self, name: &'static str) -> Self {
        self.column(name, Kind::Text)
    }

    /// Adds a 64-bit integer: counts, sizes, and times in milliseconds.
    #[must_use]
    pub fn integer(self, name: &'static str) -> Self {
        self.column(name, Kind::Integer)
    }

    /// Adds a 64-bit floating-point number.
    #[must_use]
    pub fn float(self, name: &'static str) -> Self {
        self.column(name, Kind::Float)
    }

    /// Adds a truth value.
    #[must_use]
    pub fn boolean(self, name: &'static str) -> Self {
        self.column(name, Kind::Boolean)
    }

    /// Lets the last column be absent.
    #[must_use]
    pub fn nullable(mut self) -> Self {
        if let Some(column) = self.columns.last_mut() {
            column.nullable = true;
        }
        self
    }

    /// Sets the columns that name a row.
    #[must_use]
    pub fn primary_key(mut self, columns: &[&'static str]) -> Self {
        self.primary_key = columns.to_vec();
        self
    }

    /// Adds an index.
    #[must_use]
    pub fn index(mut self, columns: &'static [&'static str]) -> Self {
        self.indices.push(Index {
            columns,
            unique: false,
        });
        self
    }

    /// Adds an index whose values stand only once in the table.
    #[must_use]
    pub fn unique(mut self, columns: &'static [&'static str]) -> Self {
        self.indices.push(Index {
            columns,
            unique: true,
        });
        self
    }

    /// Ties a column to the `id` of another table; rows go with the row that they belong to.
    #[must_use]
    pub fn belongs_to(mut self, column: &'static str, table: &'static str) -> Self {
        self.references.push(Reference { column, table });
        self
    }

    /// Writes the statements that make the table where it does not exist yet.
    pub fn statements(&self, backend: DbBackend) -> Vec<Statement> {
        let quote = |name: &str| quote(backend, name);
        let list = |names: &[&str]| {
            names
                .iter()
                .map(|name| quote(name))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut parts: Vec<String> = self
            .columns
            .iter()
            .map(|column| {
                format!(
                    "{} {}{}",
                    quote(column.name),
                    sql_type(backend, column.kind),
                    if column.nullable { "" } else { " NOT NULL" }
                )
            })
            .collect();
        if !self.primary_key.is_empty() {
            parts.push(format!("PRIMARY KEY ({})", list(&self.primary_key)));
        }
        for Reference { column, table } in &self.references {
            parts.push(format!(
                "FOREIGN KEY ({}) REFERENCES {} ({}) ON DELETE CASCADE",
                quote(column),
                quote(table),
                quote("id")
            ));
        }
        let mut after = Vec::new();
        for index in &self.indices {
            if backend == DbBackend::MySql {
                // MySQL knows no `CREATE INDEX IF NOT EXISTS`; inside the table it comes with it.
                let name = quote(&self.index_name(index));
                let unique = if index.unique { "UNIQUE " } else { "" };
                parts.push(format!("{unique}KEY {name} ({})", list(index.columns)));
            } else {
                after.push(self.create_index(backend, index));
            }
        }
        let options = if backend == DbBackend::MySql {
            " ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin"
        } else {
            ""
        };
        std::iter::once(format!(
            "CREATE TABLE IF NOT EXISTS {} ({}){options}",
            quote(self.name),
            parts.join(", ")
        ))
        .chain(after)
        .map(|sql| Statement::from_string(backend, sql))
        .collect()
    }
}

impl Table {
    /// Writes the statements that add the columns and indices to a table that exists. Rows that
    /// are there get no value, so the columns have to be nullable.
    pub fn additions(&self, backend: DbBackend) -> Vec<Statement> {
        let table = quote(backend, self.name);
        let columns = self.columns.iter().flat_map(|column| {
            let (name, kind) = (quote(backend, column.name), sql_type(backend, column.kind));
            match backend {
                DbBackend::MySql => add_once_on_mysql(
                    self.name,
                    ("columns", "column_name", column.name),
                    &format!("ALTER TABLE {table} ADD COLUMN {name} {kind}"),
                ),
                DbBackend::Postgres => vec![format!(
                    "ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {name} {kind}"
                )],
                _ => vec![format!("ALTER TABLE {table} ADD COLUMN {name} {kind}")],
            }
        });
        let indices = self.indices.iter().flat_map(|index| {
            let statement = self.create_index(backend, index);
            match backend {
                DbBackend::MySql => {
                    let name = self.index_name(index);
                    add_once_on_mysql(self.name, ("statistics", "index_name", &name), &statement)
                }
                _ => vec![statement],
            }
        });
        columns
            .chain(indices)
            .map(|sql| Statement::from_string(backend, sql))
            .collect()
    }

    fn index_name(&self, index: &Index) -> String {
        format!("{}_by_{}", self.name, index.columns.join("_and_"))
    }

    /// Writes the statement that makes an index; on MySQL it fails where there is one already.
    fn create_index(&self, backend: DbBackend, index: &Index) -> String {
        let columns: Vec<_> = index
            .columns
            .iter()
            .map(|name| quote(backend, name))
            .collect();
        format!(
            "CREATE {}INDEX {}{} ON {} ({})",
            if index.unique { "UNIQUE " } else { "" },
            if backend == DbBackend::MySql {
                ""
            } else {
                "IF NOT EXISTS "
            },
            quote(backend, &self.index_name(index)),
            quote(backend, self.name),
            columns.join(", ")
        )
    }
}

/// Writes statements that bear being run again: MySQL, unlike MariaDB, knows no
/// `ADD COLUMN IF NOT EXISTS`. `known` is where the engine lists what there is, in which column,
/// and the name that is looked for there.
fn add_once_on_mysql(table: &str, known: (&str, &str, &str), addition: &str) -> Vec<String> {
    let (list, column, name) = known;
    vec![
        format!(
            "SET @addition = IF((SELECT COUNT(*) FROM information_schema.{list} \
             WHERE table_schema = DATABASE() AND table_name = '{table}' \
             AND {column} = '{name}') = 0, '{addition}', 'DO 0')"
        ),
        "PREPARE addition FROM @addition".to_owned(),
        "EXECUTE addition".to_owned(),
        "DEALLOCATE PREPARE addition".to_owned(),
    ]
}

pub(crate) fn quote(backend: DbBackend, name: &str) -> String {
    if backend == DbBackend::MySql {
        format!("`{name}`")
    } else {
        format!("\"{name}\"")
    }
}

fn sql_type(backend: DbBackend, kind: Kind) -> &'static str {
    match (kind, backend) {
        (Kind::Id, DbBackend::Postgres) => "varchar(26) COLLATE \"C\"",
        (Kind::Id, _) => "varchar(26)",
        (Kind::String, DbBackend::Postgres) => "varchar(191) COLLATE \"C\"",
        (Kind::String, _) => "varchar(191)",
        (Kind::Text, DbBackend::Postgres) => "text COLLATE \"C\"",
        (Kind::Text, DbBackend::MySql) => "longtext",
        (Kind::Text, _) => "text",
        (Kind::Integer, _) => "bigint",
        (Kind::Float, DbBackend::Postgres) => "double precision",
        (Kind::Float, _) => "double",
        (Kind::Boolean, _) => "boolean",
    }
}
