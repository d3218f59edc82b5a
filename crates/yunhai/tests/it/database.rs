//! The state moves from one database to another, with all that belongs to it.

use sea_orm::{ConnectionTrait, QueryResult, Statement};
use serde_json::{Value, json};
use yunhai_database::Database;
use yunhai_test_support::databases::{Engine, TestDatabase};

use crate::program::{Ended, Home, PASSWORD};

fn run(home: &Home, command: &str) -> Ended {
    home.run(&command.split(' ').collect::<Vec<_>>())
}

fn copy(home: &Home, from: Option<&str>, to: &str) -> Ended {
    let mut words = vec!["database", "copy", "--data", "data", "--to", to];
    if let Some(from) = from {
        words.extend(["--database", from]);
    }
    home.run(&words)
}

/// A table that a server has made, with what its columns hold.
#[derive(Clone, Debug)]
struct Table {
    name: String,
    columns: Vec<(String, String)>,
}

async fn ask(database: &Database, sql: String) -> Vec<QueryResult> {
    let asked = Statement::from_string(database.backend(), sql);
    database.connection().query_all_raw(asked).await.unwrap()
}

fn text_of(row: &QueryResult, column: &str) -> String {
    row.try_get("", column).unwrap()
}

/// The tables in a file of SQLite, but for the one that says when each step made them.
fn tables_of(file: &str) -> Vec<Table> {
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let database = Database::connect_existing(file).await.unwrap();
        let sql = "SELECT name FROM sqlite_master WHERE type = 'table' \
                   AND name <> 'schema_version' ORDER BY name";
        let mut tables = Vec::new();
        for row in ask(&database, sql.to_owned()).await {
            let name = text_of(&row, "name");
            let sql = format!("SELECT name, type FROM pragma_table_info('{name}')");
            let columns = ask(&database, sql).await;
            let columns = columns
                .iter()
                .map(|row| (text_of(row, "name"), text_of(row, "type")));
            let columns = columns.collect();
            tables.push(Table { name, columns });
        }
        tables
    })
}

/// Every row of every table, as text.
fn contents(url: &str, tables: &[Table]) -> Vec<(String, Vec<String>)> {
    let value = |row: &QueryResult, (name, kind): &(String, String)| match kind.as_str() {
        "bigint" => format!("{:?}", row.try_get::<Option<i64>>("", name).unwrap()),
        "boolean" => format!("{:?}", row.try_get::<Option<bool>>("", name).unwrap()),
        _ => format!("{:?}", row.try_get::<Option<String>>("", name).unwrap()),
    };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let database = Database::connect_existing(url).await.unwrap();
        let mut all = Vec::new();
        for Table { name, columns } in tables {
            let rows = ask(&database, format!("SELECT * FROM {name}")).await;
            let texts = rows.iter().map(|row| {
                let values: Vec<_> = columns.iter().map(|column| value(row, column)).collect();
                values.join(" | ")
            });
            let mut texts: Vec<String> = texts.collect();
            texts.sort();
            all.push((name.clone(), texts));
        }
        all
    })
}

/// The number of the newest entry of the audit log.
fn newest_entry(home: &Home) -> i64 {
    let listed = run(home, "audit list --limit 1 --format json").done();
    let listed: Value = serde_json::from_str(&listed).unwrap();
    listed[0]["seq"].as_i64().unwrap()
}

/// A home with something of everything in its state.
fn home_with_a_state() -> Home {
    let home = Home::new();
    let server = home.serve_signed_in(&[]);
    home.write(
        "rules.yml",
        "groups:\n  - name: 规则\n    rules:\n      - alert: Always\n        expr: vector(1)\n",
    );
    for command in [
        "alert rule apply rules.yml",
        "channel add --name hook --kind webhook --set url=http://127.0.0.1:1/secret",
        "alert silence add server=web-1 --comment 换盘",
        "alert inhibition add --name down --source a=b --target c=d --equal server",
        "probe add shop http://127.0.0.1:1/",
        "user invite --role viewer --email cay@example.com",
        "monitor query up",
    ] {
        run(&home, command).done();
    }
    assert_eq!(server.stop(), 0);
    home
}

