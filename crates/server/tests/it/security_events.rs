//! From what the audit log records to an alert that fires.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use yunhai_identity::{Caller, Role};
use yunhai_model::Clock;
use yunhai_monitor::DEFAULT_RULES;
use yunhai_server::ServerConfig;

use crate::harness::{Browser, TestServer, eventually, open_state};

const MINUTE: Duration = Duration::from_secs(61);

/// Puts the default rules in force a second time, in a group that is evaluated each second.
async fn watch(admin: &Browser<'_>) {
    let often = "- name: watched\n    interval: 1s\n";
    let source = DEFAULT_RULES.replacen("- name: yunhai-defaults\n", often, 1);
    let body = json!({"source": source});
    let (status, told) = admin.send(Method::POST, "/api/v1/rule-groups", &body).await;
    assert_eq!(status, StatusCode::OK, "{told}");
}

/// The value of a series without labels, as a query finds it now.
async fn value(admin: &Browser<'_>, name: &str) -> Option<String> {
    let path = format!("/prometheus/api/v1/query?query={name}");
    let answer = admin.get(&path).await;
    let value = answer["data"]["result"][0]["value"][1].as_str()?;
    Some(value.to_owned())
}

/// Waits until a series has a value, and lets minutes pass meanwhile.
async fn becomes(server: &TestServer, admin: &Browser<'_>, name: &str, expected: &str) {
    eventually(&format!("{name} is {expected}"), async || {
        if value(admin, name).await.as_deref() == Some(expected) {
            return Some(());
        }
        server.clock.advance(Duration::from_secs(5));
        None
    })
    .await;
}

async fn firing(admin: &Browser<'_>, rule: &str) -> Option<Value> {
    let path = format!("/api/v1/alerts?state=firing&rule={rule}");
    admin.get(&path).await["items"].get(0).cloned()
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_are_counted_and_raise_an_alert() {
    let server = TestServer::start_with(ServerConfig {
        sign_ins_per_minute: 1000,
        ..ServerConfig::default()
    })
    .await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let viewer = server.sign_in_new("vic", Role::Viewer).await;
    watch(&admin).await;
    becomes(&server, &admin, "yunhai_sign_in_failures_total", "0").await;
    assert!(firing(&admin, "ManyFailedSignIns").await.is_none());

    for number in 0..25 {
        let guess = json!({"name": format!("guest{number}"), "password": "wrong"});
        let request = server.request(Method::POST, "/api/v1/session").json(&guess);
        let status = request.send().await.unwrap().status();
        assert_eq!(status, StatusCode::UNAUTHORIZED);
    }
    let delete = viewer.send(Method::DELETE, "/api/v1/rule-groups/watched", &Value::Null);
    assert_eq!(delete.await.0, StatusCode::FORBIDDEN);
    server.clock.advance(MINUTE);
    becomes(&server, &admin, "yunhai_sign_in_failures_total", "25").await;
    becomes(&server, &admin, "yunhai_permission_denials_total", "1").await;
    becomes(&server, &admin, "yunhai_lockouts_total", "0").await;
    let alert = eventually("the rule fires", async || {
        firing(&admin, "ManyFailedSignIns").await
    })
    .await;
    let summary = alert["annotations"]["summary"].as_str().unwrap();
    assert!(summary.ends_with("failed attempts to sign in within 15 minutes"));
    assert_eq!(alert["severity"], "warning");
    assert!(firing(&admin, "AuditLogDamaged").await.is_none());
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn tampering_with_the_audit_log_is_found_the_next_day_and_raises_an_alert() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    watch(&admin).await;
    becomes(&server, &admin, "yunhai_audit_intact", "1").await;

    let clock: std::sync::Arc<dyn Clock> = server.clock.clone();
    let (database, _) = open_state(server.data_dir.path(), &clock).await;
    let rename = async |name: &str| {
        let sql = format!("UPDATE audit_entries SET actor_name = '{name}' WHERE sequence = 1");
        database
            .connection()
            .execute_unprepared(&sql)
            .await
            .unwrap();
    };
    let entries = admin.get("/api/v1/audit?sort=seq").await;
    let actor = entries["items"][0]["actor"].as_str().unwrap();
    rename("eve").await;
    // Nobody looks, until the day is over.
    server.clock.advance(Duration::from_hours(24));
    let admin = server.sign_in("ada").await;
    becomes(&server, &admin, "yunhai_audit_intact", "0").await;
    let alert = eventually("the rule fires", async || {
        firing(&admin, "AuditLogDamaged").await
    })
    .await;
    assert_eq!(alert["severity"], "critical");
    let found = admin
        .get("/api/v1/audit?action=audit.verified&outcome=failed")
        .await;
    let reason = found["items"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("entry 1 "), "{reason}");

    // Whoever has put it right asks for a verification, and the alert ends.
    rename(actor).await;
    let (_, verified) = admin
        .send(Method::POST, "/api/v1/audit/verify", &Value::Null)
        .await;
    assert_eq!(verified["ok"], true, "{verified}");
    becomes(&server, &admin, "yunhai_audit_intact", "1").await;
    eventually("the alert ends", async || {
        firing(&admin, "AuditLogDamaged")
            .await
            .is_none()
            .then_some(())
    })
    .await;
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_found_the_audit_log_to_be_holds_here_within_minutes() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    // This server's own verification; the next one is a day away.
    becomes(&server, &admin, "yunhai_audit_intact", "1").await;
    for (name, expected) in [("actor_name || '!'", "0"), ("rtrim(actor_name, '!')", "1")] {
        let sql = format!("UPDATE audit_entries SET actor_name = {name} WHERE sequence = 1");
        let connection = server.database.connection();
        connection.execute_unprepared(&sql).await.unwrap();
        let audit = server.identity.audit();
        audit.verify_for(&Caller::local("root")).await.unwrap();
        becomes(&server, &admin, "yunhai_audit_intact", expected).await;
    }
    server.stop().await.unwrap();
}
