//! Nobody's save is lost: a change of what somebody else has changed meanwhile is refused.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yunhai_identity::Role;
use yunhai_test_support::on_every_database;

use crate::harness::{Browser, TestServer, answer};

on_every_database! {
async fn what_was_changed_since_it_was_read_is_replaced_only_by_who_insists(url: &str) {
    let server = TestServer::start_on(url).await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let matchers = json!([{"name": "severity", "op": "=", "value": "critical"}]);
    for (kind, mut body, field) in [
        (
            "silences",
            json!({"matchers": matchers, "ends_at_ms": 4_000_000_000_000_i64}),
            "comment",
        ),
        (
            "maintenance-windows",
            json!({"name": "nightly", "cron": "0 3 * * *", "duration_secs": 3600,
                "time_zone": "UTC", "matchers": matchers}),
            "comment",
        ),
        (
            "inhibitions",
            json!({"source": matchers, "target": matchers, "equal": ["server"]}),
            "name",
        ),
        (
            "channels",
            json!({"kind": "webhook", "config": {"url": "http://127.0.0.1:1/"}}),
            "name",
        ),
        (
            "probes",
            json!({"target": "tcp://127.0.0.1:1", "interval_secs": 600}),
            "name",
        ),
    ] {
        body[field] = json!("made");
        let path = format!("/api/v1/{kind}");
        let (status, made) = admin.send(Method::POST, &path, &body).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        let one = format!("{path}/{}", made["id"].as_str().unwrap());
        let mut save = async |text: &str, version: Option<&Value>| {
            body[field] = json!(text);
            let mut request = admin.request(Method::PUT, &one).json(&body);
            if let Some(version) = version {
                request = request.header("If-Match", format!("\"{}\"", version.as_str().unwrap()));
            }
            answer(request).await
        };
        let read = &made["version"];
        assert_eq!(&admin.get(&path).await["items"][0]["version"], read, "{kind}");
        let (status, first) = save("first", Some(read)).await;
        assert_eq!(status, StatusCode::OK, "{kind}: {first}");
        assert_ne!(&first["version"], read);

        let (status, refused) = save("second", Some(read)).await;
        assert_eq!(status, StatusCode::PRECONDITION_FAILED, "{kind}");
        assert_eq!(refused["code"], "changed_meanwhile");
        let stored = admin.get(&one).await;
        assert_eq!(stored[field], "first", "{kind}");
        assert_eq!(stored["version"], first["version"], "{kind}");

        let (status, second) = save("second", None).await;
        assert_eq!(status, StatusCode::OK, "{kind}: {second}");
        assert_eq!(second[field], "second", "{kind}");
    }
    a_secret_that_was_renewed_is_another_version(&admin).await;
}
}

/// Nothing that is shown tells the two apart.
async fn a_secret_that_was_renewed_is_another_version(admin: &Browser<'_>) {
    let body =
        json!({"name": "team", "kind": "webhook", "config": {"url": "http://127.0.0.1:1/a"}});
    let (_, made) = admin.send(Method::POST, "/api/v1/channels", &body).await;
    let one = format!("/api/v1/channels/{}", made["id"].as_str().unwrap());
    let renewed =
        json!({"name": "team", "kind": "webhook", "config": {"url": "http://127.0.0.1:1/b"}});
    let (_, renewed) = admin.send(Method::PUT, &one, &renewed).await;
    assert_eq!(made["config"], renewed["config"]);
    assert_ne!(made["version"], renewed["version"]);
}
