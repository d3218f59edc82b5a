use std::net::TcpListener;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use yunhai_database::{Database, Trouble, is_unique_violation};
use yunhai_test_support::databases::{Engine, TestDatabase};
use yunhai_test_support::on_every_database;

#[tokio::test]
async fn an_unreachable_server_is_named_without_its_password() {
    // A port that was free a moment ago refuses connections.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for scheme in ["postgres", "mysql"] {
        let url = format!("{scheme}://yunhai:geheim@127.0.0.1:{port}/state");
        let error = Database::connect(&url).await.unwrap_err();
        let text = format!("{error} {error:?}");
        assert!(text.contains(&format!("127.0.0.1:{port}")), "{text}");
        assert!(text.contains("nothing listens there"), "{text}");
        assert!(
            text.contains("check that the database server runs"),
            "{text}"
        );
        assert!(!text.contains("geheim"), "{text}");
    }
}

/// Checks that a connection fails with the two lines of a message, and without the password.
async fn check_refused(url: &str, reason: &str, hint: &str) {
    let error = Database::connect(url).await.unwrap_err().to_string();
    let lines: Vec<_> = error.lines().collect();
    assert_eq!(lines.len(), 2, "{error}");
    assert!(lines[0].starts_with("cannot connect to "), "{error}");
    assert!(lines[0].contains(reason), "{reason}: {error}");
    assert!(
        lines[1].starts_with("hint: ") && lines[1].contains(hint),
        "{hint}: {error}"
    );
    assert!(
        !error.contains("geheim") && !error.contains("test-password"),
        "{error}"
    );
}

#[tokio::test]
async fn an_unknown_host_is_named() {
    for scheme in ["postgres", "mysql"] {
        let url = format!("{scheme}://yunhai:geheim@db.yunhai.invalid/state");
        check_refused(&url, "no host `db.yunhai.invalid`", "name service").await;
    }
}