#[test]
fn the_state_moves_from_sqlite_to_postgresql_to_mysql_and_back() {
    let home = home_with_a_state();
    let file = home.path("data/state.db").display().to_string();
    let tables = tables_of(&file);
    assert!(tables.len() > 20, "{tables:?}");
    let before = contents(&file, &tables);
    let (postgres, mysql) = (
        TestDatabase::start(Engine::Postgres),
        TestDatabase::start(Engine::Mysql),
    );
    let told = copy(&home, None, &postgres.url).done();
    assert!(
        told.contains("from SQLite at data/state.db to PostgreSQL at 127.0.0.1:"),
        "{told}"
    );
    assert!(told.contains("The audit log is whole"), "{told}");
    assert!(told.contains("move data/state.db elsewhere"), "{told}");
    assert!(!told.contains("test-password"), "{told}");
    assert_eq!(contents(&postgres.url, &tables), before);
    assert_eq!(contents(&file, &tables), before, "the source is only read");
    std::fs::rename(&file, home.path("backup.db")).unwrap();

    // A server takes the copy up where the other left off: the login, the secrets, the numbers.
    let server = home.serve(&["--database", &postgres.url]);
    home.login(&server);
    let newest = newest_entry(&home);
    run(&home, "channel edit hook --disable").done();
    assert_eq!(newest_entry(&home), newest + 1);
    assert_eq!(server.stop(), 0);

    let copied = copy(&home, Some(&postgres.url), &mysql.url).done();
    assert!(copied.contains("to MySQL at 127.0.0.1:"), "{copied}");
    assert!(!copied.contains("as a backup"), "{copied}");
    let later = contents(&postgres.url, &tables);
    assert_eq!(contents(&mysql.url, &tables), later);
    let server = home.serve(&["--database", &mysql.url]);
    home.login(&server);
    let newest = newest_entry(&home);
    run(&home, "channel edit hook --enable").done();
    assert_eq!(newest_entry(&home), newest + 1);
    assert_eq!(server.stop(), 0);
    let later = contents(&mysql.url, &tables);

    let words = [
        "database", "copy", "--data", "data", "--to", &file, "--format", "json",
    ];
    let told = home
        .command(&words)
        .env("YUNHAI_DATABASE", &mysql.url)
        .output()
        .unwrap();
    let told: Value = serde_json::from_slice(&told.stdout).unwrap();
    assert_eq!(told["audit"]["ok"], true);
    let rows = |told: &Value| told["rows"].as_u64().unwrap();
    let listed = told["tables"].as_array().unwrap();
    assert_eq!(rows(&told), listed.iter().map(rows).sum::<u64>());
    let mut named: Vec<_> = listed.iter().map(|t| t["name"].as_str().unwrap()).collect();
    named.sort_unstable();
    let all: Vec<_> = tables.iter().map(|table| table.name.as_str()).collect();
    assert_eq!(named, all);
    assert_eq!(contents(&file, &tables), later);
    // At home again: nothing needs to be named.
    let server = home.serve(&[]);
    home.login(&server);
    let shown = run(&home, "channel show hook --format json").done();
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["enabled"], json!(true));
    assert_eq!(server.stop(), 0);
    run(&home, "audit verify --data data").done();
}

