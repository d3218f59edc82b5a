use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use yunhai_identity::Role;

use crate::harness::{Browser, PASSWORD, TestServer, answer};

/// Finds a user's path by the sign-in name.
async fn path_of(admin: &Browser<'_>, name: &str) -> String {
    let users = admin.get(&format!("/api/v1/users?q={name}")).await;
    format!(
        "/api/v1/users/{}",
        users["items"][0]["id"].as_str().unwrap()
    )
}

/// What an authenticator app shows now for a secret.
fn code(secret: &Value) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret.as_str().unwrap()).unwrap();
    let app = totp_rs::Builder::new()
        .with_secret(secret)
        .with_account_name("ada")
        .build()
        .unwrap();
    let now_secs = std::time::SystemTime::UNIX_EPOCH
        .elapsed()
        .unwrap()
        .as_secs();
    app.generate(now_secs).to_string()
}

/// Sets a second factor up and returns the recovery codes.
async fn enrol(browser: &Browser<'_>) -> Value {
    let (_, enrolment) = browser
        .send(Method::POST, "/api/v1/me/totp", &json!(null))
        .await;
    let confirm = json!({"code": code(&enrolment["secret"])});
    let (status, codes) = browser
        .send(Method::POST, "/api/v1/me/totp/confirm", &confirm)
        .await;
    assert_eq!(status, StatusCode::OK, "{codes}");
    codes
}

#[tokio::test]
async fn an_account_tells_how_the_second_factor_stands() {
    let server = TestServer::start().await;
    let ada = server.sign_in_new("ada", Role::Viewer).await;
    let off = ada.get("/api/v1/me").await;
    assert_eq!(
        off["second_factor"],
        json!({"enabled": false, "enabled_at_ms": null, "recovery_codes_left": 0})
    );
    let (status, _) = ada
        .send(Method::POST, "/api/v1/me/totp/recovery-codes", &json!(null))
        .await;
    assert_eq!(status, StatusCode::CONFLICT);
    let first = enrol(&ada).await;
    let on = ada.get("/api/v1/me").await;
    assert_eq!(on["second_factor"]["recovery_codes_left"], 10);
    assert!(on["second_factor"]["enabled_at_ms"].is_i64());

    let recovery_code = &first["recovery_codes"][0];
    let sign_in = |code: &Value| {
        let body = json!({"name": "ada", "password": PASSWORD, "recovery_code": code});
        server.request(Method::POST, "/api/v1/session").json(&body)
    };
    assert_eq!(answer(sign_in(recovery_code)).await.0, StatusCode::OK);
    let left = ada.get("/api/v1/me").await;
    assert_eq!(left["second_factor"]["recovery_codes_left"], 9);
    let (status, renewed) = ada
        .send(Method::POST, "/api/v1/me/totp/recovery-codes", &json!(null))
        .await;
    assert_eq!(status, StatusCode::OK, "{renewed}");
    assert_eq!(
        answer(sign_in(&first["recovery_codes"][1])).await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        answer(sign_in(&renewed["recovery_codes"][1])).await.0,
        StatusCode::OK
    );
}

