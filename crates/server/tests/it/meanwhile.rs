//! Nobody's save is lost: a change of what somebody else has changed meanwhile is refused.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yunhai_identity::Role;

use crate::harness::{TestServer, answer};

#[tokio::test]
async fn what_was_changed_since_it_was_read_is_replaced_only_by_who_insists() {
    let server = TestServer::start().await;
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
}