#[test]
fn a_copy_that_would_lose_something_is_refused() {
    let home = home_with_a_state();
    let target = TestDatabase::start(Engine::Postgres);
    let server = home.serve(&[]);
    let error = copy(&home, None, &target.url).failed();
    assert!(error.contains("in use by another yunhai"), "{error}");
    assert!(error.contains("stop it first"), "{error}");
    assert_eq!(server.stop(), 0);
    copy(&home, None, &target.url).done();
    let error = copy(&home, None, &target.url).failed();
    assert!(error.contains("is not empty: it has a table"), "{error}");
    assert!(!error.contains("test-password"), "{error}");

    // A server with a data directory of its own may work on the same database.
    let _server = home.serve(&["--database", &target.url]);
    std::fs::create_dir(home.path("other")).unwrap();
    std::fs::copy(home.path("data/master.key"), home.path("other/master.key")).unwrap();
    let words = ["database", "copy", "--data", "other", "--to", "copy.db"];
    let error = home.run(&[&words[..], &["--database", &target.url]].concat());
    let error = error.failed();
    assert!(
        error.contains("works on PostgreSQL at 127.0.0.1:"),
        "{error}"
    );
    assert!(!home.path("copy.db").exists());
    let error = home.run(&words).failed();
    assert!(error.contains("in a database that is not named"), "{error}");
    let error = copy(&home, Some("nowhere.db"), "copy.db").failed();
    assert!(error.contains("in use by another yunhai"), "{error}");
}

#[test]
fn a_copy_that_fails_at_the_end_leaves_nothing_behind() {
    let home = home_with_a_state();
    let key = std::fs::read(home.path("data/master.key")).unwrap();
    std::fs::remove_file(home.path("data/master.key")).unwrap();
    let target = TestDatabase::start(Engine::Mysql);
    for to in [&target.url, "copy.db"] {
        let error = copy(&home, None, to).failed();
        assert!(error.contains("master.key"), "{error}");
    }
    assert!(!home.path("copy.db").exists());
    home.write("data/master.key", key);
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(home.path("data/master.key"), mode).unwrap();
    copy(&home, None, &target.url).done();
    let error = copy(&home, Some("nowhere.db"), "copy.db").failed();
    assert!(
        error.contains("nowhere.db: there is no such file"),
        "{error}"
    );
    assert!(!home.path("nowhere.db").exists() && !home.path("copy.db").exists());
}

#[test]
fn a_database_that_is_only_not_named_is_not_begun_anew() {
    let home = Home::new();
    let database = TestDatabase::start(Engine::Postgres);
    let on_it = ["--database", database.url.as_str()];
    let create = "user create --data data --role admin --password-stdin --name";
    let create: Vec<&str> = create.split(' ').collect();
    home.run_with(&[&create[..], &["ann"], &on_it].concat(), PASSWORD)
        .done();
    for words in [
        &[&create[..], &["bob"]].concat()[..],
        &["serve", "--data", "data", "--listen", "127.0.0.1:0"],
        &["audit", "verify", "--data", "data"],
        &["alert", "list", "--data", "data"],
        &["key", "list", "--data", "data"],
        &["monitor", "once", "--data", "data"],
    ] {
        let error = home.run_with(words, PASSWORD).failed();
        assert!(error.contains("in a database that is not named"), "{error}");
        assert!(
            error.contains("--database URL or YUNHAI_DATABASE"),
            "{error}"
        );
    }
    assert!(!home.path("data/state.db").exists());
    // By the environment and by the configuration it is named too.
    let listed = home
        .command(&["user", "list", "--data", "data"])
        .env("YUNHAI_DATABASE", &database.url)
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&listed.stdout).contains("ann"));
    home.write("yunhai.toml", format!("database = \"{}\"\n", database.url));
    let listed = run(&home, "user list --data data --config yunhai.toml").done();
    assert!(listed.contains("ann"), "{listed}");
}

#[test]
fn checkpoints_of_another_database_are_told_with_what_to_do() {
    let home = Home::new();
    home.create_administrator();
    let server = home.serve(&[]);
    assert_eq!(server.stop(), 0);
    let create = "user create --data data --database new.db --name bob --role admin";
    let create: Vec<&str> = create.split(' ').chain(["--password-stdin"]).collect();
    home.run_with(&create, PASSWORD).done();
    let verified = run(&home, "audit verify --data data --database new.db");
    assert_eq!(verified.code, 1);
    let told = verified.output;
    assert!(
        told.contains("in the checkpoint file is not signed"),
        "{told}"
    );
    assert!(told.contains("move audit-checkpoints.jsonl out"), "{told}");
    run(&home, "audit verify --data data").done();
}