#[tokio::test]
async fn an_administrator_sees_and_ends_what_a_user_holds() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let eve = server.sign_in_new("eve", Role::Viewer).await;
    let token = eve.token(&["servers:read"]).await;
    let path = path_of(&admin, "eve").await;

    let tokens = admin.get(&format!("{path}/tokens")).await;
    assert_eq!(
        (&tokens["total"], &tokens["items"][0]["user"]),
        (&json!(1), &json!("eve"))
    );
    let id = tokens["items"][0]["id"].as_str().unwrap();
    let (status, _) = admin
        .send(Method::DELETE, &format!("{path}/tokens/{id}"), &json!(null))
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    let request = server
        .request(Method::GET, "/api/v1/servers")
        .bearer_auth(token);
    assert_eq!(answer(request).await.0, StatusCode::UNAUTHORIZED);

    let sessions = admin.get(&format!("{path}/sessions")).await;
    assert_eq!(
        (&sessions["total"], &sessions["items"][0]["current"]),
        (&json!(1), &json!(false))
    );
    let id = sessions["items"][0]["id"].as_str().unwrap();
    let own = path_of(&admin, "ada").await;
    let (status, _) = admin
        .send(
            Method::DELETE,
            &format!("{own}/sessions/{id}"),
            &json!(null),
        )
        .await;
    assert_eq!(status, StatusCode::NOT_FOUND, "it is not ada's");
    let (status, _) = admin
        .send(
            Method::DELETE,
            &format!("{path}/sessions/{id}"),
            &json!(null),
        )
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(
        answer(eve.request(Method::GET, "/api/v1/me")).await.0,
        StatusCode::UNAUTHORIZED
    );

    let (status, ended) = admin
        .send(
            Method::POST,
            &format!("{own}/sessions/revoke"),
            &json!(null),
        )
        .await;
    assert_eq!(
        (status, ended),
        (StatusCode::OK, json!({"revoked": 0})),
        "not the own one"
    );
    let viewer = server.sign_in("eve").await;
    for what in ["sessions", "tokens"] {
        let request = viewer.request(Method::GET, &format!("{own}/{what}"));
        assert_eq!(answer(request).await.0, StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn an_administrator_helps_who_lost_the_second_factor_or_is_locked_out() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let eve = server.sign_in_new("eve", Role::Viewer).await;
    let path = path_of(&admin, "eve").await;
    enrol(&eve).await;
    assert_eq!(admin.get(&path).await["second_factor"]["enabled"], true);
    let (status, _) = admin
        .send(Method::DELETE, &format!("{path}/totp"), &json!(null))
        .await;
    assert_eq!(status, StatusCode::NO_CONTENT);
    assert_eq!(
        answer(eve.request(Method::GET, "/api/v1/me")).await.0,
        StatusCode::UNAUTHORIZED
    );
    server.sign_in("eve").await;

    let wrong = || {
        let body = json!({"name": "eve", "password": "wrong"});
        server.request(Method::POST, "/api/v1/session").json(&body)
    };
    let locked = loop {
        let response = wrong().send().await.unwrap();
        if response.status() != StatusCode::UNAUTHORIZED {
            break response;
        }
    };
    assert_eq!(locked.status(), StatusCode::TOO_MANY_REQUESTS);
    let told: u64 = locked.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    let problem: Value = locked.json().await.unwrap();
    assert_eq!(
        (&problem["code"], &problem["retry_after_secs"]),
        (&json!("locked_out"), &json!(told))
    );
    assert!((1..=30).contains(&told), "{told}");
    let listed = admin.get("/api/v1/users?state=locked").await;
    assert_eq!(
        (&listed["total"], &listed["items"][0]["name"]),
        (&json!(1), &json!("eve"))
    );
    assert!(listed["items"][0]["locked_until_ms"].is_i64());
    let (status, _) = admin
        .send(Method::POST, &format!("{path}/unlock"), &json!(null))
        .await;
    assert_eq!(status, StatusCode::OK);
    server.sign_in("eve").await;
}

#[tokio::test]
async fn the_own_sessions_end_but_for_the_one_that_asks() {
    let server = TestServer::start().await;
    let here = server.sign_in_new("ada", Role::Viewer).await;
    let there = server.sign_in("ada").await;
    let (status, ended) = here
        .send(Method::POST, "/api/v1/me/sessions/revoke", &json!(null))
        .await;
    assert_eq!((status, ended), (StatusCode::OK, json!({"revoked": 1})));
    here.get("/api/v1/me").await;
    assert_eq!(
        answer(there.request(Method::GET, "/api/v1/me")).await.0,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn invitations_tell_their_state_and_whom_they_are_for() {
    let server = TestServer::start().await;
    let admin = server.sign_in_new("ada", Role::Administrator).await;
    let change = json!({"registration": "invitation"});
    admin.send(Method::PATCH, "/api/v1/settings", &change).await;
    let invite = json!({"role": "operator", "email": "eve@example.com", "valid_hours": 1});
    let (status, invitation) = admin
        .send(Method::POST, "/api/v1/invitations", &invite)
        .await;
    assert_eq!(status, StatusCode::CREATED, "{invitation}");
    assert_eq!(
        (&invitation["state"], &invitation["email"]),
        (&json!("open"), &json!("eve@example.com"))
    );
    let register = json!({"name": "eve", "password": PASSWORD, "invitation": invitation["code"]});
    let request = server
        .request(Method::POST, "/api/v1/registration")
        .json(&register);
    assert_eq!(answer(request).await.0, StatusCode::CREATED);
    let used = admin.get("/api/v1/invitations?state=used").await;
    assert_eq!(
        (&used["total"], &used["items"][0]["used_by"]),
        (&json!(1), &json!("eve"))
    );
    let forever = json!({"role": "viewer", "valid_hours": 0});
    let (status, problem) = admin
        .send(Method::POST, "/api/v1/invitations", &forever)
        .await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(problem["errors"][0]["pointer"], "/valid_hours");
}
