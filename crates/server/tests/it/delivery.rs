//! From a rule through a route to the channels, and what a change of keys does to them.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yunhai_identity::Role;
use yunhai_model::{Clock, SystemClock};
use yunhai_monitor::SealedSecrets;
use yunhai_test_support::channels::{
    ChannelSimulator, DINGTALK_SECRET, DINGTALK_TOKEN, FEISHU_ID, FEISHU_SECRET, ForcedAnswer,
    Provider, WEBHOOK_TOKEN, WECOM_KEY,
};

use crate::harness::{Browser, TestServer, eventually, open_state};

const FIRES: &str = "groups:\n- name: test\n  interval: 1s\n  rules:\n  - alert: Always\n    \
                     expr: server_up > 0\n    labels: {severity: critical}\n    \
                     annotations: {summary: 'on {{ $labels.server }}'}\n";

async fn simulator() -> ChannelSimulator {
    ChannelSimulator::start(SystemClock.now_ms()).await.unwrap()
}

async fn add(admin: &Browser<'_>, name: &str, kind: &str, config: Value) -> String {
    let channel = json!({"name": name, "kind": kind, "config": config});
    let (status, made) = admin.send(Method::POST, "/api/v1/channels", &channel).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    made["id"].as_str().unwrap().to_owned()
}

async fn add_webhook(admin: &Browser<'_>, simulator: &ChannelSimulator) -> String {
    let config = json!({
        "url": format!("{}/webhook", simulator.base_url()),
        "authorization": {"type": "bearer", "token": WEBHOOK_TOKEN},
    });
    add(admin, "hook", "webhook", config).await
}

#[tokio::test]
async fn a_test_and_what_came_of_it_stand_with_the_channel_and_in_the_audit_log() {
    let simulator = simulator().await;
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let hook = add_webhook(&admin, &simulator).await;
    let shown = async || admin.get(&format!("/api/v1/channels/{hook}")).await;
    assert_eq!(shown().await["last_used_ms"], Value::Null);
    let path = format!("/api/v1/channels/{hook}/test");
    for (answer, ok) in [(None, true), (Some("go away"), false)] {
        if let Some(answer) = answer {
            simulator.answer_next(Provider::Webhook, ForcedAnswer::new(403, answer));
        }
        let (status, test) = admin.send(Method::POST, &path, &Value::Null).await;
        assert_eq!(
            (status, &test["ok"]),
            (StatusCode::OK, &json!(ok)),
            "{test}"
        );
        let channel = shown().await;
        assert_eq!(channel["last_ok"], test["ok"], "{channel}");
        assert_eq!(channel["last_result"], test["answer"], "{channel}");
        assert!(channel["last_used_ms"].is_i64(), "{channel}");
    }
    let entries = admin
        .get("/api/v1/audit?action=channel.tested&sort=seq")
        .await;
    for (at, (outcome, ok)) in [("ok", true), ("failed", false)].iter().enumerate() {
        let entry = &entries["items"][at];
        assert_eq!(
            (&entry["outcome"], &entry["after"]["ok"], &entry["target"]),
            (&json!(outcome), &json!(ok), &json!("channel hook")),
            "{entry}"
        );
    }
}

