//! Which routes an alert with some labels would take.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yunhai_identity::Role;

use crate::harness::{Browser, TestServer, eventually};

const FIRES: &str = "groups:\n- name: test\n  interval: 1s\n  rules:\n  - alert: Down\n    \
                     expr: server_up > 0\n    labels: {severity: critical}\n";

async fn add(admin: &Browser<'_>, path: &str, body: &Value) -> Value {
    let (status, made) = admin
        .send(Method::POST, &format!("/api/v1/{path}"), body)
        .await;
    assert!(status.is_success(), "{path}: {made}");
    made
}

async fn preview(browser: &Browser<'_>, labels: Value) -> Value {
    let body = json!({"labels": labels});
    let (status, preview) = browser
        .send(Method::POST, "/api/v1/routes/preview", &body)
        .await;
    assert_eq!(status, StatusCode::OK, "{preview}");
    preview
}

#[tokio::test]
async fn the_routes_of_some_labels_are_told_with_what_they_inherit() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let mut ids = Vec::new();
    for (name, enabled) in [("ops", true), ("boss", true), ("late", false)] {
        let body = json!({
            "name": name, "kind": "webhook", "enabled": enabled,
            "config": {"url": "http://127.0.0.1:1/"},
        });
        let made = add(&admin, "channels", &body).await;
        ids.push(made["id"].clone());
    }
    let tree = json!({
        "channels": [ids[0]],
        "group_by": ["server"],
        "group_wait": "10s",
        "routes": [
            {"matchers": ["team=web"], "channels": [ids[2]], "continue": true},
            {
                "matchers": ["severity=critical"],
                "group_interval": "1m",
                "escalations": [{"after": "15m", "channels": [ids[1]]}],
                "routes": [{"matchers": ["server=~db.*"], "group_wait": "0s"}],
            },
        ],
    });
    let (status, answer) = admin.send(Method::PUT, "/api/v1/routes", &tree).await;
    assert_eq!(status, StatusCode::OK, "{answer}");

    let viewer = server.sign_in_new("vic", Role::Viewer).await;
    let nothing = preview(&viewer, json!({"severity": "info", "server": "a"})).await;
    assert_eq!(
        nothing,
        json!({
            "routes": [{
                "route": "root",
                "channels": [{"id": ids[0], "name": "ops", "enabled": true}],
                "group_by": ["server"],
                "group": {"server": "a"},
                "group_wait_secs": 10.0,
                "group_interval_secs": 300.0,
                "repeat_interval_secs": 14400.0,
                "escalations": [],
            }],
            "muted_by": [],
        })
    );
    let labels = json!({"severity": "critical", "server": "db1", "team": "web"});
    let both = preview(&viewer, labels).await;
    let routes = both["routes"].as_array().unwrap();
    let told: Vec<_> = routes
        .iter()
        .map(|taken| (&taken["route"], &taken["channels"][0]["name"]))
        .collect();
    assert_eq!(
        told,
        [
            (&json!("1"), &json!("late")),
            (&json!("2.1"), &json!("ops"))
        ]
    );
    assert_eq!(routes[0]["channels"][0]["enabled"], false);
    assert_eq!(routes[1]["group_wait_secs"], 0.0);
    assert_eq!(routes[1]["group_interval_secs"], 60.0);
    assert_eq!(routes[1]["escalations"][0]["after_secs"], 900.0);
    assert_eq!(routes[1]["escalations"][0]["channels"][0]["name"], "boss");

    let body = json!({"labels": {"a-b": "c"}});
    let (status, problem) = viewer
        .send(Method::POST, "/api/v1/routes/preview", &body)
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    assert_eq!(problem["errors"][0]["pointer"], "/labels");
    let stranger = server
        .request(Method::POST, "/api/v1/routes/preview")
        .json(&body)
        .send()
        .await
        .unwrap();
    assert_eq!(stranger.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_would_hold_an_alert_back_is_told_by_name() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let labels = json!({"alertname": "Slow", "severity": "warning", "server": "test-host"});
    let matchers = json!([{"name": "alertname", "op": "=", "value": "Slow"}]);
    let silence = json!({
        "matchers": matchers, "comment": "moving", "ends_at_ms": 4_102_444_800_000_i64,
    });
    let silence = add(&admin, "silences", &silence).await;
    let window = json!({
        "name": "always", "cron": "* * * * *", "duration_secs": 3600, "time_zone": "UTC",
        "matchers": matchers, "comment": "", "enabled": true,
    });
    let window = add(&admin, "maintenance-windows", &window).await;
    let inhibition = json!({
        "name": "down over slow", "enabled": true, "equal": ["server"],
        "source": [{"name": "alertname", "op": "=", "value": "Down"}],
        "target": [{"name": "severity", "op": "=", "value": "warning"}],
    });
    add(&admin, "inhibitions", &inhibition).await;
    add(&admin, "rule-groups", &json!({"source": FIRES})).await;
    let down = eventually("the alert that inhibits", async || {
        let alerts = admin.get("/api/v1/alerts?state=firing&rule=Down").await;
        alerts["items"][0]["id"].as_str().map(str::to_owned)
    })
    .await;
    let held = preview(&admin, labels).await;
    assert_eq!(
        held["muted_by"],
        json!([
            {"kind": "silence", "id": silence["id"], "name": "moving"},
            {"kind": "maintenance", "id": window["id"], "name": "always"},
            {"kind": "inhibition", "id": down, "name": "Down"},
        ])
    );
    let elsewhere = json!({"alertname": "Slow", "severity": "info", "server": "b"});
    let held = preview(&admin, elsewhere).await;
    let kinds: Vec<_> = held["muted_by"].as_array().unwrap().iter().collect();
    assert_eq!(kinds.len(), 2, "another server is not inhibited: {held}");
}
