//! Accounts are kept, their secrets sealed.

use sea_orm::ConnectionTrait as _;
use serde_json::Value;
use yunhai_cloud::{ErrorKind, Provider};
use yunhai_inventory::Error;
use yunhai_model::Secret;
use yunhai_test_support::databases::Engine;

use crate::it::support::{House, access, new_account, server};

#[tokio::test]
async fn an_account_is_kept_and_its_secret_is_nowhere_in_the_clear() {
    for engine in [Engine::Sqlite, Engine::Postgres, Engine::Mysql] {
        let house = House::new(engine).await;
        let made = house.add("prod").await;
        assert_eq!(made.check.as_ref().unwrap().identity, "user/yunhai");
        assert_eq!(made.access["key"], "AKIA1");
        assert_eq!(made.access["secret"], Value::Null);
        let again = house.restarted().await;
        assert_eq!(again.accounts(), [made]);
        let connection = house.database.connection();
        let rows = connection
            .query_all_raw(sea_orm::Statement::from_string(
                connection.get_database_backend(),
                "SELECT body, sealed_access, course FROM cloud_account",
            ))
            .await
            .unwrap();
        for column in ["body", "sealed_access", "course"] {
            let text: String = rows[0].try_get("", column).unwrap();
            assert!(!text.contains("hunter2"), "{column}: {text}");
        }
        // What was sealed opens again.
        house.script().opened_with.clear();
        again.ask(again.accounts()[0].id).await.unwrap();
        assert_eq!(house.script().opened_with[0]["secret"], "hunter2");
    }
}

#[tokio::test]
async fn what_the_provider_does_not_know_is_not_kept() {
    let house = House::new(Engine::Sqlite).await;
    let mut wrong = new_account("prod");
    wrong.access = Some(access("wrong"));
    let error = house.try_add(wrong).await.unwrap_err();
    assert!(matches!(&error, Error::Cloud(error) if error.kind == ErrorKind::Credentials));
    let mut incomplete = new_account("prod");
    incomplete.access = Some(Secret::new(r#"{"key": ""}"#));
    let error = house.try_add(incomplete).await.unwrap_err();
    assert!(matches!(&error, Error::Invalid(faults) if faults == &["key: is missing"]));
    assert_eq!(house.inventory.accounts(), []);
}

#[tokio::test]
async fn a_name_is_given_once() {
    for engine in [Engine::Sqlite, Engine::Postgres, Engine::Mysql] {
        let house = House::new(engine).await;
        house.add("prod").await;
        let error = house.try_add(new_account("prod")).await.unwrap_err();
        assert!(matches!(error, Error::NameTaken(name) if name == "prod"));
    }
}

#[tokio::test]
async fn a_change_keeps_the_secret_that_is_not_entered_again() {
    let house = House::new(Engine::Sqlite).await;
    let id = house.add("prod").await.id;
    let mut change = new_account("production");
    change.access = Some(Secret::new(r#"{"key": "AKIA1", "secret": null}"#));
    let changed = house.change(id, change).await.unwrap();
    assert_eq!(changed.settings.name, "production");
    assert_eq!(changed.access["key"], "AKIA1");
    assert_eq!(
        house.script().opened_with.last().unwrap()["secret"],
        "hunter2"
    );
    let mut other_cloud = new_account("production");
    other_cloud.settings.provider = Provider::Gcp;
    let error = house.change(id, other_cloud).await.unwrap_err();
    assert!(matches!(error, Error::Invalid(_)));
}

#[tokio::test]
async fn a_deleted_account_takes_its_servers_along() {
    for engine in [Engine::Sqlite, Engine::Postgres, Engine::Mysql] {
        let house = House::new(engine).await;
        let (first, second) = (house.add("one").await.id, house.add("two").await.id);
        house.script().servers = vec![server("a", "i-1", "web")];
        house.inventory.ask(first).await.unwrap();
        house.inventory.ask(second).await.unwrap();
        let labels = |inventory: &yunhai_inventory::Inventory| {
            let servers = inventory.servers();
            servers.iter().map(|s| s.label.clone()).collect::<Vec<_>>()
        };
        assert_eq!(labels(&house.inventory), ["web", "web (i-1)"]);
        house.delete(first).await.unwrap();
        assert_eq!(labels(&house.inventory), ["web (i-1)"]);
        assert_eq!(labels(&house.restarted().await), ["web (i-1)"]);
        let error = house.delete(first).await.unwrap_err();
        assert!(matches!(error, Error::NotFound(_)));
    }
}

#[tokio::test]
async fn another_server_takes_over_what_was_changed() {
    let house = House::new(Engine::Sqlite).await;
    let other = house.restarted().await;
    let id = house.add("prod").await.id;
    house.script().servers = vec![server("a", "i-1", "web")];
    house.inventory.ask(id).await.unwrap();
    other.reload().await.unwrap();
    assert_eq!(other.accounts(), house.inventory.accounts());
    assert_eq!(other.servers(), house.inventory.servers());
    house.delete_at(&other, id).await.unwrap();
    house.inventory.reload().await.unwrap();
    assert_eq!(house.inventory.accounts(), []);
    assert_eq!(house.inventory.servers().len(), 0);
}

#[tokio::test]
async fn what_is_not_committed_is_nowhere() {
    let house = House::new(Engine::Sqlite).await;
    let kept = house.add("prod").await;
    let mut transaction = house.database.transaction();
    let new = new_account("other");
    house.inventory.add(&mut transaction, new).await.unwrap();
    transaction.roll_back().await;
    let mut transaction = house.database.transaction();
    let mut renamed = new_account("renamed");
    renamed.access = None;
    let (before, after) = house
        .inventory
        .change(&mut transaction, kept.id, renamed)
        .await
        .unwrap();
    assert_eq!(before, kept);
    assert!(
        after.updated_at_ms > before.updated_at_ms,
        "though the clock stood"
    );
    drop(transaction);
    let mut transaction = house.database.transaction();
    house
        .inventory
        .delete(&mut transaction, kept.id)
        .await
        .unwrap();
    drop(transaction);
    assert_eq!(house.inventory.accounts(), std::slice::from_ref(&kept));
    assert_eq!(house.restarted().await.accounts(), [kept]);
}
