//! What the cloud refuses and fails to do is told once each, and hides nothing else.

use std::collections::BTreeSet;
use std::net::TcpListener;

use serde_json::json;
use yunhai_cloud::{Account as _, ErrorKind, MetricsQuery, Servers as _};
use yunhai_test_support::gcp::{Fault, Service};

use crate::fixture::{GcpFixture, OTHER_PROJECT, PROJECT, REGIONS, open};
use crate::suite::{Asked, Fixture as _};

fn answers(service: Service, status: u16, reason: &str, times: usize) -> Fault {
    Fault::Answers {
        service,
        status,
        reason: reason.to_owned(),
        times,
    }
}

#[tokio::test]
async fn throttling_of_a_moment_passes_unnoticed() {
    let mut fixture = GcpFixture::start().await;
    fixture.make(REGIONS[0], "web", 2);
    for (status, reason) in [
        (429, "rateLimitExceeded"),
        (403, "rateLimitExceeded"),
        (503, "backendError"),
    ] {
        fixture
            .google
            .fail(answers(Service::Compute, status, reason, 1));
    }
    let inventory = fixture.account().servers().list(&fixture.regions()).await;
    assert_eq!(inventory.missing, []);
    assert_eq!(inventory.servers.len(), 2);
    assert_eq!(inventory.calls, 1, "what the client repeats is one call");
    assert_eq!(fixture.google.answers_left(), 0);
}

#[tokio::test]
async fn throttling_that_lasts_is_told_once_and_loses_nothing() {
    let mut fixture = GcpFixture::start().await;
    fixture.make(REGIONS[0], "web", 1);
    let account = fixture.account();
    let servers = account.servers().list(&fixture.regions()).await.servers;
    let at_ms = fixture.now_ms() / 60_000 * 60_000 - 900_000;
    fixture.measure_cpu(&servers[0], &[(at_ms, 50.0)]);
    let query = MetricsQuery {
        servers: &servers,
        from_ms: at_ms - 36_000_000,
        until_ms: fixture.now_ms(),
        interval_secs: 300,
    };
    let throttled = answers(Service::Monitoring, 429, "rateLimitExceeded", 1000);
    fixture.google.fail(throttled);
    let asked = Asked::default();
    let round = account.metrics().collect(query, &asked).await;
    let [missing] = &round.missing[..] else {
        panic!("it is told once: {:?}", round.missing)
    };
    assert_eq!(missing.error.kind, ErrorKind::Throttled);
    assert_eq!(round.unread.iter().collect::<Vec<_>>(), [REGIONS[0]]);
    assert!(
        asked.usage().calls <= 8,
        "it is left alone: {:?}",
        asked.usage()
    );

    fixture.google.forget_answers();
    let round = account.metrics().collect(query, &asked).await;
    assert_eq!(round.missing, []);
    let series = asked.series();
    let mut ours = series.iter().map(|series| series.metric.as_str());
    assert!(ours.any(|metric| metric == "server_cpu_utilization_ratio"));
}

#[tokio::test]
async fn refusals_are_sorted_by_what_can_be_done() {
    let fixture = GcpFixture::start().await;
    for (status, reason, kind) in [
        (403, "forbidden", ErrorKind::Denied),
        (429, "rateLimitExceeded", ErrorKind::Throttled),
        (500, "backendError", ErrorKind::Unavailable),
        (404, "notFound", ErrorKind::NotFound),
        (401, "authError", ErrorKind::Credentials),
    ] {
        fixture
            .google
            .fail(answers(Service::Compute, status, reason, 5));
        let regions = [REGIONS[0].to_owned()];
        let inventory = fixture.account().servers().list(&regions).await;
        let [missing] = &inventory.missing[..] else {
            panic!("it is told once: {inventory:?}")
        };
        assert_eq!(missing.error.kind, kind, "{missing:?}");
        assert_eq!(missing.error.code.as_deref(), Some(reason));
        assert!(missing.error.said.contains("for the test"), "{missing:?}");
        // Those that a refusal for good leaves over.
        fixture.google.forget_answers();
    }
}

