use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yunhai_identity::Role;
use yunhai_model::Clock;

use crate::harness::{TestServer, answer};

const DAY_MS: i64 = 86_400_000;

#[tokio::test]
async fn a_token_ends_after_90_days_unless_made_otherwise() {
    let server = TestServer::start().await;
    let ann = server.sign_in_new("ann", Role::Viewer).await;
    let make = async |body: Value| {
        let (status, created) = ann.send(Method::POST, "/api/v1/tokens", &body).await;
        assert_eq!(status, StatusCode::CREATED, "{created}");
        created["expires_at_ms"].clone()
    };
    let before_ms = server.clock.now_ms();
    let usual = make(json!({"name": "usual", "scopes": ["servers:read"]})).await;
    let usual_ms = usual.as_i64().unwrap() - 90 * DAY_MS;
    assert!((before_ms..=server.clock.now_ms()).contains(&usual_ms));
    let lasting = json!({"name": "lasting", "scopes": ["servers:read"], "expires_at_ms": null});
    assert_eq!(make(lasting).await, Value::Null);
    let at_ms = before_ms + 400 * DAY_MS;
    let chosen = json!({"name": "chosen", "scopes": ["servers:read"], "expires_at_ms": at_ms});
    assert_eq!(make(chosen).await, json!(at_ms));
}

#[tokio::test]
async fn a_token_makes_none_that_outlives_it_or_may_do_more() {
    let server = TestServer::start().await;
    let ann = server.sign_in_new("ann", Role::Operator).await;
    let end_ms = server.clock.now_ms() + DAY_MS;
    let maker = json!({
        "name": "maker", "scopes": ["tokens:own", "servers:read"], "expires_at_ms": end_ms,
    });
    let (_, maker) = ann.send(Method::POST, "/api/v1/tokens", &maker).await;
    let maker = maker["token"].as_str().unwrap();
    let make = async |end: Value, scope: &str| {
        let mut body = json!({"name": "made", "scopes": [scope], "expires_at_ms": end});
        if end == "left out" {
            body.as_object_mut().unwrap().remove("expires_at_ms");
        }
        let request = server.request(Method::POST, "/api/v1/tokens");
        answer(request.bearer_auth(maker).json(&body)).await
    };
    let (status, made) = make(json!("left out"), "servers:read").await;
    assert_eq!(
        (status, &made["expires_at_ms"]),
        (StatusCode::CREATED, &json!(end_ms))
    );
    for end in [json!(null), json!(end_ms + 1)] {
        let (status, problem) = make(end.clone(), "servers:read").await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{end}: {problem}");
        assert_eq!(problem["errors"][0]["pointer"], "/expires_at_ms");
    }
    let (status, problem) = make(json!(end_ms), "rules:write").await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{problem}");
}

#[tokio::test]
async fn a_revoked_token_takes_what_it_made_along() {
    let server = TestServer::start().await;
    let ann = server.sign_in_new("ann", Role::Viewer).await;
    let maker = ann.token(&["tokens:own", "servers:read"]).await;
    let body = json!({"name": "made", "scopes": ["servers:read"]});
    let request = server.request(Method::POST, "/api/v1/tokens");
    let (_, made) = answer(request.bearer_auth(&maker).json(&body)).await;
    let list = ann.get("/api/v1/tokens?sort=name").await;
    let ids = [&list["items"][0]["made_by"], &list["items"][1]["id"]];
    assert_eq!(ids, [&made["made_by"], &made["made_by"]], "{list}");
    let ask = async || {
        let request = server.request(Method::GET, "/api/v1/overview");
        answer(request.bearer_auth(made["token"].as_str().unwrap())).await
    };
    assert_eq!(ask().await.0, StatusCode::OK);
    let request = server.request(Method::DELETE, "/api/v1/tokens/current");
    let (status, _) = answer(request.bearer_auth(&maker)).await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let (status, problem) = ask().await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{problem}");
    assert_eq!(problem["code"], "invalid_token");
}
