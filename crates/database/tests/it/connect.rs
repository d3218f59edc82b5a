use std::net::TcpListener;

use sea_orm::{ConnectionTrait, Statement};
use yunhai_database::{Database, is_unique_violation};
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
        assert!(text.contains("check that the server runs"), "{text}");
        assert!(!text.contains("geheim"), "{text}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_said_to_be_one() {
    let database = TestDatabase::start(Engine::Mysql);
    let url = database.url.replace("test-password", "geheim");
    let error = Database::connect(&url).await.unwrap_err().to_string();
    assert!(error.contains("check the user, the password"), "{error}");
    assert!(!error.contains("geheim"), "{error}");
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
