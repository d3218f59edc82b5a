use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yunhai_identity::Role;

use crate::harness::{TestServer, answer, eventually};

/// A group that fires at once, whatever the machine.
const FIRES: &str = "groups:\n- name: test\n  interval: 1s\n  rules:\n  - alert: Always\n    \
                     expr: server_up > 0\n    labels: {severity: critical}\n    \
                     annotations: {summary: 'on {{ $labels.server }}'}\n";

#[tokio::test]
async fn a_rule_fires_is_acknowledged_and_silenced_and_the_audit_log_shows_it() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let (status, groups) = admin
        .send(
            Method::POST,
            "/api/v1/rule-groups",
            &json!({"source": FIRES}),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{groups}");
    let alert = eventually("the alert", async || {
        let alerts = admin
            .get("/api/v1/alerts?state=firing&rule=Always&sort=-started_at_ms")
            .await;
        alerts["items"].get(0).cloned()
    })
    .await;
    assert_eq!(alert["annotations"]["summary"], "on test-host");
    let path = format!("/api/v1/alerts/{}", alert["id"].as_str().unwrap());
    let (status, _) = admin
        .send(
            Method::POST,
            &format!("{path}/acknowledge"),
            &json!({"comment": "mine"}),
        )
        .await;
    assert_eq!(status, StatusCode::OK);
    let detail = admin.get(&path).await;
    assert_eq!(detail["state"], "acknowledged");
    assert_eq!(detail["acknowledged"]["by"], "ada");
    assert_eq!(detail["expr"], "server_up > 0");
    let why = admin.get("/api/v1/rules/test/Always/why").await;
    assert_eq!(why["items"][0]["labels"]["server"], "test-host");

    let (status, silence) = admin
        .send(
            Method::POST,
            "/api/v1/silences",
            &json!({
                "matchers": [{"name": "server", "op": "=", "value": "test-host"}],
                "ends_at_ms": i64::MAX / 1_000_000,
                "comment": "quiet",
            }),
        )
        .await;
    assert_eq!(status, StatusCode::CREATED, "{silence}");
    let overview = admin.get("/api/v1/overview").await;
    assert_eq!(overview["alerts"]["acknowledged"], 1);
    let rules = admin.get("/prometheus/api/v1/rules").await;
    let group = rules["data"]["groups"]
        .as_array()
        .unwrap()
        .iter()
        .find(|group| group["name"] == "test")
        .unwrap()
        .clone();
    assert_eq!(group["rules"][0]["state"], "firing");

    let audit = admin.get("/api/v1/audit?page_size=500").await;
    let actions: Vec<&str> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|entry| entry["action"].as_str())
        .collect();
    for action in ["rule.created", "alert.acknowledged", "silence.created"] {
        assert!(actions.contains(&action), "{action} is not in {actions:?}");
    }
    let (_, verified) = admin
        .send(Method::POST, "/api/v1/audit/verify", &Value::Null)
        .await;
    assert_eq!(verified["ok"], true);
}

#[tokio::test]
async fn a_malformed_rule_file_is_refused_with_lines_and_changes_nothing() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let before = admin.get("/api/v1/rule-groups").await;
    let source = "groups:\n- name: x\n  rules:\n  - alert: A\n    expr: sum(up\n    foo: 1\n";
    let (status, problem) = admin
        .send(
            Method::POST,
            "/api/v1/rule-groups",
            &json!({"source": source}),
        )
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["code"], "malformed_rule");
    let lines: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [5, 6]);
    assert_eq!(
        admin.get("/api/v1/rule-groups").await["total"],
        before["total"]
    );
}