#[tokio::test]
async fn a_denied_project_hides_no_other() {
    let fixture = GcpFixture::start().await;
    let account = fixture.of_both();
    for project in [PROJECT, OTHER_PROJECT] {
        fixture
            .google
            .make(project, "us-west1-a", "web", &json!({}));
    }
    let whole = account.list(&fixture.regions()).await;
    assert_eq!((whole.servers.len(), whole.missing.len()), (2, 0));
    fixture
        .google
        .fail(Fault::Denied(Service::Compute, PROJECT.to_owned()));
    let inventory = account.list(&fixture.regions()).await;
    let [missing] = &inventory.missing[..] else {
        panic!("it is told once: {inventory:?}")
    };
    assert_eq!(missing.scope, PROJECT);
    assert_eq!(missing.error.kind, ErrorKind::Denied);
    let [found] = &inventory.servers[..] else {
        panic!("the other one's is there: {inventory:?}")
    };
    // What is missing covers the server that is not listed, and not the other one.
    assert!(!missing.covers(&found.server));
    let gone = whole.servers.iter().find(|s| s.server != found.server);
    assert!(missing.covers(&gone.unwrap().server));
    let check = account.check().await.unwrap();
    assert_eq!(check.problems.len(), 1, "{check:?}");

    fixture
        .google
        .fail(Fault::Denied(Service::Compute, OTHER_PROJECT.to_owned()));
    let error = account.check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    let inventory = account.list(&fixture.regions()).await;
    let scopes: BTreeSet<&str> = inventory.missing.iter().map(|m| m.scope.as_str()).collect();
    let wanted = [REGIONS[0], REGIONS[1], OTHER_PROJECT];
    assert_eq!(
        scopes,
        BTreeSet::from(wanted),
        "nothing is known of any region"
    );
}

#[tokio::test]
async fn a_zone_that_is_down_is_told_and_hides_no_other() {
    let mut fixture = GcpFixture::start().await;
    fixture.make(REGIONS[0], "web", 4);
    fixture
        .google
        .fail(Fault::ZoneDown(format!("{}-a", REGIONS[0])));
    let inventory = fixture.account().servers().list(&fixture.regions()).await;
    let [missing] = &inventory.missing[..] else {
        panic!("it is told once: {inventory:?}")
    };
    assert_eq!(missing.scope, REGIONS[0]);
    assert_eq!(missing.error.code.as_deref(), Some("UNREACHABLE"));
    assert_eq!(inventory.servers.len(), 2, "those of the other zone");
}

#[tokio::test]
async fn denied_metrics_do_not_hide_the_other_project() {
    let fixture = GcpFixture::start().await;
    let account = fixture.of_both();
    let now_ms = fixture.now_ms() / 60_000 * 60_000;
    for (project, zone) in [(PROJECT, "us-west1-a"), (OTHER_PROJECT, "europe-west3-a")] {
        let number = fixture.google.make(project, zone, "web", &json!({}));
        let place = (project, zone, number.as_str());
        let points = [(now_ms - 600_000, 0.5)];
        fixture
            .google
            .measure(crate::fixture::CPU, place, &[], &points);
    }
    fixture
        .google
        .fail(Fault::Denied(Service::Monitoring, PROJECT.to_owned()));
    let inventory = account.list(&fixture.regions()).await;
    let query = MetricsQuery {
        servers: &inventory.servers,
        from_ms: now_ms - 900_000,
        until_ms: now_ms,
        interval_secs: 300,
    };
    let asked = Asked::default();
    let round = account.metrics().collect(query, &asked).await;
    let [missing] = &round.missing[..] else {
        panic!("it is told once: {:?}", round.missing)
    };
    assert_eq!(missing.error.kind, ErrorKind::Denied);
    assert_eq!(missing.scope, PROJECT);
    assert_eq!(round.unread.iter().collect::<Vec<_>>(), ["us-west1"]);
    let series = asked.series();
    assert!(!series.is_empty());
    assert!(series.iter().all(|s| s.server.region == "europe-west3"));
}

