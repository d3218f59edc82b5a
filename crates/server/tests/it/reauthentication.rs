use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yunhai_identity::Role;

use crate::harness::{PASSWORD, TestServer};

#[tokio::test]
async fn what_gives_access_takes_a_password_that_was_entered_lately() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    server.create_user("eve", Role::Viewer).await;
    let users = admin.get("/api/v1/users?q=eve").await;
    let eve = format!(
        "/api/v1/users/{}",
        users["items"][0]["id"].as_str().unwrap()
    );
    let token = json!({"name": "t", "scopes": ["users:manage"]});
    let registration = json!({"registration": "open", "collect_interval_secs": 7});
    let user = json!({"name": "mal", "role": "admin", "password": PASSWORD});
    let invitation = json!({"role": "admin", "valid_hours": 1});
    let dangerous = [
        (Method::POST, "/api/v1/tokens".to_owned(), token.clone()),
        (Method::PATCH, "/api/v1/settings".to_owned(), registration),
        (Method::POST, format!("{eve}/approve"), Value::Null),
        (Method::POST, format!("{eve}/unlock"), Value::Null),
        (Method::POST, "/api/v1/users".to_owned(), user),
        (Method::PATCH, eve.clone(), json!({"role": "admin"})),
        (Method::DELETE, eve.clone(), Value::Null),
        (Method::DELETE, format!("{eve}/totp"), Value::Null),
        (Method::POST, "/api/v1/invitations".to_owned(), invitation),
        (Method::POST, "/api/v1/me/totp".to_owned(), Value::Null),
        (Method::DELETE, "/api/v1/me/totp".to_owned(), Value::Null),
        (
            Method::POST,
            "/api/v1/me/totp/recovery-codes".to_owned(),
            Value::Null,
        ),
    ];
    server.clock.advance(Duration::from_mins(16));
    for (method, path, body) in dangerous {
        let (status, problem) = admin.send(method.clone(), &path, &body).await;
        assert_eq!(
            (status, problem["code"].as_str()),
            (StatusCode::FORBIDDEN, Some("reauthentication_required")),
            "{method} {path}: {problem}"
        );
    }
    // Nothing of a request that is refused happens, and the rest needs no password.
    let settings = admin.get("/api/v1/settings").await;
    assert_eq!(settings["registration"], "closed");
    assert_eq!(settings["collect_interval_secs"], 1);
    let interval = json!({"collect_interval_secs": 7});
    let (status, answer) = admin
        .send(Method::PATCH, "/api/v1/settings", &interval)
        .await;
    assert_eq!(status, StatusCode::OK, "{answer}");

    let again = json!({"password": PASSWORD});
    let (status, answer) = admin
        .send(Method::POST, "/api/v1/session/reauthenticate", &again)
        .await;
    assert!(status.is_success(), "{answer}");
    let (status, created) = admin.send(Method::POST, "/api/v1/tokens", &token).await;
    assert_eq!(status, StatusCode::CREATED, "{created}");
}
