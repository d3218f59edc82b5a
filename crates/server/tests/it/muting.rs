use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yunhai_identity::Role;

use crate::harness::{Browser, TestServer, eventually};

/// Groups that fire at once, whatever the machine.
const FIRES: &str = "groups:\n- name: test\n  interval: 1s\n  rules:\n  \
                     - alert: Bad\n    expr: server_up > 0\n    labels: {severity: critical}\n  \
                     - alert: Meh\n    expr: server_up > 0\n    labels: {severity: warning}\n";

const DAY_MS: i64 = 86_400_000;

async fn fire(admin: &Browser<'_>) {
    let (status, groups) = admin
        .send(
            Method::POST,
            "/api/v1/rule-groups",
            &json!({"source": FIRES}),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{groups}");
    eventually("both alerts", async || {
        let alerts = admin.get("/api/v1/alerts?state=firing&group=test").await;
        (alerts["total"] == 2).then_some(())
    })
    .await;
}

async fn alert_named(admin: &Browser<'_>, rule: &str) -> Value {
    let alerts = admin
        .get(&format!("/api/v1/alerts?rule={rule}&group=test"))
        .await;
    alerts["items"][0].clone()
}

/// The entries of the audit log about an action, the latest first.
async fn audited(admin: &Browser<'_>, action: &str) -> Vec<Value> {
    let audit = admin.get("/api/v1/audit?page_size=500").await;
    let entries = audit["items"].as_array().unwrap().iter();
    entries
        .filter(|entry| entry["action"] == action)
        .cloned()
        .collect()
}

fn now_ms() -> i64 {
    yunhai_model::Clock::now_ms(&yunhai_model::SystemClock)
}

#[tokio::test]
async fn a_silence_is_previewed_edited_and_ended() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    fire(&admin).await;
    let matchers = json!([{"name": "severity", "op": "=~", "value": "crit.*"}]);
    let (status, preview) = admin
        .send(
            Method::POST,
            "/api/v1/silences/preview?sort=-rule",
            &json!({"matchers": matchers}),
        )
        .await;
    assert_eq!(status, StatusCode::OK, "{preview}");
    assert_eq!(
        (&preview["total"], &preview["items"][0]["rule"]),
        (&json!(1), &json!("Bad"))
    );
    let ends_at_ms = now_ms() + DAY_MS;
    let body = json!({"matchers": matchers, "ends_at_ms": ends_at_ms, "comment": "moving"});
    let (_, silence) = admin.send(Method::POST, "/api/v1/silences", &body).await;
    let path = format!("/api/v1/silences/{}", silence["id"].as_str().unwrap());
    let longer = json!({
        "matchers": matchers, "ends_at_ms": ends_at_ms + DAY_MS, "comment": "moving, still",
    });
    let (status, changed) = admin.send(Method::PUT, &path, &longer).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    assert_eq!(changed["starts_at_ms"], silence["starts_at_ms"]);
    assert_eq!(changed["changed_by"], "ada");
    let entry = &audited(&admin, "silence.updated").await[0];
    assert_eq!(entry["before"]["comment"], "moving");
    assert_eq!(entry["after"]["comment"], "moving, still");
    eventually("the alert is muted", async || {
        let alert = alert_named(&admin, "Bad").await;
        (alert["muted_by"][0]["kind"] == "silence").then_some(())
    })
    .await;

    let current = "/api/v1/silences?state=current&created_by=ada&q=still";
    assert_eq!(admin.get(current).await["total"], 1);
    let (status, _) = admin.send(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(admin.get(current).await["total"], 0);
    let entry = &audited(&admin, "silence.ended").await[0];
    assert_eq!(
        (&entry["before"]["state"], &entry["after"]["state"]),
        (&json!("active"), &json!("expired")),
        "{entry}"
    );
    assert_eq!(
        admin.get("/api/v1/silences?state=expired").await["total"],
        1
    );
    let (status, problem) = admin.send(Method::PUT, &path, &longer).await;
    assert_eq!(status, StatusCode::CONFLICT, "{problem}");
    let everything = json!({"matchers": [{"name": "a", "op": "=~", "value": ".*"}]});
    let (status, problem) = admin
        .send(Method::POST, "/api/v1/silences/preview", &everything)
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["pointer"], "/matchers");
}

#[tokio::test]
async fn inhibitions_are_made_changed_and_deleted_and_hold_back_meanwhile() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    fire(&admin).await;
    let mut spec = json!({
        "name": "critical over warning",
        "source": [{"name": "severity", "op": "=", "value": "critical"}],
        "target": [{"name": "severity", "op": "=", "value": "warning"}],
        "equal": ["server"],
    });
    let (status, made) = admin.send(Method::POST, "/api/v1/inhibitions", &spec).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(
        (&made["sources"], &made["held"], &made["enabled"]),
        (&json!(1), &json!(1), &json!(true))
    );
    let source = alert_named(&admin, "Bad").await["id"].clone();
    eventually("the warning is held back", async || {
        let muted = &alert_named(&admin, "Meh").await["muted_by"];
        (*muted == json!([{"kind": "inhibition", "id": source}])).then_some(())
    })
    .await;
    let path = format!("/api/v1/inhibitions/{}", made["id"].as_str().unwrap());
    spec["enabled"] = json!(false);
    let (status, changed) = admin.send(Method::PUT, &path, &spec).await;
    assert_eq!((status, &changed["held"]), (StatusCode::OK, &json!(0)));
    let entry = &audited(&admin, "inhibition.updated").await[0];
    assert_eq!(
        (&entry["before"]["enabled"], &entry["after"]["enabled"]),
        (&json!(true), &json!(false))
    );
    for (query, total) in [
        ("enabled=true", 0),
        ("q=critical&sort=-created_at_ms", 1),
        ("q=nothing", 0),
    ] {
        let list = admin.get(&format!("/api/v1/inhibitions?{query}")).await;
        assert_eq!(list["total"], total, "{query}");
    }
    eventually("the warning is free", async || {
        (alert_named(&admin, "Meh").await["muted_by"] == json!([])).then_some(())
    })
    .await;
    let (status, _) = admin.send(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, _) = admin.send(Method::GET, &path, &Value::Null).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    spec["target"][0]["op"] = json!("~");
    let (status, problem) = admin.send(Method::POST, "/api/v1/inhibitions", &spec).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["pointer"], "/target/0");
}

