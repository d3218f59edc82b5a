//! What Azure does later is followed to its end.

use yunhai_cloud::{Account, ErrorKind, Operation, OperationState, ServerAction, ServerRef};
use yunhai_test_support::azure::{LOCATIONS, OperationFault, SUBSCRIPTIONS};

use crate::fixture::AzureFixture;
use crate::suite::Fixture as _;

async fn ended(account: &dyn Account, operation: &Operation) -> OperationState {
    for _ in 0..600 {
        let state = account.lifecycle().follow(operation).await.unwrap();
        if !matches!(state, OperationState::Running { .. }) {
            return state;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it never ended: {operation:?}")
}

fn server(id: &str) -> ServerRef {
    ServerRef {
        region: LOCATIONS[0].to_owned(),
        id: id.to_owned(),
    }
}

#[tokio::test]
async fn nobody_looks_again_before_it_is_time() {
    let fixture = AzureFixture::start().await;
    fixture.azure.set_operations(1, 1, false);
    let id = fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], "web");
    let account = fixture.account();
    let stopped = account
        .lifecycle()
        .act(&server(&id), ServerAction::Stop)
        .await
        .unwrap();
    let state = account.lifecycle().follow(&stopped).await.unwrap();
    let running = OperationState::Running {
        done: 0,
        text: "1 InProgress".to_owned(),
    };
    assert_eq!(state, running);
    assert_eq!(ended(&*account, &stopped).await, OperationState::Done);
    assert_eq!(fixture.azure.polled_too_early(), 0);
}

#[tokio::test]
async fn what_tells_by_its_number_only_is_followed_too() {
    let fixture = AzureFixture::start().await;
    fixture.azure.set_operations(2, 0, true);
    let id = fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], "web");
    let account = fixture.account();
    let lifecycle = account.lifecycle();
    let deleted = lifecycle
        .act(&server(&id), ServerAction::Delete)
        .await
        .unwrap();
    assert!(deleted.handle.as_deref().unwrap().starts_with("location "));
    assert_eq!(ended(&*account, &deleted).await, OperationState::Done);
    assert_eq!(fixture.azure.machine(&id), None);
    assert_eq!(fixture.azure.interfaces(), [""; 0], "it went along");
    // Once more is no error: Azure has nothing to do.
    let again = lifecycle
        .act(&server(&id), ServerAction::Delete)
        .await
        .unwrap();
    assert_eq!(ended(&*account, &again).await, OperationState::Done);
}

#[tokio::test]
async fn what_azure_has_forgotten_shows_in_the_server() {
    let fixture = AzureFixture::start().await;
    fixture.azure.set_operations(1000, 0, false);
    let id = fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], "web");
    let account = fixture.account();
    for action in [
        ServerAction::Stop,
        ServerAction::Start,
        ServerAction::Delete,
    ] {
        let operation = account.lifecycle().act(&server(&id), action).await.unwrap();
        // As one that is read from a database after a restart.
        let stored = serde_json::to_string(&operation).unwrap();
        let operation: Operation = serde_json::from_str(&stored).unwrap();
        let state = account.lifecycle().follow(&operation).await.unwrap();
        assert!(
            matches!(state, OperationState::Running { .. }),
            "{action:?}: {state:?}"
        );
        fixture.azure.forget_operations();
        assert_eq!(
            ended(&*account, &operation).await,
            OperationState::Done,
            "{action:?}"
        );
    }
}

#[tokio::test]
async fn a_failure_is_told_in_azures_words() {
    let fixture = AzureFixture::start().await;
    let account = fixture.account();
    let id = fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], "web");
    for (status, is_by_location) in [("Failed", false), ("Canceled", false), ("Failed", true)] {
        fixture.azure.set_operations(1, 0, is_by_location);
        fixture.azure.fail_operations(OperationFault {
            status: status.to_owned(),
            code: "AllocationFailed".to_owned(),
            message: "Allocation failed. We do not have sufficient capacity.".to_owned(),
        });
        let started = account
            .lifecycle()
            .act(&server(&id), ServerAction::Start)
            .await;
        let OperationState::Failed { error } = ended(&*account, &started.unwrap()).await else {
            panic!("it fails")
        };
        assert_eq!(error.kind, ErrorKind::Quota);
        assert_eq!(error.code.as_deref(), Some("AllocationFailed"));
        assert!(
            error
                .to_string()
                .starts_with("cannot start web: Allocation"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn several_servers_are_made_and_an_order_goes_on_where_it_broke_off() {
    let fixture = AzureFixture::start().await;
    let account = fixture.account();
    let mut order = fixture.order(LOCATIONS[0], "web");
    order.count = 2;
    let made = account.lifecycle().create(&order, "token").await.unwrap();
    order.count = 3;
    let more = account.lifecycle().create(&order, "token").await.unwrap();
    assert_eq!(more.servers[..2], made.servers[..]);
    assert_eq!(ended(&*account, &made).await, OperationState::Done);
    assert_eq!(ended(&*account, &more).await, OperationState::Done);
    let machine = fixture.azure.machine(&more.servers[2].id).unwrap();
    assert_eq!(machine["name"], "web-3");
    assert_eq!(machine["properties"]["provisioningState"], "Succeeded");
}

#[tokio::test]
async fn the_same_name_by_another_order_changes_nothing() {
    let fixture = AzureFixture::start().await;
    let account = fixture.account();
    let lifecycle = account.lifecycle();
    let order = fixture.order(LOCATIONS[0], "web");
    let made = lifecycle.create(&order, "one").await.unwrap();
    assert_eq!(ended(&*account, &made).await, OperationState::Done);
    let before = fixture.azure.machine(&made.servers[0].id);
    let error = lifecycle.create(&order, "two").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    assert_eq!(fixture.azure.machine(&made.servers[0].id), before);
    let check = lifecycle.check_create(&order).await.unwrap();
    assert!(
        check.findings[0].text.contains("is there already"),
        "{check:?}"
    );
}

#[tokio::test]
async fn an_order_that_is_refused_leaves_nothing_behind() {
    let fixture = AzureFixture::start().await;
    let account = fixture.account();
    let mut order = fixture.order(LOCATIONS[0], "web");
    order.instance_type = "Standard_D64s_v5".to_owned();
    let error = account.lifecycle().create(&order, "one").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Quota, "{error}");
    fixture.azure.forget_operations();
    assert_eq!(fixture.azure.interfaces(), [""; 0]);
}

#[tokio::test]
async fn only_machines_are_acted_upon() {
    let fixture = AzureFixture::start().await;
    let account = fixture.account();
    for id in ["i-0123", "/subscriptions/a/resourceGroups/web", ""] {
        let error = account
            .lifecycle()
            .act(&server(id), ServerAction::Delete)
            .await;
        assert_eq!(error.unwrap_err().kind, ErrorKind::NotFound, "{id}");
    }
    assert_eq!(fixture.azure.requests(), [""; 0]);
    let elsewhere = Operation {
        servers: Vec::new(),
        action: None,
        handle: Some("status http://192.0.2.1/operations/1".to_owned()),
    };
    let error = account.lifecycle().follow(&elsewhere).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Protocol, "the token stays here");
}