#[tokio::test]
async fn pages_that_come_again_are_recognised() {
    let mut fixture = GcpFixture::start().await;
    fixture.make(REGIONS[0], "web", 3);
    let account = fixture.account();
    let servers = account.servers().list(&fixture.regions()).await.servers;
    fixture.google.fail(Fault::RepeatedPages);
    let inventory = account.servers().list(&fixture.regions()).await;
    assert_eq!(inventory.servers.len(), 3, "each once");
    assert_eq!(inventory.missing[0].error.kind, ErrorKind::Protocol);
    assert_eq!(inventory.calls, 2);

    let now_ms = fixture.now_ms();
    fixture.measure_cpu(&servers[0], &[(now_ms - 600_000, 50.0)]);
    let query = MetricsQuery {
        servers: &servers,
        from_ms: now_ms - 900_000,
        until_ms: now_ms,
        interval_secs: 300,
    };
    let asked = Asked::default();
    let round = account.metrics().collect(query, &asked).await;
    assert_eq!(round.missing.len(), 1, "it is told once: {round:?}");
    assert_eq!(round.missing[0].error.kind, ErrorKind::Protocol);
    let ours = |s: &&yunhai_cloud::CloudSeries| s.metric == "server_cpu_utilization_ratio";
    let series = asked.series();
    let samples: Vec<usize> = series
        .iter()
        .filter(ours)
        .map(|s| s.samples.len())
        .collect();
    assert_eq!(samples, [1], "what came twice is there once");
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let mut fixture = GcpFixture::start().await;
    fixture.make(REGIONS[0], "web", 5);
    fixture.google.fail(Fault::HalfAnswers(5));
    let inventory = fixture
        .account()
        .servers()
        .list(&[REGIONS[0].to_owned()])
        .await;
    assert_eq!(inventory.servers, []);
    assert_eq!(inventory.missing.len(), 1, "{inventory:?}");
    assert_eq!(inventory.missing[0].error.kind, ErrorKind::Protocol);
}

#[tokio::test]
async fn keys_that_expire_are_told_as_such() {
    let fixture = GcpFixture::start().await;
    let account = fixture.account();
    assert!(account.check().await.is_ok());
    fixture.google.fail(Fault::ExpiredKeys);
    let error = account.check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Credentials, "{error}");
}

#[tokio::test]
async fn a_clock_that_is_off_is_told_as_such() {
    let mut fixture = GcpFixture::start().await;
    fixture.make(REGIONS[0], "web", 1);
    let account = fixture.account();
    // Google's clock is behind, so that our tokens are of the future.
    fixture.google.set_clock_ahead_ms(-600_000);
    let error = account.check().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::ClockSkew, "{error}");
    assert!(error.said.contains("10 min ahead"), "{error}");
    // The other way round they are good for ten minutes less, and still good.
    fixture.google.set_clock_ahead_ms(600_000);
    let inventory = account.servers().list(&fixture.regions()).await;
    assert_eq!((inventory.servers.len(), inventory.missing.len()), (1, 0));
}

#[tokio::test]
async fn nobody_there_is_told_as_such() {
    let fixture = GcpFixture::start().await;
    let key = fixture.google.key(PROJECT);
    // A port that was free a moment ago, and a name that nobody has.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for endpoint in [
        format!("http://127.0.0.1:{port}"),
        "http://compute.invalid".to_owned(),
    ] {
        let account = open(&endpoint, &key, &[]);
        let error = account.check().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
        assert!(!error.to_string().contains("Bearer"), "{error}");
        let inventory = account.list(&[REGIONS[0].to_owned()]).await;
        assert_eq!(inventory.missing[0].error.kind, ErrorKind::Unreachable);
    }
}