#[tokio::test]
async fn the_audit_log_keeps_what_a_window_was_before_it_changed_and_went() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let mut spec = json!({
        "name": "night", "cron": "0 2 * * *", "duration_secs": 3600, "time_zone": "Asia/Shanghai",
    });
    let windows = "/api/v1/maintenance-windows";
    let (status, made) = admin.send(Method::POST, windows, &spec).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let path = format!("{windows}/{}", made["id"].as_str().unwrap());
    spec["name"] = json!("late");
    let (status, changed) = admin.send(Method::PUT, &path, &spec).await;
    assert_eq!(status, StatusCode::OK, "{changed}");
    let (status, _) = admin.send(Method::DELETE, &path, &Value::Null).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let updated = &audited(&admin, "maintenance.updated").await[0];
    assert_eq!(
        (&updated["before"]["name"], &updated["after"]["name"]),
        (&json!("night"), &json!("late"))
    );
    let deleted = &audited(&admin, "maintenance.deleted").await[0];
    assert_eq!(deleted["before"]["name"], "late");
    assert_eq!(deleted["target"], "maintenance window late");
}

#[tokio::test]
async fn comments_stand_in_the_timeline_and_viewers_make_none() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let viewer = server.sign_in_new("vera", Role::Viewer).await;
    fire(&admin).await;
    let id = alert_named(&admin, "Bad").await["id"].clone();
    let path = format!("/api/v1/alerts/{}", id.as_str().unwrap());
    let comments = format!("{path}/comments");
    let said = json!({"comment": "a disk is on its way"});
    let (status, event) = admin.send(Method::POST, &comments, &said).await;
    assert_eq!(status, StatusCode::CREATED, "{event}");
    assert_eq!(
        (&event["kind"], &event["actor"]),
        (&json!("commented"), &json!("ada"))
    );
    let found = viewer
        .get(&format!("{path}/timeline?kind=commented&q=disk"))
        .await;
    assert_eq!(found["items"], json!([event]));
    let newest = viewer
        .get(&format!("{path}/timeline?sort=-time_ms&page_size=1"))
        .await;
    assert!(newest["total"].as_u64().unwrap() >= 2, "{newest}");
    assert_eq!(
        audited(&admin, "alert.commented").await[0]["after"]["comment"],
        said["comment"]
    );
    let (status, _) = viewer.send(Method::POST, &comments, &said).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    for path in ["/api/v1/inhibitions", "/api/v1/silences"] {
        let (status, _) = viewer.send(Method::POST, path, &json!({})).await;
        assert!(
            [StatusCode::FORBIDDEN, StatusCode::UNPROCESSABLE_ENTITY].contains(&status),
            "{path}: {status}"
        );
    }
    let (status, _) = admin
        .send(Method::POST, &comments, &json!({"comment": " "}))
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn lists_about_alerts_are_paged_filtered_and_sorted() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    fire(&admin).await;
    for (name, cron) in [("night", "0 2 * * *"), ("weekend", "0 0 * * 6")] {
        let window = json!({
            "name": name, "cron": cron, "duration_secs": 3600, "time_zone": "Asia/Shanghai",
            "comment": "patches", "enabled": name == "night",
        });
        let (status, made) = admin
            .send(Method::POST, "/api/v1/maintenance-windows", &window)
            .await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
    }
    for (path, total) in [
        ("maintenance-windows?enabled=true", 1),
        ("maintenance-windows?q=patches&sort=-next_start_ms", 2),
        ("maintenance-windows?active=true&enabled=false", 0),
        ("rule-groups?state=firing&q=test", 1),
        ("rule-groups?severity=nonsense", 0),
        ("rule-groups?health=err", 0),
        ("rules/test/Bad/why?state=firing&q=test-host", 1),
        ("rules/test/Bad/why?state=inactive&sort=-value", 0),
        ("channels?kind=email&enabled=true&sort=last_used_ms", 0),
        ("notifications?sort=-attempts", 0),
        ("alerts?group=test&from_ms=0&page_size=1", 2),
        ("alerts?until_ms=1", 0),
        ("alerts?ended_after_ms=99999999999999", 2),
    ] {
        let list = admin.get(&format!("/api/v1/{path}")).await;
        assert_eq!(list["total"], total, "{path}: {list}");
    }
    for path in [
        "maintenance-windows?sort=cron",
        "rules/test/Bad/why?page=0",
        "silences?state=odd",
    ] {
        let (status, problem) = admin
            .send(Method::GET, &format!("/api/v1/{path}"), &Value::Null)
            .await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {problem}");
    }
    let settings = admin.get("/api/v1/settings").await;
    assert_eq!(settings["alerting"]["role"], "leader");
    assert_eq!(settings["alerting"]["leader"], "test-host");
    assert_eq!(settings["alerting"]["keep_alerts_secs"], 90 * 86_400);
    let ready = server.request(Method::GET, "/readyz").send().await.unwrap();
    assert_eq!(ready.text().await.unwrap(), "ready\nalerting: leader\n");
}
