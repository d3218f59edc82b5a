use std::net::TcpStream;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yunhai_identity::Role;
use yunhai_server::{Bound, ServerConfig, TlsConfig};

use crate::harness::{TestServer, answer};

/// What anyone may call: what one does before one is somebody.
const PUBLIC: [(&str, &str); 8] = [
    ("get", "/api/v1/setup"),
    ("post", "/api/v1/setup"),
    ("post", "/api/v1/session"),
    ("get", "/api/v1/registration"),
    ("post", "/api/v1/registration"),
    // Machines join with an enrolment token in the body.
    ("post", "/api/v1/agents/enrol"),
    ("post", "/api/v1/password-strength"),
    ("get", "/api/openapi.json"),
];

#[tokio::test]
async fn everything_else_needs_a_session_or_a_token() {
    let server = TestServer::start().await;
    let (_, description) = answer(server.request(Method::GET, "/api/openapi.json")).await;
    let mut checked = 0;
    for (path, operations) in description["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys() {
            if PUBLIC.contains(&(method.as_str(), path.as_str())) {
                continue;
            }
            let concrete = path.replace(['{', '}'], "");
            let verb: Method = method.to_uppercase().parse().unwrap();
            let (status, problem) = answer(server.request(verb, &concrete).json(&json!({}))).await;
            assert_eq!(
                status,
                StatusCode::UNAUTHORIZED,
                "{method} {path}: {problem}"
            );
            assert_eq!(problem["code"], "not_signed_in");
            checked += 1;
        }
    }
    assert!(checked > 50, "only {checked} operations were checked");
}

#[tokio::test]
async fn a_viewer_looks_and_changes_nothing() {
    let server = TestServer::start().await;
    let viewer = server.sign_in_new("eve", Role::Viewer).await;
    for path in [
        "overview",
        "servers",
        "alerts",
        "rule-groups",
        "silences",
        "channels",
    ] {
        viewer.get(&format!("/api/v1/{path}")).await;
    }
    let form =
        json!({"name": "A", "metric": "up", "comparison": ">", "threshold": 1, "severity": "info"});
    for (method, path, body) in [
        (Method::GET, "/api/v1/users", json!(null)),
        (Method::GET, "/api/v1/audit", json!(null)),
        (
            Method::POST,
            "/api/v1/rule-groups",
            json!({"source": "groups: []"}),
        ),
        (Method::PUT, "/api/v1/rules/form/A", form),
        (
            Method::POST,
            "/api/v1/silences",
            json!({"matchers": [], "ends_at_ms": 1, "comment": ""}),
        ),
        (
            Method::POST,
            "/api/v1/channels",
            json!({"name": "c", "kind": "webhook", "config": {}}),
        ),
        (
            Method::PATCH,
            "/api/v1/settings",
            json!({"registration": "open"}),
        ),
    ] {
        let (status, problem) = viewer.send(method, path, &body).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{path}: {problem}");
        assert_eq!(problem["code"], "permission_denied", "{path}");
    }
}

#[tokio::test]
async fn a_token_does_what_its_scopes_say_and_no_more() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let token = admin.token(&["servers:read"]).await;
    let get = |path: &str| server.request(Method::GET, path).bearer_auth(&token);
    assert_eq!(answer(get("/api/v1/servers")).await.0, StatusCode::OK);
    let (status, problem) = answer(get("/api/v1/audit")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(problem["detail"].as_str().unwrap().contains("audit:read"));
    let wrong = server
        .request(Method::GET, "/api/v1/servers")
        .bearer_auth("yh_wrong");
    let (status, problem) = answer(wrong).await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (StatusCode::UNAUTHORIZED, Some("invalid_token"))
    );
}

