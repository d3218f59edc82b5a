//! What the printed roles allow is enough, and no more.

use serde_json::{Value, json};
use yunhai_cloud::{
    Account as _, ErrorKind, Lifecycle as _, Metrics as _, MetricsQuery, MetricsRound,
    OperationState, PolicyScope, ServerAction, Servers as _,
};
use yunhai_cloud_azure::{AzureAccount, policy};
use yunhai_test_support::azure::{LOCATIONS, SUBSCRIPTIONS};

use crate::fixture::{AzureFixture, with};
use crate::suite::{Asked, Fixture as _};

fn with_role(fixture: &AzureFixture, scope: PolicyScope) -> AzureAccount {
    let role: Value = serde_json::from_str(&policy(scope).document).unwrap();
    let actions: Vec<&str> = role["Actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|action| action.as_str().unwrap())
        .collect();
    fixture.azure.permit(&actions);
    with(&fixture.azure, |_| {})
}

#[tokio::test]
async fn the_printed_role_is_enough_to_watch_and_no_more() {
    let fixture = AzureFixture::start().await;
    fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], "web");
    let account = with_role(&fixture, PolicyScope::Watch);
    let check = account.check().await.unwrap();
    assert_eq!(check.problems, []);
    let servers = account.list(&check.regions).await;
    assert_eq!(servers.missing, []);
    assert_eq!(servers.servers.len(), 1);
    // Locations by themselves are other lists.
    let of_location = with(&fixture.azure, |settings| {
        settings["regions"] = json!([LOCATIONS[0]]);
    });
    let listed = of_location.list(&[LOCATIONS[0].to_owned()]).await;
    assert_eq!(listed.missing, []);
    assert_eq!(listed.servers, servers.servers);
    let query = MetricsQuery {
        servers: &servers.servers,
        from_ms: fixture.now_ms() - 3_600_000,
        until_ms: fixture.now_ms(),
        interval_secs: 300,
    };
    let asked = Asked::default();
    assert_eq!(
        account.collect(query, &asked).await,
        MetricsRound::default()
    );
    let server = &servers.servers[0].server;
    let error = account.act(server, ServerAction::Stop).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(
        error.said.contains("virtualMachines/deallocate/action"),
        "{error}"
    );
}

#[tokio::test]
async fn the_printed_role_is_enough_to_manage() {
    let fixture = AzureFixture::start().await;
    let account = with_role(&fixture, PolicyScope::Manage);
    let mut order = fixture.order(LOCATIONS[0], "made");
    let check = account.check_create(&order).await.unwrap();
    assert_eq!(check.findings, []);
    order.is_protected = true;
    let protected = account.create(&order, "token").await.unwrap();
    order.is_protected = false;
    order.name = "other".to_owned();
    let made = account.create(&order, "other").await.unwrap();
    assert_ne!(protected.servers, made.servers);
    for action in [
        ServerAction::Stop,
        ServerAction::Start,
        ServerAction::Restart,
        ServerAction::Delete,
    ] {
        let operation = account.act(&made.servers[0], action).await.unwrap();
        while account.follow(&operation).await.unwrap() != OperationState::Done {}
    }
}

#[tokio::test]
async fn a_right_that_is_missing_is_named_by_the_check() {
    let fixture = AzureFixture::start().await;
    fixture.azure.permit(&[
        "Microsoft.Compute/virtualMachines/read",
        "Microsoft.Resources/*",
    ]);
    let check = with(&fixture.azure, |_| {}).check().await.unwrap();
    let problems: Vec<&str> = check.problems.iter().map(|p| p.said.as_str()).collect();
    assert!(
        problems
            .iter()
            .any(|said| said.contains("Microsoft.Insights/metrics/read")),
        "{problems:?}"
    );
}

#[tokio::test]
async fn an_account_that_sees_nothing_is_of_no_use() {
    let fixture = AzureFixture::start().await;
    fixture.azure.permit(&["Microsoft.Insights/metrics/read"]);
    let error = with(&fixture.azure, |_| {}).check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    assert!(error.said.contains("sees no subscription"), "{error}");
    fixture
        .azure
        .permit(&["Microsoft.Resources/*", "Microsoft.Insights/metrics/read"]);
    let error = with(&fixture.azure, |_| {}).check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{error}");
    assert!(error.attempted.contains("list the servers"), "{error}");
}
