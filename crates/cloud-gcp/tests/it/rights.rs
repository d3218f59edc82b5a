//! The roles that are printed are enough, and no more than what they say.

use yunhai_cloud::{ErrorKind, MetricsQuery, OperationState, PolicyScope, ServerAction};
use yunhai_cloud_gcp::policy;

use crate::fixture::{GcpFixture, REGIONS};
use crate::suite::{Asked, Fixture as _};

fn permissions(document: &str) -> Vec<&str> {
    document
        .lines()
        .filter_map(|line| line.strip_prefix("- "))
        .collect()
}

#[tokio::test]
async fn the_role_for_watching_is_enough_to_watch_and_for_nothing_else() {
    let mut fixture = GcpFixture::start().await;
    fixture.make(REGIONS[0], "web", 1);
    let policy = policy(PolicyScope::Watch);
    fixture.google.grant(&permissions(&policy.document));
    let account = fixture.account();
    let check = account.check().await.unwrap();
    assert_eq!(check.problems, []);
    let inventory = account.servers().list(&fixture.regions()).await;
    assert_eq!(inventory.missing, []);
    let now_ms = fixture.now_ms();
    let query = MetricsQuery {
        servers: &inventory.servers,
        from_ms: now_ms - 900_000,
        until_ms: now_ms,
        interval_secs: 300,
    };
    let round = account.metrics().collect(query, &Asked::default()).await;
    assert_eq!(round.missing, []);
    let server = &inventory.servers[0].server;
    let stopped = account.lifecycle().act(server, ServerAction::Stop).await;
    let error = stopped.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(error.said.contains("compute.instances.stop"), "{error}");
}

#[tokio::test]
async fn the_role_for_managing_is_enough_to_manage() {
    let fixture = GcpFixture::start().await;
    let policy = policy(PolicyScope::Manage);
    fixture.google.grant(&permissions(&policy.document));
    let account = fixture.account();
    let mut order = fixture.order(REGIONS[0], "made");
    order.ssh_key = Some("ssh-ed25519 AAAA".to_owned());
    order.security_groups = vec!["web".to_owned()];
    let check = account.lifecycle().check_create(&order).await.unwrap();
    assert_eq!(check.findings, []);
    let made = account.lifecycle().create(&order, "token").await.unwrap();
    let mut operations = vec![made.clone()];
    for action in [
        ServerAction::Stop,
        ServerAction::Start,
        ServerAction::Restart,
        ServerAction::Delete,
    ] {
        let last = operations.last().unwrap();
        while account.lifecycle().follow(last).await.unwrap() != OperationState::Done {}
        operations.push(
            account
                .lifecycle()
                .act(&made.servers[0], action)
                .await
                .unwrap(),
        );
    }
}

#[tokio::test]
async fn a_right_that_is_missing_is_found_out_before() {
    let fixture = GcpFixture::start().await;
    fixture
        .google
        .grant(&permissions(&policy(PolicyScope::Watch).document));
    let account = fixture.account();
    let order = fixture.order(REGIONS[0], "made");
    let check = account.lifecycle().check_create(&order).await.unwrap();
    assert!(
        check.findings[0].text.contains("compute.regions.get"),
        "{check:?}"
    );
}