#[tokio::test]
async fn too_many_sign_ins_have_to_wait() {
    let server = TestServer::start_with(ServerConfig {
        sign_ins_per_minute: 2,
        ..ServerConfig::default()
    })
    .await;
    let mut last = (StatusCode::OK, Value::Null);
    for _ in 0..3 {
        let request = server
            .request(Method::POST, "/api/v1/session")
            .json(&json!({"name": "x", "password": "y"}));
        last = answer(request).await;
    }
    assert_eq!(last.0, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(last.1["code"], "too_many_requests");
}

#[tokio::test]
async fn an_address_that_is_not_on_the_list_is_refused() {
    let server = TestServer::start_with(ServerConfig {
        allow: vec!["192.0.2.0/24".parse().unwrap()],
        ..ServerConfig::default()
    })
    .await;
    let (status, problem) = answer(server.request(Method::GET, "/healthz")).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(problem["code"], "address_not_allowed");
}

#[tokio::test]
async fn a_self_signed_certificate_encrypts_and_stays() {
    let server = TestServer::start_with(ServerConfig {
        tls: TlsConfig::SelfSigned,
        ..ServerConfig::default()
    })
    .await;
    assert!(server.url.starts_with("https://"));
    let response = server
        .request(Method::GET, "/healthz")
        .send()
        .await
        .unwrap();
    assert!(response.headers().contains_key("strict-transport-security"));
    let key = server.data_dir.path().join("tls-key.pem");
    let mode = std::os::unix::fs::PermissionsExt::mode(&key.metadata().unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn answers_carry_the_security_headers() {
    let server = TestServer::start().await;
    let response = server
        .request(Method::GET, "/api/v1/setup")
        .send()
        .await
        .unwrap();
    for header in [
        "content-security-policy",
        "x-content-type-options",
        "x-frame-options",
        "referrer-policy",
        "x-request-id",
    ] {
        assert!(response.headers().contains_key(header), "{header}");
    }
    assert_eq!(response.headers()["cache-control"], "no-store");
}

#[tokio::test]
async fn bad_requests_name_what_is_wrong() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    for (path, part) in [
        ("/api/v1/servers?page=0", "page: must be from 1 to"),
        (
            "/api/v1/servers?page_size=501",
            "page_size: must be from 1 to 500",
        ),
        ("/api/v1/servers?sort=age", "cpu_ratio"),
        ("/api/v1/servers?tag=x", "NAME=VALUE"),
        ("/api/v1/alerts?state=burning", "acknowledged"),
        ("/api/v1/audit?outcome=meh", "denied"),
    ] {
        let (status, problem) = answer(admin.request(Method::GET, path)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{path}: {problem}");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(part), "{path}: {detail}");
    }
    let (status, problem) = answer(admin.request(Method::GET, "/api/v1/nothing")).await;
    assert_eq!(
        (status, &problem["code"]),
        (StatusCode::NOT_FOUND, &json!("not_found"))
    );
    let (status, _) = answer(
        admin
            .request(Method::POST, "/api/v1/tokens")
            .header("content-type", "application/json")
            .body("{"),
    )
    .await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    // A misspelt field must not make a token that never expires.
    let token = json!({"name": "t", "expires_in_days": 3});
    let (status, problem) = admin.send(Method::POST, "/api/v1/tokens", &token).await;
    assert!(status.is_client_error(), "{status}");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("expires_in_days"), "{detail}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let server = TestServer::start_with(ServerConfig {
        max_body: yunhai_model::ByteSize(1000),
        ..ServerConfig::default()
    })
    .await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let (status, _) = admin
        .send(
            Method::POST,
            "/api/v1/rules/check",
            &json!({"source": "#".repeat(2000)}),
        )
        .await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_taken_port_says_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let config = ServerConfig {
        listen: taken.local_addr().unwrap(),
        ..ServerConfig::default()
    };
    let error = Bound::new(&config).unwrap_err().to_string();
    assert!(error.contains("another program listens there"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_ends_well() {
    let server = TestServer::start().await;
    let address = server.url.trim_start_matches("http://").to_owned();
    answer(server.request(Method::GET, "/readyz")).await;
    server.stop().await.unwrap();
    assert!(TcpStream::connect(address).is_err());
}
