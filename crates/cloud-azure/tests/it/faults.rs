//! What Azure refuses and fails to do is told once each, hides nothing else, and passes.

use std::net::TcpListener;
use std::time::Instant;

use serde_json::json;
use yunhai_cloud::{Account as _, ErrorKind, MetricsQuery, MetricsRound, PowerState, Servers as _};
use yunhai_test_support::azure::{LOCATIONS, SUBSCRIPTIONS};

use crate::fixture::{AzureFixture, with};
use crate::suite::{Asked, Fixture as _};

#[tokio::test]
async fn throttling_of_a_moment_passes_unnoticed() {
    let mut fixture = AzureFixture::start().await;
    fixture.make(LOCATIONS[0], "web", 2);
    fixture.azure.throttle(2, 1);
    let began = Instant::now();
    let inventory = fixture.account().servers().list(&fixture.regions()).await;
    assert_eq!(inventory.missing, []);
    assert_eq!(inventory.servers.len(), 2);
    assert!(began.elapsed().as_millis() >= 1000, "it was waited for");
}

#[tokio::test]
async fn who_is_to_wait_for_ten_minutes_is_told_and_asks_no_more() {
    let mut fixture = AzureFixture::start().await;
    fixture.make(LOCATIONS[0], "web", 2);
    let account = with(&fixture.azure, |settings| {
        settings["subscriptions"] = json!([SUBSCRIPTIONS[0]]);
        settings["regions"] = json!([LOCATIONS[0]]);
    });
    fixture.azure.throttle(u64::MAX, 600);
    let regions = [LOCATIONS[0].to_owned()];
    for _ in 0..3 {
        let inventory = account.list(&regions).await;
        assert_eq!(inventory.servers, []);
        assert!(!inventory.missing.is_empty());
        for missing in &inventory.missing {
            assert_eq!(missing.error.kind, ErrorKind::Throttled, "{missing:?}");
        }
    }
    let asked = fixture.azure.requests().len();
    assert!(asked <= 4, "{asked} requests of the first round only");
}

#[tokio::test]
async fn little_left_slows_down() {
    let fixture = AzureFixture::start().await;
    for number in 0..4 {
        fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], &format!("web-{number}"));
    }
    fixture.azure.set_questions_left(3);
    let began = Instant::now();
    let inventory = fixture.account().servers().list(&fixture.regions()).await;
    assert_eq!(inventory.missing, []);
    assert!(began.elapsed().as_millis() >= 900, "the second page waited");
}

#[tokio::test]
async fn an_expired_secret_is_told_and_not_tried_again_and_again() {
    let mut fixture = AzureFixture::start().await;
    fixture.make(LOCATIONS[0], "web", 2);
    fixture.azure.expire_secret();
    let account = fixture.account();
    let inventory = account.servers().list(&fixture.regions()).await;
    assert_eq!(inventory.servers, []);
    for missing in &inventory.missing {
        assert_eq!(missing.error.kind, ErrorKind::Credentials);
        assert_eq!(missing.error.code.as_deref(), Some("AADSTS7000222"));
        assert!(missing.error.said.contains("are expired"), "{missing:?}");
        assert!(!missing.error.said.contains("Trace ID"), "{missing:?}");
    }
    account.servers().list(&fixture.regions()).await;
    assert_eq!(fixture.azure.sign_ins(), 1);
}

#[tokio::test]
async fn a_token_that_was_revoked_or_expires_is_replaced() {
    let mut fixture = AzureFixture::start().await;
    fixture.make(LOCATIONS[0], "web", 2);
    let account = fixture.account();
    for _ in 0..2 {
        let inventory = account.servers().list(&fixture.regions()).await;
        assert_eq!(inventory.missing, []);
        fixture.azure.revoke_tokens();
    }
    fixture.azure.set_token_lifetime_secs(0);
    fixture.azure.revoke_tokens();
    let inventory = account.servers().list(&fixture.regions()).await;
    // What is expired when it is given out is told, and ends.
    assert_eq!(inventory.missing[0].error.kind, ErrorKind::Credentials);
    let code = inventory.missing[0].error.code.as_deref();
    assert_eq!(code, Some("ExpiredAuthenticationToken"));
}

#[tokio::test]
async fn a_page_that_repeats_ends_and_is_told() {
    let fixture = AzureFixture::start().await;
    for number in 0..5 {
        fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], &format!("web-{number}"));
    }
    fixture.azure.repeat_pages();
    let account = with(&fixture.azure, |settings| {
        settings["subscriptions"] = json!([SUBSCRIPTIONS[0]]);
        settings["regions"] = json!([LOCATIONS[0]]);
    });
    let inventory = account.list(&[LOCATIONS[0].to_owned()]).await;
    assert_eq!(inventory.servers.len(), 3, "what came before it stays");
    // Of the machines of the location, of what those of the subscription do, and of addresses.
    let scopes: Vec<&str> = inventory.missing.iter().map(|m| m.scope.as_str()).collect();
    let part = |name: &str| format!("{}/Microsoft.{name}", SUBSCRIPTIONS[0]);
    assert_eq!(scopes, [LOCATIONS[0], &part("Compute"), &part("Network")]);
    for missing in &inventory.missing {
        assert_eq!(missing.error.kind, ErrorKind::Protocol);
        assert!(missing.error.said.contains("a second time"), "{missing:?}");
    }
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let mut fixture = AzureFixture::start().await;
    fixture.make(LOCATIONS[0], "web", 5);
    fixture.azure.halve_lists();
    let account = with(&fixture.azure, |settings| {
        settings["subscriptions"] = json!([SUBSCRIPTIONS[0]]);
        settings["regions"] = json!([LOCATIONS[0]]);
    });
    let inventory = account.list(&[LOCATIONS[0].to_owned()]).await;
    assert_eq!(inventory.servers, []);
    assert!(!inventory.missing.is_empty());
}

