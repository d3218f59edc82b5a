//! What the cloud refuses and fails to do is told once each, and hides nothing else.

use std::net::TcpListener;

use serde_json::json;
use yunhai_cloud::{Account as _, ErrorKind, MetricsQuery, Servers as _};
use yunhai_test_support::clouds::AwsKind;

use crate::fixture::{AwsFixture, REGIONS, open};
use crate::suite::{Asked, Fixture as _};

#[tokio::test]
async fn throttling_of_a_moment_passes_unnoticed() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    fixture.make(REGIONS[0], "web", 2);
    fixture
        .aws
        .throw(&json!([{
            "service": "ec2",
            "operation": "DescribeInstances",
            "times": 2,
            "error": { "code": "RequestLimitExceeded", "status": 503, "message": "slow down" },
        }]))
        .unwrap();
    let inventory = fixture
        .account()
        .servers()
        .list(&[REGIONS[0].to_owned()])
        .await;
    assert_eq!(inventory.missing, []);
    assert_eq!(inventory.servers.len(), 2);
    assert_eq!(fixture.aws.faults_thrown().unwrap(), 2);
}

#[tokio::test]
async fn refusals_are_sorted_by_what_can_be_done() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    fixture.make(REGIONS[0], "web", 1);
    for (code, status, kind) in [
        ("UnauthorizedOperation", 403, ErrorKind::Denied),
        ("RequestLimitExceeded", 503, ErrorKind::Throttled),
        ("InternalError", 500, ErrorKind::Unavailable),
        ("RequestExpired", 400, ErrorKind::ClockSkew),
        ("AuthFailure", 401, ErrorKind::Credentials),
    ] {
        let before = fixture.aws.faults_thrown().unwrap();
        fixture.fail("ec2", "DescribeInstances", None, code, status);
        let inventory = fixture
            .account()
            .servers()
            .list(&[REGIONS[0].to_owned()])
            .await;
        let [missing] = &inventory.missing[..] else {
            panic!("it is told once: {inventory:?}")
        };
        assert_eq!(missing.error.kind, kind, "{missing:?}");
        assert_eq!(missing.error.code.as_deref(), Some(code));
        assert!(missing.error.said.contains("for the test"), "{missing:?}");
        assert!(fixture.aws.faults_thrown().unwrap() > before, "{code}");
    }
}

#[tokio::test]
async fn denied_metrics_do_not_hide_the_other_region() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    for region in REGIONS {
        fixture.make(region, "web", 1);
    }
    let account = fixture.account();
    let inventory = account.servers().list(&fixture.regions()).await;
    let period_ms = 300_000;
    let at_ms = (fixture.now_ms() / period_ms - 2) * period_ms;
    for server in &inventory.servers {
        fixture.measure_cpu(server, &[(at_ms, 10.0)]);
    }
    fixture.fail(
        "cloudwatch",
        "GetMetricData",
        Some(REGIONS[0]),
        "AccessDenied",
        403,
    );
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
    assert_eq!(missing.error.kind, ErrorKind::Denied);
    assert_eq!(missing.scope, REGIONS[0]);
    assert_eq!(round.unread.iter().collect::<Vec<_>>(), [REGIONS[0]]);
    let series = asked.series();
    assert!(!series.is_empty());
    assert!(
        series
            .iter()
            .all(|series| series.server.region == REGIONS[1])
    );
    assert_ne!(fixture.aws.faults_thrown().unwrap(), 0);
}

#[tokio::test]
async fn half_an_answer_is_none() {
    let mut fixture = AwsFixture::start(AwsKind::Moto).await;
    fixture.make(REGIONS[0], "web", 5);
    fixture
        .aws
        .throw(&json!([{
            "service": "ec2",
            "operation": "DescribeInstances",
            "response": { "truncate_frac": 0.5 },
        }]))
        .unwrap();
    let inventory = fixture
        .account()
        .servers()
        .list(&[REGIONS[0].to_owned()])
        .await;
    assert_eq!(inventory.servers, []);
    assert_eq!(inventory.missing.len(), 1, "{inventory:?}");
    assert_ne!(fixture.aws.faults_thrown().unwrap(), 0);
}

#[tokio::test]
async fn nobody_there_is_told_as_such() {
    // A port that was free a moment ago, and a name that nobody has.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    for endpoint in [
        format!("http://127.0.0.1:{port}"),
        "http://ec2.invalid".to_owned(),
    ] {
        let account = open(&endpoint, "key", "secret").await;
        let error = account.check().await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unreachable, "{error}");
        let inventory = account.list(&[REGIONS[0].to_owned()]).await;
        assert_eq!(inventory.missing[0].error.kind, ErrorKind::Unreachable);
    }
}