#[tokio::test]
async fn a_wrong_user_or_password_is_said_to_be_one() {
    let database = TestDatabase::start(Engine::Mysql);
    let url = database.url.replace("test-password", "geheim");
    check_refused(&url, "Access denied", "check user and password").await;
    // The test server believes every password.
    let database = TestDatabase::start(Engine::Postgres);
    let url = database.url.replace("//yunhai:", "//nobody-here:");
    check_refused(&url, "nobody-here", "check user and password").await;
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_told() {
    for (engine, reason) in [
        (Engine::Postgres, "does not exist"),
        (Engine::Mysql, "Unknown database"),
    ] {
        let database = TestDatabase::start(engine);
        let url = format!("{}_not", database.url);
        check_refused(&url, reason, "CREATE DATABASE").await;
    }
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_a_wrong_password() {
    for (engine, query, hint) in [
        (Engine::Postgres, "sslmode=require", "sslmode=disable"),
        (Engine::Mysql, "ssl-mode=REQUIRED", "ssl-mode=DISABLED"),
    ] {
        let database = TestDatabase::start(engine);
        let url = format!("{}?{query}", database.url);
        check_refused(&url, "server does not support TLS", hint).await;
    }
}

#[tokio::test]
async fn an_unknown_parameter_of_the_address_is_told() {
    let database = TestDatabase::start(Engine::Postgres);
    let url = format!("{}?sslmode=perhaps", database.url);
    check_refused(&url, "perhaps", "what follows the `?`").await;
}

#[tokio::test]
async fn a_file_that_should_be_there_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let error = Database::connect_existing(path.to_str().unwrap()).await;
    let error = error.unwrap_err().to_string();
    assert!(error.contains("there is no such file"), "{error}");
    assert!(!path.exists());
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let text = "this is a letter to my aunt, not a database\n".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let error = Database::connect(path.to_str().unwrap())
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("state.db") && error.contains("is a database"),
        "{error}"
    );
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

#[cfg(unix)]
#[tokio::test]
async fn a_new_file_belongs_to_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/er/state.db");
    let database = Database::connect(path.to_str().unwrap()).await.unwrap();
    database.ping().await.unwrap();
    database.close().await.unwrap();
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

on_every_database! {
    async fn a_transaction_is_all_or_nothing(url: &str) {
        let database = Database::connect(url).await.unwrap();
        let count = async || {
            let row = database
                .connection()
                .query_one_raw(Statement::from_string(
                    database.backend(),
                    "SELECT COUNT(*) AS n FROM things",
                ))
                .await
                .unwrap()
                .unwrap();
            row.try_get::<i64>("", "n").unwrap()
        };
        database
            .connection()
            .execute_unprepared("CREATE TABLE things (name varchar(20) PRIMARY KEY)")
            .await
            .unwrap();
        let transaction = database.begin().await.unwrap();
        transaction.execute_unprepared("INSERT INTO things VALUES ('a')").await.unwrap();
        transaction.rollback().await.unwrap();
        assert_eq!(count().await, 0);
        let transaction = database.begin().await.unwrap();
        transaction.execute_unprepared("INSERT INTO things VALUES ('a')").await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(count().await, 1);
        let twice = database
            .connection()
            .execute_unprepared("INSERT INTO things VALUES ('a')")
            .await
            .unwrap_err();
        assert!(is_unique_violation(&twice), "{twice}");
    }

    async fn writers_wait_for_one_another(url: &str) {
        let database = Database::connect(url).await.unwrap();
        database
            .connection()
            .execute_unprepared("CREATE TABLE counter (n bigint NOT NULL)")
            .await
            .unwrap();
        database
            .connection()
            .execute_unprepared("INSERT INTO counter VALUES (0)")
            .await
            .unwrap();
        let writers: Vec<_> = (0..8)
            .map(|_| {
                let database = database.clone();
                tokio::spawn(async move {
                    for _ in 0..5 {
                        let transaction = database.begin().await.unwrap();
                        transaction
                            .execute_unprepared("UPDATE counter SET n = n + 1")
                            .await
                            .unwrap();
                        transaction.commit().await.unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let row = database
            .connection()
            .query_one_raw(Statement::from_string(database.backend(), "SELECT n FROM counter"))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(row.try_get::<i64>("", "n").unwrap(), 40);
    }
}

/// Writes into a file that may not grow until it is refused.
#[tokio::test]
async fn a_full_disk_is_told_from_a_wrong_statement() {
    let database = TestDatabase::start(Engine::Sqlite);
    let database = Database::connect(&database.url).await.unwrap();
    assert!(database.folder().unwrap().is_absolute());
    // One connection throughout, as the limit is the connection's own.
    let transaction = database.begin().await.unwrap();
    for statement in ["PRAGMA max_page_count = 3", "CREATE TABLE t (x BLOB)"] {
        transaction.execute_unprepared(statement).await.unwrap();
    }
    let wrong = transaction.execute_unprepared("INSERT INTO u VALUES (1)");
    assert_eq!(Trouble::behind(&wrong.await.unwrap_err()), None);
    let full = transaction.execute_unprepared("INSERT INTO t VALUES (zeroblob(1000000))");
    let full = full.await.unwrap_err();
    assert_eq!(Trouble::behind(&full), Some(Trouble::OutOfRoom), "{full}");
}

/// One that waited for ever would hold up all others behind it.
#[tokio::test]
async fn a_transaction_of_postgres_waits_for_no_other_for_ever() {
    let database = TestDatabase::start(Engine::Postgres);
    let database = Database::connect(&database.url).await.unwrap();
    let transaction = database.begin().await.unwrap();
    assert_eq!(shown("lock_timeout", &transaction).await, "10s");
    let idle = "idle_in_transaction_session_timeout";
    assert_eq!(shown(idle, &transaction).await, "1min");
    transaction.rollback().await.unwrap();
    assert_eq!(shown("lock_timeout", database.connection()).await, "0");
}

async fn shown(name: &str, connection: &impl ConnectionTrait) -> String {
    let statement = Statement::from_string(DbBackend::Postgres, format!("SHOW {name}"));
    let row = connection.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get_by_index(0).unwrap()
}
