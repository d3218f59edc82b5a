use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yunhai_identity::Role;

use crate::harness::{TestServer, eventually};

fn probe(name: &str, target: &str) -> Value {
    json!({"name": name, "target": target, "interval_secs": 1, "labels": {"team": "shop"}})
}

#[tokio::test]
async fn a_probe_runs_is_listed_changed_and_deleted_and_the_audit_log_shows_it() {
    let server = TestServer::start().await;
    let operator = server.sign_in_new("olaf", Role::Operator).await;
    let mut new = probe("health", &format!("{}/healthz", server.url));
    new["headers"] = json!({"X-Key": "hush-key"});
    let (status, made) = operator.send(Method::POST, "/api/v1/probes", &new).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(made["headers"], json!({"X-Key": null}));
    let path = format!("/api/v1/probes/{}", made["id"].as_str().unwrap());
    let listed = eventually("the first run", async || {
        let probes = operator
            .get("/api/v1/probes?state=up&scheme=http&q=shop&sort=-duration_ms")
            .await;
        probes["items"].get(0).cloned()
    })
    .await;
    assert_eq!(listed["last"]["status"], 200);
    let query = "/prometheus/api/v1/query?query=probe_success";
    let series = eventually("the series", async || {
        let found = operator.get(query).await;
        found["data"]["result"].get(0).cloned()
    })
    .await;
    assert_eq!(series["metric"]["probe"], "health");
    assert_eq!(series["metric"]["team"], "shop");
    assert_eq!(series["value"][1], "1");

    let mut changed = new.clone();
    changed["headers"] = json!({"X-Key": null});
    changed["expected_status"] = json!("404");
    let (status, shown) = operator.send(Method::PUT, &path, &changed).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    let (status, run) = operator
        .send(Method::POST, &format!("{path}/run"), &Value::Null)
        .await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&run["ok"], &run["reason"]),
        (&json!(false), &json!("status"))
    );

    let (status, _) = operator.send(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    eventually("the end of the series", async || {
        let found = operator.get(query).await;
        found["data"]["result"].as_array()?.is_empty().then_some(())
    })
    .await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let audit = admin.get("/api/v1/audit?page_size=500").await;
    let text = audit.to_string();
    for action in ["created", "updated", "tested", "deleted"] {
        assert!(
            text.contains(&format!("probe.{action}")),
            "{action}: {text}"
        );
    }
    assert!(!text.contains("hush-key"));
}

#[tokio::test]
async fn a_viewer_sees_probes_and_changes_none() {
    let server = TestServer::start().await;
    let viewer = server.sign_in_new("vera", Role::Viewer).await;
    assert_eq!(viewer.get("/api/v1/probes").await["total"], 0);
    let new = probe("db", "tcp://127.0.0.1:1");
    let test = json!({"probe": new});
    for (path, body) in [("/api/v1/probes", &new), ("/api/v1/probe-tests", &test)] {
        let (status, _) = viewer.send(Method::POST, path, body).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}");
    }
    let settings = json!({"interval_secs": 5});
    let path = "/api/v1/servers/test-host/settings";
    let (status, _) = viewer.send(Method::PUT, path, &settings).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_probe_is_tried_before_it_is_kept_and_faults_name_their_fields() {
    let server = TestServer::start().await;
    let operator = server.sign_in_new("olaf", Role::Operator).await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = closed.local_addr().unwrap();
    drop(closed);
    let test = json!({"probe": probe("db", &format!("tcp://{address}"))});
    let (status, run) = operator
        .send(Method::POST, "/api/v1/probe-tests", &test)
        .await;
    assert_eq!(status, StatusCode::OK, "{run}");
    assert_eq!(run["reason"], "connection");
    assert_eq!(operator.get("/api/v1/probes").await["total"], 0);

    let mut wrong = probe("db", "ftp://db");
    wrong["interval_secs"] = json!(601);
    let (status, problem) = operator.send(Method::POST, "/api/v1/probes", &wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let pointers: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["/interval_secs", "/target"]);
}

