//! Orders, and how they are followed.

use serde_json::json;
use yunhai_cloud::{Account as _, ErrorKind, Operation, OperationState, PowerState, ServerAction};
use yunhai_test_support::gcp::{Fault, Service};

use crate::fixture::{GcpFixture, PROJECT, REGIONS};
use crate::suite::Fixture as _;

/// Asks until it is over, and tells what was said on the way.
async fn followed(
    account: &dyn yunhai_cloud::Account,
    operation: &Operation,
) -> (Vec<OperationState>, OperationState) {
    let mut before = Vec::new();
    loop {
        let state = account.lifecycle().follow(operation).await;
        let state = state.expect("it is followed");
        match state {
            OperationState::Running { .. } => before.push(state),
            state => return (before, state),
        }
        assert!(before.len() < 100, "it never ends: {before:?}");
    }
}

#[tokio::test]
async fn several_servers_have_numbers_and_their_progress_is_shown() {
    let fixture = GcpFixture::start().await;
    let mut order = fixture.order(REGIONS[0], "web");
    order.count = 3;
    order.disk_gib = Some(20);
    order.ssh_key = Some("ssh-ed25519 AAAA ada".to_owned());
    order.security_groups = vec!["http-server".to_owned()];
    let account = fixture.account();
    let made = account.lifecycle().create(&order, "token").await.unwrap();
    assert_eq!(made.servers.len(), 3);
    let (before, end) = followed(&*account, &made).await;
    assert_eq!(end, OperationState::Done);
    let OperationState::Running { done: 0, text } = &before[0] else {
        panic!("{before:?}")
    };
    assert_eq!(text, "3 running (34 %)");
    let listed = account.servers().list(&fixture.regions()).await.servers;
    let names: Vec<&str> = listed.iter().map(|server| server.name.as_str()).collect();
    assert_eq!(names, ["web-1", "web-2", "web-3"]);
    let zones: Vec<&str> = listed.iter().filter_map(|s| s.zone.as_deref()).collect();
    assert_eq!(zones, ["europe-west3-a"; 3], "one that has the type");
    assert_eq!(
        listed[0].image.as_deref(),
        Some("debian-cloud/debian-12-bookworm")
    );
    assert_eq!(listed[0].public_addresses.len(), 1);
}

#[tokio::test]
async fn those_that_were_made_are_told_where_others_were_refused() {
    let fixture = GcpFixture::start().await;
    // The second name is taken.
    fixture
        .google
        .make(PROJECT, "europe-west3-a", "web-2", &json!({}));
    let mut order = fixture.order(REGIONS[0], "web");
    order.count = 3;
    let account = fixture.account();
    let made = account.lifecycle().create(&order, "token").await.unwrap();
    assert_eq!(made.servers.len(), 1);
    let (_, end) = followed(&*account, &made).await;
    let OperationState::Failed { error } = end else {
        panic!("{end:?}")
    };
    assert_eq!(error.kind, ErrorKind::Conflict);
    assert!(error.said.contains("already exists"), "{error}");
}

#[tokio::test]
async fn an_order_that_fails_later_is_told_in_googles_words() {
    let fixture = GcpFixture::start().await;
    let said = "Quota 'CPUS' exceeded.  Limit: 24.0 in region europe-west3.";
    fixture.google.fail(Fault::Operation(
        "QUOTA_EXCEEDED".to_owned(),
        said.to_owned(),
    ));
    let account = fixture.account();
    let order = fixture.order(REGIONS[0], "web");
    let made = account.lifecycle().create(&order, "token").await.unwrap();
    let (_, end) = followed(&*account, &made).await;
    let OperationState::Failed { error } = end else {
        panic!("{end:?}")
    };
    assert_eq!(error.kind, ErrorKind::Quota);
    assert_eq!(error.said, said);
    assert_eq!(error.code.as_deref(), Some("QUOTA_EXCEEDED"));
}

#[tokio::test]
async fn an_order_that_is_repeated_on_the_way_is_carried_out_once() {
    let fixture = GcpFixture::start().await;
    let account = fixture.account();
    let mut order = fixture.order(REGIONS[0], "web");
    order.zone = Some("europe-west3-b".to_owned());
    fixture.google.fail(Fault::Answers {
        service: Service::Compute,
        status: 503,
        reason: "backendError".to_owned(),
        times: 1,
    });
    let made = account.lifecycle().create(&order, "token").await.unwrap();
    assert_eq!(fixture.google.calls("compute.instances.insert"), 2);
    // Another process that was given the same order.
    let again = fixture.of_both();
    let again = again.lifecycle().create(&order, "token").await.unwrap();
    assert_eq!(made, again);
    let error = account
        .lifecycle()
        .create(&order, "other")
        .await
        .unwrap_err();
    assert_eq!(
        error.kind,
        ErrorKind::Conflict,
        "another order for the same name: {error}"
    );
}

#[tokio::test]
async fn a_suspended_server_goes_on_where_it_was() {
    let mut fixture = GcpFixture::start().await;
    fixture.make(REGIONS[0], "web", 1);
    let account = fixture.account();
    let server = account
        .servers()
        .list(&fixture.regions())
        .await
        .servers
        .remove(0);
    fixture
        .google
        .set(PROJECT, &server.name, "status", &json!("SUSPENDED"));
    let operation = account
        .lifecycle()
        .act(&server.server, ServerAction::Start)
        .await
        .unwrap();
    assert_eq!(fixture.google.calls("compute.instances.resume"), 1);
    let (_, end) = followed(&*account, &operation).await;
    assert_eq!(end, OperationState::Done);
    let listed = account.servers().list(&fixture.regions()).await;
    assert_eq!(listed.servers[0].state, PowerState::Running);
}

#[tokio::test]
async fn what_is_off_is_not_restarted() {
    let mut fixture = GcpFixture::start().await;
    fixture.make(REGIONS[0], "web", 1);
    let account = fixture.account();
    let server = account
        .servers()
        .list(&fixture.regions())
        .await
        .servers
        .remove(0);
    fixture
        .google
        .set(PROJECT, &server.name, "status", &json!("TERMINATED"));
    let restarted = account
        .lifecycle()
        .act(&server.server, ServerAction::Restart);
    let error = restarted.await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Conflict, "{error}");
    let mut gone = server.server.clone();
    gone.id = gone.id.replace("instances/", "instances/9");
    let stopped = account.lifecycle().act(&gone, ServerAction::Stop).await;
    assert_eq!(stopped.unwrap_err().kind, ErrorKind::NotFound);
}
