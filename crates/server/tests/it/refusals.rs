//! What a client is told when it is not answered.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yunhai_identity::Role;
use yunhai_model::ByteSize;
use yunhai_server::ServerConfig;

use crate::harness::{TestServer, answer};

#[tokio::test]
async fn prometheus_clients_get_their_own_envelope() {
    let server = TestServer::start().await;
    let path = "/prometheus/api/v1/query?query=up";
    let (status, refusal) = answer(server.request(Method::GET, path)).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(refusal["status"], "error");
    assert_eq!(refusal["errorType"], "not_signed_in");
    assert!(refusal["error"].as_str().unwrap().contains("Bearer"));

    let viewer = server.sign_in_new("vera", Role::Viewer).await;
    for (method, path, status, kind) in [
        (Method::GET, "/prometheus/api/v1/nothing", 404, "not_found"),
        (
            Method::DELETE,
            "/prometheus/api/v1/query",
            405,
            "method_not_allowed",
        ),
        (Method::POST, "/prometheus/api/v1/write", 403, "forbidden"),
    ] {
        let (found, refusal) = answer(viewer.request(method, path)).await;
        assert_eq!(found.as_u16(), status, "{path}");
        assert_eq!(refusal["status"], "error", "{path}");
        assert_eq!(refusal["errorType"], kind, "{path}");
    }
}

#[tokio::test]
async fn bare_statuses_become_problem_documents() {
    let server = TestServer::start_with(ServerConfig {
        max_body: ByteSize(2_000),
        ..ServerConfig::default()
    })
    .await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let large = json!({"source": "x".repeat(5_000)});
    let (status, problem) = admin
        .send(Method::POST, "/api/v1/rules/check", &large)
        .await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(problem["code"], "body_too_large");
    assert!(
        problem["hint"]
            .as_str()
            .unwrap()
            .contains("server.max_body")
    );

    let response = admin
        .request(Method::PUT, "/api/v1/overview")
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    assert!(response.headers().contains_key("allow"));
    assert!(response.headers().contains_key("x-content-type-options"));
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["code"], "method_not_allowed");
}

#[tokio::test]
async fn only_rule_files_may_be_long() {
    let server = TestServer::start().await;
    let path = "/api/v1/password-strength";
    let strength = async |entries: usize| {
        let body = json!({"password": "", "user_inputs": vec![""; entries]});
        answer(server.request(Method::POST, path).json(&body)).await
    };
    assert_eq!(strength(100_000).await.0, StatusCode::OK);
    let (status, problem) = strength(1_000_000).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(problem["code"], "body_too_large");
    assert!(problem["hint"].as_str().unwrap().contains("2 MiB"));

    let viewer = server.sign_in_new("vera", Role::Viewer).await;
    let long = json!({"source": format!("groups: []\n#{}", "x".repeat(3 << 20))});
    let path = "/api/v1/rules/check";
    let (status, checked) = viewer.send(Method::POST, path, &long).await;
    assert_eq!(status, StatusCode::OK, "{checked}");
}

#[tokio::test]
async fn made_up_methods_do_not_grow_the_metrics() {
    let server = TestServer::start().await;
    for name in ["MADEUPA", "MADEUPB"] {
        let method = Method::from_bytes(name.as_bytes()).unwrap();
        server.request(method, "/healthz").send().await.unwrap();
    }
    let metrics = server
        .request(Method::GET, "/metrics")
        .send()
        .await
        .unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(!metrics.contains("MADEUP"), "{metrics}");
    assert!(metrics.contains("method=\"other\""), "{metrics}");
}

#[tokio::test]
async fn open_event_streams_do_not_hold_up_the_end() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let events = admin.request(Method::GET, "/api/v1/events").send().await;
    let events = events.unwrap();
    assert_eq!(events.status(), StatusCode::OK);
    assert_eq!(events.headers()["x-accel-buffering"], "no");
    let stopped = tokio::time::timeout(std::time::Duration::from_secs(8), server.stop()).await;
    stopped.expect("it waits for the stream").unwrap();
    events.bytes().await.expect("the stream ends well");
}

#[tokio::test]
async fn who_tries_what_they_may_not_stands_in_the_audit_log() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let viewer = server.sign_in_new("vera", Role::Viewer).await;
    let new = json!({"name": "eve", "password": "a long and odd one 7", "role": "admin"});
    let (status, _) = viewer.send(Method::POST, "/api/v1/users", &new).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let entry = &admin.get("/api/v1/audit").await["items"][0];
    assert_eq!(entry["action"], "access.denied");
    assert_eq!(entry["actor"], "vera");
    assert_eq!(entry["outcome"], "denied");
    assert_eq!(entry["target"], "request POST /api/v1/users");
}

#[tokio::test]
async fn a_list_is_refused_where_an_object_is_described() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let matchers = json!({"matchers": [["server", "=", "a"]], "comment": "", "ends_at_ms": 1});
    for (method, path, body, place) in [
        (Method::PATCH, "settings", json!([null, null]), ""),
        (Method::PUT, "routes", json!([[]]), ""),
        (
            Method::PUT,
            "routes",
            json!({"routes": [{"routes": [[]]}]}),
            "/routes/0/routes/0",
        ),
        (
            Method::PUT,
            "routes",
            json!({"escalations": [["1h", []]]}),
            "/escalations/0",
        ),
        (Method::POST, "silences", matchers, "/matchers/0"),
    ] {
        let path = format!("/api/v1/{path}");
        let (status, problem) = admin.send(method, &path, &body).await;
        assert_eq!(
            status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{path}: {problem}"
        );
        assert_eq!(problem["errors"][0]["pointer"], place, "{path}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.ends_with("must be a JSON object, not a list"),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn pages_beyond_the_limits_are_refused_by_their_parameter() {
    let server = TestServer::start().await;
    let viewer = server.sign_in_new("vera", Role::Viewer).await;
    for (parameter, value) in [
        ("page", "0"),
        ("page", "2147483648"),
        ("page", "4294967296"),
        ("page", "-1"),
        ("page", "many"),
        ("page_size", "0"),
        ("page_size", "501"),
    ] {
        for list in ["servers", "tokens", "alerts"] {
            let path = format!("/api/v1/{list}?{parameter}={value}");
            let (status, problem) = answer(viewer.request(Method::GET, &path)).await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {problem}");
            assert_eq!(problem["code"], "invalid_request");
            let detail = problem["detail"].as_str().unwrap();
            assert!(
                detail.contains(&format!("{parameter}: ")),
                "{path}: {detail}"
            );
        }
    }
    let last = viewer.get("/api/v1/tokens?page=2147483647").await;
    assert_eq!(last["items"], json!([]));
}