#[tokio::test]
async fn an_entry_that_nobody_understands_hides_no_other() {
    let fixture = AzureFixture::start().await;
    for number in 0..5 {
        fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], &format!("web-{number}"));
    }
    fixture.azure.spoil_lists();
    let account = with(&fixture.azure, |settings| {
        settings["subscriptions"] = json!([SUBSCRIPTIONS[0]]);
        settings["regions"] = json!([LOCATIONS[0]]);
    });
    let inventory = account.list(&[LOCATIONS[0].to_owned()]).await;
    assert_eq!(inventory.servers.len(), 5);
    assert!(
        inventory
            .servers
            .iter()
            .all(|s| s.state == PowerState::Running)
    );
    assert_eq!(inventory.missing[0].scope, LOCATIONS[0]);
    assert_eq!(inventory.missing[0].error.kind, ErrorKind::Protocol);
}

#[tokio::test]
async fn a_region_that_is_down_does_not_hide_the_metrics_of_the_other() {
    let mut fixture = AzureFixture::start().await;
    for region in fixture.regions() {
        fixture.make(&region, "web", 1);
    }
    let account = fixture.account();
    let inventory = account.servers().list(&fixture.regions()).await;
    let period_ms = 300_000;
    let at_ms = (fixture.now_ms() / period_ms - 2) * period_ms;
    for server in &inventory.servers {
        fixture.measure_cpu(server, &[(at_ms, 10.0)]);
    }
    fixture.azure.break_location(LOCATIONS[0]);
    let query = MetricsQuery {
        servers: &inventory.servers,
        from_ms: at_ms,
        until_ms: fixture.now_ms(),
        interval_secs: 300,
    };
    let asked = Asked::default();
    let round = account.metrics().collect(query, &asked).await;
    let [missing] = &round.missing[..] else {
        panic!("it is told once: {:?}", round.missing)
    };
    assert_eq!(missing.error.kind, ErrorKind::Unavailable);
    assert_eq!(missing.scope, LOCATIONS[0]);
    assert_eq!(round.unread.iter().collect::<Vec<_>>(), [LOCATIONS[0]]);
    let series = asked.series();
    assert!(!series.is_empty());
    assert!(series.iter().all(|s| s.server.region == LOCATIONS[1]));
}

#[tokio::test]
async fn the_network_that_cannot_be_listed_leaves_the_servers() {
    let fixture = AzureFixture::start().await;
    fixture.make_in(SUBSCRIPTIONS[0], LOCATIONS[0], "web");
    let account = with(&fixture.azure, |settings| {
        settings["subscriptions"] = json!([SUBSCRIPTIONS[0]]);
        settings["regions"] = json!([LOCATIONS[0]]);
    });
    fixture.azure.break_network();
    let inventory = account.list(&[LOCATIONS[0].to_owned()]).await;
    assert_eq!(inventory.servers.len(), 1);
    assert_eq!(inventory.missing.len(), 1, "both lists failed alike");
    let scope = &inventory.missing[0].scope;
    assert_eq!(*scope, format!("{}/Microsoft.Network", SUBSCRIPTIONS[0]));
    // A server that is listed is not among what is missing.
    let id = &inventory.servers[0].server.id;
    assert!(id.split('/').all(|part| part != scope));
    assert_eq!(inventory.missing[0].error.kind, ErrorKind::Unavailable);
}

#[tokio::test]
async fn a_clock_ten_minutes_off_harms_nothing() {
    for ahead_ms in [600_000, -600_000] {
        let mut fixture = AzureFixture::start().await;
        fixture.azure.set_clock_ahead_ms(ahead_ms);
        fixture.make(LOCATIONS[0], "web", 1);
        let account = fixture.account();
        let inventory = account.servers().list(&fixture.regions()).await;
        assert_eq!(inventory.missing, []);
        let our_now_ms = fixture.now_ms() - ahead_ms;
        let at_ms = (our_now_ms / 300_000 - 4) * 300_000;
        fixture.measure_cpu(&inventory.servers[0], &[(at_ms, 10.0)]);
        let query = MetricsQuery {
            servers: &inventory.servers,
            from_ms: at_ms,
            until_ms: our_now_ms,
            interval_secs: 300,
        };
        let asked = Asked::default();
        let round = account.metrics().collect(query, &asked).await;
        assert_eq!(round, MetricsRound::default());
        let series = asked.series();
        assert_eq!(series[0].samples[0].timestamp_ms, at_ms, "Azure's own time");
    }
}

#[tokio::test]
async fn nobody_there_is_told_as_such() {
    // A port that was free a moment ago, and a name that nobody has.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let fixture = AzureFixture::start().await;
    for endpoint in [
        format!("http://127.0.0.1:{port}"),
        "http://management.invalid".to_owned(),
    ] {
        let account = with(&fixture.azure, |settings| {
            settings["endpoint"] = json!(endpoint);
            settings["metrics_endpoint"] = json!(endpoint);
            settings["regions"] = json!([LOCATIONS[0]]);
        });
        let error = account.check().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
        let inventory = account.list(&[LOCATIONS[0].to_owned()]).await;
        assert_eq!(inventory.missing[0].error.kind, ErrorKind::Unreachable);
    }
}
