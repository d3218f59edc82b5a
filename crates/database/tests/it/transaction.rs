use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, oneshot};
use yunhai_database::{Database, SETTINGS_MIGRATIONS, Transaction};
use yunhai_model::ManualClock;
use yunhai_test_support::on_every_database;

use sea_orm::sea_query::Query;
use sea_orm::{ConnectionTrait, DatabaseTransaction};

async fn open(url: &str) -> Database {
    let database = Database::connect(url).await.unwrap();
    let clock = ManualClock::new(7);
    database.migrate(SETTINGS_MIGRATIONS, &clock).await.unwrap();
    database
}

async fn put(connection: &DatabaseTransaction, name: &str) {
    let insert = Query::insert()
        .into_table("settings")
        .columns(["name", "value", "updated_at_ms"])
        .values_panic([name.into(), "1".into(), 7.into()])
        .take();
    connection.execute(&insert).await.unwrap();
}

async fn is_there(database: &Database, name: &str) -> bool {
    let found: Option<u32> = database.setting(name).await.unwrap();
    found.is_some()
}

/// Leaves behind which effects were there, in their order.
fn leave(transaction: &mut Transaction, seen: &Arc<std::sync::Mutex<Vec<u32>>>, number: u32) {
    let seen = Arc::clone(seen);
    transaction.after_commit(async move { seen.lock().unwrap().push(number) });
}

on_every_database! {
async fn what_follows_is_done_once_it_is_committed_and_never_where_it_is_not(url: &str) {
    let database = open(url).await;
    let seen = Arc::default();
    let lock = Arc::default();

    let mut transaction = database.transaction();
    transaction.hold(&lock).await;
    put(transaction.connection().await.unwrap(), "dropped").await;
    leave(&mut transaction, &seen, 1);
    drop(transaction);
    let mut transaction = database.transaction();
    transaction.hold(&lock).await;
    put(transaction.connection().await.unwrap(), "undone").await;
    leave(&mut transaction, &seen, 2);
    transaction.roll_back().await;
    assert!(lock.try_lock().is_ok());
    assert!(!is_there(&database, "dropped").await && !is_there(&database, "undone").await);

    let mut transaction = database.transaction();
    transaction.hold(&lock).await;
    put(transaction.connection().await.unwrap(), "done").await;
    leave(&mut transaction, &seen, 3);
    leave(&mut transaction, &seen, 4);
    assert!(seen.lock().unwrap().is_empty() && lock.try_lock().is_err());
    transaction.commit().await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [3, 4]);
    assert!(lock.try_lock().is_ok());
    assert!(is_there(&database, "done").await);
}

async fn a_caller_that_goes_away_does_not_keep_what_follows_from_being_done(url: &str) {
    let database = open(url).await;
    let lock: Arc<Mutex<()>> = Arc::default();
    let (go_on, wait) = oneshot::channel();
    let (done, is_done) = oneshot::channel();
    let mut transaction = database.transaction();
    transaction.hold(&lock).await;
    put(transaction.connection().await.unwrap(), "done").await;
    transaction.after_commit(async move {
        wait.await.unwrap();
        done.send(()).unwrap();
    });
    let gone = tokio::time::timeout(Duration::from_millis(1), transaction.commit()).await;
    assert!(gone.is_err());
    assert!(lock.try_lock().is_err(), "it is held until everything is done");
    go_on.send(()).unwrap();
    is_done.await.unwrap();
    assert!(is_there(&database, "done").await);
}
}

#[tokio::test]
#[should_panic(expected = "before the transaction begins")]
async fn a_lock_is_not_waited_for_within_a_transaction() {
    let folder = tempfile::tempdir().unwrap();
    let database = open(&format!("sqlite://{}/state.db", folder.path().display())).await;
    let mut transaction = database.transaction();
    transaction.connection().await.unwrap();
    transaction.hold(&Arc::default()).await;
}