#[tokio::test]
async fn a_channel_has_words_and_quiet_hours_of_its_own() {
    let simulator = simulator().await;
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let url = format!(
        "{}/cgi-bin/webhook/send?key={WECOM_KEY}",
        simulator.base_url()
    );
    let mut channel = json!({
        "name": "wecom", "kind": "wecom", "config": {"webhook_url": url}, "language": "zh-CN",
        "title_template": "云海 {{ .CommonLabels.alertname }}",
        "quiet_hours": {"time_zone": "Asia/Shanghai", "from": "22:00", "until": "08:00"},
    });
    let (status, made) = admin.send(Method::POST, "/api/v1/channels", &channel).await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    let quiet = json!({
        "time_zone": "Asia/Shanghai", "weekdays": [], "from": "22:00", "until": "08:00",
        "let_through": ["critical"],
    });
    assert_eq!(made["quiet_hours"], quiet);
    let path = format!("/api/v1/channels/{}", made["id"].as_str().unwrap());
    let test = format!("{path}/test");
    let (_, tested) = admin.send(Method::POST, &test, &Value::Null).await;
    assert_eq!(tested["ok"], true, "{tested}");
    let sent = simulator.accepted(Provider::WeCom)[0].body.to_string();
    assert!(sent.contains("云海 TestNotification"), "{sent}");
    assert!(sent.contains("告警中"), "{sent}");

    // All that is wrong is named by its field, with its place.
    channel["body_template"] = json!("a\n{{ .Server }}");
    channel["quiet_hours"]["from"] = json!("22");
    let (status, refused) = admin.send(Method::PUT, &path, &channel).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{refused}");
    let pointers: Vec<_> = refused["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| fault["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(pointers, ["/body_template", "/quiet_hours/from"]);
    assert!(refused.to_string().contains("line 2, column"), "{refused}");

    let asked =
        json!({"kind": "wecom", "language": "zh-CN", "body_template": "{{ len .Alerts }} 条"});
    let preview = "/api/v1/channels/preview";
    let (status, shown) = admin.send(Method::POST, preview, &asked).await;
    assert_eq!(status, StatusCode::OK, "{shown}");
    assert_eq!(shown["body"], "3 条");
    assert!(
        shown["title"].as_str().unwrap().contains("告警 2"),
        "{shown}"
    );
    let (status, _) = admin
        .send(
            Method::POST,
            preview,
            &json!({"kind": "wecom", "language": "fr"}),
        )
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn messages_are_in_the_language_of_the_configuration() {
    for (language, word) in [("en", "is firing"), ("zh-CN", "告警中")] {
        let monitor = json!({"language": language});
        let server = TestServer::start_monitoring(serde_json::from_value(monitor).unwrap()).await;
        let admin = server.sign_in_new("ada", Role::Administrator).await;
        let simulator = simulator().await;
        let url = format!(
            "{}/cgi-bin/webhook/send?key={WECOM_KEY}",
            simulator.base_url()
        );
        let channel = add(&admin, "wecom", "wecom", json!({"webhook_url": url})).await;
        let path = format!("/api/v1/channels/{channel}/test");
        let (_, test) = admin.send(Method::POST, &path, &Value::Null).await;
        assert_eq!(test["ok"], true, "{test}");
        let sent = simulator.accepted(Provider::WeCom)[0].body.to_string();
        assert!(sent.contains(word), "{sent}");
    }
}

#[tokio::test]
async fn a_rule_reaches_every_channel_of_its_route_and_so_does_its_end() {
    let simulator = simulator().await;
    let base = simulator.base_url();
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let robots = [
        (
            "ding",
            "dingtalk",
            json!({
                "webhook_url": format!("{base}/robot/send?access_token={DINGTALK_TOKEN}"),
                "secret": DINGTALK_SECRET,
            }),
        ),
        (
            "wecom",
            "wecom",
            json!({"webhook_url": format!("{base}/cgi-bin/webhook/send?key={WECOM_KEY}")}),
        ),
        (
            "feishu",
            "feishu",
            json!({
                "webhook_url": format!("{base}/open-apis/bot/v2/hook/{FEISHU_ID}"),
                "secret": FEISHU_SECRET,
            }),
        ),
    ];
    let mut channels = vec![add_webhook(&admin, &simulator).await];
    for (name, kind, config) in robots {
        channels.push(add(&admin, name, kind, config).await);
    }
    let route = json!({
        "group_wait": "0s",
        "group_interval": "1s",
        "routes": [{"matchers": ["severity=critical"], "channels": channels}],
    });
    let (status, answer) = admin.send(Method::PUT, "/api/v1/routes", &route).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let source = json!({"source": FIRES});
    let (status, answer) = admin
        .send(Method::POST, "/api/v1/rule-groups", &source)
        .await;
    assert_eq!(status, StatusCode::OK, "{answer}");

    let providers = [
        Provider::Webhook,
        Provider::DingTalk,
        Provider::WeCom,
        Provider::Feishu,
    ];
    let told = |times: usize| {
        let simulator = &simulator;
        async move || {
            simulator.set_now_ms(SystemClock.now_ms());
            providers
                .iter()
                .all(|provider| simulator.accepted(*provider).len() == times)
                .then_some(())
        }
    };
    eventually("every channel is told", told(1)).await;
    for provider in providers {
        let body = simulator.accepted(provider)[0].body.to_string();
        assert!(body.contains("on test-host"), "{provider:?}: {body}");
    }
    assert_eq!(
        simulator.accepted(Provider::Webhook)[0].body["status"],
        "firing"
    );

    // Without its rule the alert ends.
    let (status, _) = admin
        .send(Method::DELETE, "/api/v1/rule-groups/test", &Value::Null)
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    eventually("every channel hears of the end", told(2)).await;
    assert_eq!(
        simulator.accepted(Provider::Webhook)[1].body["status"],
        "resolved"
    );
    eventually("the log has the answers", async || {
        let log = admin
            .get("/api/v1/notifications?state=sent&sort=created_at_ms")
            .await;
        (log["total"] == 8).then_some(())
    })
    .await;
    let alerts = admin.get("/api/v1/alerts?rule=Always").await;
    let id = alerts["items"][0]["id"].as_str().unwrap();
    let told = admin
        .get(&format!("/api/v1/alerts/{id}/timeline?kind=notified"))
        .await;
    assert_eq!(told["total"], 8, "{told}");
}

#[tokio::test]
async fn a_channel_sends_under_a_key_that_was_rotated_beside_the_server() {
    let simulator = simulator().await;
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let id = add_webhook(&admin, &simulator).await;
    // As `yunhai key rotate` does it, in another process.
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (database, vault) = open_state(server.data_dir.path(), &clock).await;
    let secrets = SealedSecrets::open(database.clone(), &*clock)
        .await
        .unwrap();
    let old = vault.keys()[0].id.clone();
    let report = vault.rotate(&[&secrets]).await.unwrap();
    assert_eq!(report.resealed, [("monitor".to_owned(), 2)]);
    vault.retire(&old).await.unwrap();

    let path = format!("/api/v1/channels/{id}/test");
    let (status, test) = admin.send(Method::POST, &path, &Value::Null).await;
    assert_eq!(
        (status, &test["ok"]),
        (StatusCode::OK, &json!(true)),
        "{test}"
    );
    assert_eq!(simulator.accepted(Provider::Webhook).len(), 1);
    database.close().await.unwrap();
}