#[tokio::test]
async fn what_is_set_for_this_machine_holds_at_once() {
    let server = TestServer::start().await;
    let operator = server.sign_in_new("olaf", Role::Operator).await;
    let path = "/api/v1/servers/test-host";
    let settings = json!({"interval_secs": 2, "region": "上海", "tags": {"team": "shop"}});
    let (status, shown) = operator
        .send(Method::PUT, &format!("{path}/settings"), &settings)
        .await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    assert_eq!(shown["interval_secs"], 2);
    assert_eq!(shown["is_local"], true);
    eventually("the tag in the list", async || {
        let found = operator
            .get("/api/v1/servers?tag=team=shop&region=上海")
            .await;
        (found["total"] == 1).then_some(())
    })
    .await;
    // The series under the old labels have ended, so that nothing is counted twice.
    eventually("one series", async || {
        let query = "/prometheus/api/v1/query?query=count(server_up)";
        let found = operator.get(query).await;
        (found["data"]["result"][0]["value"][1] == "1").then_some(())
    })
    .await;
    let reporting = eventually("the judgement", async || {
        let query = "/prometheus/api/v1/query?query=server_reporting";
        let found = operator.get(query).await;
        let series = found["data"]["result"].get(0)?.clone();
        (series["metric"]["tag_team"] == "shop").then_some(series)
    })
    .await;
    assert_eq!(reporting["value"][1], "1");

    let wrong = json!({"interval_secs": 0});
    let (status, _) = operator
        .send(Method::PUT, &format!("{path}/settings"), &wrong)
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, _) = operator.send(Method::DELETE, path, &Value::Null).await;
    assert_eq!(status, StatusCode::CONFLICT);
}

/// Sends `server_up` by OTLP, as of so many milliseconds from now.
pub(crate) async fn report(
    server: &TestServer,
    token: &str,
    name: &str,
    from_now_ms: i64,
) -> StatusCode {
    let now_ms = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_millis() as i64;
    let nanos = (now_ms + from_now_ms).to_string() + "000000";
    let body = json!({"resourceMetrics": [{
        "resource": {"attributes": [{"key": "host.name", "value": {"stringValue": name}}]},
        "scopeMetrics": [{"metrics": [{"name": "server_up", "gauge": {"dataPoints": [
            {"asDouble": 1, "timeUnixNano": nanos}]}}]}]
    }]});
    let request = server.request(Method::POST, "/otlp/v1/metrics");
    let response = request.bearer_auth(token).json(&body).send().await.unwrap();
    response.status()
}

#[tokio::test]
async fn a_clock_that_is_ahead_shows_and_a_silent_server_can_be_removed() {
    let server = TestServer::start().await;
    let operator = server.sign_in_new("olaf", Role::Operator).await;
    let token = operator.token(&["metrics:write"]).await;
    // Further ahead than what is stored, and yet it shows.
    report(&server, &token, "hasty", 3_600_000).await;
    assert_eq!(
        report(&server, &token, "silent", -1_000_000).await,
        StatusCode::OK
    );
    let skew = eventually("the skew", async || {
        let query = "/prometheus/api/v1/query?query=server_clock_skew_seconds{server=\"hasty\"}";
        let found = operator.get(query).await;
        found["data"]["result"].get(0).cloned()
    })
    .await;
    let skew: f64 = skew["value"][1].as_str().unwrap().parse().unwrap();
    assert!((3500.0..=3601.0).contains(&skew), "{skew}");

    report(&server, &token, "silent", -600_000).await;
    let path = "/api/v1/servers/silent";
    eventually("the server", async || {
        let found = operator.get("/api/v1/servers?q=silent").await;
        (found["items"][0]["state"] == "up").then_some(())
    })
    .await;
    let (status, shown) = operator
        .send(
            Method::PUT,
            &format!("{path}/settings"),
            &json!({"interval_secs": 60}),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    assert_eq!(shown["state"], "down", "ten minutes are ten intervals");
    let tags = json!({"tags": {"a": "b"}});
    let (status, _) = operator
        .send(Method::PUT, &format!("{path}/settings"), &tags)
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let (status, _) = operator.send(Method::DELETE, path, &Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let found = operator.get("/api/v1/servers?q=silent").await;
    assert_eq!(found["total"], 0);
}