#[tokio::test]
async fn a_form_makes_a_rule_and_comes_back_as_a_form() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let form = json!({
        "name": "CpuHigh", "metric": "server_cpu_utilization_ratio", "comparison": ">",
        "threshold": 0.8, "recovery_threshold": 0.7, "for_secs": 300, "severity": "warning",
        "matchers": [{"name": "tag_team", "op": "=", "value": "shop"}],
    });
    let (status, made) = admin
        .send(Method::POST, "/api/v1/rules/from-form", &form)
        .await;
    assert_eq!(status, StatusCode::OK, "{made}");
    assert!(made["expr"].as_str().unwrap().contains("tag_team=\"shop\""));
    let (status, group) = admin
        .send(Method::PUT, "/api/v1/rules/form/CpuHigh", &form)
        .await;
    assert_eq!(status, StatusCode::OK, "{group}");
    let back = &group["rules"][0]["form"];
    for field in [
        "name",
        "metric",
        "threshold",
        "recovery_threshold",
        "for_secs",
        "matchers",
    ] {
        assert_eq!(back[field], form[field], "{field}");
    }
}

#[tokio::test]
async fn secrets_of_channels_are_never_shown_and_survive_an_edit() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let (status, channel) = admin
        .send(
            Method::POST,
            "/api/v1/channels",
            &json!({"name": "ding", "kind": "dingtalk", "config": {
                "webhook_url": "https://oapi.dingtalk.com/robot/send?access_token=hush-token",
                "secret": "SEC-hush-secret",
            }}),
        )
        .await;
    assert_eq!(status, StatusCode::CREATED, "{channel}");
    let path = format!("/api/v1/channels/{}", channel["id"].as_str().unwrap());
    let shown = admin.get(&path).await;
    let mut edited = json!({"name": "ding 2", "kind": "dingtalk", "config": shown["config"]});
    edited["config"]["secret"] = Value::Null;
    let (status, changed) = admin.send(Method::PUT, &path, &edited).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    let audit = admin.get("/api/v1/audit").await;
    for text in [channel, shown, changed, audit] {
        assert!(!text.to_string().contains("hush"), "{text}");
    }
}

#[tokio::test]
async fn what_changed_since_it_was_read_is_not_replaced() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let rules = |alert: &str| {
        let source =
            format!("groups: [{{name: g, rules: [{{alert: {alert}, expr: 'server_up == 0'}}]}}]");
        json!({"source": source})
    };
    let tree = |label: &str| json!({"group_by": [label]});
    let send = async |path: &str, header: &str, version: &str, body: Value| {
        let put = admin.request(Method::PUT, path).header(header, version);
        answer(put.json(&body)).await
    };
    let version = async |path: &str| {
        let shown = admin.request(Method::GET, path).send().await.unwrap();
        shown.headers()["etag"].to_str().unwrap().to_owned()
    };

    let group = "/api/v1/rule-groups/g";
    let (status, _) = send(group, "if-none-match", "*", rules("A")).await;
    assert_eq!(status, StatusCode::OK);
    let (status, problem) = send(group, "if-none-match", "*", rules("B")).await;
    assert_eq!(status, StatusCode::PRECONDITION_FAILED, "{problem}");
    assert_eq!(problem["code"], "changed_meanwhile");

    for (path, bodies) in [
        (group, [rules("B"), rules("C"), rules("D")]),
        ("/api/v1/routes", [tree("b"), tree("c"), tree("d")]),
    ] {
        let [first, late, without] = bodies;
        let read = version(path).await;
        let (status, saved) = send(path, "if-match", &read, first).await;
        assert_eq!(status, StatusCode::OK, "{path}: {saved}");
        let (status, problem) = send(path, "if-match", &read, late.clone()).await;
        assert_eq!(status, StatusCode::PRECONDITION_FAILED, "{path}: {problem}");
        assert_eq!(problem["code"], "changed_meanwhile");
        let (status, saved) = send(path, "if-match", &version(path).await, late).await;
        assert_eq!(status, StatusCode::OK, "{path}: {saved}");
        let (status, saved) = admin.send(Method::PUT, path, &without).await;
        assert_eq!(status, StatusCode::OK, "{path}: {saved}");
    }
}
