//! What `/metrics` tells of Yunhai itself.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use yunhai_identity::Role;
use yunhai_model::{Clock, SystemClock};
use yunhai_test_support::channels::{ChannelSimulator, ForcedAnswer, Provider, WEBHOOK_TOKEN};
use yunhai_test_support::remote_write::body;

use crate::harness::{Browser, TestServer, answer, eventually};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats/metrics.md");

async fn scrape(server: &TestServer) -> String {
    let request = server.request(Method::GET, "/metrics");
    request.send().await.unwrap().text().await.unwrap()
}

/// The value of a sample as it stands on the page; 0 where it is not there. Other tests in this
/// process count too, so that only differences say something.
fn value(page: &str, sample: &str) -> f64 {
    page.lines()
        .filter_map(|line| line.strip_prefix(sample)?.trim().parse::<f64>().ok())
        .sum()
}

/// Waits until a sample has grown by at least so much.
async fn grows(server: &TestServer, before: &str, sample: &str, least: f64) {
    eventually(sample, async || {
        let grown = value(&scrape(server).await, sample) - value(before, sample);
        (grown >= least).then_some(())
    })
    .await;
}

async fn write(server: &TestServer, token: &str, agent: &str, at_ms: i64) -> StatusCode {
    let name: (&str, &[u8]) = ("__name__", agent.as_bytes());
    let request = server
        .request(Method::POST, "/prometheus/api/v1/write")
        .bearer_auth(token)
        .header("user-agent", format!("{agent}/1"))
        .header("content-encoding", "snappy")
        .body(body(&[name], &[(at_ms, 1.0)]));
    answer(request).await.0
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_is_in_the_document_with_its_kind() {
    let server = TestServer::start().await;
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let page = eventually("the counts of the audit log", async || {
        let page = scrape(&server).await;
        page.contains("yunhai_lockouts_total ").then_some(page)
    })
    .await;
    assert!(
        value(&page, "process_resident_memory_bytes") > 1e6,
        "{page}"
    );
    let mut found = 0;
    for line in page.lines() {
        let Some((name, kind)) = line
            .strip_prefix("# TYPE ")
            .and_then(|rest| rest.split_once(' '))
        else {
            continue;
        };
        found += 1;
        let row = format!("| `{name}` | {kind} |");
        assert!(document.contains(&row), "{row} is not in the document");
        assert!(page.contains(&format!("# HELP {name} ")), "{name}");
    }
    assert!(found > 20, "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn samples_are_counted_by_the_way_on_which_they_come() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let token = admin.token(&["metrics:write"]).await;
    let before = scrape(&server).await;
    assert!(before.contains("yunhai_samples_refused_total{source=\"otlp\"}"));
    let now_ms = SystemClock.now_ms();
    let (agent, other) = ("yunhai-agent", "prometheus");
    let (late_ms, refused) = (now_ms + 86_400_000, StatusCode::BAD_REQUEST);
    assert_eq!(write(&server, &token, other, late_ms).await, refused);
    // `-` is not for names of metrics, so the agent's sample is refused, too.
    assert_eq!(write(&server, &token, agent, now_ms).await, refused);
    let stored = StatusCode::NO_CONTENT;
    assert_eq!(write(&server, &token, other, now_ms).await, stored);
    let nanos = (now_ms * 1_000_000).to_string();
    let otlp = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
        {"name": "jobs", "gauge": {"dataPoints": [{"asInt": "7", "timeUnixNano": nanos}]}},
    ]}]}]});
    let request = server.request(Method::POST, "/otlp/v1/metrics").json(&otlp);
    assert_eq!(answer(request.bearer_auth(&token)).await.0, StatusCode::OK);
    // A minute later Yunhai writes of itself again.
    server.clock.advance(Duration::from_secs(61));
    for (sample, least) in [
        ("yunhai_samples_refused_total{source=\"remote_write\"}", 1.0),
        ("yunhai_samples_refused_total{source=\"agent\"}", 1.0),
        (
            "yunhai_samples_ingested_total{source=\"remote_write\"}",
            1.0,
        ),
        ("yunhai_samples_ingested_total{source=\"otlp\"}", 1.0),
        ("yunhai_samples_ingested_total{source=\"local\"}", 10.0),
        ("yunhai_samples_ingested_total{source=\"own\"}", 3.0),
    ] {
        grows(&server, &before, sample, least).await;
    }
}

/// A group with a rule that fires at once, and one that yields more than the group allows.
async fn fire(admin: &Browser<'_>) {
    let source = "groups:\n- name: test\n  interval: 1s\n  rules:\n  - alert: Always\n    \
                  expr: vector(1)\n  - record: two\n    expr: label_replace(vector(1), 'x', \
                  'y', '', '') or vector(2)\n  limit: 1\n";
    let (status, told) = admin
        .send(
            Method::POST,
            "/api/v1/rule-groups",
            &json!({"source": source}),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn evaluations_and_notifications_are_counted() {
    let simulator = ChannelSimulator::start(SystemClock.now_ms()).await.unwrap();
    // The first attempt fails in a way that passes.
    simulator.answer_next(Provider::Webhook, ForcedAnswer::new(503, "busy"));
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let before = scrape(&server).await;
    let config = json!({
        "url": format!("{}/webhook", simulator.base_url()),
        "authorization": {"type": "bearer", "token": WEBHOOK_TOKEN},
    });
    let channel = json!({"name": "hook", "kind": "webhook", "config": config});
    let (status, made) = admin.send(Method::POST, "/api/v1/channels", &channel).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let route = json!({"group_wait": "0s", "channels": [made["id"]]});
    let (status, told) = admin.send(Method::PUT, "/api/v1/routes", &route).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    fire(&admin).await;
    let failed = "yunhai_notification_attempts_failed_total{kind=\"webhook\"}";
    grows(&server, &before, failed, 1.0).await;
    eventually("one waits", async || {
        let page = scrape(&server).await;
        let waiting = value(&page, "yunhai_notifications_pending{kind=\"webhook\"}");
        (waiting >= 1.0).then_some(())
    })
    .await;
    // It is tried again once the pause is over.
    server.clock.advance(Duration::from_mins(1));
    for (sample, least) in [
        ("yunhai_notifications_sent_total{kind=\"webhook\"}", 1.0),
        (
            "yunhai_notification_attempt_duration_seconds_count{kind=\"webhook\"}",
            2.0,
        ),
        ("yunhai_rule_group_evaluations_total", 1.0),
        ("yunhai_rule_evaluations_total", 2.0),
        ("yunhai_rule_evaluation_failures_total", 1.0),
        ("yunhai_samples_ingested_total{source=\"rule\"}", 1.0),
    ] {
        grows(&server, &before, sample, least).await;
    }
    let page = scrape(&server).await;
    assert!(value(&page, "yunhai_alerting_leader") > 0.0, "{page}");
    assert!(value(&page, "yunhai_database_up") > 0.0, "{page}");
    assert!(!page.contains(WEBHOOK_TOKEN));
}
